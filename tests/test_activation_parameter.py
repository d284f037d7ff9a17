"""`activation` of the estimator: names, lists and pairs, from outside."""

import copy
import io
import pickle
from functools import partial
from itertools import combinations

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.special import ndtr
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

import support
from sknet import ScratchMLPClassifier
from sknet.activations import ACTIVATIONS
from support import assert_same_weights, flat, short, unconverged


def sine(z):
    return np.sin(z)


def cosine(z):
    return np.cos(z)


def gelu(z):
    return z * ndtr(z)


def gelu_slope(z):
    return ndtr(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def tanh_slope(a):
    return 1 - a**2


class Scaled:
    """A function object with a parameter, equal to others of the same scale.

    Who defines equality defines no hash by that.
    """

    def __init__(self, function, scale, factor=1.0):
        self.function, self.scale, self.factor = function, scale, factor

    def __call__(self, z):
        return self.factor * self.function(self.scale * z)

    def __eq__(self, other):
        return vars(self) == vars(other)


PAIRS = {
    "input": (sine, cosine),
    "output": (np.tanh, tanh_slope),
    "objects": (Scaled(np.sin, 0.5, factor=2.0), Scaled(np.cos, 0.5)),
}
EVERY_KIND = {
    **{name: name for name in ("relu", "elu", "gelu")},
    **PAIRS,
    "list": ["gelu", "tanh"],
    "tuple": ("tanh", "gelu"),
    "list with pairs": [(sine, cosine), "mish"],
    "tuple of pairs": ((sine, cosine), (np.tanh, tanh_slope)),
}
network = partial(support.network, hidden_layer_sizes=(6, 5))
every_kind = pytest.mark.parametrize("activation", EVERY_KIND.values(), ids=EVERY_KIND)


@unconverged
@every_kind
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_networks_of_every_kind_learn(iris, activation, solver):
    settings = {} if solver == "lbfgs" else {"learning_rate_init": 0.05}
    net = network(solver, activation=activation, max_iter=40, **settings).fit(*iris)
    assert net.score(*iris) > 0.9


@pytest.mark.parametrize("weight_init", ["auto", "uniform"])
def test_each_name_makes_a_model_of_its_own(iris, weight_init):
    X, y = iris
    proba = {
        name: network(activation=name, weight_init=weight_init)
        .fit(X, y)
        .predict_proba(X)
        for name in ACTIVATIONS
    }
    for one, other in combinations(proba, 2):
        assert np.abs(proba[one] - proba[other]).max() > 1e-4, (one, other)


@pytest.mark.parametrize("name", ["relu", "gelu"])
@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_one_name_is_that_name(iris, name, kind):
    X, y = iris
    one, each = (network(activation=a).fit(X, y) for a in (name, kind([name, name])))
    assert_same_weights(one, each)


@pytest.mark.parametrize("layers", [["relu", "tanh"], ["gelu", "logistic"]])
def test_the_order_of_a_list_counts(iris, layers):
    X, y = iris
    one, other = (network(activation=a).fit(X, y) for a in (layers, layers[::-1]))
    assert np.abs(one.predict_proba(X) - other.predict_proba(X)).max() > 1e-3


def test_a_pair_is_the_activation_that_it_computes(iris):
    X, y = iris
    ours, pair = (network(activation=a).fit(X, y) for a in ("gelu", (gelu, gelu_slope)))
    np.testing.assert_allclose(flat(pair), flat(ours), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@every_kind
def test_the_type_is_kept(iris, activation, dtype):
    X, y = iris
    net = network(activation=activation).fit(X.astype(dtype), y)
    assert net.coefs_[0].dtype == dtype
    assert net.predict_proba(X.astype(dtype)).dtype == dtype


@every_kind
def test_float32_stays_close_to_float64(iris, activation):
    X, y = iris
    wide, narrow = (
        network(activation=activation, solver="sgd", dtype=dtype)
        .fit(X, y)
        .predict_proba(X)
        for dtype in ("float64", "float32")
    )
    assert np.abs(wide - narrow).max() < 1e-4


@short
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_no_hidden_layer_is_mlpclassifiers_linear_model(iris, activation):
    X, y = iris
    ours, peer = (
        estimator((), activation, max_iter=3, random_state=0).fit(X, y)
        for estimator in (ScratchMLPClassifier, MLPClassifier)
    )
    np.testing.assert_allclose(ours.coefs_[0], peer.coefs_[0], rtol=1e-10)


@pytest.mark.parametrize("activation", ["gelu", (sine, cosine), []])
def test_no_hidden_layer_needs_no_activation(iris, activation):
    net = network(activation=activation, hidden_layer_sizes=(), max_iter=40).fit(*iris)
    assert net.score(*iris) > 0.9


# -- fitted state ----------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_goes_on_through_a_pickle(iris, activation, method):
    X, y = iris
    whole = network(activation=activation, warm_start=True).fit(X, y)
    net = pickle.loads(pickle.dumps(whole))
    for model in (whole, net):
        getattr(model, method)(X, y)
    assert_same_weights(net, whole)


@every_kind
def test_copies_predict_the_same(iris, tmp_path, activation):
    X, y = iris
    net = network(activation=activation).fit(X, y)
    joblib.dump(net, tmp_path / "net")
    for other in (copy.deepcopy(net), joblib.load(tmp_path / "net", mmap_mode="r")):
        assert_array_equal(other.predict_proba(X), net.predict_proba(X))
    assert_same_weights(clone(net).fit(X, y), net)


class NamesIn(pickle.Unpickler):
    """Notes what a pickle imports."""

    def __init__(self, file):
        super().__init__(file)
        self.names = set()

    def find_class(self, module, name):
        self.names.add(f"{module}.{name}")
        return super().find_class(module, name)


def names_in(pickled):
    unpickler = NamesIn(io.BytesIO(pickled))
    unpickler.load()
    return unpickler.names


@every_kind
def test_the_fitted_state_is_plain(iris, activation):
    """Names and functions as the user gave them: a pickle holds no type of ours."""
    net = network(activation=activation).fit(*iris)
    assert net.activation is activation
    imported = names_in(pickle.dumps(net))
    ours = {name for name in imported if name.split(".")[0] == "sknet"}
    assert ours == {"sknet.classifier.ScratchMLPClassifier"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("relu", "gelu"),
        ("relu", ["relu", "tanh"]),
        (["relu", "tanh"], ["tanh", "relu"]),
        ("tanh", (np.tanh, tanh_slope)),
        ((sine, cosine), (np.tanh, tanh_slope)),
    ],
)
def test_another_activation_cannot_go_on(iris, before, after):
    X, y = iris
    net = network(activation=before, warm_start=True).fit(X, y)
    theta = flat(net)
    net.set_params(activation=after)
    for method in (net.fit, net.partial_fit):
        with pytest.raises(ValueError, match="architecture"):
            method(X, y)
    assert_array_equal(flat(net), theta)


def test_the_same_in_other_words_can_go_on(iris):
    X, y = iris
    net = network(activation="gelu", warm_start=True).fit(X, y)
    net.set_params(activation=("gelu", "gelu")).fit(X, y)
    assert len(net.loss_curve_) == 12


def test_grid_search_reaches_every_kind(iris):
    search = GridSearchCV(
        network(), {"activation": list(EVERY_KIND.values())}, cv=2, n_jobs=2
    ).fit(*iris)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores)) > 1
    assert any(
        search.best_params_["activation"] is kind for kind in EVERY_KIND.values()
    )


# -- bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "activation",
    [
        "swish",
        "Relu",
        None,
        np.tanh,
        ["relu", "swish"],
        ["relu", None],
        ["relu", np.tanh],
        [np.tanh, tanh_slope],  # a pair is a tuple: a list has one for each layer
        ("relu", ["tanh"]),
        [("relu", "tanh"), "relu"],
    ],
)
def test_what_is_no_activation_is_named_with_those_that_are(iris, activation):
    with pytest.raises(ValueError, match="'activation' parameter") as error:
        network(activation=activation).fit(*iris)
    for name in ACTIVATIONS:
        assert name in str(error.value)


@pytest.mark.parametrize(
    "layers",
    [
        [],
        ["relu"],
        ("relu",) * 3,
        ["relu", "tanh", 1],
        (np.tanh,),
        (np.tanh, tanh_slope, tanh_slope),  # no pair, and so a list
    ],
)
def test_a_list_must_have_one_for_each_hidden_layer(iris, layers):
    with pytest.raises(ValueError, match=f"{len(layers)} entries for 2 hidden"):
        network(activation=layers).fit(*iris)


@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_wrong_derivative_is_found_before_training(iris, each, method):
    X, y = iris
    wrong = (np.sin, np.sin)
    net = network(warm_start=True).fit(X, y)
    before = net.predict_proba(X)
    net.set_params(activation=["relu", wrong] if each else wrong)
    with pytest.raises(ValueError, match="derivative"):
        getattr(net, method)(X, y)
    assert_array_equal(net.predict_proba(X), before)
    with pytest.raises(ValueError, match="derivative"):
        clone(net).fit(X, y)
