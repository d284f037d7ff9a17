"""Makes an activation of your own function and its derivative, checked before use.

The two are pure functions of arrays, and the derivative may be written in the output,
``(np.tanh, lambda a: 1 - a**2)``, or in the input, ``(np.sin, np.cos)``: difference
quotients tell which, and whether it is right.  To pickle a network that has such a
pair, or to train it in several processes, give functions that can be imported.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from sknet.activations import ACTIVATIONS, Activation, Array

Function: TypeAlias = Callable[[Array], Any]

# Where a derivative is checked: on both sides of the usual kinks, at 0, 1, 3 and 6,
# but never within a step of one, and where functions saturate.
GRID = np.concatenate([[-9.7], np.linspace(-3.07, 3.13, 50), [9.7]])
STEP = 1e-5
TOLERANCE = 1e-5


def derivative_needs_input(f: Function, derivative: Function) -> bool:
    """Whether a derivative is written in the input z of f; if not, in the output f(z).

    It is compared with the central differences (f(z + h) - f(z - h)) / 2h, h = 1e-5,
    at 52 points z from -9.7 to 9.7, and must agree to 1e-5, relative to the slope
    where that is above 1.  If both ways agree, the output is taken.

    Parameters
    ----------
    f : callable
        ``f(z)`` returns an array of the shape of z, computed entry by entry.
    derivative : callable
        ``derivative(f(z))`` or ``derivative(z)`` returns the slopes of f at z.

    Returns
    -------
    needs_input : bool

    Raises
    ------
    ValueError
        If it agrees in neither way, or f does not return an array of its input's shape.

    Examples
    --------
    >>> derivative_needs_input(np.tanh, lambda a: 1 - a**2)
    False
    >>> derivative_needs_input(np.sin, np.cos)
    True
    """
    with np.errstate(all="ignore"):
        a = f(GRID.copy())
        if np.shape(a) != GRID.shape:
            raise ValueError(
                f"The activation {f!r} must return a new array of the shape of its "
                f"input; of an array of shape {GRID.shape} it made {a!r:.60}."
            )
        slopes = (f(GRID + STEP) - f(GRID - STEP)) / (2 * STEP)
        given = np.array(
            [np.broadcast_to(derivative(x), GRID.shape) for x in (a, GRID.copy())]
        )
        errors = np.abs(given - slopes) / np.maximum(1, np.abs(slopes))
    errors[~np.isfinite(errors)] = np.inf
    n_wrong = (errors > TOLERANCE).sum(axis=1)
    if n_wrong.all():
        worst = errors[n_wrong.argmin()].argmax()
        raise ValueError(
            f"The derivative of the activation {f!r} is wrong: at "
            f"z={GRID[worst]:.3g} the slope is {slopes[worst]:.6g}, but of the output "
            f"it gives {given[0][worst]:.6g} and of the input {given[1][worst]:.6g}; "
            "write it in either."
        )
    return bool(n_wrong[0])


def from_functions(f: Function, derivative: Function, needs_input: bool) -> Activation:
    """Activation made of functions that return new arrays.

    Parameters
    ----------
    f, derivative : callable
        See :func:`derivative_needs_input`.
    needs_input : bool
        What that returns.

    Returns
    -------
    activation : Activation

    Examples
    --------
    >>> sine = from_functions(np.sin, np.cos, needs_input=True)
    >>> z, delta = np.array([0.0, np.pi]), np.ones(2)
    >>> sine.backward(z, delta)
    >>> delta
    array([ 1., -1.])
    """

    def forward(z):
        z[...] = f(z)

    def backward(a, delta):
        delta *= derivative(a)

    return Activation(forward, backward, needs_input)


def activation_of(layer: str | tuple[Function, Function, bool]) -> Activation:
    """Activation that a layer's plain description stands for.

    Parameters
    ----------
    layer : str or tuple
        A name in ``ACTIVATIONS``, or the arguments of :func:`from_functions`.

    Returns
    -------
    activation : Activation

    Examples
    --------
    >>> activation_of("gelu").needs_input
    True
    """
    if isinstance(layer, str):
        return ACTIVATIONS[layer]
    return from_functions(*layer)
