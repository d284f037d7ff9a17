"""input_gradients is the derivative of what the estimator's own methods return."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError

from sknet import ScratchMLPClassifier, ScratchMLPRegressor
from sknet.activations import ACTIVATIONS
from support import network, regressor

METHODS = ["decision_function", "predict_log_proba", "predict_proba"]
KINDS = ["binary", "multiclass", "article", "multilabel", "one class"]


def differences(function, X, step=1e-6):
    """Central differences in each feature of a function with a number a sample."""
    moves = step * np.eye(X.shape[1])
    columns = [(function(X + e) - function(X - e)) / (2 * step) for e in moves]
    return np.stack(columns, axis=1)


def assert_are_differences(gradients, function, X):
    numerical = differences(function, X)
    scale = np.abs(numerical).max()
    assert_allclose(gradients, numerical, atol=1e-7 * max(scale, 1e-3))
    return scale


@pytest.fixture(scope="module")
def fitted(iris, multilabel):
    """A classifier of each kind, the names of its classes, and samples."""

    def make(kind, **parameters):
        X, y = iris
        if kind == "binary":
            y = np.where(y > 0, "yes", "no")
        elif kind == "multilabel":
            X, y = multilabel
        elif kind == "one class":
            y = np.zeros(len(X))
        elif kind == "article":
            parameters["out_activation"] = "logistic"
        settings = {"activation": "tanh", "max_iter": 30, **parameters}
        return network(**settings).fit(X, y), np.array(X[::7])

    return make


def response(net, method, label):
    """What a method returns for one class, as a function of samples."""
    c = list(net.classes_).index(label)

    def function(X):
        values = getattr(net, method)(X)
        if values.ndim == 1:  # log-odds of the second of two classes
            return values if c == 1 else -values
        return values[:, c]

    return function


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_of_a_classifier_it_is_the_derivative_of_each_method(fitted, kind, method):
    net, X = fitted(kind)
    for label in net.classes_:
        gradients = net.input_gradients(X, label, method)
        assert gradients.shape == X.shape
        scale = assert_are_differences(gradients, response(net, method, label), X)
        assert scale > 1e-3  # or there would be nothing to compare


def sine(z):
    return np.sin(z)


def cosine(z):
    return np.cos(z)


def root(z):
    return z / np.sqrt(1 + z**2)


def slope_of_root(a):
    return (1 - a**2) ** 1.5


OWN = {"in its input": (sine, cosine), "in its output": (root, slope_of_root)}


@pytest.mark.parametrize("activation", [*ACTIVATIONS, *OWN])
@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_of_every_activation(iris, estimator, activation):
    X, y = iris
    activation = OWN.get(activation, activation)
    settings = {"hidden_layer_sizes": (9, 8), "activation": activation, "max_iter": 20}
    net = network(cls=estimator, **settings).fit(X, y)
    X = X[::7]
    if estimator is ScratchMLPRegressor:
        gradients, function = net.input_gradients(X), net.predict
    else:
        gradients = net.input_gradients(X, 1, "predict_proba")
        function = response(net, "predict_proba", 1)
    assert assert_are_differences(gradients, function, X) > 1e-3


def quartic(h, y):
    return (h - y) ** 4


def slope_of_quartic(h, y):
    return 4 * (h - y) ** 3


LOSSES = {
    "squared_error": {},
    "absolute_error": {"loss": "absolute_error"},
    "huber": {"loss": "huber"},
    "poisson": {"loss": "poisson"},
    "gamma": {"loss": "gamma"},
    "own": {"loss": (quartic, slope_of_quartic)},
    "scaled": {"target_scaling": "standard"},
    "one quantile": {"loss": "quantile", "quantile": 0.3},
    "scaled quantiles": {
        "loss": "quantile",
        "quantile": [0.1, 0.5, 0.9],
        "target_scaling": "standard",
    },
}


@pytest.mark.parametrize("name", LOSSES)
def test_of_a_regressor_it_is_the_derivative_of_predict(iris, name):
    X, y = iris
    net = regressor(activation="tanh", max_iter=20, **LOSSES[name])
    net.fit(X, 5.0 * y + 1)
    X = X[::7]
    for output in range(net.n_outputs_):
        gradients = net.input_gradients(X, output)

        def estimate(X, output=output):
            return net.predict(X).reshape(len(X), -1)[:, output]

        assert assert_are_differences(gradients, estimate, X) > 1e-3


def test_quantiles_that_cross_are_differentiated_in_their_order(iris):
    X, y = iris
    net = regressor(loss="quantile", quantile=[0.1, 0.9], activation="tanh").fit(X, y)
    lower, upper = (net.input_gradients(X, q) for q in (0, 1))
    net.coefs_[-1][...] = net.coefs_[-1][:, ::-1].copy()
    net.intercepts_[-1][...] = net.intercepts_[-1][::-1].copy()
    assert_allclose(net.input_gradients(X, 0), lower)
    assert_allclose(net.input_gradients(X, 1), upper)
    assert np.abs(lower - upper).max() > 1e-3


def test_of_several_targets_and_without_hidden_layers(iris):
    X, y = iris
    Y = np.column_stack([y, -2.0 * y])
    net = regressor(hidden_layer_sizes=(), target_scaling="standard").fit(X, Y)
    for output in 0, 1:
        slope = net.coefs_[0][:, output] * net.target_scale_[output]
        expected = np.broadcast_to(slope, X.shape)
        assert_allclose(net.input_gradients(X, output), expected)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "article"])
def test_the_class_is_the_predicted_one_unless_it_is_named(fitted, kind):
    net, X = fitted(kind)
    labels = net.predict(X)
    assert len(set(labels)) > 1
    default = net.input_gradients(X)
    assert_array_equal(default, net.input_gradients(X, labels))
    assert_array_equal(default, net.input_gradients(X, list(labels)))
    for i, label in enumerate(labels):
        assert_allclose(default[i], net.input_gradients(X, label)[i], rtol=1e-12)


def test_two_classes_pull_in_opposite_directions(fitted):
    net, X = fitted("binary")
    for method in "decision_function", "predict_proba":
        of_yes, of_no = (net.input_gradients(X, c, method) for c in ("yes", "no"))
        assert_allclose(of_yes, -of_no, rtol=1e-12)


def test_an_only_class_depends_on_nothing(fitted):
    with pytest.warns(UserWarning, match="only one class"):
        net, X = fitted("one class")
    for method in METHODS[1:]:
        assert not net.input_gradients(X, response_method=method).any()


def test_log_probabilities_of_a_network_that_is_sure(fitted):
    """1 - p rounds to 0, but its gradient is that of the classes that remain."""
    net, X = fitted("multiclass")
    net.coefs_[-1][...] *= 40
    net.intercepts_[-1][...] *= 40
    sure = net.predict_proba(X).max(axis=1) > 1 - 1e-15
    X = X[sure]
    assert len(X) > 2
    labels, proba = net.predict(X), net.predict_proba(X)
    of_logits = np.stack([net.input_gradients(X, c) for c in net.classes_], axis=1)
    here = of_logits[np.arange(len(X)), labels]
    proba[np.arange(len(X)), labels] = 0
    expected = np.einsum("ik,ikj->ij", proba, here[:, np.newaxis] - of_logits)
    gradients = net.input_gradients(X, response_method="predict_log_proba")
    assert (np.abs(gradients).max(axis=1) > 0).all()
    assert_allclose(gradients, expected, rtol=1e-9)


def test_adding_to_all_raw_outputs_alike_changes_only_the_gradient_of_those(fitted):
    net, X = fitted("multiclass")
    before = {m: net.input_gradients(X, 1, m) for m in METHODS}
    net.coefs_[-1][...] += np.linspace(-1, 1, 6)[:, np.newaxis]
    for method in METHODS[1:]:
        assert_allclose(net.input_gradients(X, 1, method), before[method], atol=1e-12)
    changed = net.input_gradients(X, 1) - before["decision_function"]
    assert np.abs(changed).max() > 0.01


# -- data ------------------------------------------------------------------------------


@pytest.mark.parametrize("trained_on", ["dense", "sparse"])
def test_sparse_samples_have_the_gradients_of_dense_ones(iris, trained_on):
    X, y = iris
    X = np.where(np.abs(X) > 0.5, X, 0.0)
    train = sparse.csr_array(X) if trained_on == "sparse" else X
    for net in network().fit(train, y), regressor().fit(train, y):
        dense = net.input_gradients(X)
        for container in sparse.csr_array, sparse.csc_matrix, sparse.coo_array:
            found = net.input_gradients(container(X))
            assert type(found) is np.ndarray
            assert_allclose(found, dense, atol=1e-12)
        assert np.abs(dense).max() > 1e-3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_have_the_type_of_the_weights(iris, dtype):
    X, y = iris
    for net in network(dtype=dtype), regressor(dtype=dtype):
        assert net.fit(X, y).input_gradients(X).dtype == dtype


def test_gradients_in_float32_are_those_in_float64_rounded(iris):
    X, y = iris
    net = network(dtype="float32", activation="tanh").fit(X, y)
    twin = network(activation="tanh").fit(X, y)
    twin.coefs_, twin.intercepts_ = net.coefs_, net.intercepts_
    expected = twin.input_gradients(X, 1, "predict_proba")
    found = net.input_gradients(X, 1, "predict_proba")
    assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


def test_many_samples_are_done_in_blocks_each_with_its_class(iris):
    X, y = iris
    net = network().fit(X, y)
    many, labels = np.tile(X, (30, 1)), np.random.RandomState(0).randint(3, size=4500)
    gradients = net.input_gradients(many, labels)
    by_label = np.stack([net.input_gradients(X, c) for c in range(3)])
    expected = by_label[labels, np.arange(4500) % 150]
    assert_allclose(gradients, expected, rtol=1e-9, atol=1e-12)


def test_frames_of_samples(iris):
    pd = pytest.importorskip("pandas")
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    net = network().fit(frame, y)
    plain = network().fit(X, y)
    assert_array_equal(net.input_gradients(frame), plain.input_gradients(X))


def test_nothing_changes_the_network_and_the_samples(iris):
    X, y = iris  # read-only
    net = network().fit(X, y)
    before = net.predict_proba(X)
    net.input_gradients(X, 1, "predict_log_proba")
    assert_array_equal(net.predict_proba(X), before)


# -- errors ----------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_without_a_fit(iris, estimator):
    with pytest.raises(NotFittedError):
        estimator().input_gradients(iris[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 7}, r"target holds labels \[7\].*name one of classes_"),
        ({"target": [0, 1]}, r"target has the shape \(2,\), X has 150 samples"),
        ({"response_method": "predict"}, "response_method='predict' must be one of"),
    ],
)
def test_what_is_no_class(iris, arguments, message):
    net = network().fit(*iris)
    with pytest.raises(ValueError, match=message):
        net.input_gradients(iris[0], **arguments)


def test_a_label_must_be_named(multilabel):
    net = network().fit(*multilabel)
    with pytest.raises(ValueError, match="give the number of one as target"):
        net.input_gradients(multilabel[0])


@pytest.mark.parametrize("target", [2, -1, "a", 0.5, True, [0, 1]])
def test_what_is_no_output(iris, target):
    X, y = iris
    net = regressor().fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="one of the 2 outputs, 0 to 1"):
        net.input_gradients(X, target)


def test_an_output_must_be_named_if_there_are_several(iris):
    X, y = iris
    net = regressor().fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="target=None must be the number of one"):
        net.input_gradients(X)


def test_gradients_that_overflow(iris):
    X, y = iris
    net = regressor(activation="identity").fit(X, y)
    net.coefs_ = [1e200 * W for W in net.coefs_]
    with pytest.raises(ValueError, match="overflow float64"):
        net.input_gradients(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_not_finite(iris, bad):
    net = network().fit(*iris)
    with pytest.raises(ValueError, match="X contains"):
        net.input_gradients(np.full((1, 4), bad))
