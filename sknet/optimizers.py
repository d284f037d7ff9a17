"""Turns a gradient into a step: a few lines of arithmetic on one flat vector.

An optimizer is made with its settings, given its memory by ``init(theta)`` and then
changes theta in place by ``step(theta, grad, learning_rate)``.  Its memory, ``state``,
is a dict of plain arrays and numbers: handed to ``init`` again, perhaps on another
day, it lets training go on as if it had never stopped.

The equations stand in ``_move``, for some of the weights: :class:`Optimizer` goes
through a long vector part by part, so that each is read from memory only once.

``axpy(x, y, a)`` is y = y + a x and ``axpby(x, y, a, b)`` is y = b y + a x.
"""

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np

from sknet import _fused
from sknet._blas import axpby, axpy, flush, in_blocks, norm_of
from sknet.activations import Array

# To this part of itself a running mean may decay before tiny numbers in it become 0.
LITTLE = 1e-6


class Optimizer:
    """One pass over theta; ``penalty`` is what the last step added to the cost."""

    memory: tuple[str, ...] = ()  # the vectors in state, one that decays first
    settings: tuple[float, ...] = ()  # the numbers in the equations, its decay first
    weight_decay = 0.0
    penalty = 0.0

    def init(
        self,
        theta: Array,
        state: dict[str, Any] | None = None,
        biases: Sequence[int] | Array = (),
    ) -> None:
        """Start afresh, or go on from ``state``.

        Parameters
        ----------
        theta : ndarray of shape (n_parameters,)
        state : dict, default=None
            What an optimizer of this kind remembered.
        biases : sequence of int, default=()
            Where in theta the biases are: they are neither penalised nor do they decay.
        """
        self.state = _copied(state or {})
        for name in self.memory:
            self.state.setdefault("t", 0)
            self.state.setdefault(name, np.zeros_like(theta))
        self._biases = np.asarray(biases, dtype=np.intp)
        self._work = np.empty_like(in_blocks(theta)[0][0])
        self._fused = _fused.loop(self, len(theta))
        decay = self.settings[0] if self.settings else 0.0
        self._period = max(1, int(log(LITTLE, decay))) if 0 < decay < 1 else 0

    def step(
        self, theta: Array, grad: Array, learning_rate: float, alpha: float = 0.0
    ) -> None:
        """Change ``theta`` in place by one step.

        Parameters
        ----------
        theta, grad : ndarray of shape (n_parameters,)
        learning_rate : float
        alpha : float, default=0.0
            Adds a penalty alpha / 2 sum W^2 to the cost and alpha W to ``grad``, which
            may have it afterwards; W are the weights without the biases.
        """
        vectors = [theta, grad]
        if self.memory:
            self.state["t"] += 1
            vectors += [self.state[name] for name in self.memory]
            self._drop_tiny_numbers()
        rate = self._rate(learning_rate)
        kept = 1 - learning_rate * self.weight_decay
        if self._fused is not None:
            settings = self._biases, alpha, kept, rate, *self.settings
            squares = self._fused(*vectors, *settings)
        else:
            squares = self._in_parts(alpha, kept, rate, vectors)
        self.penalty = (
            0.5 * alpha * squares if alpha else 0.0
        )  # squares may be infinite

    def _in_parts(self, alpha, kept, rate, vectors):
        """A step; return sum W^2 if there is a penalty."""
        theta, at, squares = vectors[0], self._biases, 0.0
        biases = theta[at]
        try:
            theta[at] = 0  # the article's "0 prepended to theta"
            for part in in_blocks(*vectors):
                W, grad = part[:2]
                if alpha:
                    squares += float(np.dot(W, W))
                    axpy(W, grad, a=alpha)  # grad = grad + alpha W
                if kept != 1:
                    W *= kept
                self._move(rate, *part)
            theta[at] += biases
        except BaseException:  # Ctrl-C must not lose them
            theta[at] = biases
            raise
        return squares

    def _rate(self, learning_rate):
        return learning_rate

    def _move(self, rate, theta, grad, *memory):
        raise NotImplementedError

    def _drop_tiny_numbers(self):
        """Make 0, now and then, what has all but decayed to 0.

        Numbers below the smallest normal one are a hundred times slower, and where a
        gradient stays 0, as that of a word not seen again, they would stay for ever.
        """
        if self._period and self.state["t"] % self._period == 0:
            decaying = self.state[self.memory[0]]
            flush(decaying, np.finfo(decaying.dtype).tiny / LITTLE)


def _copied(state):
    """Copy of a state: should training fail, the one it began with is unchanged."""
    return {
        name: value.copy() if np.ndim(value) else value for name, value in state.items()
    }


class SGD(Optimizer):
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
        if momentum:
            self.memory = ("velocity",)
            self.settings = self.momentum, nesterov

    def _move(self, rate, theta, grad, v=None):
        if v is None:
            axpy(grad, theta, a=-rate)  # theta = theta - learning_rate * grad
            return
        axpby(grad, v, a=-rate, b=self.momentum)  # v = momentum v - learning_rate grad
        if self.nesterov:
            axpy(v, theta, a=self.momentum)
            axpy(grad, theta, a=-rate)
        else:
            theta += v


class Adam(Optimizer):
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

    memory = "m", "v"

    def __init__(
        self, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-8
    ):
        self.beta_1 = float(beta_1)
        self.beta_2 = float(beta_2)
        self.epsilon = float(epsilon)
        self.settings = self.beta_1, self.beta_2, self.epsilon

    def _rate(self, learning_rate):
        """M^ and v^ differ from m and v by factors, the same for all weights."""
        t = self.state["t"]
        return learning_rate * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)

    def _move(self, rate, theta, grad, m, v):
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
    weight_decay : float >= 0, default=0.01
    beta_1, beta_2, epsilon
        See :class:`Adam`.

    Examples
    --------
    >>> theta = np.array([1.0, 2.0])
    >>> adamw = AdamW(weight_decay=0.1)
    >>> adamw.init(theta, biases=[0])
    >>> adamw.step(theta, grad=np.zeros(2), learning_rate=0.5)
    >>> theta
    array([1. , 1.9])
    """

    def __init__(self, weight_decay: float = 0.01, **settings: float):
        super().__init__(**settings)
        self.weight_decay = float(weight_decay)


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
