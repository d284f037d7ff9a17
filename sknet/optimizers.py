"""How a gradient becomes a step: a few lines of arithmetic on one flat vector.

An optimizer is made with its settings, given its memory by ``init(theta)`` and then
changes theta in place by ``step(theta, grad, learning_rate)``.  Its memory, ``state``,
is a dict of plain arrays and numbers: handed to ``init`` again, perhaps on another
day, it lets training go on as if it had never stopped.
"""

import numpy as np


def _writable(state):
    """The state with copies of what is read-only, as joblib's memory maps are."""
    return {
        name: np.require(value, requirements="W") if np.ndim(value) else value
        for name, value in state.items()
    }


class SGD:
    """Gradient descent, with momentum if asked for.

    Without momentum it is the article's step, theta = theta - learning_rate * grad.
    With it the steps gather speed, v = momentum * v - learning_rate * grad, and theta
    moves by v, or with Nesterov's look ahead by momentum * v - learning_rate * grad
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

    def __init__(self, momentum=0.0, nesterov=False):
        self.momentum = float(momentum)
        self.nesterov = nesterov

    def init(self, theta, state=None):
        """Start afresh, or go on from ``state``."""
        self.state = _writable(state or {})
        if self.momentum:
            self.state.setdefault("velocity", np.zeros_like(theta))
        self._work = np.empty_like(theta)

    def step(self, theta, grad, learning_rate):
        """Change ``theta`` in place by one step."""
        descent = np.multiply(grad, -learning_rate, out=self._work)
        if self.momentum:
            velocity = self.state["velocity"]
            velocity *= self.momentum
            velocity += descent
            if self.nesterov:
                descent += self.momentum * velocity
            else:
                descent = velocity
        theta += descent


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

    def __init__(self, beta_1=0.9, beta_2=0.999, epsilon=1e-8):
        self.beta_1 = float(beta_1)
        self.beta_2 = float(beta_2)
        self.epsilon = float(epsilon)

    def init(self, theta, state=None):
        """Start afresh, or go on from ``state``."""
        self.state = _writable(state or {"t": 0})
        for moment in "m", "v":
            self.state.setdefault(moment, np.zeros_like(theta))
        self._work = np.empty_like(theta)

    def step(self, theta, grad, learning_rate):
        """Change ``theta`` in place by one step.

        The state keeps m / (1 - beta_1) and v / (1 - beta_2): with all factors
        gathered into two scalars, ten passes over the vector make a step.
        """
        state, work = self.state, self._work
        m, v = state["m"], state["v"]
        t = state["t"] = state["t"] + 1
        root = (1 - self.beta_2) ** 0.5
        scale = (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)
        scale *= learning_rate * (1 - self.beta_1) / root

        m *= self.beta_1
        m += grad
        np.multiply(grad, grad, out=work)
        v *= self.beta_2
        v += work
        np.sqrt(v, out=work)
        work += self.epsilon / root
        np.divide(m, work, out=work)
        work *= scale
        theta -= work
