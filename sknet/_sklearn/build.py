"""Builds objective, batches, optimizer and schedule from an estimator's parameters."""

from __future__ import annotations

from collections.abc import Callable, Generator
from copy import deepcopy
from dataclasses import replace
from functools import partial
from math import ceil, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknet._sklearn.architecture import layer_dropout
from sknet._sklearn.hooks import NetworkHooks
from sknet._sklearn.samples import Samples
from sknet._sklearn.scale import evenly_spaced
from sknet._sklearn.state import TrainingState
from sknet._sklearn.warn import warn
from sknet.backprop import Objective
from sknet.batches import Batches
from sknet.custom_activations import activation_of
from sknet.dropout import DropoutObjective
from sknet.initializers import INITIALIZERS, inputs_of_layers
from sknet.network import Network
from sknet.optimizers import SGD, Adam, AdamW
from sknet.schedules import FACTORS, SCHEDULES, ByFraction, Constant, needs_length
from sknet.training import Epoch, Patience, train

# Rows whose cost tells whether training has diverged.
SOME_ROWS = 200


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

    def __init__(self, rng: np.random.RandomState, states: dict[str, Any]) -> None:
        self._rng = rng
        self._states = states
        self._streams: dict[str, np.random.Generator] = {}

    def __getitem__(self, name: str) -> np.random.Generator:
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

    def states(self) -> dict[str, Any]:
        """What to go on from later."""
        used = {
            name: stream.bit_generator.state for name, stream in self._streams.items()
        }
        return {**self._states, **used}


class Ingredients:
    """What a stochastic solver trains with in one call of ``fit``.

    Parameters
    ----------
    estimator : NetworkHooks
        The draft.
    state : TrainingState
    samples : Samples
        Those to train on.
    """

    def __init__(
        self, estimator: NetworkHooks, state: TrainingState, samples: Samples
    ) -> None:
        self.streams = ChildStreams(state.rng, state.streams)
        self.batches = batches_of(estimator, state, samples, self.streams)
        self.objective = objective_of(estimator, state, samples, self.streams)
        self.schedule = schedule_of(estimator, state, self.batches)
        network = self.objective.network
        self.optimizer = optimizer_of(estimator)
        self.optimizer.init(state.theta, state.optimizer, network.biases)
        self.by_score = estimator.early_stopping
        self.patience = Patience(
            estimator.n_iter_no_change,
            estimator.tol,
            higher_is_better=self.by_score,
            best=state.best_score if self.by_score else state.best_cost,
            n_without_improvement=state.n_without_improvement,
        )

    def epochs(
        self, n_seen: int, max_grad_norm: float | None
    ) -> Generator[Epoch, None, None]:
        """The training loop, which yields after every epoch."""
        return train(
            self.objective,
            self.optimizer,
            self.schedule,
            self.batches,
            n_seen,
            max_grad_norm=max_grad_norm,
        )

    def is_impatient(self, cost: float, score: float | None) -> bool:
        """Whether patience, and with it training, has come to its end."""
        impatient = self.patience.update(score if self.by_score else cost)
        self.schedule.on_wait(self.patience.n_without_improvement)
        return impatient and not self.schedule.on_plateau()

    def memory(self) -> dict[str, Any]:
        """Fields of the state that training changes here."""
        return {
            "streams": self.streams.states(),
            "optimizer": self.optimizer.state,
            "order": self.batches.order,
            "best_cost": None if self.by_score else self.patience.best,
            "n_without_improvement": self.patience.n_without_improvement,
            "n_lowered": self.schedule.n_lowered,
        }


def draw_weights(estimator: NetworkHooks, state: TrainingState) -> None:
    """Draw the weights of a network that has none yet."""
    network = network_of(state)
    initializer = INITIALIZERS[estimator.weight_init]
    hidden = state.activations
    if not hidden and isinstance(estimator.activation, str):
        # scikit-learn lets it set the scale of a linear model too
        hidden = [estimator.activation]
    inputs = inputs_of_layers([activation_of(layer) for layer in hidden] or [None])
    for W, activation in zip(network.weights, inputs, strict=False):
        fan_out, fan_in = W.shape[0], W.shape[1] - 1
        coef, intercept = initializer(state.rng, fan_in, fan_out, activation)
        W[:, 1:], W[:, 0] = coef.T, intercept


def network_of(state: TrainingState) -> Network:
    """The network on the state's theta."""
    activations = [activation_of(layer) for layer in state.activations]
    return Network(state.n_units, activations, state.theta, state.transposed_input)


def full_objective_of(
    estimator: NetworkHooks, state: TrainingState, samples: Samples
) -> Objective:
    """Cost and gradient of the full network on data of these weights."""
    w = samples.sample_weight
    return Objective(
        network_of(state),
        estimator._loss(),
        estimator.alpha,
        mean_weight=1.0 if w is None else w.mean(),
    )


def cost_of_some(
    estimator: NetworkHooks, state: TrainingState, samples: Samples
) -> Callable[[NDArray[Any]], float]:
    """A function from weights to the cost of some of the samples, few of many."""

    def cost_at(theta: NDArray[Any]) -> float:
        some = samples.rows(evenly_spaced(samples.X.shape[0], SOME_ROWS))
        there = replace(state, theta=theta)
        (batch,) = full_batch_of(estimator, there, some)
        objective = full_objective_of(estimator, there, some)
        return float(objective.value_and_grad(*batch)[0])

    return cost_at


def objective_of(
    estimator: NetworkHooks,
    state: TrainingState,
    samples: Samples,
    streams: ChildStreams,
) -> Objective | DropoutObjective:
    """Cost and gradient to train by, with dropout if asked for."""
    objective = full_objective_of(estimator, state, samples)
    dropout = layer_dropout(estimator.dropout, len(state.activations))
    if not any(dropout) and not estimator.input_dropout:
        return objective
    return DropoutObjective(
        objective, dropout, estimator.input_dropout, streams["dropout"]
    )


def full_batch_of(
    estimator: NetworkHooks, state: TrainingState, samples: Samples
) -> Batches:
    """All samples in one batch."""
    return Batches(
        samples.X,
        estimator._training_targets(samples.y),
        samples.sample_weight,
        dtype=state.theta.dtype,
    )


def batches_of(
    estimator: NetworkHooks,
    state: TrainingState,
    samples: Samples,
    streams: ChildStreams,
) -> Batches:
    """The training set in the estimator's batches, going on in the order it had."""
    n_samples, batch_size = samples.X.shape[0], estimator.batch_size
    if batch_size == "auto":
        batch_size = 200
    elif batch_size > n_samples:
        warn(
            f"batch_size={batch_size} is more than the {n_samples} training samples: "
            "they make one batch."
        )
    order = state.order
    return Batches(
        samples.X,
        estimator._training_targets(samples.y),
        samples.sample_weight,
        dtype=state.theta.dtype,
        batch_size=min(batch_size, n_samples),
        rng=state.rng if estimator.shuffle else None,
        order=None if order is None or len(order) != n_samples else order,
        augment=_augmentation_of(estimator, streams),
    )


def _augmentation_of(
    estimator: NetworkHooks, streams: ChildStreams
) -> Callable[[NDArray[Any]], NDArray[Any]] | None:
    """The estimator's ``augment`` as a function of the batch alone, and checked."""
    if estimator.augment is None:
        return None
    rng = streams["augment"]

    def augmented(X: NDArray[Any]) -> NDArray[Any]:
        shape = X.shape
        X = np.asarray(estimator.augment(X, rng))
        if X.shape != shape or X.dtype.kind not in "fiub":
            raise ValueError(
                f"augment returned an array of shape {X.shape} and type {X.dtype} for "
                f"a batch of shape {shape}: return numbers in an array of that shape."
            )
        if not isfinite(np.add.reduce(X, axis=None, dtype=np.float64)):
            raise ValueError(
                "augment returned NaN or infinity for a batch: return finite numbers."
            )
        return X

    return augmented


def schedule_of(
    estimator: NetworkHooks, state: TrainingState, batches: Batches
) -> Constant:
    """Learning rate of a stochastic solver, going on where a checkpoint left it."""
    rate, kind = estimator.learning_rate_init, estimator.learning_rate
    if needs_length(kind):
        factor = kind if callable(kind) else FACTORS[kind]
        n_batches = ceil(batches.n_samples / batches.batch_size)
        n_total = estimator.max_iter * n_batches
        if kind == "cosine":
            factor = partial(factor, warmup=estimator.warmup, step=1 / n_total)
        return ByFraction(rate, factor, n_total, state.n_epochs * n_batches)
    settings = {
        "constant": (),
        "invscaling": (estimator.power_t,),
        "adaptive": (state.n_lowered,),
        "reduce_on_plateau": (state.n_lowered, estimator.n_iter_no_change),
    }
    return SCHEDULES[kind](rate, *settings[kind])


def optimizer_of(estimator: NetworkHooks) -> SGD | Adam:
    """The solver's optimizer, still without memory."""
    if estimator.solver == "sgd":
        return SGD(estimator.momentum, estimator.nesterovs_momentum)
    settings = {
        name: getattr(estimator, name) for name in ("beta_1", "beta_2", "epsilon")
    }
    if estimator.solver == "adam":
        return Adam(**settings)
    return AdamW(estimator.weight_decay, **settings)
