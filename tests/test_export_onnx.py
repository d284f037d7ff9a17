"""Networks as ONNX: onnxruntime predicts what they predict."""

import math
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from exports import DIGITS, KINDS, LABELS, NUMBERS, X, data_like, fitted
from sknet.activations import ACTIVATIONS
from sknet.export import register_with_skl2onnx, to_onnx
from support import NAMES, network, regressor

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
onnxruntime.set_default_logger_severity(3)  # errors alone

each_kind = pytest.mark.parametrize("kind", KINDS)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
each_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def run(model, samples):
    """The outputs, in their order, of a model given as such or as a file."""
    if isinstance(model, onnx.ModelProto):
        model = model.SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"X": samples})


def assert_close(given, expected, n_eps=24):
    """To a few roundings of 1, or of the largest number of a column."""
    expected = expected.reshape(len(expected), -1)
    assert given.shape == expected.shape
    assert given.dtype == expected.dtype
    largest = np.maximum(1, np.abs(expected).max(axis=0))
    tolerance = n_eps * np.finfo(expected.dtype).eps
    assert_allclose(given / largest, expected / largest, rtol=0, atol=tolerance)


def assert_predicts_like(model, net, samples):
    outputs = run(model, samples)
    labels_or_numbers = net.predict(samples)
    if len(outputs) == 1:
        assert_close(outputs[0], labels_or_numbers)
        return
    if sparse.issparse(labels_or_numbers):
        labels_or_numbers = labels_or_numbers.toarray()
    label, probabilities = outputs
    assert_array_equal(label, labels_or_numbers)
    assert_close(probabilities, net.predict_proba(samples))


@each_kind
@each_dtype
@each_activation
def test_onnxruntime_predicts_the_same(kind, dtype, activation):
    net = fitted(kind, dtype=dtype, activation=activation)
    assert_predicts_like(to_onnx(net), net, data_like(net))


def one_unit(activation, dtype):
    """A network that is nothing but the activation of its one input."""
    net = regressor(hidden_layer_sizes=(1,), activation=activation, dtype=dtype)
    net.fit(X[:, :1], NUMBERS)
    net.coefs_ = [np.ones((1, 1)), np.ones((1, 1))]
    net.intercepts_ = [np.zeros(1), np.zeros(1)]
    return net


@each_dtype
@each_activation
def test_activations_from_the_smallest_to_the_largest_inputs(activation, dtype):
    net = one_unit(activation, dtype)
    sizes = 10.0 ** np.arange(-30, 30, 0.5)
    z = np.r_[-sizes, 0, sizes, np.linspace(-60, 60, 1001)].astype(dtype)[:, np.newaxis]
    (given,) = run(to_onnx(net), z)
    expected, eps = net.predict(z), np.finfo(dtype).eps
    assert_allclose(given[:, 0], expected, rtol=24 * eps, atol=24 * eps)


def test_gelu_is_exact():
    z = np.linspace(-40, 40, 20_001)[:, np.newaxis]
    expected = [one * math.erfc(-one / math.sqrt(2)) / 2 for one in z.ravel()]
    (given,) = run(to_onnx(one_unit("gelu", "float64")), z)
    errors = np.abs(given[:, 0] - expected)
    assert (errors / np.maximum(1, np.abs(expected))).max() < 5e-16


@pytest.mark.parametrize("sizes", [(), (3,), (3, 2, 4)])
def test_any_number_of_layers(sizes):
    mixed = ["gelu", "tanh", "selu"][: len(sizes)]
    net = network(hidden_layer_sizes=sizes, activation=mixed or "relu").fit(X, DIGITS)
    assert_predicts_like(to_onnx(net), net, X)


@pytest.mark.parametrize("opset", [13, 15, 18, 21])
@pytest.mark.parametrize("kind", ["strings", "sigmoids", "multilabel", "quantiles"])
def test_other_versions_of_the_operators(kind, opset):
    net = fitted(kind, activation="gelu")
    model = to_onnx(net, target_opset=opset)
    assert model.opset_import[0].version == opset
    assert_predicts_like(model, net, X)


def test_unknown_versions_are_refused():
    for opset in 12, 10_000, 17.5, "17":
        with pytest.raises(ValueError, match=f"target_opset={opset!r} must be from 13"):
            to_onnx(fitted("binary"), target_opset=opset)


@pytest.mark.parametrize("kind", ["strings", "several scaled"])
def test_the_type_can_be_another_one(kind):
    net = fitted(kind, dtype="float64")
    *_, given = run(to_onnx(net, dtype="float32"), X.astype(np.float32))
    assert given.dtype == np.float32
    expected = net.predict_proba(X) if kind == "strings" else net.predict(X)
    assert_allclose(given, expected, rtol=1e-5, atol=1e-5)
    net = fitted(kind, dtype="float32")
    *_, given = run(to_onnx(net, dtype="float64"), X)
    assert given.dtype == np.float64
    with pytest.raises(ValueError, match="dtype='float16' must be"):
        to_onnx(net, dtype="float16")


def test_weights_too_large_for_the_type_are_refused():
    net = network().fit(X, DIGITS)
    net.coefs_[0][:] = 1e300
    with pytest.raises(ValueError, match="too large for float32"):
        to_onnx(net, dtype="float32")


def test_names_and_shapes_are_those_of_skl2onnx():
    def shapes(values):
        return {
            one.name: [
                side.dim_param or side.dim_value
                for side in one.type.tensor_type.shape.dim
            ]
            for one in values
        }

    graph = to_onnx(fitted("strings")).graph
    assert shapes(graph.input) == {"X": ["n_samples", 4]}
    assert shapes(graph.output) == {
        "label": ["n_samples"],
        "probabilities": ["n_samples", 3],
    }
    graph = to_onnx(fitted("multilabel")).graph
    assert shapes(graph.output) == {
        "label": ["n_samples", 3],
        "probabilities": ["n_samples", 3],
    }
    graph = to_onnx(fitted("quantiles")).graph
    assert shapes(graph.output) == {"variable": ["n_samples", 3]}


def test_a_file(tmp_path):
    net = fitted("strings")
    model = to_onnx(net, tmp_path / "net.onnx")
    assert onnx.load(tmp_path / "net.onnx") == model
    assert_predicts_like(str(tmp_path / "net.onnx"), net, X)


def test_one_row_and_a_thousand():
    net = fitted("sigmoids")
    model = to_onnx(net)
    for samples in X[:1], np.tile(X, (20, 1)):
        assert_predicts_like(model, net, samples)


@pytest.mark.filterwarnings("ignore:y contains only one class")
def test_an_only_class():
    net = network().fit(X, np.full(150, "a"))
    label, probabilities = run(to_onnx(net), X)
    assert_array_equal(label, net.predict(X))
    assert_array_equal(probabilities, net.predict_proba(X))


def test_nothing_is_certain():
    net = fitted("strings", dtype="float32")
    samples = 1000 * data_like(net)
    _, probabilities = run(to_onnx(net), samples)
    assert 0 < probabilities.min() < 1e-30
    assert probabilities.max() < 1


# -- what is refused -------------------------------------------------------------------


def test_activations_of_ones_own_are_refused_by_name():
    net = network(activation=[(np.sin, np.cos)]).fit(X, DIGITS)
    with pytest.raises(ValueError, match=r"\(sin, cos\) of hidden layer 0.*joblib"):
        to_onnx(net)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 5, 7], "datetime64[D]"),
        np.array([2**63, 2**63 + 2**20, 2**64 - 1], np.uint64),
    ],
    ids=["dates", "large integers"],
)
def test_labels_without_a_word_in_onnx(labels):
    net = network().fit(X, labels[DIGITS])
    with pytest.raises(ValueError, match=r"train on strings, y\.astype\(str\)"):
        to_onnx(net)


def test_only_fitted_networks_are_exported():
    with pytest.raises(NotFittedError):
        to_onnx(network())
    with pytest.raises(TypeError, match="Pipeline: pass the network itself"):
        to_onnx(make_pipeline(StandardScaler(), network()).fit(X, DIGITS))


def test_without_onnx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install onnx, or .*export"):
        to_onnx(fitted("binary"))


# -- pipelines, by skl2onnx ------------------------------------------------------------


@pytest.fixture
def converted():
    """A function that exports an estimator by skl2onnx, for samples like some."""
    skl2onnx = pytest.importorskip("skl2onnx")
    register_with_skl2onnx()
    register_with_skl2onnx()  # again does nothing

    def convert(estimator, samples, **options):
        model = skl2onnx.to_onnx(estimator, samples[:1], options=options or None)
        onnx.checker.check_model(model, full_check=True)
        return model

    return convert


@each_kind
@each_dtype
def test_a_pipeline(kind, dtype, converted):
    make, y, parameters = KINDS[kind]
    samples = (10 * X + 3).astype(dtype)
    net = make(**parameters, dtype=dtype, activation="gelu")
    pipeline = make_pipeline(StandardScaler(), net).fit(samples, y)
    options = {"zipmap": False} if hasattr(pipeline, "predict_proba") else {}
    assert_predicts_like(converted(pipeline, samples, **options), pipeline, samples)


def test_a_search_and_an_ensemble(converted):
    search = GridSearchCV(network(), {"alpha": [0.0, 1.0]}, cv=2).fit(X, DIGITS)
    nets = [(str(seed), network(random_state=seed)) for seed in range(3)]
    ensemble = VotingClassifier(nets, voting="soft", flatten_transform=False)
    for estimator in search, ensemble.fit(X, DIGITS):
        model = converted(estimator, X, zipmap=False)
        assert_predicts_like(model, estimator, X)


def test_dictionaries_of_probabilities(converted):
    """What skl2onnx makes by default."""
    net = fitted("strings", dtype="float32")
    samples = data_like(net)
    _, dictionaries = run(converted(net, samples), samples)
    expected = net.predict_proba(samples)
    assert list(dictionaries[0]) == NAMES.tolist()
    given = np.array([list(one.values()) for one in dictionaries])
    assert_allclose(given, expected, atol=1e-6)


def test_integers_are_samples_too(converted):
    pixels = np.round(5 * X).astype(np.int64)
    net = network(dtype="float32").fit(pixels.astype(np.float32), LABELS)
    label, probabilities = run(converted(net, pixels, zipmap=False), pixels)
    assert_array_equal(label, net.predict(pixels))
    assert_close(probabilities, net.predict_proba(pixels))


def test_activations_of_ones_own_are_refused_in_a_pipeline(converted):
    net = network(activation=(np.sin, np.cos)).fit(X, DIGITS)
    with pytest.raises(ValueError, match=r"\(sin, cos\)"):
        converted(make_pipeline(net).fit(X, DIGITS), X)


def test_without_skl2onnx_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(ImportError, match="pip install skl2onnx"):
        register_with_skl2onnx()
