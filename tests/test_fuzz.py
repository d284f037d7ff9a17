"""Any calls with any arguments end in a sound model or in one sentence of error.

A thousand sequences of calls, the same each time; ``SKNET_FUZZ=20000`` runs that many,
others each time, and shows how to repeat one that fails.
"""

import copy
import linecache
import os
import pickle
import signal
import traceback
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

import sknet
from sknet import ScratchMLPClassifier, ScratchMLPRegressor
from sknet._sklearn.base import NetworkEstimator

N_CASES = int(os.environ.get("SKNET_FUZZ", "0"))
HOW_MANY = settings(
    max_examples=(N_CASES or 1000) // 2,  # for each of the two estimators
    derandomize=not N_CASES,
    stateful_step_count=8,
    deadline=None,
    database=None,
    print_blob=bool(N_CASES),
    suppress_health_check=list(HealthCheck),
)
HANGS = 30.0  # seconds
OURS = str(Path(sknet.__file__).parent)

# -- parameters: values that are right, and values that are not ------------------------


def sine(z):
    return np.sin(z)


def cosine(z):
    return np.cos(z)


def falling(fraction):
    return 1.0 - 0.9 * fraction


def not_finite(fraction):
    return np.nan


def noisy(X, rng):
    return X + rng.normal(size=X.shape)


def one_row(X, rng):
    return X[:1]


def no_numbers(X, rng):
    return X * np.nan


def no_score(estimator, X, y, sample_weight=None):
    return np.nan


def quartic(h, y):
    return (h - y) ** 4 / 4


def cubic(h, y):
    return (h - y) ** 3


HUGE = 10**400  # larger than any float
TINY = 5e-324  # the least one above 0
NAMES = ["identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "selu"]
NAMES += ["softplus", "gelu", "silu", "mish"]
SCHEDULES = ["constant", "invscaling", "adaptive", "reduce_on_plateau"]
LOSSES = ["squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"]
NETWORK = {
    "hidden_layer_sizes": (
        [(), (3,), (4, 2), 5, [3], np.array([3, 2]), (1,), np.int64(3)],
        [(0,), -1, (2.5,), "a", [[2]], (True,), None, np.array([]), np.array(3)],
    ),
    "activation": (
        [*NAMES, (sine, cosine), [(sine, cosine)], ["relu", "tanh"]],
        ["foo", ["foo"], [], (), None, (sine, sine), (sine,), [None], 3],
    ),
    "solver": (["adam", "adamw", "sgd", "lbfgs"], ["x", None, ["adam"]]),
    "alpha": (
        [0, 1e-4, 1, 1e5, 1e300, 1e-320, np.float32(1e-3), np.float16(0.1)],
        [-1, np.nan, np.inf, None, "1", True, HUGE, np.array(1.0)],
    ),
    "batch_size": (
        ["auto", 1, 3, 1000, np.int8(100), 10**30],
        [0, -1, 2.0, None, True, "a", [3]],
    ),
    "learning_rate": (
        [*SCHEDULES, "cosine", "one_cycle", falling],
        [not_finite, "x", None, np.array(["constant"]), 3],
    ),
    "learning_rate_init": (
        [1e-3, 0.1, 1, 1e3, 1e-300, 1e300, 1e38, TINY, np.float16(0.01)],
        [0, -1, np.nan, np.inf, None, HUGE, True],
    ),
    "power_t": ([0.5, 0, 1, 1000, 1e300], [-1, np.nan, np.inf, None, HUGE]),
    "max_iter": ([1, 2, 3, np.int64(3)], [0, -1, 2.5, None, True, np.inf]),
    "shuffle": ([True, False, np.bool_(True)], [1, None, "a"]),
    "random_state": ([0, 1, None, np.int64(3), 2**32 - 1], [-1, 2**32, "a", 1.5]),
    "tol": ([1e-4, 0, 1, 1e300], [-1, np.nan, np.inf, None, HUGE]),
    "verbose": ([False, 0], ["a", -1]),
    "warm_start": ([True, False], [None, 1, "a"]),
    "momentum": ([0.9, 0, 1, np.float16(0.9)], [-0.1, 1.1, np.nan, None]),
    "nesterovs_momentum": ([True, False], [None, 1]),
    "early_stopping": ([True, False], [None, 1]),
    "validation_fraction": ([0.1, 0.5, 0, 0.99, 1e-10], [1, -0.1, None, np.nan]),
    "beta_1": ([0.9, 0, 1 - 1e-16, np.float16(0.9)], [1, -1, np.nan]),
    "beta_2": ([0.999, 0, 0.5, 1 - 1e-16], [1, np.nan]),
    "epsilon": ([1e-8, 1e-300, 1e300, TINY, 1], [0, -1, np.nan, np.inf, HUGE]),
    "n_iter_no_change": ([10, 1, np.inf, 10**30, np.int8(1)], [0, 2.5, None, np.nan]),
    "max_fun": ([15000, 1, 2, 10**30], [0, 1.5, None]),
    "weight_init": (["auto", "uniform", "he", "lecun"], ["x", None]),
    "dtype": (
        [None, "float32", "float64", np.float32, float, np.dtype("float32")],
        ["float16", int, np.dtype(">f4"), ">f8", object],
    ),
    "warmup": ([0, 0.1, 0.999], [1, -1, None]),
    "dropout": (
        [0, 0.2, 0.9, [0.1], (0.1, 0.2), np.array([0.5]), 1 - 1e-9],
        [1, -1, None, [], [np.nan], ["a"], [[0.1]], [None], {0.2}, pd.Series([0.1])],
    ),
    "input_dropout": ([0, 0.2, 0.99, 1 - 1e-16], [1, -1, None, [0.1]]),
    "weight_decay": ([0.01, 0, 1, 100, 1e300], [-1, None, np.nan, np.inf]),
    "max_grad_norm": ([None, 1, 1e-300, 1e300, TINY], [0, -1, np.nan, np.inf, HUGE]),
    "augment": ([None, noisy], [one_row, no_numbers, 3, "a"]),
    "scoring": (
        [None, "loss", "accuracy", "r2", "neg_log_loss", "roc_auc", "f1_macro"],
        ["x", no_score, 3, len],
    ),
}
OF_CLASSIFIERS = {
    "out_activation": (["auto", "softmax", "logistic"], ["x", None]),
    "class_weight": (
        [None, "balanced", {0: 2.0}, {0: 0, 1: 1}, {"a": 3.0, "b": 1}, {0: 1e30}],
        ["x", {0: -1}, {0: np.nan}, {0: "a"}, {0: None}, [1, 2], {0: HUGE}, {99: 1}],
    ),
    "label_smoothing": ([0, 0.1, 0.999], [1, -1, None, np.nan]),
}
OF_REGRESSORS = {
    "loss": (
        [*LOSSES, (quartic, cubic)],
        ["x", None, (quartic,), (quartic, quartic), ("a", "b"), (), [quartic, cubic]],
    ),
    "delta": ([1, 1e-300, 1e300, np.float16(1)], [0, -1, np.nan, np.inf, None, HUGE]),
    "quantile": (
        [0.5, [0.1, 0.9], (0.1, 0.5, 0.9), np.array([0.5]), 1e-16, 0.999],
        [0, 1, [0.9, 0.1], [0.1, 0.1], [], None, [np.nan], ["a"], {0.1, 0.9}],
    ),
    "target_scaling": ([None, "standard"], ["x", True]),
}


@st.composite
def one_in(draw, n):
    """True once in n times; an end of the range would come more often."""
    return draw(st.integers(0, n - 1)) == n // 2


@st.composite
def some_parameters(draw, table, most):
    """Some parameters, of which one in thirty has a value that is not right."""
    names = draw(st.lists(st.sampled_from(sorted(table)), max_size=most))
    wrong = [draw(one_in(30)) for _ in names]
    return {
        name: draw(st.sampled_from(table[name][is_wrong]))
        for name, is_wrong in zip(names, wrong, strict=True)
    }


# -- data ------------------------------------------------------------------------------

SCALES = [1.0] * 24 + [1e-5, 1e3, 1e10, 1e-40, 1e30, 1e150, 1e-310, 0.0]
WRONG = [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e38, 3.4e38, 1e-310]
FORMS = {
    "C": lambda X: X,
    "Fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(np.repeat(X, 2, 0), 3, 1)[::2, ::3],
    "reversed": lambda X: X[::-1, ::-1],
    "transposed": lambda X: np.ascontiguousarray(X.T).T,
    "frame": pd.DataFrame,
    "named": lambda X: pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])]),
    "list": lambda X: X.tolist(),
    "one row": lambda X: X.ravel(),
    "csr": lambda X: sparse.csr_matrix(np.triu(X)),
    "csr array": sparse.csr_array,
    "csc": sparse.csc_matrix,
    "coo": lambda X: sparse.coo_matrix(np.tril(X)),
    "lil": sparse.lil_matrix,
    "empty": lambda X: sparse.csr_matrix(X.shape),
    "duplicates": lambda X: sparse.coo_matrix(
        (np.ones(20), (np.arange(20) % X.shape[0], np.arange(20) % X.shape[1])),
        shape=X.shape,
    ),
    "long indices": lambda X: with_long_indices(sparse.csr_matrix(X)),
}
DTYPES = [float, float, float, np.float32, np.float32, np.int64, np.int8, bool]
DTYPES += [np.float16, ">f8", np.uint8, object, np.longdouble]


def with_long_indices(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


@st.composite
def samples(draw, shape):
    """X of that shape: any type, order and container, and now and then not finite."""
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    X = rng.normal(size=shape) * draw(st.sampled_from(SCALES))
    dtype = draw(st.sampled_from(DTYPES))
    with np.errstate(all="ignore"):
        X = X > 0 if dtype is bool else X.astype(dtype)
        if X.size and X.dtype.kind in "fO" and draw(one_in(12)):
            X[draw(st.integers(0, shape[0] - 1)), 0] = draw(st.sampled_from(WRONG))
    form = draw(st.sampled_from(["C"] * 9 + list(FORMS)))
    with suppress(TypeError, ValueError):  # objects in a sparse matrix, say
        X = FORMS[form](X)
    if type(X) is np.ndarray:
        X.flags.writeable = draw(st.booleans())
    return X


LETTERS = np.array(list("abc"))
LABELS = [
    lambda two, three, many: two,
    lambda two, three, many: three,
    lambda two, three, many: LETTERS[three],
    lambda two, three, many: LETTERS.astype(object)[three],
    lambda two, three, many: two.astype(bool),
    lambda two, three, many: np.zeros_like(two),
    lambda two, three, many: many,
    lambda two, three, many: many.astype(bool),
    lambda two, three, many: sparse.csr_matrix(many),
    lambda two, three, many: sparse.csc_array(many),
    lambda two, three, many: sparse.coo_matrix(many),
    lambda two, three, many: pd.DataFrame(many),
    lambda two, three, many: many.tolist(),
    lambda two, three, many: np.zeros_like(many),
    lambda two, three, many: many[:, :1],
    lambda two, three, many: many[:, :0],
    lambda two, three, many: many + three[:, np.newaxis],
    lambda two, three, many: three[:, np.newaxis],
    lambda two, three, many: three.astype(float),
    lambda two, three, many: three + 0.5,
    lambda two, three, many: three * 10**18,
    lambda two, three, many: two.astype(np.float32),
    lambda two, three, many: two * 1j,
    lambda two, three, many: three.astype(np.uint8),
    lambda two, three, many: three.tolist(),
    lambda two, three, many: np.where(three == 0, np.nan, three),
    lambda two, three, many: np.array([1, "a", None], object)[three],
    lambda two, three, many: np.array([b"a", b"b"])[two],
    lambda two, three, many: np.array(["2020-01-01", "2021-01-01"], "M8[D]")[two],
    lambda two, three, many: pd.Series(three, index=range(5, 5 + len(three))),
    lambda two, three, many: pd.Series(pd.Categorical(LETTERS[three])),
    lambda two, three, many: pd.array(three, dtype="Int64"),
    lambda two, three, many: pd.Series(LETTERS[three], dtype="string"),
    lambda two, three, many: pd.Series(np.where(three == 0, None, three)),
    lambda two, three, many: pd.Series(two.astype(bool)).astype("boolean"),
    lambda two, three, many: "abc",
    lambda two, three, many: None,
]


@st.composite
def labels(draw, n):
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    two, three = rng.integers(0, 2, n), rng.integers(0, 3, n)
    many = rng.integers(0, 2, (n, draw(st.integers(1, 3))))
    make = draw(st.sampled_from(LABELS[:4] * 9 + LABELS))
    return make(two, three, many)


SIZES = [1.0] * 24 + [1e-10, 1e10, 1e30, 1e100, 1e150, 1e300, 1e-300, 1e-310, 0.0]
TARGETS = {
    "array": lambda y: y,
    "float32": lambda y: y.astype(np.float32),
    "int": lambda y: np.nan_to_num(np.clip(y, -99, 99)).astype(int),
    "pandas": lambda y: pd.Series(y) if y.ndim == 1 else pd.DataFrame(y),
    "list": lambda y: y.tolist(),
    "object": lambda y: y.astype(object),
    "bool": lambda y: y > 0,
    "Fortran": np.asfortranarray,
    "text": lambda y: y.astype(str),
    "words": lambda y: np.full(y.shape, "a"),
    "dates": lambda y: np.full(y.shape, np.datetime64("2020-01-01")),
    "sparse": lambda y: sparse.csr_matrix(y if y.ndim == 2 else y[:, np.newaxis]),
    "complex": lambda y: y * 1j,
}


@st.composite
def numbers(draw, n):
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    shape = draw(st.sampled_from([(n,)] * 9 + [(n, 1), (n, 2), (n, 3), (n, 0)]))
    y = rng.normal(size=shape) * draw(st.sampled_from(SIZES))
    if draw(st.booleans()):
        y = np.abs(y) + draw(st.sampled_from([0.0, 1e-3]))
    if y.size and draw(one_in(15)):
        y[0] = draw(st.sampled_from([*WRONG, 1.7e308, -1e308]))
    form = draw(st.sampled_from(["array"] * 24 + list(TARGETS)))
    with np.errstate(all="ignore"):
        return TARGETS[form](y)


WEIGHTS = [
    lambda n, rng: rng.random(n),
    lambda n, rng: rng.integers(0, 2, n),
    lambda n, rng: rng.random(n) > 0.5,
    lambda n, rng: rng.random(n).astype(np.float32),
    lambda n, rng: rng.random(n) * 10.0 ** rng.integers(-30, 30, n),
    lambda n, rng: np.zeros(n),
    lambda n, rng: np.full(n, 1e30),
    lambda n, rng: np.full(n, 1e-30),
    lambda n, rng: np.full(n, 1e300),
    lambda n, rng: np.full(n, 1e-300),
    lambda n, rng: np.full(n, 1e-310),
    lambda n, rng: -np.ones(n),
    lambda n, rng: np.full(n, np.nan),
    lambda n, rng: np.full(n, np.inf),
    lambda n, rng: np.inf * rng.choice([-1, 1], n),
    lambda n, rng: np.ones(n + 1),
    lambda n, rng: np.ones((n, 1)),
    lambda n, rng: 2,
    lambda n, rng: "balanced",
    lambda n, rng: [1] * n,
    lambda n, rng: pd.Series(np.ones(n)),
    lambda n, rng: np.eye(1, n)[0],
]


@st.composite
def weights(draw, n):
    make = draw(st.sampled_from([None] * 30 + WEIGHTS[:5] * 3 + WEIGHTS))
    if make is None:
        return None
    return make(n, np.random.default_rng(draw(st.integers(0, 99))))


# -- what must hold --------------------------------------------------------------------


ARRAYS = (np.ndarray, tuple)


def content(value):
    """All that a value holds, in nested tuples that can be compared."""
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return "objects", value.shape, tuple(content(v) for v in value.ravel())
        return value.dtype.str, value.shape, value.flags.writeable, value.tobytes()
    if isinstance(value, dict):
        return tuple((repr(name), content(v)) for name, v in value.items())
    if isinstance(value, (list, tuple)):
        return (type(value), *map(content, value))
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return type(value), value.to_csv(), str(value.dtypes)
    if sparse.issparse(value):  # beside flags, which SciPy sets when it has looked
        arrays = {k: v for k, v in vars(value).items() if isinstance(v, ARRAYS)}
        return type(value), value.shape, content(arrays)
    if isinstance(value, NetworkEstimator):
        return type(value), content(vars(value))
    return type(value), repr(value)


class Hang(BaseException):
    """A call has not come to an end."""


@contextmanager
def time_limit(seconds):
    """Raise ``Hang`` in what takes so long, where the system has alarms."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(signum, frame):
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def assert_is_a_sentence(error):
    """It says something, and where it comes from us we have written it.

    An error of a function of the user's that is built in seems to come from us: a note
    tells whose it is.
    """
    text = str(error)
    assert len(text.split()) >= 3, text
    frame = traceback.extract_tb(error.__traceback__)[-1]
    if frame.filename.startswith(OURS):
        line = linecache.getline(frame.filename, frame.lineno)
        assert line.strip().startswith("raise ") or error.__notes__, line


def has_trained(error):
    """Whether an error came while, or after, epochs were made."""
    names = {frame.name for frame in traceback.extract_tb(error.__traceback__)}
    return bool(names & {"train_by_steps", "minimise_cost"})


USUAL = {"hidden_layer_sizes": (3,), "max_iter": 2}


class Calls(RuleBasedStateMachine):
    """A network, some data, and calls in any order.

    A strategy's data fit the rest of it mostly, and sometimes they do not.
    """

    cls = None
    table = None
    targets = None

    def call(self, name, *args, **kwargs):
        """Call a method; True if it returned, with a sound network."""
        method = getattr(self.net, name, None)
        if method is None:  # partial_fit of lbfgs
            return None
        before, given = content(self.net), content((args, kwargs))
        result, fault = None, None
        with warnings.catch_warnings(), time_limit(HANGS):
            warnings.simplefilter("ignore")
            for category in (RuntimeWarning, DeprecationWarning, FutureWarning):
                warnings.simplefilter("error", category)
            try:
                result = method(*args, **kwargs)
            except (ValueError, TypeError) as error:
                fault = error
        assert content((args, kwargs)) == given
        if fault is not None:
            note(f"{name}: {type(fault).__name__}: {fault}")
            assert_is_a_sentence(fault)
            if content(self.net) != before:
                assert has_trained(fault)
                assert self.net.n_iter_ >= 1
            if isinstance(fault, InvalidParameterError):  # so would all that follows
                self.net.set_params(**self.cls(**USUAL).get_params())
        self.assert_sound()
        return result

    def assert_sound(self):
        net = self.net
        if hasattr(net, "_theta"):
            assert np.isfinite(net._theta).all()
            lengths = {len(curve) for curve in net.history_.values()}
            assert lengths == {len(net.loss_curve_)}

    @initialize(data=st.data())
    def begin(self, data):
        parameters = data.draw(some_parameters(self.table, 6))
        self.net = self.cls(**{**USUAL, **parameters})
        self.choose(data)

    def choose(self, data):
        """Other samples; mostly with the features and as many as their targets."""
        self.n = data.draw(st.sampled_from([12, 12, 12, 5, 3, 2, 1, 30, 250]))
        usual = getattr(self.net, "n_features_in_", 3)
        f = data.draw(st.sampled_from([usual] * 12 + [1, 2, 7]))
        self.X = data.draw(samples((self.n, f)))
        self.y = data.draw(self.targets(self.n + data.draw(one_in(50))))

    @rule(data=st.data())
    def other_data(self, data):
        self.choose(data)

    @rule(data=st.data())
    def fit(self, data):
        weight = data.draw(weights(self.n))
        if self.call("fit", self.X, self.y, weight) is not None:
            self.predict(data)

    @rule(data=st.data())
    def fit_with_validation_set(self, data):
        n, X, y = self.n, self.X, self.y
        if data.draw(st.booleans()):
            n = data.draw(st.sampled_from([10, 1]))
            f = np.shape(X)[1] if np.ndim(X) == 2 else 3
            X, y = data.draw(samples((n, f))), data.draw(self.targets(n))
        given = {"X_val": X, "y_val": y, "sample_weight_val": data.draw(weights(n))}
        if data.draw(one_in(20)):
            del given["y_val"]
        self.call("fit", self.X, self.y, **given)

    @rule(factor=st.sampled_from([1.0, 1e-300, 1e300, np.nan, "x"]), data=st.data())
    def fit_from_weights(self, factor, data):
        coefs = getattr(self.net, "coefs_", [np.full((3, 3), 0.1), np.ones((3, 1))])
        with np.errstate(all="ignore"):
            coefs = [np.ones(2)] if factor == "x" else [W * factor for W in coefs]
        biases = data.draw(st.sampled_from([None, None, [1], {}, 3, np.zeros(3)]))
        self.call("fit", self.X, self.y, coef_init=coefs, intercept_init=biases)

    @rule(data=st.data())
    def partial_fit(self, data):
        given = self.of_partial_fit(data)
        if self.call("partial_fit", self.X, self.y, **given) is not None:
            self.predict(data)

    def of_partial_fit(self, data):
        return {"sample_weight": data.draw(weights(self.n))}

    @rule(data=st.data())
    def set_params(self, data):
        self.net.set_params(**data.draw(some_parameters(self.table, 2)))

    @rule(how=st.sampled_from(["clone", "pickle", "deepcopy", "copy"]))
    def copied(self, how):
        make = {
            "clone": clone,
            "pickle": lambda net: pickle.loads(pickle.dumps(net)),
            "deepcopy": copy.deepcopy,
            "copy": copy.copy,
        }[how]
        before = content(self.net)
        twin = make(self.net)
        assert content(self.net) == before
        self.net = twin
        self.assert_sound()

    @precondition(lambda self: hasattr(self.net, "_theta"))
    @rule()
    def compact(self):
        self.call("compact")

    @precondition(lambda self: hasattr(self.net, "_theta"))
    @rule(data=st.data())
    def predict_others(self, data):
        n = data.draw(st.sampled_from([1, 4]))
        X = data.draw(samples((n, self.net.n_features_in_)))
        self.assert_predictions_are_sound(X)

    @precondition(lambda self: hasattr(self.net, "_theta"))
    @rule(data=st.data())
    def predict(self, data):
        self.assert_predictions_are_sound(self.X)

    @precondition(lambda self: hasattr(self.net, "_theta"))
    @rule(data=st.data())
    def score(self, data):
        score = self.call("score", self.X, self.y, data.draw(weights(self.n)))
        assert score is None or isinstance(float(score), float)


CLASSES = [None, [0, 1, 2], [], [0, 0], ["a", "b", "c"], "ab", [[0, 1]], [np.nan, 1]]
CLASSES += [3, [None, 1]]


class CallsOfClassifier(Calls):
    cls = ScratchMLPClassifier
    table = {**NETWORK, **OF_CLASSIFIERS}
    targets = staticmethod(labels)

    def of_partial_fit(self, data):
        try:
            known = np.unique(self.y)
        except (TypeError, ValueError):
            known = [0, 1]
        classes = data.draw(st.sampled_from([known] * 8 + CLASSES))
        return {**super().of_partial_fit(data), "classes": classes}

    def assert_predictions_are_sound(self, X):
        labels = self.call("predict", X)
        if labels is not None and np.ndim(labels) == 1:
            assert np.isin(labels, self.net.classes_).all()
        proba = self.call("predict_proba", X)
        if proba is not None:
            assert ((proba >= 0) & (proba <= 1)).all()
            if np.ndim(labels) == 1:
                np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
        logarithms = self.call("predict_log_proba", X)
        assert logarithms is None or (logarithms <= 0).all()
        raw = self.call("decision_function", X)
        assert raw is None or np.isfinite(raw).all()


class CallsOfRegressor(Calls):
    cls = ScratchMLPRegressor
    table = {**NETWORK, **OF_REGRESSORS}
    targets = staticmethod(numbers)

    def assert_predictions_are_sound(self, X):
        y = self.call("predict", X)
        assert y is None or np.isfinite(y).all()


# scikit-learn 1.6 still takes bytes for labels.
@pytest.mark.filterwarnings("ignore:Support for labels represented as bytes")
@pytest.mark.parametrize("calls", [CallsOfClassifier, CallsOfRegressor])
def test_any_calls_end_in_a_sound_model_or_in_a_sentence(calls):
    assert set(calls.table) == set(calls.cls().get_params())
    run_state_machine_as_test(calls, settings=HOW_MANY)
