"""The training loop: batches, steps and epochs, and when enough is enough.

:func:`train` is a generator: it yields after every epoch and leaves it to whoever
drives it to record, to print, to stop.
"""

from math import isfinite, nan
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sknet._interrupts import held_back
from sknet.network import prepend_ones
from sknet.optimizers import clip, norm_of

# Rows gathered at once, so many bytes: they should stay in a core's own cache.
BLOCK_BYTES = 2**18
# A dense X up to this size is copied with its ones; to copy a larger one takes as long
# as to gather it in several epochs.
COPIED_BYTES = 2**25


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


class Minibatches:
    """Training set, served in batches: the only place that knows where X lives.

    Iterating over it once is an epoch.  A dense X of up to 32 MB is copied once with
    its ones; a larger one, perhaps a memory map, or a sparse matrix is gathered block
    by block and cast on the way.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class indices, or for multilabel targets an array of bool.
    n_outputs : int
        Rows of the targets that are made of y.
    sample_weight : ndarray of shape (n_samples,), default=None
    batch_size : int, default=None
        Rows of a batch; all of them by default.
    dtype : dtype, default=float64
    rng : RandomState, default=None
        Shuffles the samples before each epoch; None keeps them in their order.
    order : ndarray of shape (n_samples,), default=None
        The order that an earlier epoch left, to shuffle further.
    label_smoothing : float in [0, 1), default=0.0
        See :func:`targets`.
    augment : callable, default=None
        From the rows of a batch, an array of its own, to a new array of that shape
        that is trained on instead; dense X only.

    Attributes
    ----------
    same_X1 : ndarray or None
        X1 of every epoch, where all samples make one batch and X is dense, small and
        not augmented.

    Examples
    --------
    >>> batches = Minibatches(
    ...     np.array([[5.0], [6.0], [7.0]]),
    ...     np.array([0, 2, 1]),
    ...     n_outputs=3,
    ...     batch_size=2,
    ... )
    >>> for X1, Y, sample_weight in batches:
    ...     print(X1[1], Y.argmax(axis=0), sample_weight)
    [5. 6.] [0 2] None
    [7.] [1] None
    """

    def __init__(
        self,
        X,
        y,
        n_outputs,
        sample_weight=None,
        *,
        batch_size=None,
        dtype=np.float64,
        rng=None,
        order=None,
        label_smoothing=0.0,
        augment=None,
    ):
        self.n_samples, n_features = X.shape
        self.X, self.y, self.sample_weight = X, y, sample_weight
        self.batch_size = batch_size or self.n_samples
        self.dtype = np.dtype(dtype)
        self.rng = rng
        self.order = order
        self.n_outputs = n_outputs
        self.label_smoothing = label_smoothing
        self.augment = augment

        row_bytes = (1 + n_features) * self.dtype.itemsize
        small = row_bytes * self.n_samples <= COPIED_BYTES and not sparse.issparse(X)
        self._rows = prepend_ones(X, self.dtype).T if small else None
        self._whole = None
        if self.batch_size >= self.n_samples:
            self._whole = self._gather(slice(None))
        stays = self._whole is not None and small and augment is None
        self.same_X1 = self._whole[0] if stays else None
        row_bytes += n_outputs * self.dtype.itemsize
        batches_in_block = max(1, BLOCK_BYTES // (row_bytes * self.batch_size))
        self._block = min(batches_in_block * self.batch_size, self.n_samples)
        self._buffer = None
        if self._whole is None and rng is not None and self._rows is not None:
            self._buffer = np.empty((self._block, 1 + n_features), dtype=self.dtype)

    def __iter__(self):
        """One epoch of (X1, Y, sample_weight), their columns the samples."""
        epoch = self._epoch()
        return epoch if self.augment is None else self._augmented(epoch)

    def _epoch(self):
        if self.rng is not None:
            permutation = np.arange(self.n_samples)
            self.rng.shuffle(permutation)
        if self._whole is not None:  # the order of a sum does not matter
            yield self._whole
            return
        if self.rng is not None:
            self.order = permutation if self.order is None else self.order[permutation]
        for start in range(0, self.n_samples, self._block):
            stop = min(start + self._block, self.n_samples)
            rows = slice(start, stop) if self.rng is None else self.order[start:stop]
            X1, Y, w = self._gather(rows)
            for first in range(0, stop - start, self.batch_size):
                batch = slice(first, min(first + self.batch_size, stop - start))
                yield X1[:, batch], Y[:, batch], None if w is None else w[batch]

    def _augmented(self, batches):
        for X1, Y, w in batches:
            yield prepend_ones(self.augment(X1[1:].T.copy()), self.dtype), Y, w

    def _gather(self, rows):
        """X1, Y and weights of the samples that ``rows``, a slice or indices, names."""
        if self._rows is None:
            X1 = prepend_ones(self.X[rows], self.dtype)
        elif isinstance(rows, slice):
            X1 = self._rows[rows].T
        else:  # take is twice as fast as indexing
            out = self._buffer[: len(rows)]
            X1 = self._rows.take(rows, axis=0, out=out, mode="clip").T
        Y = targets(self.y[rows], self.n_outputs, self.dtype, self.label_smoothing)
        w = self.sample_weight
        return X1, Y, None if w is None else w[rows]


def targets(y, n_outputs, dtype=np.float64, smoothing=0.0):
    """What the outputs should be: 1 for the class of a sample and 0 for the others.

    Smoothed labels are Y (1 - smoothing) + smoothing / K with K the number of classes,
    2 for a label that is there or not: no output need ever be certain (Szegedy et
    al., *Rethinking the Inception architecture for computer vision*, CVPR 2016,
    section 7).

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class indices, or for multilabel targets an array of bool.
    n_outputs : int
        One output stands for the second of two classes.
    dtype : dtype, default=float64
    smoothing : float in [0, 1), default=0.0

    Returns
    -------
    Y : ndarray of shape (n_outputs, n_samples)

    Examples
    --------
    >>> targets(np.array([0, 2]), n_outputs=3, smoothing=0.3).round(1)
    array([[0.8, 0.1],
           [0.1, 0.1],
           [0.1, 0.8]])
    """
    if y.ndim == 2:
        Y, n_classes = y.T, 2
    elif n_outputs == 1:
        Y, n_classes = (y == 1)[np.newaxis], 2
    else:
        Y, n_classes = np.arange(n_outputs)[:, np.newaxis] == y, n_outputs
    Y = Y.astype(dtype, order="C")
    if smoothing:
        Y *= 1 - smoothing
        Y += smoothing / n_classes
    return Y


def train(objective, optimizer, schedule, batches, n_seen=0, *, max_grad_norm=None):
    """Train for ever, one epoch for each ``next()``.

    Parameters
    ----------
    objective : Objective
        Its network's theta is changed in place.
    optimizer : SGD, Adam or AdamW
        Already given its memory by ``init``.
    schedule : callable
        ``schedule(n_seen, n_steps)`` is the learning rate of a step, from the samples
        seen before its epoch and the steps done by this generator.
    batches : Minibatches
    n_seen : int, default=0
        Samples trained on before.
    max_grad_norm : float, default=None
        Gradients longer than that are clipped (:func:`~sknet.optimizers.clip`).

    Yields
    ------
    epoch : Epoch
        After an epoch with a cost that is not finite, which ends at once, there is
        no other.

    Raises
    ------
    InterruptedAfterStep
        On Ctrl-C, a ``KeyboardInterrupt`` after the running step: theta is that of the
        last whole one.  Pressed twice in a step, Ctrl-C does not wait: after any other
        ``KeyboardInterrupt`` theta may be half changed.

    Examples
    --------
    The minimum of log(1 + exp(w)) + log(1 + exp(-w)) is at w = 0:

    >>> from sknet.activations import ACTIVATIONS
    >>> from sknet.backprop import Objective
    >>> from sknet.losses import LOSSES
    >>> from sknet.network import Network
    >>> from sknet.optimizers import SGD
    >>> from sknet.schedules import Constant
    >>> network = Network([1, 1], ACTIVATIONS["relu"], np.array([0.0, 3.0]))
    >>> objective = Objective(network, LOSSES["logistic"])
    >>> batches = Minibatches(np.ones((2, 1)), np.array([0, 1]), n_outputs=1)
    >>> sgd = SGD()
    >>> sgd.init(network.theta)
    >>> for epoch in train(objective, sgd, Constant(1.0), batches):
    ...     if epoch.number == 100:
    ...         break
    >>> print(round(epoch.cost, 6), float(network.theta.sum().round(6)))
    0.693147 0.0
    """
    theta = objective.network.theta
    number = n_steps = 0
    while True:
        total, total_penalty, cost = 0.0, 0.0, 0.0
        with held_back() as ctrl_c:
            for X1, Y, sample_weight in batches:
                learning_rate = schedule(n_seen, n_steps)
                cost, grad = objective.value_and_grad(X1, Y, sample_weight)
                if not isfinite(cost):
                    break
                if max_grad_norm is not None:
                    grad_norm = clip(grad, max_grad_norm)
                optimizer.step(theta, grad, learning_rate)
                n_steps += 1
                n_rows = X1.shape[1]
                total += cost * n_rows
                total_penalty += objective.penalty * n_rows
                ctrl_c.deliver()
        number += 1
        n_seen += batches.n_samples
        if not isfinite(cost):
            yield Epoch(number, cost, objective.penalty, learning_rate, nan, n_seen)
            return
        if max_grad_norm is None:
            grad_norm = norm_of(grad)
        cost, penalty = (sum_ / batches.n_samples for sum_ in (total, total_penalty))
        yield Epoch(number, cost, penalty, learning_rate, grad_norm, n_seen)


class Patience:
    """Counts the epochs without improvement.

    Parameters
    ----------
    limit : int or inf
        Epochs without improvement to put up with.
    tol : float
        What counts as improvement.
    higher_is_better : bool
        False for a loss, True for a score.
    best : float, default=None
        Best value so far; the worst possible one by default.
    count : int, default=0
        Epochs without improvement so far.

    Examples
    --------
    >>> patience = Patience(limit=1, tol=0.01, higher_is_better=False)
    >>> [patience.update(loss) for loss in [1.0, 0.5, 0.495, 0.494]]
    [False, False, False, True]
    """

    def __init__(self, limit, tol, higher_is_better, best=None, count=0):
        self.limit = limit
        self.tol = tol
        self.sign = 1.0 if higher_is_better else -1.0
        self.best = -self.sign * np.inf if best is None else best
        self.count = count

    def update(self, value):
        """Take in the epoch's value; True when patience has run out."""
        signed, best = self.sign * value, self.sign * self.best
        self.count = self.count + 1 if signed < best + self.tol else 0
        self.improved = signed > best
        if self.improved:
            self.best = value
        if self.count > self.limit:
            self.count = 0
            return True
        return False
