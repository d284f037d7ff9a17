"""What the estimator accepts: its parameters' domains, and which go together."""

import inspect
import warnings
from functools import cache
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.metrics import get_scorer_names
from sklearn.utils._param_validation import Interval, Options, StrOptions

from sknet.activations import ACTIVATIONS
from sknet.custom_activations import derivative_needs_input
from sknet.initializers import INITIALIZERS
from sknet.losses import LOSSES
from sknet.schedules import FACTORS, SCHEDULES

NUMBER = Interval(Real, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
FRACTION = Interval(Real, 0, 1, closed="left")
COUNT = Interval(Integral, 1, None, closed="left")

PARAMETER_CONSTRAINTS = {
    "hidden_layer_sizes": ["array-like", COUNT],
    "activation": [StrOptions(set(ACTIVATIONS)), list, tuple],
    "solver": [StrOptions({"adam", "adamw", "sgd", "lbfgs"})],
    "alpha": [NUMBER],
    "batch_size": [StrOptions({"auto"}), COUNT],
    "learning_rate": [StrOptions({*SCHEDULES, *FACTORS}), callable],
    "learning_rate_init": [POSITIVE],
    "power_t": [NUMBER],
    "max_iter": [COUNT],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [NUMBER],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [FRACTION],
    "beta_1": [FRACTION],
    "beta_2": [FRACTION],
    "epsilon": [POSITIVE],
    "n_iter_no_change": [COUNT, Options(Real, {np.inf})],
    "max_fun": [COUNT],
    "weight_init": [StrOptions(set(INITIALIZERS))],
    "out_activation": [StrOptions({"auto", *LOSSES})],
    "dtype": [
        StrOptions({"float32", "float64"}),
        Options(type, {np.float32, np.float64}),
        None,
    ],
    "warmup": [FRACTION],
    "class_weight": [StrOptions({"balanced"}), dict, None],
    "dropout": [FRACTION, "array-like"],
    "input_dropout": [FRACTION],
    "label_smoothing": [FRACTION],
    "weight_decay": [NUMBER],
    "max_grad_norm": [POSITIVE, None],
    "augment": [callable, None],
    "scoring": [StrOptions({"loss", *get_scorer_names()}), callable, None],
}

OF_SGD = ("momentum", "nesterovs_momentum")
OF_ADAM = ("beta_1", "beta_2", "epsilon")
OF_ADAMW = ("weight_decay",)
OF_LBFGS = ("max_fun",)
OF_BATCHES = (
    "batch_size",
    "learning_rate",
    "learning_rate_init",
    "power_t",
    "warmup",
    "shuffle",
    "early_stopping",
    "validation_fraction",
    "n_iter_no_change",
)
WITHOUT_EFFECT = {
    "adam": (*OF_SGD, *OF_ADAMW, *OF_LBFGS),
    "adamw": (*OF_SGD, *OF_LBFGS),
    "sgd": (*OF_ADAM, *OF_ADAMW, *OF_LBFGS),
    "lbfgs": (*OF_SGD, *OF_ADAM, *OF_ADAMW, *OF_BATCHES),
}
# Off by default and impossible with "lbfgs", which wants the same function throughout.
OF_STEPS_ONLY = {
    "dropout": 0.0,
    "input_dropout": 0.0,
    "augment": None,
    "max_grad_norm": None,
}


def check_combinations(estimator, X):
    """Refuse what cannot go together.

    Raises
    ------
    ValueError
        For a feature that the solver, or a sparse X, cannot have.
    """
    if estimator.solver == "lbfgs":
        for name, off in OF_STEPS_ONLY.items():
            value = getattr(estimator, name)
            if np.any(value) if name == "dropout" else value != off:
                raise ValueError(
                    f"{name}={value!r} does not go with solver='lbfgs', which needs a "
                    f"cost that stays the same: set {name}={off}, or use 'adam', "
                    "'adamw' or 'sgd'."
                )
    if estimator.augment is not None and sparse.issparse(X):
        raise ValueError(
            f"augment={estimator.augment!r} needs a dense X, got a sparse one: pass "
            "X.toarray(), or set augment=None."
        )


def idle_parameters(estimator, validation_is_given=False):
    """Parameters that were set but do nothing beside the others, each with the reason.

    Parameters
    ----------
    estimator : NetworkEstimator
    validation_is_given : bool, default=False
        Whether ``fit`` was given a validation set.

    Returns
    -------
    idle : list of str
    """
    context = {
        name: f"solver={estimator.solver!r}"
        for name in WITHOUT_EFFECT[estimator.solver]
    }
    for name, kind in (("power_t", "invscaling"), ("warmup", "cosine")):
        if estimator.learning_rate != kind:
            context.setdefault(name, f"learning_rate={estimator.learning_rate!r}")
    if validation_is_given:
        context.setdefault("validation_fraction", "X_val")
    elif not estimator.early_stopping:
        context.setdefault("validation_fraction", "early_stopping=False")
        context.setdefault("scoring", "early_stopping=False")
    elif estimator.solver == "lbfgs":
        context.setdefault("scoring", "solver='lbfgs'")
    defaults = _defaults(type(estimator))
    idle = [
        f"{name}={getattr(estimator, name)!r} with {reason}"
        for name, reason in context.items()
        if name in defaults and getattr(estimator, name) != defaults[name]
    ]
    if not layer_sizes(estimator.hidden_layer_sizes) and np.any(estimator.dropout):
        idle.append(f"dropout={estimator.dropout!r} without hidden layers")
    return idle


@cache
def _defaults(estimator_class):
    """Default of each parameter; to read a signature takes 0.1 ms."""
    parameters = inspect.signature(estimator_class).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def warn_of_idle_parameters(idle):
    """Warn once of parameters without effect.

    ``MLPClassifier`` ignores them silently, so that who asks for early stopping with
    lbfgs, say, never learns that there was none.
    """
    if idle:
        warnings.warn(
            f"Without effect: {', '.join(idle)}; leave the unused at their defaults.",
            UserWarning,
            stacklevel=2,
        )


def watched_by_patience(estimator):
    """What decides the value that patience watches, in words to compare.

    Training that goes on with another cost, or another score, cannot compare its
    values with the best one so far.
    """
    if estimator.early_stopping:
        return f"score {estimator.scoring!r}"
    names = "alpha", "batch_size", "class_weight", "label_smoothing"
    values = [f"{name}={getattr(estimator, name)!r}" for name in names]
    augmented = "samples" if estimator.augment is None else "augmented samples"
    return f"cost of {augmented}, {', '.join(values)}"


def layer_sizes(hidden_layer_sizes):
    """Units of the hidden layers as a list of int.

    Raises
    ------
    ValueError
        For a size that is not an integer above 0.
    """
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes))
    whole = sizes.size == 0 or np.issubdtype(sizes.dtype, np.integer)
    if sizes.ndim != 1 or not whole or (sizes <= 0).any():
        raise ValueError(
            f"hidden_layer_sizes must be > 0, whole numbers, one a layer; got "
            f"{hidden_layer_sizes!r}."
        )
    return [int(size) for size in sizes]


def layer_dropout(dropout, n_hidden):
    """Probability that a unit is left out, for each hidden layer.

    Raises
    ------
    ValueError
        For a list that is not as long as there are hidden layers, or a number that
        is not in [0, 1).

    Examples
    --------
    >>> layer_dropout([0.1, 0.2], 2), len(layer_dropout(0.5, 2))
    ([0.1, 0.2], 2)
    """
    if np.ndim(dropout) == 0 and not isinstance(dropout, (dict, set)):
        dropout = [np.asarray(dropout)[()]] * n_hidden
    elif isinstance(dropout, (list, tuple, np.ndarray)):
        dropout = list(dropout)
    else:
        raise ValueError(
            f"The 'dropout' parameter is {dropout!r}, which must be a number, or a "
            "list with one for each hidden layer."
        )
    if len(dropout) != n_hidden:
        raise ValueError(
            f"dropout={dropout!r} has {len(dropout)} entries for {n_hidden} hidden "
            "layers: give one for each, or a single number for all."
        )
    for p in dropout:
        if not (isinstance(p, Real) and 0 <= p < 1):
            raise ValueError(
                f"dropout has {p!r} for a layer: give numbers from 0 up to, but not "
                "including, 1."
            )
    return dropout


def layer_activations(activation, n_hidden):
    """Plain description of each hidden layer's activation.

    Parameters
    ----------
    activation : str, tuple of two callables, or list or tuple of these
    n_hidden : int
        Number of hidden layers.

    Returns
    -------
    activations : list of str or tuple
        A pair of functions (f, derivative) has become (f, derivative, needs_input),
        see :func:`~sknet.custom_activations.derivative_needs_input`.

    Raises
    ------
    ValueError
        For a list that is not as long as there are hidden layers, an activation that
        is none, or a wrong derivative.
    """
    if isinstance(activation, str) or _is_pair(activation):
        return [_described(activation)] * n_hidden
    if len(activation) != n_hidden:
        raise ValueError(
            f"activation={activation!r} has {len(activation)} entries for {n_hidden} "
            "hidden layers: give one for each, or a single name for all."
        )
    return [_described(one) for one in activation]


def _is_pair(activation):
    return (
        isinstance(activation, tuple)
        and len(activation) == 2
        and all(map(callable, activation))
    )


def _described(activation):
    if _is_pair(activation):
        return (*activation, derivative_needs_input(*activation))
    if isinstance(activation, str) and activation in ACTIVATIONS:
        return activation
    raise ValueError(
        f"The 'activation' parameter has {activation!r} for a layer, which must be one "
        f"of {', '.join(ACTIVATIONS)}, or a tuple of two functions (f, derivative)."
    )
