"""The shape of the package: depth of calls, imports, lengths, documentation."""

import ast
import inspect
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import sknet
from sknet import ScratchMLPClassifier
from support import network

PACKAGE = Path(sknet.__file__).parent
SOURCES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in SOURCES.items()}
CHAPTERS = [
    "activations",
    "losses",
    "initializers",
    "network",
    "backprop",
    "gradient_check",
    "optimizers",
    "schedules",
    "batches",
    "training",
    "dropout",
    "custom_activations",
    "regression_losses",
]
# What stands between the textbook and scikit-learn's layer, and may import both.
ESTIMATORS = {"classifier", "regressor", "tables", "callbacks", "export"}


def is_of_sklearn_layer(module):
    return module.split(".")[:2] == ["sknet", "_sklearn"]


def imports(module):
    """Modules of sknet that a module imports, wherever in it."""
    package = (
        module if SOURCES[module].name == "__init__.py" else module.rpartition(".")[0]
    )
    found = set()
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parent = package.split(".")
            parent = ".".join(
                parent[: len(parent) + 1 - node.level] if node.level else []
            )
            origin = ".".join(filter(None, [parent, node.module]))
            of_modules = {f"{origin}.{alias.name}" for alias in node.names}
            submodules = {name for name in of_modules if known(name)}
            found |= submodules
            if len(submodules) < len(of_modules):
                found.add(origin)
    return {known(name) for name in found if known(name)}


def known(name):
    """The name by which a module of sknet is listed, or None."""
    return next((n for n in (name, f"{name}.__init__") if n in SOURCES), None)


# -- depth -----------------------------------------------------------------------------


class Deepest:
    """The identity as an activation, which keeps the longest way to it from fit."""

    def __init__(self):
        self.frames = []

    def __call__(self, z):
        frames, frame = [], sys._getframe(1)
        while frame.f_code.co_name != "fit_only":
            frames.append(frame.f_code.co_name)
            frame = frame.f_back
        if "train" in frames:  # not where the pair is checked before training
            self.frames = max(self.frames, frames[::-1], key=len)
        return z


def ones(z):
    return np.ones_like(z)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_at_most_seven_frames_from_fit_to_the_matrix_product(iris, solver):
    """A wrapper, fit, a loop, train, value_and_grad, forward, and the product itself.

    A layer's activation stands beside its product; what calls the user's function is
    in the place of what makes the product.
    """
    deepest = Deepest()
    net = network(solver, activation=(deepest, ones), max_iter=1)

    def fit_only():
        net.fit(*iris)

    fit_only()
    assert deepest.frames
    assert len(deepest.frames) <= 7, deepest.frames


# -- imports ---------------------------------------------------------------------------


@pytest.mark.parametrize("module", [m for m in SOURCES if not is_of_sklearn_layer(m)])
def test_the_textbook_knows_nothing_of_the_layer_of_scikit_learn(module):
    if module.split(".")[1] in ESTIMATORS | {"__init__"}:
        pytest.skip("made for users of scikit-learn")
    assert not [name for name in imports(module) if is_of_sklearn_layer(name)]


def test_scikit_learn_has_a_layer_of_its_own():
    """Or the test above would have nothing to find."""
    assert any(map(is_of_sklearn_layer, SOURCES))
    assert any(map(is_of_sklearn_layer, imports("sknet.classifier")))


@pytest.mark.parametrize("module", SOURCES)
def test_no_module_imports_itself_by_a_circle(module):
    reached, ahead = set(), imports(module)
    while ahead:
        reached |= ahead
        ahead = set().union(*map(imports, ahead)) - reached
    assert module not in reached


# -- lengths ---------------------------------------------------------------------------


@pytest.mark.parametrize("module", SOURCES)
def test_no_function_is_longer_than_40_lines(module):
    """Docstrings apart."""
    too_long = {}
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.FunctionDef):
            n_lines = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node) is not None:
                n_lines -= node.body[0].end_lineno - node.body[0].lineno + 1
            if n_lines > 40:
                too_long[node.name] = n_lines
    assert not too_long


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_chapter_is_longer_than_300_lines(chapter):
    text = (PACKAGE / f"{chapter}.py").read_text("utf-8")
    n_lines = text.count("\n")
    assert n_lines <= 300


# -- documentation ---------------------------------------------------------------------


def documented_parameters():
    """Type, with the default, of each parameter in the class docstring."""
    docstring = inspect.getdoc(ScratchMLPClassifier)
    section = docstring.split("\nParameters\n----------\n")[1]
    section = re.split(r"\n\w[\w ]*\n-{3,}\n", section)[0]
    entries = re.findall(r"^(\w[\w, ]*) : (.+)$", section, re.MULTILINE)
    return {name: type_ for names, type_ in entries for name in names.split(", ")}


@pytest.mark.parametrize(
    "parameter",
    inspect.signature(ScratchMLPClassifier).parameters.values(),
    ids=lambda parameter: parameter.name,
)
def test_the_class_docstring_names_every_parameter_and_its_default(parameter):
    _, default = documented_parameters()[parameter.name].split("default=")
    assert ast.literal_eval(default) == parameter.default


def test_the_class_docstring_names_no_other_parameter():
    signature = inspect.signature(ScratchMLPClassifier)
    assert set(documented_parameters()) == set(signature.parameters)
