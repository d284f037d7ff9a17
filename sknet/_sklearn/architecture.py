"""The layers that an estimator's parameters ask for: sizes, activations, dropout."""

from numbers import Integral, Real

import numpy as np

from sknet.activations import ACTIVATIONS
from sknet.custom_activations import derivative_needs_input


def layer_sizes(hidden_layer_sizes):
    """Units of the hidden layers as a list of int.

    Raises
    ------
    ValueError
        For a size that is not an integer above 0.
    """
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes))
    integers = sizes.ndim == 1 and all(map(_is_integer, sizes))
    if not integers or any(size <= 0 for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes must be > 0, whole numbers, one a layer; got "
            f"{hidden_layer_sizes!r}."
        )
    return [int(size) for size in sizes]


def _is_integer(size):
    return isinstance(size, Integral) and not isinstance(size, bool)


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
    return [float(p) for p in dropout]


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
