"""The recipes of docs/recipes.md run, and they are those of the example."""

import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.utils.fixes import parse_version

ROOT = Path(__file__).parents[1]
NAMES = ["recipe_n", "recipe_a", "calibrated", "five"]


@pytest.fixture(scope="module")
def documented():
    """What the code blocks of the page define."""
    text = (ROOT / "docs/recipes.md").read_text("utf-8")
    if parse_version(sklearn.__version__) < parse_version("1.8"):
        text = text.replace('"temperature"', '"sigmoid"')
    names = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, names)
    return names


def parameters(model):
    """All parameters, nested ones too, without the objects that have them."""
    return {
        name: value
        for name, value in model.get_params().items()
        if not hasattr(value, "get_params") and name != "estimators"
    }


def test_the_recipes_are_those_of_the_example(documented):
    pytest.importorskip("matplotlib")
    example = runpy.run_path(str(ROOT / "examples/plot_recipes.py"))
    last = list(example["ladder"](256, quick=False).values())[-4:]
    for name, model in zip(NAMES, last, strict=True):
        assert parameters(documented[name]) == parameters(model)


@pytest.mark.parametrize("name", [*NAMES, "larger_moves"])
def test_the_recipes_learn(documented, name):
    X, y = load_digits(return_X_y=True)
    X = np.kron(X.reshape(-1, 8, 8), np.full((2, 2), 1 / 16)).reshape(-1, 256)
    model = clone(documented[name])
    epochs = {p: 5 for p in model.get_params() if p.split("__")[-1] == "max_iter"}
    model.set_params(**epochs).fit(X[:600], y[:600])
    assert model.score(X[600:1000], y[600:1000]) > 0.8
