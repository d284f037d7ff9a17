"""Weights of samples and of classes that are too large, too small, or none at all."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sknet import ScratchMLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def network(**parameters):
    defaults = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    return ScratchMLPClassifier(**{**defaults, **parameters})


EXTREMES = {
    "product overflows": ({"class_weight": {0: 1e300}}, 1e300),
    "product vanishes": ({"class_weight": {0: 1e-300, 1: 1e-300, 2: 1e-300}}, 1e-300),
    "sum overflows": ({}, 1e308),
    "balanced, tiny": ({"class_weight": "balanced"}, 1e-310),
    "tiny": ({}, 1e-300),
    "beyond float32": ({"dtype": "float32"}, 1e-45),
}


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_weights_that_overflow_or_vanish_are_blamed(iris, name, solver):
    X, y = iris
    parameters, weight = EXTREMES[name]
    net = network(solver=solver, **parameters)
    with pytest.raises(ValueError, match=r"sample_weight.*class_weight.*common factor"):
        net.fit(X, y, np.full(150, weight))
    assert not hasattr(net, "classes_")
    if "class_weight" not in parameters:
        with pytest.raises(ValueError, match=r"sample_weight_val.*common factor"):
            net.fit(X, y, X_val=X, y_val=y, sample_weight_val=np.full(150, weight))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-35, 1e-6, 1e6, 1e35])
def test_weights_that_pass_have_no_scale(iris, dtype, scale):
    X, y = iris
    net, reference = (network(alpha=0.0, dtype=dtype) for _ in range(2))
    w = 1.0 + y
    net.fit(X, y, scale * w)
    reference.fit(X, y, w)
    tolerance = 1e-4 if dtype == "float32" else 1e-9
    assert_allclose(net.predict_proba(X), reference.predict_proba(X), rtol=tolerance)


@pytest.mark.parametrize("word", ["balanced", "auto"])
def test_a_word_is_no_weight(iris, word):
    X, y = iris
    message = f"sample_weight='{word}' is no array.*class_weight='balanced'"
    with pytest.raises(ValueError, match=message):
        network().fit(X, y, sample_weight=word)
    with pytest.raises(ValueError, match=message):
        network().partial_fit(X, y, sample_weight=word, classes=[0, 1, 2])


def test_a_chunk_of_classes_without_weight_teaches_nothing(iris):
    X, y = iris
    net = network(class_weight={0: 0.0}).partial_fit(X, y, classes=[0, 1, 2])
    before, t = net.predict_proba(X), net.t_
    net.partial_fit(X[y == 0], y[y == 0])
    assert_array_equal(net.predict_proba(X), before)
    assert net.t_ == t
    assert len(net.loss_curve_) == 1
    reference = network(class_weight={0: 0.0}).partial_fit(X, y, classes=[0, 1, 2])
    for one in net, reference:  # not even the optimizer's memory has changed
        one.partial_fit(X, y)
    assert_array_equal(net.predict_proba(X), reference.predict_proba(X))


def test_such_a_chunk_may_come_first(iris):
    X, y = iris
    net = network(class_weight={0: 0.0})
    net.partial_fit(X[y == 0], y[y == 0], classes=[0, 1, 2]).partial_fit(X, y)
    reference = network(class_weight={0: 0.0}).partial_fit(X, y, classes=[0, 1, 2])
    assert_array_equal(net.predict_proba(X), reference.predict_proba(X))


@pytest.mark.filterwarnings("ignore:y contains only one class")
def test_fit_needs_a_class_with_weight(iris):
    X, y = iris
    net = network(class_weight={0: 0.0, 1: 0.0})
    message = r"class_weight=\{0: 0.0, 1: 0.0\} gives all samples"
    for few in y == 0, y < 2:
        with pytest.raises(ValueError, match=message):
            net.fit(X[few], y[few])
    with pytest.raises(ValueError, match=f"(?s)X_val.*{message}"):
        net.fit(X, y, X_val=X[y < 2], y_val=y[y < 2])
    assert not hasattr(net, "classes_")
