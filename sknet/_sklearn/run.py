"""Trains a network for one call of ``fit``: the policy between two epochs.

:class:`Run` is what happens before, between and after the epochs, whichever solver
makes them: :func:`train_by_steps` and :func:`minimise_cost` only bring them about.
"""

from __future__ import annotations

from contextlib import ExitStack
from math import isfinite, nan
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from sknet._blas import blas_threads, norm_of
from sknet._interrupts import InterruptedAfterStep, held_back
from sknet._sklearn import advice
from sknet._sklearn.build import (
    Ingredients,
    cost_of_some,
    full_batch_of,
    full_objective_of,
)
from sknet._sklearn.divergence import Divergence, is_finite, squares_of
from sknet._sklearn.progress import Silence, progress
from sknet._sklearn.samples import Samples
from sknet._sklearn.state import TrainingState, publish
from sknet._sklearn.tasks import NO_TASKS, FitTasks
from sknet._sklearn.validation import ValidationSet
from sknet._sklearn.warn import warn
from sknet.training import Epoch


class StopTraining(Exception):
    """Ends L-BFGS from inside: SciPy 1.10 does not heed StopIteration yet."""


class Run:
    """One call of ``fit``, a context in which a solver makes the epochs.

    At its end, whatever ends it, the fitted attributes are written onto the estimator;
    an error before the end of the first epoch leaves it as it was.

    Parameters
    ----------
    estimator : NetworkEstimator
        Gets the fitted attributes.
    draft : NetworkEstimator
        Its copy on which training works.
    state : TrainingState
    samples : Samples
        Those to train on.
    validation : ValidationSet, default=None
        With one, the weights that do best on it are kept however training ends.
    tasks : FitTasks, default=NO_TASKS
        Calls the callbacks.
    incremental : bool, default=False
        Train for one epoch, as ``partial_fit`` does.
    """

    def __init__(
        self,
        estimator: Any,
        draft: Any,
        state: TrainingState,
        samples: Samples,
        validation: ValidationSet | None = None,
        tasks: FitTasks = NO_TASKS,
        incremental: bool = False,
    ) -> None:
        self.estimator, self.draft, self.state = estimator, draft, state
        self.samples, self.validation, self.tasks = samples, validation, tasks
        self.incremental = incremental
        self.unit = "iteration" if draft.solver == "lbfgs" else "epoch"
        self.max_iter = 1 if incremental else draft.max_iter
        self.advice: advice.Advice | None = None
        self.ingredients: Ingredients | None = None
        self._contexts = ExitStack()
        self._progress = Silence()
        state.begin()

    @property
    def has_result(self) -> bool:
        """Whether there is anything to write down, should training fail now."""
        return self.state.n_recorded > 0 or self.tasks.has_published

    def __enter__(self) -> Run:
        return self  # what is opened here, Ctrl-C at its end would leave open

    def open(self) -> None:
        """Begin to time the epochs and to show them."""
        with held_back():
            # The cost tells of an overflow: warnings on the way would add nothing.
            self._contexts.enter_context(np.errstate(all="ignore"))
            verbose = 0 if self.incremental else self.draft.verbose
            self._progress = progress(verbose, self.max_iter)
            self._contexts.callback(self._progress.close)
            self._start = perf_counter()

    def limit_threads(self, batch_size: int) -> None:
        """Use one BLAS thread from here on if products are small."""
        limit = blas_threads(self.state.n_units, batch_size)
        with held_back():
            self._contexts.enter_context(limit)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        ctrl_c = isinstance(error, KeyboardInterrupt)
        with held_back():
            try:
                self._write_down(error)
            finally:
                self._contexts.close()
        if error is not None and not ctrl_c:
            return False
        self.tasks.end(self.state)
        if self.advice is not None:  # last, as it may be an error
            warn(*self.advice)
        return ctrl_c

    def _write_down(self, error: BaseException | None) -> None:
        """Write what training has come to, unless it failed before it came to any."""
        state, ctrl_c = self.state, isinstance(error, KeyboardInterrupt)
        after_step = isinstance(error, InterruptedAfterStep)
        if after_step and self.ingredients is not None:
            vars(state).update(self.ingredients.memory())
        elif error is not None:
            state.go_back()
        if ctrl_c:
            self.advice = advice.of_ctrl_c(self, after_step)
        if error is None or ctrl_c or self.has_result:
            state.at_rest(going_on=self.incremental or self.draft.warm_start)
            if self.incremental:
                state.shorten()
            publish(state, self.estimator)

    def begin_epoch(self) -> None:
        """Begin an epoch, unless one has begun already."""
        self.tasks.begin_epoch()
        self.state.within_epoch = True

    def end_epoch(self, epoch: Epoch, **memory: Any) -> bool:
        """Take in an epoch that has just ended; True if it is the last.

        Ctrl-C waits until that is done.

        Parameters
        ----------
        epoch : Epoch
        **memory
            Fields of the state.
        """
        with held_back():
            return self._end_epoch(epoch, **memory)

    def _end_epoch(self, epoch: Epoch, **memory: Any) -> bool:
        state, ingredients, judged = self.state, self.ingredients, None
        if self.validation is not None:  # may fail: then nothing is written down
            judged = self.validation.evaluate(state.theta)
        impatient = False
        if ingredients is not None:
            score = None if judged is None else judged[1]
            impatient = ingredients.is_impatient(epoch.cost, score)
            memory = ingredients.memory()
        now = perf_counter()
        seconds, self._start = now - self._start, now
        facts = state.record(
            epoch, seconds, judged, patience_is_out=impatient, **memory
        )
        self._progress.epoch(state.n_epochs, epoch.cost, facts)
        if self.tasks.end_epoch(state, resumable=ingredients is not None):
            self._progress.say("A callback asked to stop. Stopping.")
        elif impatient:
            self._progress.say(f"No improvement by tol={self.draft.tol:g}. Stopping.")
        elif ingredients is None or state.n_epochs < self.max_iter:
            return False
        elif not self.incremental:
            self.advice = advice.of_max_iter(self)
        return True

    def diverged(
        self, fault: str, epoch_kept: int, learning_rate: float | None = None
    ) -> ValueError:
        """Error for what is no longer finite after an epoch."""
        return ValueError(advice.of_divergence(self, fault, epoch_kept, learning_rate))


def train_by_steps(run: Run) -> None:
    """Train by SGD, Adam or AdamW until ``max_iter`` or patience ends it."""
    draft, state, samples = run.draft, run.state, run.samples
    if state.patience_is_out:  # resumed, with nothing left to do
        return
    run.ingredients = ingredients = Ingredients(draft, state, samples)
    if state.n_epochs >= run.max_iter:
        run.advice = advice.of_max_iter(run)
        return
    run.limit_threads(ingredients.batches.batch_size)
    theta = state.theta
    divergence = Divergence(cost_of_some(draft, state, samples), theta)
    run.begin_epoch()
    for epoch in ingredients.epochs(state.n_seen, draft.max_grad_norm):
        fault = fault_of(epoch.cost, theta, ingredients)
        fault = fault or divergence.fault_of(theta, state.complete, epoch.cost)
        if fault is not None:
            epoch_kept = state.n_epochs
            if not isfinite(epoch.cost) and epoch_kept:  # it tells of those before
                state.distrust_the_last_epoch()
                epoch_kept -= 1
            raise run.diverged(fault, epoch_kept, epoch.learning_rate)
        if run.end_epoch(epoch):
            break
        run.begin_epoch()
    rise = divergence.rise(state.best_or_last, state.cost)
    if rise is not None:
        run.advice = advice.of_rise(run, *rise)


def fault_of(cost: float, theta: NDArray[Any], ingredients: Ingredients) -> str | None:
    """What is not finite after an epoch, in words; None where all is."""
    if not isfinite(cost):
        return f"the loss is {cost}"
    if not isfinite(squares_of(theta)):  # nor would the penalty be
        return f"the loss is {cost:.6g}, but the last step made the weights overflow"
    memory = ingredients.optimizer.state.values()
    if not all(is_finite(v) for v in memory if isinstance(v, np.ndarray)):
        return f"the loss is {cost:.6g}, but the optimizer's memory has overflowed"
    return None


def minimise_cost(run: Run) -> None:
    """Train on all samples at once, by SciPy's L-BFGS-B, until it ends."""
    draft, state = run.draft, run.state
    run.limit_threads(run.samples.X.shape[0])
    problem = QuasiNewton(run)
    try:
        result = minimize(
            problem.value_and_grad,
            state.theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=problem.end_of_iteration,
            options={
                "maxiter": draft.max_iter,
                "maxfun": draft.max_fun,
                "gtol": draft.tol,
            },
        )
    except StopTraining:  # theta is where the iteration ended
        return
    if not (isfinite(result.fun) and np.isfinite(result.x).all()):
        raise run.diverged(f"the loss is {result.fun}", state.n_epochs)
    state.theta[:] = result.x
    state.ended_at(float(result.fun), min(result.nit, draft.max_iter))
    if not result.success:
        run.advice = advice.of_lbfgs(run, result)


class QuasiNewton:
    """The cost as SciPy's L-BFGS-B asks for it, and its iterations as epochs.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        (self.batch,) = full_batch_of(run.draft, run.state, run.samples)
        self.objective = full_objective_of(run.draft, run.state, run.samples)
        self.cost: float | None = None

    def value_and_grad(
        self, x: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Cost and gradient at x."""
        if self.cost is not None:  # that at the start may be all that is asked for
            self.run.begin_epoch()
        self.run.state.theta[:] = x
        self.cost, grad = self.objective.value_and_grad(*self.batch)
        self.grad_norm = norm_of(grad)
        return self.cost, grad.astype(np.float64)

    def end_of_iteration(self, x: NDArray[np.float64]) -> None:
        """Take in an iteration that has ended at x; the last cost is that of x."""
        run, state, cost = self.run, self.run.state, self.cost
        if not (isfinite(cost) and np.isfinite(x).all()):
            raise run.diverged(f"the loss is {cost}", state.n_epochs)
        state.theta[:] = x
        number, penalty = state.n_epochs + 1, self.objective.penalty
        epoch = Epoch(number, cost, penalty, nan, self.grad_norm, state.n_seen)
        if run.end_epoch(epoch, best_cost=cost):
            raise StopTraining
