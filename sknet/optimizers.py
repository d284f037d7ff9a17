"""Turns a gradient into a step: a few lines of arithmetic on one flat vector.

An optimizer is made with its settings, given its memory by ``init(theta)`` and then
changes theta in place by ``step(theta, grad, learning_rate)``.  Its memory, ``state``,
is a dict of plain arrays and numbers: handed to ``init`` again, perhaps on another
day, it lets training go on as if it had never stopped.

``axpy(x, y, a)`` is y = y + a x and ``axpby(x, y, a, b)`` is y = b y + a x.
"""

from typing import Any

import numpy as np

from sknet._blas import axpby, axpy, in_blocks
from sknet.activations import Array


def _copied(state):
    """Copy of a state: should training fail, the one it began with is unchanged."""
    return {
        name: value.copy() if np.ndim(value) else value for name, value in state.items()
    }


class SGD:
    """Gradient descent, the article's, with momentum if asked for.

    ::

        theta = theta - learning_rate * grad

    With momentum the steps gather speed::

        v = momentum * v - learning_rate * grad
        theta = theta + v
        theta = theta + momentum * v - learning_rate * grad     with Nesterov's
                                                                look ahead

    (Sutskever et al., *On the importance of initialization and momentum in deep
    learning*, ICML 2013, equations 1 to 4).

    Parameters
    ----------
    momentum : float in [0, 1], default=0.0
    nesterov : bool, default=False

    Examples
    --------
    >>> theta = np.array([1.0, 2.0])
    >>> sgd = SGD()
    >>> sgd.init(theta)
    >>> sgd.step(theta, grad=np.array([1.0, -1.0]), learning_rate=0.5)
    >>> theta
    array([0.5, 2.5])
    """

    def __init__(self, momentum: float = 0.0, nesterov: bool = False):
        self.momentum = float(momentum)
        self.nesterov = nesterov

    def init(self, theta: Array, state: dict[str, Any] | None = None) -> None:
        """Start afresh, or go on from ``state``."""
        self.state = _copied(state or {})
        if self.momentum:
            self.state.setdefault("velocity", np.zeros_like(theta))

    def step(self, theta: Array, grad: Array, learning_rate: float) -> None:
        """Change ``theta`` in place by one step."""
        if not self.momentum:
            axpy(grad, theta, a=-learning_rate)  # theta = theta - learning_rate * grad
            return
        v = self.state["velocity"]
        v *= self.momentum
        axpy(grad, v, a=-learning_rate)  # v = momentum * v - learning_rate * grad
        if self.nesterov:
            axpy(v, theta, a=self.momentum)
            axpy(grad, theta, a=-learning_rate)
        else:
            theta += v


class Adam:
    """Steps scaled, weight by weight, by running means of the gradient and its square.

    ::

        m = beta_1 m + (1 - beta_1) grad        m^ = m / (1 - beta_1^t)
        v = beta_2 v + (1 - beta_2) grad^2      v^ = v / (1 - beta_2^t)
        theta = theta - learning_rate * m^ / (sqrt(v^) + epsilon')

    with epsilon' = epsilon / sqrt(1 - beta_2^t) (Kingma and Ba, *Adam: a method for
    stochastic optimization*, ICLR 2015, algorithm 1 in the order of its section 2).

    Parameters
    ----------
    beta_1, beta_2 : float in [0, 1), default=0.9, 0.999
        Decay of the two means.
    epsilon : float > 0, default=1e-8

    Examples
    --------
    >>> theta = np.array([1.0, 2.0])
    >>> adam = Adam()
    >>> adam.init(theta)
    >>> adam.step(theta, grad=np.array([0.3, -40.0]), learning_rate=0.5)
    >>> theta.round(4)
    array([0.5, 2.5])
    """

    def __init__(
        self, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8
    ):
        self.beta_1 = float(beta_1)
        self.beta_2 = float(beta_2)
        self.epsilon = float(epsilon)

    def init(self, theta: Array, state: dict[str, Any] | None = None) -> None:
        """Start afresh, or go on from ``state``."""
        self.state = _copied(state or {"t": 0})
        for mean in "m", "v":
            self.state.setdefault(mean, np.zeros_like(theta))
        self._work = np.empty_like(in_blocks(theta)[0][0])

    def step(self, theta: Array, grad: Array, learning_rate: float) -> None:
        """Change ``theta`` in place by one step."""
        state = self.state
        t = state["t"] = state["t"] + 1
        # m^ and v^ differ from m and v by a factor, the same for all weights.
        rate = learning_rate * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)
        for part in in_blocks(theta, grad, state["m"], state["v"]):
            self._move(rate, *part)

    def _move(self, rate, theta, grad, m, v):
        """The equations, for some of the weights."""
        beta_1, beta_2, work = self.beta_1, self.beta_2, self._work[: len(theta)]
        axpby(grad, m, a=1 - beta_1, b=beta_1)  # m = beta_1 m + (1 - beta_1) grad
        np.multiply(grad, grad, out=work)
        axpby(work, v, a=1 - beta_2, b=beta_2)  # v = beta_2 v + (1 - beta_2) grad^2
        np.sqrt(v, out=work)
        work += self.epsilon
        np.divide(m, work, out=work)
        axpy(work, theta, a=-rate)  # theta = theta - rate m / (sqrt(v) + epsilon)


class AdamW(Adam):
    """Adam with decay of the weights by the same factor in every step.

    ::

        W = W - learning_rate * weight_decay * W

    before Adam's step.  A penalty in the cost would pass through Adam's scaling, which
    all but cancels it where gradients are large; this decay depends neither on the
    gradients nor on the size of a batch (Loshchilov and Hutter, *Decoupled weight
    decay regularization*, ICLR 2019, algorithm 2; as in PyTorch, the decay is
    multiplied by the learning rate in force).

    Parameters
    ----------
    decaying : list of ndarray
        Views on theta: the weights, without the biases.
    weight_decay : float >= 0, default=0.01
    beta_1, beta_2, epsilon
        See :class:`Adam`.

    Examples
    --------
    >>> theta = np.array([1.0, 2.0])
    >>> adamw = AdamW([theta[1:]], weight_decay=0.1)
    >>> adamw.init(theta)
    >>> adamw.step(theta, grad=np.zeros(2), learning_rate=0.5)
    >>> theta
    array([1. , 1.9])
    """

    def __init__(
        self, decaying: list[Array], weight_decay: float = 0.01, **settings: float
    ):
        super().__init__(**settings)
        self.decaying = decaying
        self.weight_decay = float(weight_decay)

    def step(self, theta: Array, grad: Array, learning_rate: float) -> None:
        """Change ``theta`` in place by one step."""
        for W in self.decaying:
            W *= 1 - learning_rate * self.weight_decay
        super().step(theta, grad, learning_rate)


def clip(grad: Array, max_norm: float) -> float:
    """Shorten ``grad`` in place to ``max_norm`` if it is longer.

    One outlying batch then cannot throw the weights far off (Pascanu, Mikolov and
    Bengio, *On the difficulty of training recurrent neural networks*, ICML 2013,
    algorithm 1).

    Parameters
    ----------
    grad : ndarray of shape (n_parameters,)
    max_norm : float > 0

    Returns
    -------
    norm : float
        The Euclidean norm that it had.

    Examples
    --------
    >>> grad = np.array([3.0, -4.0])
    >>> clip(grad, max_norm=1.0), grad
    (5.0, array([ 0.6, -0.8]))
    """
    norm = norm_of(grad)
    if norm > max_norm:
        grad *= max_norm / norm
    return norm


def norm_of(grad: Array) -> float:
    """Euclidean norm of a vector, as a float, even where squares leave its type.

    Examples
    --------
    >>> f"{norm_of(np.array([3e30, 4e30], dtype=np.float32)):.4g}"
    '5e+30'
    """
    with np.errstate(over="ignore"):
        squares = float(np.dot(grad, grad))
    if np.finfo(grad.dtype).tiny < squares < np.inf:
        return squares**0.5
    largest = np.abs(grad).max()
    if not 0 < largest < np.inf:
        return float(largest)
    scaled = grad / largest
    return float(largest) * float(np.dot(scaled, scaled)) ** 0.5
