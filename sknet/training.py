"""Trains a network: step after step, epoch after epoch, until patience runs out.

:func:`train` is a generator: it yields after every epoch and leaves it to whoever
drives it to record, to print, to stop.
"""

from collections.abc import Callable, Iterator
from math import inf, isfinite, nan
from typing import Any, NamedTuple

from sknet._interrupts import held_back
from sknet.optimizers import clip


class Epoch(NamedTuple):
    """What one pass over the training set leaves behind.

    Attributes
    ----------
    number : int
        Counted from 1.
    cost : float
        Mean cost of its batches, each measured before its step.
    penalty : float
        The penalty's part of it; the rest is the loss.
    learning_rate : float
        The learning rate of its last step.
    grad_norm : float
        Euclidean norm of the gradient at its last step, before it was clipped.
    n_seen : int
        Samples trained on so far.
    """

    number: int
    cost: float
    penalty: float
    learning_rate: float
    grad_norm: float
    n_seen: int


def train(
    objective: Any,
    optimizer: Any,
    schedule: Callable[[int, int], float],
    batches: Any,
    n_seen: int = 0,
    *,
    max_grad_norm: float | None = None,
) -> Iterator[Epoch]:
    """Train for ever, one epoch for each ``next()``.

    Parameters
    ----------
    objective : Objective or DropoutObjective
        Its network's theta is changed in place.
    optimizer : SGD, Adam or AdamW
        Already given its memory by ``init``.
    schedule : callable
        ``schedule(n_seen, n_steps)`` is the learning rate of a step, from the samples
        seen before its epoch and the steps done by this generator.
    batches : Batches
        Or anything else to iterate over for an epoch, with ``n_samples``.
    n_seen : int, default=0
        Samples trained on before.
    max_grad_norm : float, default=None
        Gradients longer than that are clipped (:func:`~sknet.optimizers.clip`).

    Yields
    ------
    epoch : Epoch
        One with a cost that is not finite ends before its step, and is the last.

    Raises
    ------
    InterruptedAfterStep
        On Ctrl-C, a ``KeyboardInterrupt`` after the running step: theta is that of the
        last complete one.  Pressed twice in a step, Ctrl-C does not wait: after any
        other ``KeyboardInterrupt`` theta may be half changed.

    Examples
    --------
    The minimum of log(1 + exp(w)) + log(1 + exp(-w)) is at w = 0:

    >>> import numpy as np
    >>> from sknet.activations import ACTIVATIONS
    >>> from sknet.backprop import Objective
    >>> from sknet.batches import Batches
    >>> from sknet.losses import LOSSES, ClassTargets
    >>> from sknet.network import Network
    >>> from sknet.optimizers import SGD
    >>> from sknet.schedules import Constant
    >>> network = Network([1, 1], ACTIVATIONS["relu"], np.array([0.0, 3.0]))
    >>> objective = Objective(network, LOSSES["logistic"])
    >>> targets = ClassTargets(np.array([0, 1]), n_outputs=1)
    >>> sgd = SGD()
    >>> sgd.init(network.theta)
    >>> for epoch in train(
    ...     objective, sgd, Constant(1.0), Batches(np.ones((2, 1)), targets)
    ... ):
    ...     if epoch.number == 100:
    ...         break
    >>> print(round(epoch.cost, 6), float(network.theta.sum().round(6)))
    0.693147 0.0
    """
    theta, n_samples = objective.network.theta, batches.n_samples
    max_norm = inf if max_grad_norm is None else max_grad_norm
    number = n_steps = 0
    while True:
        total, total_penalty, n_done, grad_norm = 0.0, 0.0, 0, nan
        with held_back() as ctrl_c:
            for X1, Y, sample_weight in batches:
                learning_rate = schedule(n_seen, n_steps)
                n_rows = X1.shape[1]
                n_done += n_rows
                cost, grad = objective.loss_and_grad(X1, Y, sample_weight)
                if not isfinite(cost):
                    total, grad_norm = cost, nan
                    break
                penalty, rate = 0.0, objective.penalty_rate(n_rows)
                if max_grad_norm is not None or n_done == n_samples:
                    # Whole, for its norm: else the optimizer adds the penalty's part.
                    penalty, rate = objective.penalise(grad, n_rows), 0.0
                    grad_norm = clip(grad, max_norm)
                optimizer.step(theta, grad, learning_rate, rate)
                penalty += optimizer.penalty
                n_steps += 1
                total += (cost + penalty) * n_rows
                total_penalty += penalty * n_rows
                ctrl_c.deliver()
        number += 1
        n_seen += n_samples
        cost, penalty = total / n_samples, total_penalty / n_samples
        yield Epoch(number, cost, penalty, learning_rate, grad_norm, n_seen)
        if not isfinite(cost):
            return


class Patience:
    """Counts the epochs without improvement.

    Parameters
    ----------
    limit : int or inf
        Epochs without improvement that are tolerated.
    tol : float
        What counts as improvement.
    higher_is_better : bool
        False for a loss, True for a score.
    best : float, default=None
        Best value so far; the worst possible one by default.
    n_without_improvement : int, default=0
        Epochs without improvement so far.

    Attributes
    ----------
    best : float
    n_without_improvement : int
        0 again when patience has run out.
    improved : bool
        Whether the last value was the best so far, however slightly.

    Examples
    --------
    >>> patience = Patience(limit=1, tol=0.01, higher_is_better=False)
    >>> [patience.update(loss) for loss in [1.0, 0.5, 0.495, 0.494]]
    [False, False, False, True]
    """

    def __init__(
        self,
        limit: float,
        tol: float,
        higher_is_better: bool,
        best: float | None = None,
        n_without_improvement: int = 0,
    ):
        self.limit = limit
        self.tol = tol
        self.sign = 1.0 if higher_is_better else -1.0
        self.best = -self.sign * inf if best is None else best
        self.n_without_improvement = n_without_improvement
        self.improved = False

    def update(self, value: float) -> bool:
        """Take in the epoch's value; True when patience has run out."""
        signed, best = self.sign * value, self.sign * self.best
        no_better = signed < best + self.tol
        self.n_without_improvement = self.n_without_improvement + 1 if no_better else 0
        self.improved = signed > best
        if self.improved:
            self.best = value
        if self.n_without_improvement > self.limit:
            self.n_without_improvement = 0
            return True
        return False
