"""A network in words, and what a notebook shows of an estimator."""

import inspect
import re

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

from sknet import ScratchMLPClassifier, ScratchMLPRegressor
from support import network, regressor

ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]


def rows(text):
    """Cells of the table, without the title, the head and the sum."""
    title, head, *lines, total = text.splitlines()
    assert " ".join(head.split()) == "layer units activation weights biases parameters"
    return title, [re.split(r"  +", line) for line in lines], total


def number(cell):
    return int(cell.replace(",", ""))


@pytest.mark.parametrize("hidden", [(), (7,), (1200, 3)])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_rows_are_the_layers_and_their_arrays(iris, estimator, hidden):
    net = network(cls=estimator, hidden_layer_sizes=hidden, max_iter=1).fit(*iris)
    title, table, total = rows(net.summary())
    assert title == estimator.__name__
    names = [f"hidden {layer}" for layer in range(len(hidden))]
    assert [row[0] for row in table] == ["input", *names, "output"]
    assert table[0] == ["input", "4"]
    for row, W, b in zip(table[1:], net.coefs_, net.intercepts_, strict=True):
        assert number(row[1]) == number(row[4]) == len(b)
        assert tuple(map(number, row[3].split(" x "))) == W.shape
        assert number(row[5]) == W.size + b.size
    n_parameters = sum(array.size for array in [*net.coefs_, *net.intercepts_])
    assert total.startswith(f"{n_parameters:,} parameters in float64, ")


def test_columns_are_aligned(iris):
    net = network(hidden_layer_sizes=(1200, 3), max_iter=1).fit(*iris)
    _, head, *lines, _ = net.summary().splitlines()
    ends = [head.index("units") + len("units"), len(head)]
    assert all(line[: ends[0]].rstrip()[-1].isdigit() for line in lines)
    assert {len(line) for line in lines[1:]} == {ends[1]}


def square(z):
    return z**2


def double(z):
    return 2 * z


def test_activations_are_named(iris):
    activation = ["gelu", (square, double), (np.sin, np.cos)]
    net = network(hidden_layer_sizes=(3, 3, 3), activation=activation).fit(*iris)
    _, table, _ = rows(net.summary())
    assert [row[2] for row in table[1:]] == ["gelu", "square", "sin", "softmax"]
    _, table, _ = rows(regressor(loss="poisson").fit(*iris).summary())
    assert table[-1][2] == "exp"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_size_is_that_of_the_weights(iris, dtype):
    net = network(dtype=dtype, hidden_layer_sizes=(500,), max_iter=1).fit(*iris)
    *_, total = rows(net.summary())
    found = re.fullmatch(rf"[\d,]+ parameters in {dtype}, ([\d.]+) kB", total)
    n_bytes = sum(array.nbytes for array in [*net.coefs_, *net.intercepts_])
    assert float(found[1]) == pytest.approx(n_bytes / 1000, rel=0.01)


def test_trained_on_sparse_samples_it_says_the_same(iris):
    X, y = iris
    net = network().fit(sparse.csr_array(X), y)
    assert net.summary() == network().fit(X, y).summary()


def test_a_compact_model_says_the_same(iris):
    net = network().fit(*iris)
    before = net.summary()
    assert net.compact().summary() == before


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_without_a_fit_there_is_no_summary(estimator):
    with pytest.raises(NotFittedError):
        estimator().summary()


# -- what a notebook shows -------------------------------------------------------------

# Values that fit would refuse, but a notebook shows before fit is called.
MISTAKES = {
    ScratchMLPClassifier: [
        {"activation": "gleu"},
        {"hidden_layer_sizes": "many"},
        {"out_activation": "probit"},
        {"solver": None},
        {"scoring": "acuracy"},
        {"class_weight": "balnced"},
        {"learning_rate": 0.1},
    ],
    ScratchMLPRegressor: [
        {"activation": "gleu"},
        {"loss": "hubert"},
        {"loss": (np.abs,)},
        {"loss": None},
        {"loss": "quantile", "quantile": 2},
        {"target_scaling": 1},
    ],
}
CASES = [
    pytest.param(estimator, {}, id=estimator.__name__) for estimator in ESTIMATORS
] + [
    pytest.param(estimator, mistake, id=str(mistake))
    for estimator, mistakes in MISTAKES.items()
    for mistake in mistakes
]


@pytest.mark.parametrize(("estimator", "parameters"), CASES)
def test_no_property_raises_in_a_notebook(iris, estimator, parameters):
    """scikit-learn's HTML looks at all of them, private ones too."""
    net = estimator(**parameters)
    assert "coefs_" not in dict(inspect.getmembers(net))
    assert estimator.__name__ in net._repr_html_()
    net = network(cls=estimator).fit(*iris).set_params(**parameters)
    members = dict(inspect.getmembers(net))
    assert [W.shape for W in members["coefs_"]] == [W.shape for W in net.coefs_]
    assert estimator.__name__ in net._repr_html_()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_notebook_shows_weights_as_arrays(iris, estimator):
    html = network(cls=estimator).fit(*iris)._repr_html_()
    if "Fitted attributes" not in html:
        pytest.skip("needs scikit-learn 1.9")
    html = html[html.index("Fitted attributes") :]
    text = re.sub(r"<span.*?</span>|<[^>]+>", " ", html, flags=re.DOTALL)
    for name in "coefs_", "intercepts_":
        assert re.search(rf"\b{name}\s+ListOfArrays\s+\[array\(", text)
