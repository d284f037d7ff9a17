"""Pickles and copies: what goes on, goes on the same through any of them."""

import copy
import pickle
import re
import subprocess
import sys

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError

import sknet
from sknet import ScratchMLPClassifier

ENDLESS = {"tol": 0, "n_iter_no_change": np.inf}


def through_skops(net):
    io = pytest.importorskip("skops.io")
    return io.loads(io.dumps(net), trusted=["sknet.classifier.ScratchMLPClassifier"])


def through_joblib(net, **how):
    """Through a file of joblib, which may come back as a memory map."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(net, Path(folder, "net"))
        return joblib.load(Path(folder, "net"), **how)


COPIES = {
    "pickle": lambda net: pickle.loads(pickle.dumps(net)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "joblib": through_joblib,
    "memory map": lambda net: through_joblib(net, mmap_mode="r"),
    "skops": through_skops,
    "compressed twice": lambda net: copy.copy(pickle.loads(pickle.dumps(net, 2))),
}
each_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)


def network(**parameters):
    settings = {"batch_size": 20, "max_iter": 3, "random_state": 0, **parameters}
    return ScratchMLPClassifier(**{"hidden_layer_sizes": 5, **ENDLESS, **settings})


def theta_of(net):
    return np.concatenate([w.ravel() for w in net.coefs_ + net.intercepts_])


def plain_fit(net, X, y):
    return net.fit(X, y)


def warm_fit(net, X, y):
    return net.set_params(warm_start=True).fit(X, y)


def interrupted_fit(net, X, y):
    net.set_params(random_state=CtrlC(net.random_state), warm_start=True)
    with pytest.warns(UserWarning, match="Ctrl-C"):
        return net.fit(X, y).set_params(random_state=0)


class CtrlC(np.random.RandomState):
    """Interrupts the second epoch."""

    def shuffle(self, x):
        super().shuffle(x)
        self.n_shuffles = getattr(self, "n_shuffles", 0) + 1
        if self.n_shuffles == 2:
            raise KeyboardInterrupt


def incremental_fit(net, X, y):
    return net.partial_fit(X, y, classes=range(3))


FIRST = [plain_fit, warm_fit, incremental_fit, interrupted_fit]
THEN = {
    "fit": plain_fit,
    "warm fit": warm_fit,
    "partial_fit": lambda net, X, y: net.partial_fit(X, y),
    "fit with lbfgs": lambda net, X, y: warm_fit(
        net.set_params(**{**as_lbfgs(), "max_iter": 500, "alpha": 1.0}), X, y
    ),
}
SETTINGS = [
    {"solver": "sgd"},
    {"solver": "adamw", "dropout": 0.3, "input_dropout": 0.1},
    {"learning_rate": "adaptive", "tol": 10.0, "n_iter_no_change": 1, "max_iter": 5},
    {"shuffle": False},
    {"dtype": "float32"},
]


def as_lbfgs():
    default = ScratchMLPClassifier().get_params()
    names = "batch_size", "learning_rate", "n_iter_no_change", "dropout", "tol"
    kept = {name: default[name] for name in (*names, "input_dropout", "shuffle")}
    return {**kept, "solver": "lbfgs"}


CASES = [(copied, {}) for copied in COPIES] + [("pickle", one) for one in SETTINGS]


@pytest.mark.parametrize(("copied", "parameters"), CASES, ids=str)
@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("then", THEN)
@pytest.mark.filterwarnings("ignore:Training reached max_iter")
def test_training_goes_on_the_same_through_any_copy(
    copied, first, then, parameters, iris
):
    if first is interrupted_fit and not parameters.get("shuffle", True):
        pytest.skip("Ctrl-C is pressed in a shuffle")
    net = first(network(**parameters), *iris)
    other = COPIES[copied](net)
    THEN[then](net, *iris)
    THEN[then](other, *iris)
    assert_array_equal(theta_of(other), theta_of(net))
    assert other.loss_curve_ == net.loss_curve_
    assert other.n_iter_ == net.n_iter_


@each_copy
def test_early_stopping_goes_on_the_same_through_any_copy(copied, iris):
    for warm in False, True:
        net = network(early_stopping=True, warm_start=warm, max_iter=6).fit(*iris)
        other = copied(net)
        for one in net, other:
            warm_fit(one, *iris)
        assert other.validation_scores_ == net.validation_scores_
        assert_array_equal(theta_of(other), theta_of(net))


def test_training_in_other_processes_goes_on_the_same(iris):
    nets = [network().fit(*iris) for _ in range(2)]
    there = joblib.Parallel(n_jobs=2)(
        joblib.delayed(ScratchMLPClassifier.partial_fit)(net, *iris) for net in nets
    )
    here = nets[0].partial_fit(*iris)
    for net in there:
        assert_array_equal(theta_of(net), theta_of(here))


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_plain_fit_forgets_the_rows(early_stopping):
    """A model is not as large as its training set: 30,000 rows, 21 weights."""
    X = np.random.default_rng(0).normal(size=(30_000, 4))
    y = (X[:, 0] > 0).astype(int)
    settings = {"early_stopping": early_stopping, "batch_size": 1000, "max_iter": 2}
    size = len(pickle.dumps(network(**settings).fit(X, y)))
    assert size < 20_000
    assert len(pickle.dumps(network(**settings, warm_start=True).fit(X, y))) > len(y)


# -- a copy shares nothing that training changes ---------------------------------------


@pytest.mark.parametrize("of", ["the copy", "the original"])
@pytest.mark.parametrize("then", THEN)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_training_a_shallow_copy_leaves_the_other_alone(of, then, early_stopping, iris):
    if early_stopping and then in ("partial_fit", "fit with lbfgs"):
        pytest.skip("cannot be")
    net = network(early_stopping=early_stopping, warm_start=True).fit(*iris)
    other = copy.copy(net)
    trained, left = (other, net) if of == "the copy" else (net, other)
    before = pickle.dumps(left)
    THEN[then](trained, *iris)
    assert pickle.dumps(left) == before


# -- compact ---------------------------------------------------------------------------


def size_in_weights(net):
    return len(pickle.dumps(net)) / sum(w.nbytes for w in net.coefs_ + net.intercepts_)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.mark.parametrize(
    ("parameters", "n_vectors"),
    [
        ({}, 3),
        ({"solver": "adamw", "warm_start": True}, 3),
        ({"solver": "sgd"}, 2),
        ({"solver": "sgd", "momentum": 0.0}, 1),
        ({"early_stopping": True, "warm_start": True}, 3),
        ({"solver": "sgd", "dtype": "float32"}, 2),
    ],
    ids=str,
)
def test_sizes_of_pickles(parameters, n_vectors, digits):
    """Weights, and Adam's two moments or the velocity; compact leaves the weights."""
    net = network(**parameters, hidden_layer_sizes=(2000,), max_iter=1, batch_size=200)
    net.fit(*digits)
    assert n_vectors <= size_in_weights(net) < n_vectors + 0.1
    assert size_in_weights(net.compact()) < 1.1


def test_compact_changes_no_prediction_and_keeps_views(digits):
    X, y = digits
    net = network().fit(X, y)
    before, curve, coef = net.predict_proba(X), net.loss_curve_, net.coefs_[0]
    assert net.compact() is net
    assert_array_equal(net.predict_proba(X), before)
    assert net.loss_curve_ == curve
    coef[:] = 0
    assert not net.coefs_[0].any()


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_training_after_compact_tells_once_of_what_is_lost(call, iris):
    net = network(warm_start=True).fit(*iris)
    net = pickle.loads(pickle.dumps(net.compact().compact()))
    with pytest.warns(UserWarning, match="goes on without what it remembered"):
        getattr(net, call)(*iris)
    getattr(net, call)(*iris)  # warnings are errors


def test_compact_begins_with_a_new_memory(iris):
    """As weights by hand do."""
    net = network(shuffle=False, warm_start=True).fit(*iris).compact()
    start = {
        "coef_init": [coef.copy() for coef in net.coefs_],
        "intercept_init": [b.copy() for b in net.intercepts_],
    }
    expected = network(shuffle=False).fit(*iris, **start)
    with pytest.warns(UserWarning, match="compact"):
        net.fit(*iris)
    assert_array_equal(theta_of(net), theta_of(expected))


def test_fit_anew_after_compact_warns_of_nothing(iris):
    net = network().fit(*iris)
    expected = theta_of(net)
    assert_array_equal(theta_of(net.compact().fit(*iris)), expected)


def test_nothing_to_compact():
    with pytest.raises(NotFittedError):
        network().compact()


# -- other versions --------------------------------------------------------------------


def saved_by(net, version, **changes):
    """The network as a pickle of that version, without some of what it now has."""
    state = net.__getstate__()
    state["_training"] = dict(state["_training"])
    state["_sknet_version"] = version
    for name in changes.get("without", ()):
        state.pop(name, None)
        state["_training"].pop(name, None)
    if version is None:
        del state["_sknet_version"]
        state["_resume"] = state.pop("_training")
    other = object.__new__(type(net))
    other.__setstate__(state)
    return other


BOTH = rf"by sknet 0\.0\.7 and is loaded by sknet {re.escape(sknet.__version__)}: "


def test_a_pickle_of_another_version_names_both(iris):
    net = network().fit(*iris)
    with pytest.warns(UserWarning, match=BOTH):
        other = saved_by(net, "0.0.7")
    for one in net, other:
        one.partial_fit(*iris)
    assert_array_equal(theta_of(other), theta_of(net))


def test_a_pickle_without_a_version(iris):
    """Of the layout before versions were saved: it predicts, its memory is lost."""
    net = network(warm_start=True).fit(*iris)
    with pytest.warns(UserWarning, match="saved by an older sknet"):
        other = saved_by(net, None)
    assert not hasattr(other, "_resume")
    assert_array_equal(other.predict_proba(iris[0]), net.predict_proba(iris[0]))
    with pytest.warns(UserWarning, match="goes on without what it remembered"):
        other.fit(*iris)
    assert len(other.loss_curve_) == 6


PRIVATE = (
    "rng streams solver schedule n_lowered order split monitored unused compacted "
    "n_without_improvement interrupted patience_is_out theta"
)
PUBLIC = (
    "history_ loss_curve_ loss_ t_ n_iter_ best_loss_ validation_scores_ "
    "best_validation_score_ best_iteration_"
)


@pytest.mark.parametrize("name", f"{PRIVATE} {PUBLIC}".split())
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_what_a_pickle_lacks_begins_anew(name, call, iris):
    net = network(warm_start=True).fit(*iris)
    with pytest.warns(UserWarning, match="begins anew"):
        other = saved_by(net, "0.0.7", without=[name])
    getattr(other, call)(*iris)
    assert np.isfinite(theta_of(other)).all()


@pytest.mark.parametrize("name", ["_n_units", "_transposed_input", "_activations"])
def test_what_a_network_cannot_be_without_is_named(name, iris):
    net = network(warm_start=True).fit(*iris)
    with pytest.warns(UserWarning, match="begins anew"):
        other = saved_by(net, "0.0.7", without=[name])
    with pytest.raises((ValueError, AttributeError), match=name):
        other.fit(*iris)


def test_a_parameter_that_a_pickle_lacks_has_its_default():
    state = network(alpha=3.0).__getstate__()
    del state["alpha"]
    other = object.__new__(ScratchMLPClassifier)
    other.__setstate__(state)
    assert other.get_params()["alpha"] == ScratchMLPClassifier().alpha


# -- coefs_ is a list of views ---------------------------------------------------------


@pytest.fixture
def pair(iris):
    """A fitted network, and weights of another of its shape."""
    net = ScratchMLPClassifier((5, 4), max_iter=2, random_state=0, **ENDLESS)
    return net.fit(*iris), [coef + 1 for coef in net.coefs_]


@pytest.mark.parametrize(
    "layers",
    [
        slice(None),
        slice(1, None),
        slice(None, None, 2),
        slice(None, None, -1),
        slice(1, 1),
        slice(7, 9),
        slice(-2, -1),
    ],
    ids=str,
)
def test_slices_of_coefs_can_be_assigned(pair, layers):
    net, new = pair
    expected = [coef.copy() for coef in net.coefs_]
    expected[layers] = new[layers]
    net.coefs_[layers] = iter(new[layers])
    for coef, its_expected in zip(net.coefs_, expected, strict=True):
        assert_array_equal(coef, its_expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda views, new: views.__setitem__(slice(None), new[:2]),
        lambda views, new: views.__setitem__(slice(0, 0), new[:1]),
        lambda views, new: views.__setitem__(slice(None), [*new[:2], new[0]]),
        lambda views, new: views.__setitem__(3, new[0]),
        lambda views, new: views.append(new[0]),
        lambda views, new: views.extend(new),
        lambda views, new: views.insert(0, new[0]),
        lambda views, new: views.remove(new[0]),
        lambda views, new: views.pop(),
        lambda views, new: views.clear(),
        lambda views, new: views.sort(key=np.size),
        lambda views, new: views.reverse(),
        lambda views, new: views.__delitem__(0),
        lambda views, new: views.__iadd__(new),
        lambda views, new: views.__imul__(2),
    ],
)
def test_what_cannot_be_done_to_coefs_raises_and_changes_nothing(pair, change):
    net, new = pair
    before = theta_of(net)
    with pytest.raises((TypeError, ValueError, IndexError)):
        change(net.coefs_, new)
    assert_array_equal(theta_of(net), before)
    assert len(net.coefs_) == 3


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, COPIES["pickle"]])
def test_copies_of_coefs_are_lists(pair, copied):
    net, _ = pair
    other = copied(net.coefs_)
    assert type(other) is list
    for coef, expected in zip(other, net.coefs_, strict=True):
        assert_array_equal(coef, expected)


# -- predictions where there can be no threads -----------------------------------------

AT_THE_END = """
import atexit, sys, threading
import numpy as np
from sklearn.datasets import load_digits
from sknet import ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
net = ScratchMLPClassifier((20,), max_iter=2, tol=0, n_iter_no_change=np.inf)
net.fit(X / 16, y)
X = np.tile(X / 16, (10, 1))
expected = net.predict_proba(X)

def predicts():
    threading.main_thread().join() if sys.argv[1] == "thread" else None
    print(np.array_equal(net.predict_proba(X), expected))

if sys.argv[1] == "thread":
    threading.Thread(target=predicts).start()
else:
    atexit.register(predicts)
"""


@pytest.mark.parametrize("when", ["thread", "atexit"])
def test_predictions_after_the_main_thread_has_ended(when):
    run = subprocess.run(
        [sys.executable, "-c", AT_THE_END, when], capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("True\n", "")


def test_predictions_where_no_thread_can_start(iris, monkeypatch):
    import threading

    X = np.tile(iris[0], (60, 1))
    net = network().fit(*iris)
    expected = net.predict_proba(X)

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert_array_equal(net.predict_proba(X), expected)
