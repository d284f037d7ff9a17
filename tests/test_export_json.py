"""Networks as JSON: read back bit for bit, and computed by a reader in plain Python."""

import json
import math
import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from exports import DIGITS, KINDS, LABELS, NUMBERS, QUANTILES, X, fitted
from sknet.activations import ACTIVATIONS
from sknet.export import from_json, to_json
from support import assert_same_weights, network, regressor

each_kind = pytest.mark.parametrize("kind", KINDS)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def assert_predicts_alike(a, b):
    """The same in every method, to the last bit, and of the same type."""
    for name in "predict", "predict_proba", "decision_function", "predict_log_proba":
        if hasattr(a, name):
            given, expected = getattr(a, name)(X), getattr(b, name)(X)
            assert type(given) is type(expected)
            if sparse.issparse(expected):
                given, expected = given.toarray(), expected.toarray()
            assert_array_equal(given, expected)
            assert given.dtype == expected.dtype


@each_kind
@each_dtype
def test_a_network_comes_back_bit_for_bit(kind, dtype):
    net = fitted(kind, dtype=dtype)
    other = from_json(to_json(net))
    assert type(other) is type(net)
    assert_same_weights(other, net)
    assert_predicts_alike(other, net)
    assert to_json(other) == to_json(net)


@pytest.mark.parametrize("sizes", [(), (3,), (3, 2, 4)])
def test_any_number_of_layers(sizes):
    mixed = ["gelu", "tanh", "selu"][: len(sizes)]
    net = network(hidden_layer_sizes=sizes, activation=mixed or "relu").fit(X, DIGITS)
    other = from_json(to_json(net))
    assert_predicts_alike(other, net)
    assert other.hidden_layer_sizes == sizes
    assert [layer["activation"] for layer in json.loads(to_json(net))["layers"]] == [
        *mixed,
        "identity",
    ]


@each_dtype
def test_every_number_is_read_back(dtype):
    """Random bits, the ends of the range and what is below the normal numbers."""
    bits = {"float32": np.uint32, "float64": np.uint64}[dtype]
    info = np.finfo(dtype)
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, np.iinfo(bits).max, 4000, dtype=bits).view(dtype)
    numbers[:6] = info.max, info.min, info.tiny, info.smallest_subnormal, -0.0, 0.1
    if dtype == "float32":  # "7.038531e-26" in short, which float64 rounds away from it
        numbers[6] = np.array([0x15AE43FD], np.uint32).view(dtype)[0]
    numbers = np.where(np.isfinite(numbers), numbers, 1)
    net = network(hidden_layer_sizes=(800,), dtype=dtype, max_iter=1).fit(X, DIGITS)
    first = np.resize(numbers, (4, 800))
    net.coefs_ = [first, np.resize(numbers[::-1], (800, 3))]
    other = from_json(to_json(net))
    for a, b in zip(other.coefs_, net.coefs_, strict=True):
        assert a.tobytes() == b.tobytes()  # -0.0 too


def test_float32_takes_no_more_digits_than_it_needs():
    net = fitted("multiclass", dtype="float32")
    net = from_json(to_json(net))
    net.coefs_ = [np.full_like(coef, 0.1) for coef in net.coefs_]
    weights = json.loads(to_json(net))["layers"][0]["weights"]
    assert weights[0][0] == 0.1
    assert np.shape(weights) == (4, 6)


def test_a_network_trained_on_sparse_samples(digits):
    """Its first layer lies otherwise in memory, which rounds otherwise."""
    samples, y = digits
    net = network(dtype="float32", hidden_layer_sizes=(30,), max_iter=1)
    net.fit(sparse.csr_matrix(samples), y)
    other = from_json(to_json(net))
    assert other._transposed_input
    for n in 1, 7, 1000:
        given, expected = (
            other.predict_proba(samples[:n]),
            net.predict_proba(samples[:n]),
        )
        assert_array_equal(given, expected)


def test_feature_names(iris):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    net = network().fit(frame, DIGITS)
    other = from_json(to_json(net))
    assert_array_equal(other.feature_names_in_, net.feature_names_in_)
    assert_array_equal(other.predict(frame), net.predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        other.predict(frame[list("badc")])


@pytest.mark.parametrize(
    "unit", ["datetime64[D]", "datetime64[ns]", "timedelta64[s]", "uint64", "float32"]
)
def test_labels_of_other_types(unit):
    labels = np.array([3, 5, 7], dtype=unit if "64[" not in unit else "i8").astype(unit)
    net = network().fit(X, labels[DIGITS])
    other = from_json(to_json(net))
    assert_predicts_alike(other, net)


@pytest.mark.filterwarnings("ignore:y contains only one class")
def test_an_only_class():
    net = network().fit(X, np.full(150, "a"))
    assert_predicts_alike(from_json(to_json(net)), net)


@each_kind
def test_training_goes_on_without_the_memory(kind):
    _, y, _ = KINDS[kind]
    other = from_json(to_json(fitted(kind))).set_params(warm_start=True, max_iter=2)
    before = other.coefs_[0].copy()
    with pytest.warns(UserWarning, match="goes on without what it remembered"):
        other.set_params(tol=0, n_iter_no_change=np.inf).fit(X, y)
    change = np.abs(other.coefs_[0] - before).max()
    assert 0 < change < 0.1
    other.partial_fit(X, y)  # and then it remembers


def test_a_loss_of_ones_own_is_not_in_it():
    net = regressor(loss=(quartic, quartic_slope)).fit(X, NUMBERS)
    text = to_json(net)
    assert json.loads(text)["loss"] is None
    assert_predicts_alike(from_json(text), net)
    assert from_json(text).loss == "squared_error"


@pytest.mark.parametrize("kind", ["numbers", "gamma", "quantiles"])
def test_a_loss_that_was_set_since_is_not_in_it(kind):
    net = from_json(to_json(fitted(kind)))
    net.set_params(loss={"gamma": "quantile"}.get(kind, "gamma"))
    other = from_json(to_json(net))
    assert_predicts_alike(other, net)
    assert other.out_activation_ == net.out_activation_


def quartic(h, y):
    return (h - y) ** 4 / 4


def quartic_slope(h, y):
    return (h - y) ** 3


# -- the format ------------------------------------------------------------------------

PLAIN = {
    "identity": lambda z: z,
    "relu": lambda z: max(z, 0.0),
    "logistic": lambda z: 1 / (1 + math.exp(-z)),
    "tanh": math.tanh,
    "exp": math.exp,
}


def computed(contents, x):
    """Predictions of one sample, from nothing but the docstring of `to_json`."""
    for layer in contents["layers"]:
        units = zip(*layer["weights"], strict=True)
        z = [
            sum(map(lambda a, b: a * b, x, w)) + b
            for w, b in zip(units, layer["biases"], strict=True)
        ]
        x = [PLAIN[layer["activation"]](value) for value in z]
    link = contents["link"]
    if link == "ascending":
        x = sorted(x)
    elif link == "softmax":
        x = [math.exp(z) for z in x]
        x = [one / sum(x) for one in x]
    else:
        x = [PLAIN[link](z) for z in x]
    if contents["estimator"] == "ScratchMLPRegressor":
        mean = contents["target_mean"] or [0] * len(x)
        scale = contents["target_scale"] or [1] * len(x)
        # Of one target's quantiles both are of length 1.
        return np.array(x) * scale + mean
    if contents["kind"] == "multiclass" and link == "logistic":
        x = [one / sum(x) for one in x]
    return x if contents["kind"] != "binary" else [1 - x[0], x[0]]


@each_kind
def test_the_docstring_is_enough_for_a_reader(kind):
    net = fitted(kind, activation="tanh")
    contents = json.loads(to_json(net))
    predicted = net.predict_proba if hasattr(net, "classes_") else net.predict
    expected = predicted(X).reshape(len(X), -1)
    for sample, one in zip(X[::29], expected[::29], strict=True):
        assert_allclose(computed(contents, sample.tolist()), one, rtol=1e-10)
    assert (
        contents.get("classes", [0]) == np.array(getattr(net, "classes_", [0])).tolist()
    )


def test_what_is_in_the_text():
    contents = json.loads(to_json(fitted("strings", dtype="float32")))
    assert contents["format"] == "sknet-mlp"
    assert contents["format_version"] == 1
    assert contents["estimator"] == "ScratchMLPClassifier"
    assert contents["link"] == "softmax"
    assert contents["classes"] == ["setosa", "versicolor", "virginica"]
    assert contents["dtype"] == "float32"
    assert [np.shape(layer["weights"]) for layer in contents["layers"]] == [
        (4, 6),
        (6, 3),
    ]
    contents = json.loads(to_json(fitted("quantiles scaled")))
    assert contents["link"] == "ascending"
    assert contents["quantiles"] == QUANTILES
    assert contents["target_mean"] == fitted("quantiles scaled").target_mean_.tolist()


def test_every_activation_is_named():
    for name in ACTIVATIONS:
        net = network(activation=name, max_iter=1).fit(X, LABELS)
        assert json.loads(to_json(net))["layers"][0]["activation"] == name
        assert_predicts_alike(from_json(to_json(net)), net)


# -- what is refused -------------------------------------------------------------------


def test_activations_of_ones_own_are_refused_by_name():
    net = network(activation=[(np.sin, np.cos)]).fit(X, DIGITS)
    with pytest.raises(ValueError, match=r"\(sin, cos\) of hidden layer 0.*joblib"):
        to_json(net)


def test_only_fitted_networks_are_exported():
    with pytest.raises(NotFittedError):
        to_json(network())
    with pytest.raises(TypeError, match="Pipeline: pass the network itself"):
        to_json(make_pipeline(StandardScaler(), network()).fit(X, DIGITS))


def changed(**values):
    return lambda c: c.update(values)


def without(key):
    return lambda c: c.pop(key)


CHANGES = {
    "another format": (changed(format="onnx"), "format"),
    "a later version": (changed(format_version=2), "format_version 2"),
    "no layers": (changed(layers=[]), "no layers"),
    "layers of another type": (changed(layers=7), "damaged"),
    "a layer cut": (lambda c: c["layers"][1]["weights"].pop(), "takes 5 inputs"),
    "a row cut": (lambda c: c["layers"][0]["weights"][0].pop(), "damaged"),
    "a bias cut": (lambda c: c["layers"][0]["biases"].pop(), "do not go together"),
    "no units": (lambda c: c["layers"][0].update(weights=[], biases=[]), "together"),
    "layers that do not fit": (lambda c: c["layers"].reverse(), "units, but|damaged"),
    "NaN": (lambda c: c["layers"][0]["biases"].__setitem__(0, math.nan), "NaN"),
    "too large": (lambda c: c["layers"][0]["biases"].__setitem__(0, 1e300), "infin"),
    "words": (lambda c: c["layers"][0]["biases"].__setitem__(0, "one"), "damaged"),
    "an activation": (lambda c: c["layers"][0].update(activation="eval"), "'eval'"),
    "outputs activated": (
        lambda c: c["layers"][1].update(activation="relu"),
        "identity",
    ),
    "dtype": (changed(dtype="object"), "dtype is 'object'"),
    "link": (changed(link="exp"), "link is 'exp'"),
    "estimator": (changed(estimator="os.system"), "estimator is 'os.system'"),
    "kind": (changed(kind="binary"), "do not go with the classes"),
    "a class too many": (lambda c: c["classes"].append(9), "go with the classes"),
    "classes twice": (changed(classes=[1, 1, 1]), "sorted"),
    "type of classes": (changed(classes_dtype="V8"), "classes_dtype"),
    "classes of another type": (changed(classes=[0, 1.5, 2]), "classes_dtype"),
    "classes cut": (changed(classes=["a", "bc", "d"], classes_dtype="<U1"), "<U1"),
    "no type of classes": (changed(classes_dtype=None), "damaged"),
    "names": (changed(feature_names=["a"]), "feature_names"),
    "numbers as names": (changed(feature_names=[1, 2, 3, 4]), "not all strings"),
    "a list": (None, "format is not"),
}
CHANGES |= {
    f"without {key}": (without(key), f"lacks '{key}'|is not")
    for key in ("layers", "dtype", "estimator", "link", "kind", "classes")
}


def refused(text, message):
    with pytest.raises(ValueError, match=message):
        from_json(text)


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_changed_text_is_refused(change, message):
    contents = json.loads(to_json(fitted("small integers", dtype="float32")))
    if change is None:
        contents = [contents]
    else:
        change(contents)
    refused(json.dumps(contents), message)


JUNK = [
    *(None, True, 0, -1, 2, 7.5, 1e308, math.inf, math.nan, 10**400),
    *(
        "",
        "x",
        "relu",
        "softmax",
        [],
        [1],
        [[1]],
        [None],
        {},
        {"a": 1},
        ["a", "b", "c"],
    ),
]


def paths(value, before=()):
    """Ways to the values within a value, of a list to the first and the last."""
    yield before
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*before, key))
    elif isinstance(value, list) and value:
        for place in {0, len(value) - 1}:
            yield from paths(value[place], (*before, place))


@pytest.mark.parametrize("kind", ["strings as objects", "multilabel", "several scaled"])
def test_whatever_stands_in_the_text_is_refused_or_predicts(kind):
    text = to_json(fitted(kind))
    outcomes = []
    for *way, last in [one for one in paths(json.loads(text)) if one]:
        for junk in JUNK:
            contents = json.loads(text)
            place = contents
            for key in way:
                place = place[key]
            place[last] = junk
            outcomes.append(outcome(json.dumps(contents)))
    allowed = r"predicts|.*(changed|format|lacks|overflow|feature names)"
    assert [one for one in outcomes if not re.match(allowed, one)] == []
    assert 50 < outcomes.count("predicts") < len(outcomes) - 50


def outcome(text):
    """What becomes of a text, in words; no error but a ValueError may come of it."""
    try:
        from_json(text).predict(X[:2])
    except ValueError as error:
        return str(error)
    return "predicts"


TARGET_CHANGES = {
    "quantiles": (changed(quantiles=[0.5]), "do not go with"),
    "descending": (changed(quantiles=[0.9, 0.5, 0.1]), "ascending"),
    "link": (changed(link="identity"), "do not go with"),
    "loss": (changed(loss="gamma"), "do not go with"),
    "targets": (changed(n_targets=2), "do not go with"),
    "as many targets as quantiles": (changed(n_targets=3), "do not go with"),
    "half targets": (changed(n_targets=1.0), "n_targets is 1.0"),
    "scale": (changed(target_scale=[0.0]), "not > 0"),
    "mean": (changed(target_mean=[math.inf]), "not finite"),
    "scales": (changed(target_scale=[1.0, 2.0], target_mean=[1.0, 2.0]), "scales"),
}


@pytest.mark.parametrize(
    ("change", "message"), TARGET_CHANGES.values(), ids=TARGET_CHANGES
)
def test_changed_targets_are_refused(change, message):
    contents = json.loads(to_json(fitted("quantiles scaled")))
    change(contents)
    refused(json.dumps(contents), message)


@pytest.mark.parametrize("text", ["", "{", "[" * 10**5, "nonsense", None, b"\xff"])
def test_no_json(text):
    refused(text, "no text")


def test_a_cut_text_is_refused():
    text = to_json(fitted("binary"))
    for end in range(0, len(text), 97):
        refused(text[:end], "JSON")
