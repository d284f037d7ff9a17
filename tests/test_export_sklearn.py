"""Networks as scikit-learn's MLPClassifier and MLPRegressor, and back."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from exports import DIGITS, KINDS, NUMBERS, X, data_like, fitted
from sknet.export import from_sklearn, to_sklearn
from sknet.export.sklearn import HAS_POISSON
from support import NAMES, assert_same_weights, network, regressor, short

each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
LOG_LINKS = () if HAS_POISSON else ("poisson", "gamma")
EXPRESSIBLE = [
    kind
    for kind in KINDS
    if kind not in ("sigmoids", "quantiles", "quantiles scaled", *LOG_LINKS)
]


def dense(y):
    return y.toarray() if sparse.issparse(y) else y


def assert_predicts_alike(given, expected, samples, n_eps=16):
    y = expected.predict(samples)
    assert type(given.predict(samples)) is type(y)
    tolerance = n_eps * np.finfo(samples.dtype).eps
    if not hasattr(expected, "predict_proba"):
        largest = np.abs(y).max(axis=0)
        assert_allclose(given.predict(samples) / largest, y / largest, atol=tolerance)
        return
    assert_array_equal(dense(given.predict(samples)), dense(y))
    proba = expected.predict_proba(samples)
    assert given.predict_proba(samples).dtype == proba.dtype
    assert_allclose(given.predict_proba(samples), proba, atol=tolerance)


@pytest.mark.parametrize("kind", EXPRESSIBLE)
@each_dtype
def test_there_and_back(kind, dtype):
    net = fitted(kind, dtype=dtype)
    samples = data_like(net)
    mlp = to_sklearn(net)
    assert isinstance(mlp, MLPClassifier | MLPRegressor)
    assert_predicts_alike(mlp, net, samples)
    back = from_sklearn(mlp)
    assert type(back) is type(net)
    assert_predicts_alike(back, net, samples)
    if "scaled" not in kind:
        assert_same_weights(back, net)
        assert back._kind == net._kind if hasattr(net, "classes_") else True


@pytest.mark.parametrize("kind", EXPRESSIBLE)
def test_both_can_be_trained_further(kind):
    y = KINDS[kind][1]
    mlp = to_sklearn(fitted(kind)).set_params(batch_size=len(X))
    before = mlp.coefs_[0].copy()
    mlp.partial_fit(X, y)
    assert 0 < np.abs(mlp.coefs_[0] - before).max() < 0.2
    net = from_sklearn(to_sklearn(fitted(kind))).set_params(batch_size=len(X))
    with pytest.warns(UserWarning, match="goes on without what it remembered"):
        net.partial_fit(X, y)
    if "scaled" not in kind and kind not in ("gamma", "huber", "a quantile"):
        # A first step of Adam, of the same loss, is the same.
        assert_allclose(net.coefs_[0], mlp.coefs_[0], atol=1e-5)


def test_training_further_has_the_seed_of_its_parameters():
    trained = []
    for _ in range(2):
        net = from_sklearn(to_sklearn(fitted("strings")))
        with pytest.warns(UserWarning, match="goes on without what it remembered"):
            trained.append(net.partial_fit(X, KINDS["strings"][1]))
    assert_same_weights(*trained)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("sizes", [(), (3,), (3, 4, 2)])
def test_activations_and_layers(activation, sizes):
    net = network(activation=activation, hidden_layer_sizes=sizes).fit(X, DIGITS)
    assert_predicts_alike(to_sklearn(net), net, X)


def test_the_weights_are_copies():
    net = network().fit(X, DIGITS)
    mlp = to_sklearn(net)
    mlp.coefs_[0][:] = mlp.intercepts_[1][:] = 7
    assert not (net.coefs_[0] == 7).any()
    assert not (net.intercepts_[1] == 7).any()
    back = from_sklearn(mlp)
    mlp.coefs_[0][:] = 8
    assert (back.coefs_[0] == 7).all()


def test_parameters_that_both_have_are_kept():
    net = network(
        "adamw", alpha=0.3, learning_rate="cosine", dropout=0.2, beta_1=0.8
    ).fit(X, DIGITS)
    mlp = to_sklearn(net)
    given = mlp.get_params()
    assert (given["alpha"], given["beta_1"], given["random_state"]) == (0.3, 0.8, 0)
    assert (given["solver"], given["learning_rate"]) == ("adam", "constant")
    mlp._validate_params()
    back = from_sklearn(mlp.set_params(solver="sgd", momentum=0.5))
    assert (back.solver, back.momentum, back.alpha) == ("sgd", 0.5, 0.3)


def test_a_random_stream_is_not_shared():
    net = network(random_state=np.random.RandomState(0)).fit(X, DIGITS)
    mlp = to_sklearn(net)
    back = from_sklearn(mlp)
    before = net.random_state.get_state()[1].copy()
    for one in mlp, back:
        assert one.random_state is not net.random_state
        one.random_state.uniform(size=700)
    assert_array_equal(net.random_state.get_state()[1], before)


def test_what_was_learned_of_the_data():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    net = network().fit(frame, NAMES[DIGITS])
    mlp = to_sklearn(net)
    assert_array_equal(mlp.predict(frame), net.predict(frame))
    assert_array_equal(mlp.feature_names_in_, net.feature_names_in_)
    assert_array_equal(mlp.classes_, net.classes_)
    assert mlp.loss_curve_ == net.loss_curve_
    assert mlp.n_iter_ == net.n_iter_
    assert_array_equal(from_sklearn(mlp).feature_names_in_, net.feature_names_in_)


def test_a_step_on_nothing_leaves_no_trace():
    """No memory of the optimizer, and a pickle that says the same."""
    mlp = to_sklearn(fitted("multiclass"))
    assert not hasattr(mlp, "_optimizer")
    assert mlp.t_ == fitted("multiclass").t_
    other = pickle.loads(pickle.dumps(mlp))
    assert_array_equal(other.predict_proba(X), mlp.predict_proba(X))


@short
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_what_scikit_learn_has_trained(solver):
    mlp = MLPClassifier((4, 3), solver=solver, max_iter=20, random_state=0)
    assert_predicts_alike(from_sklearn(mlp.fit(X, NAMES[DIGITS])), mlp, X)
    mlp = MLPRegressor(
        hidden_layer_sizes=(4, 3), solver=solver, max_iter=20, random_state=0
    )
    assert_predicts_alike(from_sklearn(mlp.fit(X, NUMBERS)), mlp, X)


@short
def test_an_only_class_of_scikit_learn():
    mlp = MLPClassifier(max_iter=2).fit(X, np.full(150, "a"))
    net = from_sklearn(mlp)
    assert_array_equal(net.predict(X), mlp.predict(X))
    assert_array_equal(net.predict_proba(X), np.ones((150, 1)))


INEXPRESSIBLE = {
    "gelu": (network(activation="gelu"), DIGITS, "activation='gelu'"),
    "mixed": (
        network(hidden_layer_sizes=(3, 3), activation=["tanh", "relu"]),
        DIGITS,
        "relu, tanh",
    ),
    "own": (network(activation=(np.sin, np.cos)), DIGITS, "sin, cos"),
    "sigmoids": (network(out_activation="logistic"), DIGITS, "out_activation="),
    "dates": (network(), DIGITS.astype("datetime64[D]"), "datetime64"),
    "quantiles": (
        regressor(loss="quantile", quantile=[0.2, 0.8]),
        NUMBERS,
        "several quantiles",
    ),
}


@pytest.mark.parametrize(
    ("net", "y", "message"), INEXPRESSIBLE.values(), ids=INEXPRESSIBLE
)
def test_what_scikit_learn_cannot_express_is_named(net, y, message):
    with pytest.raises(ValueError, match=message):
        to_sklearn(net.fit(X, y))


@pytest.mark.filterwarnings("ignore:y contains only one class")
def test_an_only_class_is_named():
    with pytest.raises(ValueError, match="an only class"):
        to_sklearn(network().fit(X, np.zeros(150)))


@pytest.mark.skipif(HAS_POISSON, reason="scikit-learn 1.7 has the log link")
def test_a_log_link_is_named_where_it_is_not_to_be_had():
    with pytest.raises(ValueError, match=r"before scikit-learn 1\.7"):
        to_sklearn(fitted("poisson"))


def test_only_fitted_networks_are_exported():
    with pytest.raises(NotFittedError):
        to_sklearn(network())
    with pytest.raises(NotFittedError):
        from_sklearn(MLPClassifier())
    pipeline = make_pipeline(StandardScaler(), network()).fit(X, DIGITS)
    for function in to_sklearn, from_sklearn:
        with pytest.raises(TypeError, match="Pipeline: pass the network itself"):
            function(pipeline)


def test_tools_that_know_only_scikit_learn():
    """skl2onnx takes the copy for its own."""
    skl2onnx = pytest.importorskip("skl2onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    net = fitted("strings")
    model = skl2onnx.to_onnx(to_sklearn(net), X[:1], options={"zipmap": False})
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    label, probabilities = session.run(None, {"X": X})
    assert_array_equal(label, net.predict(X))
    assert_allclose(probabilities, net.predict_proba(X), atol=1e-12)
