"""The notebook of the article is what its script makes, and its numbers are right."""

import io
import re
import runpy
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime

from test_backprop import article
from test_docs import assert_printed

jupytext = pytest.importorskip("jupytext")
plt = pytest.importorskip("matplotlib.pyplot")
plt.switch_backend("Agg")  # no windows

SCRIPT = Path(__file__).parents[1] / "examples/digits_from_scratch.py"
NOTEBOOK = jupytext.read(SCRIPT.with_suffix(".ipynb"))


@pytest.fixture(scope="module")
def run():
    """Names and printed text of the script, run on Semeion or on the bundled digits."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        names = runpy.run_path(str(SCRIPT), run_name="__main__")
    figures = len(plt.get_fignums())
    plt.close("all")
    return names, printed.getvalue(), figures


def outputs(kind):
    """Outputs of one kind of all cells of the notebook."""
    return [
        output
        for cell in NOTEBOOK.cells
        for output in cell.get("outputs", [])
        if output.output_type == kind
    ]


def test_the_notebook_has_the_cells_of_the_script():
    script = jupytext.read(SCRIPT)
    assert len(script.cells) > 20
    for ours, made in zip(script.cells, NOTEBOOK.cells, strict=True):
        assert (ours.cell_type, ours.source) == (made.cell_type, made.source)


def test_it_was_run_from_beginning_to_end():
    code = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not outputs("error")
    assert not [stream for stream in outputs("stream") if stream.name == "stderr"]


def test_it_shows_what_the_script_prints_and_draws(run):
    _, printed, figures = run
    assert len(outputs("display_data")) == figures
    if "8x8 digits" not in printed:
        assert_printed(printed, "".join(stream.text for stream in outputs("stream")))


def test_it_runs_without_semeion(offline, monkeypatch, capsys):
    for name, value in offline.items():
        monkeypatch.setenv(name, value)
    # What comes after the costs that are compared takes long, and is in other tests.
    source, rest = SCRIPT.read_text("utf-8").split("# ## What the estimator adds\n")
    assert rest
    names = {"__name__": "__main__"}
    exec(source, names)
    plt.close("all")
    assert "8x8 digits instead of Semeion" in capsys.readouterr().out
    assert names["X"].shape == (1797, 64)
    assert_costs_agree(names)


def assert_costs_agree(names):
    by_hand, by_sknet = names["costs"], names["network"].loss_curve_
    assert len(by_hand) == len(by_sknet) == 500
    assert_allclose(by_sknet, by_hand, rtol=0, atol=1e-10)
    assert by_hand[-1] < by_hand[0] / 3


def test_numpy_and_the_estimator_have_the_same_costs_500_times(run):
    names, printed, _ = run
    assert_costs_agree(names)
    assert "500 costs agree to 1e-10: True" in printed
    assert "The same guesses: True" in printed
    assert_array_equal(
        names["network"].predict(names["X_test"]),
        names["guesses"](names["thetas"], names["X_test"]),
    )


def test_its_accuracies_are_those_of_the_docs(run):
    names, printed, _ = run
    found = re.findall(r"Accuracy .*: ([\d.]+)$", printed, re.MULTILINE)
    by_hand, folds, recipe = map(float, found)
    assert names["accuracies"][-1] == pytest.approx(by_hand, abs=5.1e-4)
    assert by_hand > 0.88  # 91.4 in ten folds
    assert folds > 0.9
    assert recipe > 0.96  # 97.9 in ten folds


@pytest.fixture
def small():
    """A network of 5-4-3-2 units, and seven samples."""
    rng = np.random.RandomState(0)
    thetas = [rng.uniform(-1, 1, shape) for shape in ((4, 6), (3, 5), (2, 4))]
    X = rng.uniform(size=(7, 5))
    return thetas, X, np.eye(2)[rng.randint(2, size=7)]


def test_its_equations_are_those_written_with_loops(run, small):
    names, _, _ = run
    thetas, X, T = small
    lists = [theta.tolist() for theta in thetas], X.tolist(), T.tolist(), 0.7
    assert_allclose(
        names["cost"](thetas, X, T, 0.7), article.article_cost(*lists), rtol=1e-13
    )
    grads = names["gradient"](thetas, X, T, 0.7)
    for grad, expected in zip(grads, article.article_gradient(*lists), strict=True):
        assert_allclose(grad, expected, rtol=1e-11, atol=1e-14)


def test_its_gradient_is_that_of_its_cost(run, small):
    names, _, _ = run
    thetas, X, T = small
    ends = np.cumsum([theta.size for theta in thetas])[:-1]

    def cost(flat):
        parts = np.split(flat, ends)
        shaped = [part.reshape(t.shape) for part, t in zip(parts, thetas, strict=True)]
        return names["cost"](shaped, X, T, 0.7)

    flat = np.concatenate([theta.ravel() for theta in thetas])
    grads = names["gradient"](thetas, X, T, 0.7)
    found = np.concatenate([grad.ravel() for grad in grads])
    assert_allclose(found, approx_fprime(flat, cost), atol=1e-6)


def test_its_recipe_is_recipe_a(run):
    names, printed, _ = run
    page = {}
    text = (SCRIPT.parents[1] / "docs/recipes.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)[:2]:
        exec(block, page)
    ours, recipe = (n.get_params() for n in (names["recipe"], page["recipe_a"]))
    del ours["augment"], recipe["augment"]
    if "8x8 digits" in printed:
        del ours["augment__image_shape"], recipe["augment__image_shape"]
    assert ours == recipe
