"""What the estimator accepts: one table of its parameters, and which go together.

A field of :class:`NetworkParameters` tells a parameter's name, type and default, its
domain (scikit-learn's constraints), which values of other parameters it needs to have
an effect, and whether it changes the cost that training reports.  The constructor,
the checks and the warnings follow from that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, MISSING, Field, dataclass, field, fields
from functools import cache
from numbers import Integral, Real
from types import NoneType
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, Options, StrOptions

from sknet._sklearn.architecture import layer_sizes
from sknet._sklearn.warn import not_yet_told, warn

NUMBER = Interval(Real, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
FRACTION = Interval(Real, 0, 1, closed="left")
COUNT = Interval(Integral, 1, None, closed="left")

ActivationName: TypeAlias = Literal[
    "identity",
    "logistic",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "softplus",
    "gelu",
    "silu",
    "mish",
]
Function: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]
OneActivation: TypeAlias = ActivationName | tuple[Function, Function]
Solver: TypeAlias = Literal["adam", "adamw", "sgd", "lbfgs"]
LearningRate: TypeAlias = Literal[
    "constant",
    "invscaling",
    "adaptive",
    "reduce_on_plateau",
    "cosine",
    "one_cycle",
]
WeightInit: TypeAlias = Literal["auto", "uniform", "he", "lecun"]
OutActivation: TypeAlias = Literal["auto", "softmax", "logistic"]
LossOfNumbers: TypeAlias = Literal[
    "squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"
]
LossFunction: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]
DType: TypeAlias = (
    Literal["float32", "float64"]
    | type[np.float32]
    | type[np.float64]
    | type[float]
    | np.dtype[np.float32]
    | np.dtype[np.float64]
)

STOCHASTIC = ("adam", "adamw", "sgd")
OF_SGD = {"solver": ("sgd",)}
OF_ADAM = {"solver": ("adam", "adamw")}
OF_BATCHES = {"solver": STOCHASTIC}


def parameter(
    default: Any,
    *domain: Any,
    needs: Mapping[str, tuple[Any, ...]] | None = None,
    must: bool = False,
    in_cost: bool = False,
) -> Any:
    """Field of the table of parameters.

    Parameters
    ----------
    default : object
    *domain : object
        What scikit-learn's ``validate_params`` takes; a type alias of ``Literal``
        stands for its strings.
    needs : dict of str to tuple, default=None
        Without one of these values of the other parameter this one has no effect.
    must : bool, default=False
        Whether it is an error, rather than a reason to warn, to set it without effect.
    in_cost : bool, default=False
        Whether costs of two epochs can be compared only if it is the same in both.
    """
    constraints = [
        StrOptions(set(get_args(one))) if get_args(one) else one for one in domain
    ]
    metadata = {
        "domain": constraints,
        "needs": needs or {},
        "must": must,
        "in_cost": in_cost,
    }
    return field(default=default, metadata=metadata)


@dataclass(eq=False, repr=False)
class NetworkParameters:
    """Parameters of every network: scikit-learn's, in its order, then ours."""

    hidden_layer_sizes: int | Sequence[int] | NDArray[Any] = parameter(
        (100,), "array-like", COUNT
    )
    activation: OneActivation | Sequence[OneActivation] = parameter(
        "relu", ActivationName, list, tuple
    )
    _: KW_ONLY
    solver: Solver = parameter("adam", Solver)
    alpha: float = parameter(0.0001, NUMBER, in_cost=True)
    batch_size: int | Literal["auto"] = parameter(
        "auto", StrOptions({"auto"}), COUNT, needs=OF_BATCHES, in_cost=True
    )
    learning_rate: LearningRate | Callable[[float], float] = parameter(
        "constant", LearningRate, callable, needs=OF_BATCHES
    )
    learning_rate_init: float = parameter(0.001, POSITIVE, needs=OF_BATCHES)
    power_t: float = parameter(
        0.5, NUMBER, needs={**OF_BATCHES, "learning_rate": ("invscaling",)}
    )
    max_iter: int = parameter(200, COUNT)
    shuffle: bool = parameter(True, "boolean", needs=OF_BATCHES)
    random_state: int | np.random.RandomState | None = parameter(None, "random_state")
    tol: float = parameter(1e-4, NUMBER)
    verbose: bool | int = parameter(False, "verbose")
    warm_start: bool = parameter(False, "boolean")
    momentum: float = parameter(0.9, Interval(Real, 0, 1, closed="both"), needs=OF_SGD)
    nesterovs_momentum: bool = parameter(True, "boolean", needs=OF_SGD)
    early_stopping: bool = parameter(False, "boolean", needs=OF_BATCHES)
    validation_fraction: float = parameter(
        0.1, FRACTION, needs={**OF_BATCHES, "early_stopping": (True,)}
    )
    beta_1: float = parameter(0.9, FRACTION, needs=OF_ADAM)
    beta_2: float = parameter(0.999, FRACTION, needs=OF_ADAM)
    epsilon: float = parameter(1e-8, POSITIVE, needs=OF_ADAM)
    n_iter_no_change: int | float = parameter(
        10, COUNT, Options(Real, {np.inf}), needs=OF_BATCHES
    )
    max_fun: int = parameter(15000, COUNT, needs={"solver": ("lbfgs",)})
    weight_init: WeightInit = parameter("auto", WeightInit)
    dtype: DType | None = parameter(
        None,
        StrOptions({"float32", "float64"}),
        Options(type, {np.float32, np.float64, float}),
        Options(np.dtype, {np.dtype(np.float32), np.dtype(np.float64)}),
        None,
    )
    warmup: float = parameter(
        0.0, FRACTION, needs={**OF_BATCHES, "learning_rate": ("cosine",)}
    )
    dropout: float | Sequence[float] = parameter(
        0.0, FRACTION, "array-like", needs=OF_BATCHES, must=True
    )
    input_dropout: float = parameter(0.0, FRACTION, needs=OF_BATCHES, must=True)
    weight_decay: float = parameter(0.01, NUMBER, needs={"solver": ("adamw",)})
    max_grad_norm: float | None = parameter(
        None, POSITIVE, None, needs=OF_BATCHES, must=True
    )
    augment: Callable[[NDArray[Any], np.random.Generator], ArrayLike] | None = (
        parameter(None, callable, None, needs=OF_BATCHES, must=True, in_cost=True)
    )
    scoring: str | Callable[..., float] | None = parameter(
        None,
        StrOptions({"loss", *get_scorer_names()}),
        callable,
        None,
        needs={**OF_BATCHES, "early_stopping": (True,)},
    )


@dataclass(eq=False, repr=False)
class LossParameter:
    """The parameter that comes first in scikit-learn's ``MLPRegressor``."""

    loss: LossOfNumbers | tuple[LossFunction, LossFunction] = parameter(
        "squared_error", LossOfNumbers, tuple, in_cost=True
    )


@dataclass(eq=False, repr=False)
class RegressorParameters(NetworkParameters, LossParameter):
    """Parameters that are about targets that are numbers."""

    _: KW_ONLY
    delta: float = parameter(1.0, POSITIVE, needs={"loss": ("huber",)}, in_cost=True)
    quantile: float | Sequence[float] = parameter(
        0.5,
        Interval(Real, 0, 1, closed="neither"),
        "array-like",
        needs={"loss": ("quantile",)},
        in_cost=True,
    )
    target_scaling: Literal["standard"] | None = parameter(
        None, StrOptions({"standard"}), None, in_cost=True
    )


@dataclass(eq=False, repr=False)
class ClassifierParameters(NetworkParameters):
    """Parameters that are about labels."""

    _: KW_ONLY
    out_activation: OutActivation = parameter("auto", OutActivation)
    class_weight: Literal["balanced"] | Mapping[Any, float] | None = parameter(
        None, StrOptions({"balanced"}), dict, None, in_cost=True
    )
    label_smoothing: float = parameter(0.0, FRACTION, in_cost=True)


@cache
def parameter_table(parameters: type[NetworkParameters]) -> tuple[Field[Any], ...]:
    """The fields of a table of parameters."""
    return fields(parameters)


def not_default(estimator: Any) -> dict[str, Any]:
    """The estimator's parameters that are not the default itself, by name."""
    defaults = _valid_defaults(type(estimator))
    given = estimator.get_params(deep=False).items()
    return {k: v for k, v in given if not _is_same(v, defaults.get(k, MISSING))}


@cache
def _valid_defaults(estimator: Any) -> dict[str, Any]:
    """Defaults, but for parameters whose domain a subclass has changed."""
    domains = estimator._parameter_constraints
    return {
        one.name: one.default
        for one in parameter_table(estimator)
        if domains.get(one.name) == one.metadata["domain"]
    }


def _is_same(value: Any, default: Any) -> bool:
    """Whether a value is the default, in its type too; quick, and False of a tuple."""
    return type(value) is type(default) is not tuple and value == default


def constraints_of(parameters: type[NetworkParameters]) -> dict[str, list[Any]]:
    """The domains of parameters, as scikit-learn wants them."""
    return {one.name: one.metadata["domain"] for one in fields(parameters)}


def plain_parameters(estimator: Any) -> dict[str, Any]:
    """The estimator's parameters with Python's own numbers in place of NumPy's.

    Those come out of data frames and searches, and an int8 overflows, or a float16
    rounds, where what is computed with it does not fit.
    """
    table = parameter_table(type(estimator))
    values = {one.name: _plain(getattr(estimator, one.name)) for one in table}
    if values["dtype"] is not None:
        values["dtype"] = np.dtype(values["dtype"]).name
    return values


# Steps, epochs and rates of this size are as good as any that is larger.
MOST = 10**300


def _plain(value: Any) -> Any:
    if type(value) in (bool, float, str, tuple, NoneType):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return min(int(value), MOST)  # a larger one cannot become a float
    if isinstance(value, Real):
        return float(value)
    return str(value) if isinstance(value, np.str_) else value


def check_combinations(estimator: Any, X: Any) -> None:
    """Refuse what cannot go together.

    Raises
    ------
    ValueError
        For a feature of ours that the solver, or a sparse X, cannot have.
    """
    for one in parameter_table(type(estimator)):
        if not one.metadata["must"]:
            continue
        value = getattr(estimator, one.name)
        is_set = np.any(value) if one.name == "dropout" else value != one.default
        if is_set and estimator.solver not in one.metadata["needs"]["solver"]:
            raise ValueError(
                f"{one.name}={value!r} does not go with solver={estimator.solver!r}, "
                f"which needs a cost that stays the same: set {one.name}="
                f"{one.default}, or use 'adam', 'adamw' or 'sgd'."
            )
    if estimator.augment is not None and sparse.issparse(X):
        raise ValueError(
            f"augment={estimator.augment!r} needs a dense X, got a sparse one: pass "
            "X.toarray(), or set augment=None."
        )


def unused_parameters(
    estimator: Any, validation_is_given: bool = False
) -> dict[str, str]:
    """Parameters that were set but have no effect, each with the reason.

    Parameters
    ----------
    estimator : NetworkEstimator
    validation_is_given : bool, default=False
        Whether ``fit`` was given a validation set.

    Returns
    -------
    unused : dict of str to str
        From "name (reason)" to "name=value (reason)".
    """
    reasons = {}
    for one in parameter_table(type(estimator)):
        value = getattr(estimator, one.name)
        if one.metadata["must"] or not one.metadata["needs"]:
            continue
        if _is_equal(value, one.default):
            continue
        reason = _without_effect(estimator, one, validation_is_given)
        if reason is not None:
            reasons[one.name] = reason
    if np.any(estimator.dropout) and not layer_sizes(estimator.hidden_layer_sizes):
        reasons["dropout"] = "no hidden layers"
    return {
        f"{name} ({reason})": f"{name}={_in_short(getattr(estimator, name))} ({reason})"
        for name, reason in reasons.items()
    }


def _is_equal(value: Any, default: Any) -> bool:
    """Whether a value, perhaps a list or an array, is the default."""
    if _is_same(value, default):
        return True
    # Numbers and words cannot be compared as arrays in NumPy 2.1.0.
    alike = isinstance(value, str) == isinstance(default, str)
    return alike and np.array_equal(value, default)


def _in_short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


def _without_effect(
    estimator: Any, one: Field[Any], validation_is_given: bool
) -> str | None:
    """Why a parameter has no effect beside the others, or None."""
    if validation_is_given and one.name == "scoring":
        return None
    for name, values in one.metadata["needs"].items():
        if validation_is_given and name == "early_stopping":
            return "X_val"
        other = getattr(estimator, name)
        if other not in values:
            return f"{name}={other!r}"
    return None


def warn_of_unused_parameters(unused: Mapping[str, str]) -> None:
    """Warn once of parameters without effect, in a search once for all its fits.

    ``MLPClassifier`` ignores them silently, so that who asks for early stopping with
    lbfgs, say, never learns that there was none.
    """
    untold = not_yet_told(list(unused))
    if untold:
        listed = ", ".join(unused[topic] for topic in untold)
        warn(f"These parameters have no effect: {listed}.")


def warn_of_lost_memory() -> None:
    """Warn that training cannot go on as if it had never stopped."""
    warn(
        "Training goes on without what it remembered, the optimizer's memory above "
        "all, which compact() has dropped or the file of an older version lacks: its "
        "first steps may do harm."
    )


def monitored(estimator: Any) -> str:
    """What decides the value that patience looks at, in words to compare.

    Training that goes on with another cost, or another score, cannot compare its
    values with the best one so far.
    """
    by_score = estimator.early_stopping and estimator.solver != "lbfgs"
    if by_score and estimator.scoring != "loss":
        return f"score {_in_words(estimator.scoring)}"
    values = {
        one.name: getattr(estimator, one.name)
        for one in parameter_table(type(estimator))
        if one.metadata["in_cost"]
    }
    if estimator.solver == "lbfgs":
        values["batch_size"] = "all samples"
    if estimator.augment is not None:
        values["augment"] = "some"
    settings = ", ".join(f"{name}={_in_words(v)}" for name, v in values.items())
    return f"{'validation loss' if by_score else 'cost'} with {settings}"


def _in_words(value: object) -> str:
    """The value's repr without addresses, which differ from process to process."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))
