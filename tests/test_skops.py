"""skops, which loads models of somebody else: one name to trust, in any state."""

import io
import json
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from exports import CLASSIFIERS, DIGITS, KINDS, NUMBERS, X
from sknet import ScratchMLPClassifier, ScratchMLPRegressor
from support import (
    NAMES,
    assert_same_weights,
    assert_trains_on_alike,
    network,
    regressor,
    short,
)

skops = pytest.importorskip("skops.io")
exceptions = pytest.importorskip("skops.io.exceptions")

CLASSIFIER = "sknet.classifier.ScratchMLPClassifier"
REGRESSOR = "sknet.regressor.ScratchMLPRegressor"


def loaded(net):
    """Through skops, which trusts the class of the network and nothing else."""
    contents = skops.dumps(net)
    name = REGRESSOR if isinstance(net, ScratchMLPRegressor) else CLASSIFIER
    assert skops.get_untrusted_types(data=contents) == [name]
    return skops.loads(contents, trusted=[name])


def assert_the_same(net, other, y):
    assert_same_weights(other, net)
    given, expected = other.predict(X), net.predict(X)
    if sparse.issparse(expected):
        given, expected = given.toarray(), expected.toarray()
    assert_array_equal(given, expected)
    if not net._training["compacted"] and net.solver != "lbfgs":
        assert_trains_on_alike(other, net, X, y)


@pytest.mark.parametrize("kind", KINDS)
def test_one_name_is_trusted_for_any_targets(kind):
    make, y, parameters = KINDS[kind]
    net = make(**parameters).fit(X, y)
    assert_the_same(net, loaded(net), y)


def by_partial_fit(net):
    return net.partial_fit(X, DIGITS, classes=[0, 1, 2]).partial_fit(X, DIGITS)


def by_fit(net):
    return net.fit(X, DIGITS)


LBFGS = {"solver": "lbfgs", "alpha": 1.0, "max_iter": 1000}
STATES = {
    "not fitted": lambda: network(),
    "fitted": lambda: by_fit(network()),
    "partial_fit": lambda: by_partial_fit(network("sgd", learning_rate="adaptive")),
    "lbfgs": lambda: by_fit(network(**LBFGS)),
    "after lbfgs": lambda: by_partial_fit(
        by_fit(network(**LBFGS)).set_params(**network().get_params())
    ),
    "warm start": lambda: by_fit(by_fit(network(warm_start=True))),
    "early stopping": lambda: by_fit(network(early_stopping=True, warm_start=True)),
    "validated": lambda: network().fit(X, DIGITS, X_val=X, y_val=DIGITS),
    "compacted": lambda: by_fit(network()).compact(),
    "dropout": lambda: by_fit(network("adamw", dropout=0.2, input_dropout=0.1)),
    "cosine": lambda: by_fit(network(learning_rate="cosine", warmup=0.1)),
    "float32": lambda: by_fit(network(dtype="float32")),
    "class weights": lambda: by_fit(network(class_weight={0: 1, 1: 2.0, 2: 3})),
    "own stream": lambda: by_fit(network(random_state=np.random.RandomState(0))),
    "NumPy's numbers": lambda: by_fit(
        network(alpha=np.float32(1), max_iter=np.int8(3))
    ),
    "ufuncs": lambda: by_fit(network(activation=(np.sin, np.cos))),
    "sparse": lambda: network().fit(sparse.csr_matrix(X), DIGITS),
}


@pytest.mark.parametrize("state", STATES)
def test_one_name_is_trusted_in_any_state(state):
    net = STATES[state]()
    other = loaded(net)
    if state == "not fitted":
        assert other.get_params() == net.get_params()
    else:
        assert_the_same(net, other, DIGITS)


def test_feature_names():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd"))
    net = network().fit(frame, NAMES[DIGITS])
    assert_array_equal(loaded(net).predict(frame), net.predict(frame))


def test_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), regressor()).fit(X, NUMBERS)
    other = loaded_pipeline = skops.loads(skops.dumps(pipeline), trusted=[REGRESSOR])
    assert loaded_pipeline is not pipeline
    assert_array_equal(other.predict(X), pipeline.predict(X))


def test_a_callback_is_a_name_of_its_own():
    """Until it is taken off: a model for others needs none."""
    callbacks = pytest.importorskip(
        "sknet.callbacks", reason="needs scikit-learn 1.9", exc_type=ImportError
    )
    net = network().set_callbacks(callbacks.TimeLimit(60.0)).fit(X, DIGITS)
    names = skops.get_untrusted_types(data=skops.dumps(net))
    assert names == ["sknet.callbacks.TimeLimit", CLASSIFIER]
    assert_the_same(net, loaded(net.set_callbacks()), DIGITS)


def test_nothing_is_said_of_versions(recwarn):
    loaded(network().fit(X, DIGITS))
    assert not recwarn.list


# -- by skops' own tests ---------------------------------------------------------------


@short
@pytest.mark.filterwarnings("ignore:y of shape")
@pytest.mark.parametrize("cls", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("fitted", [False, True])
def test_skops_own_tests_of_persistence_pass(cls, fitted):
    theirs = pytest.importorskip("skops.io.tests.test_persist")
    if fitted:
        theirs.test_can_persist_fitted(cls(max_iter=5))
    else:
        theirs.test_can_persist_non_fitted(cls())


# -- files that were tampered with -----------------------------------------------------

# What would happen if a file could do what it wants.
HAPPENED = []


def happens(*args, **kwargs):
    HAPPENED.append(args)


def tampered(change):
    """A fitted network's file whose description has been changed."""
    source = zipfile.ZipFile(io.BytesIO(skops.dumps(network().fit(X, DIGITS))))
    target = io.BytesIO()
    with source, zipfile.ZipFile(target, "w") as new:
        for name in source.namelist():
            contents = source.read(name)
            if name == "schema.json":
                schema = json.loads(contents)
                change(schema)
                contents = json.dumps(schema).encode()
            new.writestr(name, contents)
    return target.getvalue()


def attribute(schema, name):
    return schema["content"]["content"][name]


def another_class(schema):
    schema["__module__"], schema["__class__"] = "subprocess", "Popen"


def another_loader(schema):
    schema["__loader__"] = "NoSuchNode"


def function_for_a_number(schema):
    attribute(schema, "alpha").clear()
    attribute(schema, "alpha").update(
        {
            "__class__": "function",
            "__module__": "builtins",
            "__loader__": "FunctionNode",
            "__id__": 1,
            "content": {"module_path": __name__, "function": "happens"},
        }
    )


def reduced_object(schema):
    attribute(schema, "alpha").clear()
    attribute(schema, "alpha").update(
        {
            "__class__": "happens",
            "__module__": __name__,
            "__loader__": "ObjectNode",
            "__id__": 1,
            "content": None,
        }
    )


TAMPERINGS = [another_class, another_loader, function_for_a_number, reduced_object]


@pytest.mark.parametrize("change", TAMPERINGS)
def test_a_file_that_was_tampered_with_is_refused(change):
    contents = tampered(change)
    errors = (exceptions.UntrustedTypesFoundException, TypeError, ValueError)
    with pytest.raises(errors, match=r"[Uu]ntrusted|NoSuchNode|trust"):
        skops.loads(contents, trusted=[CLASSIFIER])
    assert not HAPPENED


def test_a_file_that_was_written_anew_but_not_changed_is_loaded():
    """Or the tests above would prove nothing."""
    other = skops.loads(tampered(lambda schema: None), trusted=[CLASSIFIER])
    assert_same_weights(other, network().fit(X, DIGITS))


def test_a_file_with_changed_bytes_is_refused():
    contents = bytearray(skops.dumps(network().fit(X, DIGITS)))
    place = contents.index(b"\x93NUMPY") + 130  # among the numbers of an array
    contents[place] ^= 1
    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        skops.loads(bytes(contents), trusted=[CLASSIFIER])


def test_a_random_stream_by_another_name_is_refused():
    """A name in the file is not called unless it is one of a random stream."""
    state = network().fit(X, DIGITS).__getstate__()
    for name in "test", "seed", "os", "mtrand":
        state["_training"] = {**state["_training"]}
        state["_training"]["rng"] = {**state["_training"]["rng"], "bit_generator": name}
        net = ScratchMLPClassifier()
        net.__setstate__(state)
        with pytest.raises(ValueError, match=f"random stream '{name}'"):
            net.partial_fit(X, DIGITS)


def test_the_kinds_of_labels_are_all_tried():
    assert set(CLASSIFIERS) < set(KINDS)
