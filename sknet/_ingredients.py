"""What training is made of, as an estimator's parameters ask for it."""

import warnings
from copy import deepcopy
from functools import partial
from math import ceil, isfinite

import numpy as np

from sknet._parameters import OF_ADAM, layer_dropout
from sknet.dropout import ThinnedObjective
from sknet.optimizers import SGD, Adam, AdamW
from sknet.schedules import FACTORS, SCHEDULES, OfProgress, needs_length


class ChildStreams:
    """Random numbers of features of our own, each from a stream of its own.

    So a feature that is switched on moves neither the initial weights nor the shuffles.

    Parameters
    ----------
    rng : RandomState
        The stream of weights and shuffles: read, but not moved.
    states : dict
        From the name of a stream to the state in which earlier training left it.

    Examples
    --------
    >>> rng = np.random.RandomState(0)
    >>> streams = ChildStreams(rng, {})
    >>> a, b = (streams[name].random() for name in ("dropout", "augment"))
    >>> a == b, rng.rand() == np.random.RandomState(0).rand()
    (False, True)
    """

    NAMES = "dropout", "augment"

    def __init__(self, rng, states):
        self._rng = rng
        self._states = states
        self._streams = {}

    def __getitem__(self, name):
        """The Generator of that name."""
        if name not in self._streams:
            if name in self._states:
                bits = np.random.PCG64(0)
                bits.state = self._states[name]
            else:
                words = deepcopy(self._rng).randint(2**32, size=4, dtype=np.uint32)
                bits = np.random.PCG64([self.NAMES.index(name), *words])
            self._streams[name] = np.random.Generator(bits)
        return self._streams[name]

    def states(self):
        """What to go on from later."""
        used = {
            name: stream.bit_generator.state for name, stream in self._streams.items()
        }
        return {**self._states, **used}


def objective_of(estimator, samples, streams):
    """Cost and gradient to train by, with dropout if asked for."""
    objective = estimator._objective(samples.sample_weight)
    dropout = layer_dropout(estimator.dropout, len(objective.network.activations))
    if not any(dropout) and not estimator.input_dropout:
        return objective
    return ThinnedObjective(
        objective, dropout, estimator.input_dropout, streams["dropout"]
    )


def batches_of(estimator, samples, rng, streams):
    """The training set in the estimator's batches, going on in the order it had."""
    n_samples, batch_size = samples.X.shape[0], estimator.batch_size
    if batch_size == "auto":
        batch_size = 200
    elif batch_size > n_samples:
        warnings.warn(
            f"batch_size={batch_size} is more than the {n_samples} training samples: "
            "they make one batch.",
            UserWarning,
            stacklevel=2,
        )
    order = estimator._resume["order"]
    return estimator._minibatches(
        samples,
        batch_size=min(batch_size, n_samples),
        rng=rng if estimator.shuffle else None,
        order=None if order is None or len(order) != n_samples else order,
        augment=_augmentation_of(estimator, streams),
    )


def _augmentation_of(estimator, streams):
    """The estimator's ``augment`` as a function of the batch alone, and checked."""
    if estimator.augment is None:
        return None
    rng = streams["augment"]

    def augmented(X):
        shape = X.shape
        X = np.asarray(estimator.augment(X, rng))
        if X.shape != shape or X.dtype.kind not in "fiub":
            raise ValueError(
                f"augment returned an array of shape {X.shape} and type {X.dtype} for "
                f"a batch of shape {shape}: return numbers in an array of that shape."
            )
        if not isfinite(np.add.reduce(X, axis=None)):
            raise ValueError(
                "augment returned NaN or infinity for a batch: return finite numbers."
            )
        return X

    return augmented


def schedule_of(estimator, batches):
    """Learning rate of a stochastic solver, going on where a checkpoint left it."""
    rate, kind = estimator.learning_rate_init, estimator.learning_rate
    resume = estimator._resume
    if needs_length(kind):
        factor = kind if callable(kind) else FACTORS[kind]
        if kind == "cosine":
            factor = partial(factor, warmup=estimator.warmup)
        n_batches = ceil(batches.n_samples / batches.batch_size)
        n_epochs_before = estimator.n_iter_ if resume["interrupted"] else 0
        return OfProgress(
            rate, factor, estimator.max_iter * n_batches, n_epochs_before * n_batches
        )
    settings = {
        "constant": (),
        "invscaling": (estimator.power_t,),
        "adaptive": (resume["n_lowered"],),
        "reduce_on_plateau": (resume["n_lowered"], estimator.n_iter_no_change),
    }
    return SCHEDULES[kind](rate, *settings[kind])


def optimizer_of(estimator, network):
    """The solver's optimizer for a network's theta, still without memory."""
    if estimator.solver == "sgd":
        return SGD(estimator.momentum, estimator.nesterovs_momentum)
    settings = {name: getattr(estimator, name) for name in OF_ADAM}
    if estimator.solver == "adam":
        return Adam(**settings)
    decaying = [W[:, 1:] for W in network.weights]
    return AdamW(decaying, estimator.weight_decay, **settings)
