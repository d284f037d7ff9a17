"""partial_fit: calls are epochs, batches may be of any kind, nothing grows."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import accuracy_score

from sknet import ScratchMLPClassifier
from support import NAMES, PLAIN_SGD, STEPPERS, assert_same_fit, network, short


@short
@pytest.mark.parametrize("pickled", [False, True])
@pytest.mark.parametrize("parameters", STEPPERS.values(), ids=STEPPERS)
def test_calls_of_partial_fit_are_the_epochs_of_fit(iris, parameters, pickled):
    X, y = iris
    whole = network(max_iter=7, **parameters).fit(X, y)
    net = network(**parameters)
    for _ in range(7):
        net.partial_fit(X, y, classes=[0, 1, 2])
        if pickled:
            net = pickle.loads(pickle.dumps(net))
        assert net.n_iter_ == 1
    assert_same_fit(net, whole)
    assert net.t_ == whole.t_


def test_partial_fit_goes_on_after_fit(iris):
    X, y = iris
    net = network(max_iter=5, warm_start=True).fit(X, y).partial_fit(X, y)
    assert_same_fit(net, network(max_iter=6).fit(X, y))


def test_partial_fit_after_a_plain_fit_goes_on_in_an_order_of_its_own(iris):
    """All else is remembered, as it shows where there is no order."""
    X, y = iris
    net = network(max_iter=5).fit(X, y).partial_fit(X, y)
    six = network(max_iter=6).fit(X, y)
    assert not np.array_equal(net.coefs_[0], six.coefs_[0])
    net = network(max_iter=5, shuffle=False).fit(X, y).partial_fit(X, y)
    assert_same_fit(net, network(max_iter=6, shuffle=False).fit(X, y))


def test_warm_start_and_partial_fit_follow_each_other(iris):
    X, y = iris
    whole = network(max_iter=6).fit(X, y)
    net = network(max_iter=2, warm_start=True)
    net.partial_fit(X, y, classes=[0, 1, 2]).fit(X, y).partial_fit(X, y).fit(X, y)
    assert_same_fit(net, whole)


@pytest.mark.parametrize("random_state", [0, None])
def test_no_call_repeats_the_shuffle_of_another(iris, random_state):
    """With batches of one, the weights tell in which order the samples came."""
    X, y = iris
    parameters = {**PLAIN_SGD, "batch_size": 1, "alpha": 0.0}
    net = network(**parameters, random_state=random_state)
    net.partial_fit(X, y, classes=[0, 1, 2])
    start = [c.copy() for c in net.coefs_], [b.copy() for b in net.intercepts_]
    ends = []
    for _ in range(4):
        net.coefs_, net.intercepts_ = start
        ends.append(net.partial_fit(X, y).coefs_[0].copy())
    for i, end in enumerate(ends):
        assert not any(np.allclose(end, other, rtol=1e-9) for other in ends[:i])


@pytest.mark.parametrize(("solver", "n_calls"), [("sgd", 300), ("adam", 400)])
def test_the_model_does_not_grow_under_partial_fit(solver, n_calls):
    """Elsewhere every loss is kept (scikit-learn issue 19959)."""
    X, y = np.eye(4), np.array([0, 1, 0, 1])
    net = network(hidden_layer_sizes=(2,), solver=solver, batch_size=4)
    sizes = []
    for n in (150, n_calls - 150):
        for _ in range(n):
            net.partial_fit(X, y, classes=[0, 1])
        sizes.append(len(pickle.dumps(net)))
    assert net.t_ == 4 * n_calls
    assert len(net.loss_curve_) <= 150
    assert max(sizes) - min(sizes) < 16  # a larger count takes a byte or two more


# -- classes ---------------------------------------------------------------------------


@pytest.mark.parametrize("warm_start", [False, True])
def test_batches_may_lack_classes(iris, warm_start):
    """With warm_start too (scikit-learn issue 11758)."""
    X, y = iris
    net = network(warm_start=warm_start, learning_rate_init=0.05)
    net.partial_fit(X[:60], y[:60], classes=[0, 1, 2])
    net.partial_fit(X[:50], y[:50])
    for _ in range(50):
        net.partial_fit(X[100:], y[100:]).partial_fit(X[:100], y[:100])
    assert set(net.predict(X)) == {0, 1, 2}
    with pytest.raises(ValueError, match=r"\[3\].*not among the classes \[0, 1, 2\]"):
        net.partial_fit(X, y + 1)


def test_multilabel_batches_may_lack_labels(multilabel):
    X, y = multilabel
    net = network(learning_rate_init=0.05, batch_size="auto")
    net.partial_fit(X[:30], y[:30] & [1, 1, 0, 0], classes=[0, 1, 2, 3])
    net.partial_fit(X[:30], np.zeros((30, 4), dtype=int))
    for _ in range(100):
        net.partial_fit(X, y, classes=[0, 1, 2, 3])
    assert accuracy_score(y, net.predict(X)) > 0.7  # all four labels must be right


def test_partial_fit_needs_the_classes_once(iris):
    X, y = iris
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        network().partial_fit(X, y)
    net = network().partial_fit(X, y, classes=[0, 1, 2])
    net.partial_fit(X, y, classes=[2, 0, 1])  # again, in any order
    with pytest.raises(ValueError, match=r"\[0, 1, 2, 3\].*\[0, 1, 2\]"):
        net.partial_fit(X, y, classes=[0, 1, 2, 3])


def test_partial_fit_refuses_classes_of_another_number_of_labels(multilabel):
    X, y = multilabel
    network().partial_fit(X, y, classes=[0, 1, 2, 3])
    with pytest.raises(ValueError, match="classes"):
        network().partial_fit(X, y, classes=[0, 1])


@pytest.mark.parametrize(
    "unseen",
    [
        lambda y: y + 1,
        lambda y: y + 0.5,
        lambda y: y.astype(str),
        lambda y: NAMES[y],
        lambda y: y - 1,
    ],
    ids=["other numbers", "halves", "digits as str", "words", "negative"],
)
def test_partial_fit_refuses_labels_that_are_not_among_the_classes(iris, unseen):
    X, y = iris
    net = network().partial_fit(X, y, classes=[0, 1, 2])
    before = net.predict_proba(X)
    with pytest.raises(ValueError, match=r"not among the classes|label type"):
        net.partial_fit(X, unseen(y))
    assert_array_equal(net.predict_proba(X), before)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["apple", "beech", "apple"], ["a", "b"]),  # must not be cut to one letter
        (["1", "2", "1"], [1, 2]),
        ([True, False, True], ["True", "False"]),
        ([0, 5, 7], [False, True]),
    ],
    ids=str,
)
def test_labels_are_not_cast_to_the_type_of_the_classes(y, classes):
    net = network(batch_size="auto")
    with pytest.raises(ValueError, match=r"not among the classes|label type"):
        net.partial_fit([[0.0], [1.0], [2.0]], y, classes=classes)


def test_another_kind_of_target_is_refused(iris):
    X, y = iris
    labels = (np.random.RandomState(0).uniform(size=(150, 3)) < 0.5).astype(int)
    net = network().partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="does not fit this multiclass model"):
        net.partial_fit(X, labels)
    net = network().partial_fit(X, labels, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="does not fit this multilabel"):
        net.partial_fit(X, y)
    with pytest.raises(ValueError, match=r"2 label columns.*3"):
        net.partial_fit(X, labels[:, :2])


# -- what has none ---------------------------------------------------------------------


def test_early_stopping_has_no_partial_fit(iris):
    """Its history cannot be consistent (scikit-learn issue 25693)."""
    X, y = iris
    net = network(early_stopping=True)
    with pytest.raises(ValueError, match="partial_fit does not support early_stop"):
        net.partial_fit(X, y, classes=[0, 1, 2])


def test_lbfgs_has_no_partial_fit():
    net = ScratchMLPClassifier(solver="lbfgs")
    assert not hasattr(net, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        net.partial_fit  # noqa: B018


@pytest.mark.parametrize(
    "parameters",
    [{"alpha": -1}, {"augment": 3}, {"beta_1": 1.5}, {"hidden_layer_sizes": "a"}],
)
def test_every_call_checks_the_parameters(iris, parameters):
    """scikit-learn checks them in the first call only."""
    net = network().partial_fit(*iris, classes=[0, 1, 2])
    usual, before = net.get_params(), pickle.dumps(net)
    (name,) = parameters
    with pytest.raises(ValueError, match=f"The '{name}' parameter of ScratchMLPC"):
        net.set_params(**parameters).partial_fit(*iris)
    assert pickle.dumps(net.set_params(**usual)) == before
