"""Trains a network for one call of ``fit``: the policy between two epochs.

:class:`Run` is what happens before, between and after the epochs, whichever solver
makes them: :func:`train_by_steps` and :func:`minimise_cost` only bring them about.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from math import isfinite, nan
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize
from sklearn.exceptions import ConvergenceWarning

from sknet._interrupts import InterruptedAfterStep, held_back
from sknet._sklearn.build import Ingredients, whole_batch_of, whole_objective_of
from sknet._sklearn.progress import Silence, progress
from sknet._sklearn.state import TrainingState, publish
from sknet._sklearn.tasks import NO_TASKS, FitTasks
from sknet._sklearn.validation import Samples, ValidationSet
from sknet._threads import blas_threads
from sknet.optimizers import norm_of
from sknet.schedules import needs_length
from sknet.training import Epoch, train

if TYPE_CHECKING:
    from sknet._sklearn.base import NetworkEstimator


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
    validation : ValidationSet, default=None
        With one, the weights that do best on it are kept however training ends.
    tasks : FitTasks, default=NO_TASKS
        Calls the callbacks.
    incremental : bool, default=False
        Train for one epoch, as ``partial_fit`` does.
    """

    def __init__(
        self,
        estimator: NetworkEstimator,
        draft: NetworkEstimator,
        state: TrainingState,
        validation: ValidationSet | None = None,
        tasks: FitTasks = NO_TASKS,
        incremental: bool = False,
    ) -> None:
        self.estimator, self.draft, self.state = estimator, draft, state
        self.validation, self.tasks = validation, tasks
        self.incremental = incremental
        self.max_iter = 1 if incremental else draft.max_iter
        self.warning: tuple[str, type[Warning]] | None = None
        self.ingredients: Ingredients | None = None
        self._contexts = ExitStack()
        self._progress = Silence()
        state.begin()

    @property
    def _n_recorded(self) -> int:
        return self.state.n_recorded

    def __enter__(self) -> Run:
        return self  # what is opened here, Ctrl-C at its end would leave open

    def open(self) -> None:
        """Begin to time the epochs and to show them."""
        with held_back():
            # The cost tells of an overflow: warnings on the way would add nothing.
            ignored = np.errstate(over="ignore", divide="ignore", invalid="ignore")
            self._contexts.enter_context(ignored)
            verbose = 0 if self.incremental else self.draft.verbose
            self._progress = progress(verbose, self.max_iter)
            self._contexts.callback(self._progress.close)
            self._start = perf_counter()

    def limit_threads(self, batch_size: int) -> None:
        """Use one BLAS thread from here on if products are small."""
        with held_back():
            self._contexts.enter_context(blas_threads(self.state.n_units, batch_size))

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        ctrl_c = isinstance(error, KeyboardInterrupt)
        try:
            with held_back():
                self._write_down(error)
        finally:
            self._contexts.close()
        if error is not None and not ctrl_c:
            return False
        self.tasks.end(self.state)
        if self.warning is not None:  # last, as it may be an error
            message, category = self.warning
            warnings.warn(message, category, stacklevel=3)
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
            self._explain_ctrl_c("step" if after_step else "epoch")
        if error is None or ctrl_c or self._n_recorded:
            state.at_rest(going_on=self.incremental or self.draft.warm_start)
            if self.incremental:
                state.shorten()
            publish(state, self.estimator)

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
            self.warn_of_max_iter()
        return True

    # -- what is said at the end -------------------------------------------------

    def warn_of_max_iter(self) -> None:
        """Warn that training ended before it converged, unless it could not."""
        draft, state = self.draft, self.state
        exactly = draft.tol == 0 and draft.n_iter_no_change == np.inf
        if exactly or needs_length(draft.learning_rate):
            return
        # No scores yet: a checkpoint with nothing left to do got a validation set.
        by_score = draft.early_stopping and bool(state.scores)
        curve = state.scores if by_score else state.costs
        n_ago, improvement = last_improvement(
            curve[-state.n_epochs :], higher_is_better=by_score
        )
        remedy = (
            "raise max_iter, or learning_rate_init to get there faster."
            if n_ago <= 1
            else "lower learning_rate_init, or let learning_rate fall."
        )
        message = (
            f"Training reached max_iter={draft.max_iter} epochs and has not "
            f"converged yet: the {'validation score' if by_score else 'loss'} is "
            f"{curve[-1]:.6g}, {improvement}; {remedy}"
        )
        self.warning = message, ConvergenceWarning

    def warn_of_lbfgs(self, result: OptimizeResult) -> None:
        """Warn that L-BFGS ended before it converged."""
        draft, state = self.draft, self.state
        improvement = ""
        if state.n_epochs:
            improvement = f", {last_improvement(state.costs[-state.n_epochs :])[1]}"
        if result.nit >= draft.max_iter:
            remedy = f"raise max_iter={draft.max_iter}"
        elif result.nfev >= draft.max_fun:
            remedy = f"raise max_fun={draft.max_fun}"
        else:
            remedy = "scale X (StandardScaler)"
        message = (
            f"lbfgs stopped after {state.n_epochs} iterations without converging "
            f"({result.message}): the loss is {state.cost:.6g}{improvement}; {remedy}."
        )
        self.warning = message, ConvergenceWarning

    def _explain_ctrl_c(self, last_whole: str) -> None:
        state = self.state
        if self.draft.solver == "lbfgs":
            last_whole = "iteration"
        kept = f"those of the last whole {last_whole}"
        if state.best_theta is not None:
            kept = "those that did best on the validation set"
        message = (
            f"Ctrl-C stopped training in iteration {state.n_epochs + 1}; the weights "
            f"are {kept}."
        )
        self.warning = message, UserWarning

    def diverged(self, loss: float, X: Any, rate: str = "") -> ValueError:
        """Error for a cost, or weights, that are no longer finite."""
        largest = max(abs(X.max()), abs(X.min()))
        kept = "keeps the last weights with a finite loss"
        if not self._n_recorded:
            kept = "is as it was before"
        elif self.state.best_theta is not None:
            kept = "keeps the weights that did best on the validation set"
        return ValueError(
            f"Training diverged in epoch {self.state.n_epochs + 1}: the loss is {loss} "
            f"with {rate}max |X| = {largest:.3g}; scale X (StandardScaler) or lower "
            f"learning_rate_init. The estimator {kept}."
        )


def train_by_steps(run: Run, samples: Samples) -> None:
    """Train by SGD, Adam or AdamW until ``max_iter`` or patience ends it."""
    draft, state = run.draft, run.state
    if state.patience_is_out:  # resumed, with nothing left to do
        return
    run.ingredients = ingredients = Ingredients(draft, state, samples)
    if state.n_epochs >= run.max_iter:
        run.warn_of_max_iter()
        return
    run.limit_threads(ingredients.batches.batch_size)
    theta = state.theta
    epochs = train(
        ingredients.objective,
        ingredients.optimizer,
        ingredients.schedule,
        ingredients.batches,
        state.n_seen,
        max_grad_norm=draft.max_grad_norm,
    )
    run.tasks.begin_epoch()
    state.within_epoch = True
    for epoch in epochs:
        if not (isfinite(epoch.cost) and _is_finite(theta, ingredients)):
            state.distrust_the_last_epoch()  # only a cost tells that weights do
            rate = f"a learning rate of {epoch.learning_rate:.3g} and "
            raise run.diverged(epoch.cost, samples.X, rate)
        if run.end_epoch(epoch):
            break
        run.tasks.begin_epoch()
        state.within_epoch = True


def _is_finite(theta: NDArray[Any], ingredients: Ingredients) -> bool:
    """Whether weights, and what the optimizer remembers, are finite."""
    memory = ingredients.optimizer.state.values()
    vectors = [theta, *(v for v in memory if np.ndim(v))]
    # The extremes are finite where all is, and need no array of bools.
    return all(isfinite(v.min()) and isfinite(v.max()) for v in vectors)


def minimise_cost(run: Run, samples: Samples) -> None:
    """Train on all samples at once, by SciPy's L-BFGS-B, until it ends."""
    draft, state = run.draft, run.state
    theta = state.theta
    batches = whole_batch_of(draft, state, samples)
    (batch,) = batches
    objective = whole_objective_of(draft, state, samples)
    objective.keep(batches.same_X1)
    run.limit_threads(batches.n_samples)
    cost = grad_norm = None

    def value_and_grad(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        nonlocal cost, grad_norm
        if cost is not None:  # that at the start may be all that is asked for
            run.tasks.begin_epoch()
        theta[:] = x
        cost, grad = objective.value_and_grad(*batch)
        grad_norm = norm_of(grad)
        return cost, grad.astype(np.float64)

    def end_of_iteration(x: NDArray[np.float64]) -> None:
        theta[:] = x
        # The last cost asked for is that of x.
        epoch = Epoch(
            state.n_epochs + 1, cost, objective.penalty, nan, grad_norm, state.n_seen
        )
        if run.end_epoch(epoch, best_cost=cost):
            raise StopTraining

    try:
        result = minimize(
            value_and_grad,
            theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=end_of_iteration,
            options={
                "maxiter": draft.max_iter,
                "maxfun": draft.max_fun,
                "gtol": draft.tol,
            },
        )
        if not (isfinite(result.fun) and np.isfinite(result.x).all()):
            raise run.diverged(result.fun, samples.X)
    except StopTraining:  # theta is where the iteration ended
        return
    theta[:] = result.x
    state.ended_at(float(result.fun), min(result.nit, draft.max_iter))
    if not result.success:
        run.warn_of_lbfgs(result)


def last_improvement(
    curve: list[float], higher_is_better: bool = False
) -> tuple[int, str]:
    """How many epochs ago the curve last had its best value, and in words.

    Examples
    --------
    >>> last_improvement([0.5, 0.3, 0.25])
    (0, 'lower by 0.05 in the last epoch')
    >>> last_improvement([0.5, 0.75, 0.625, 0.5], higher_is_better=True)
    (2, 'no better in the last 2 epochs')
    """
    values = np.asarray(curve) * (1 if higher_is_better else -1)
    n_ago = len(values) - 1 - int(values.argmax())
    if n_ago:
        epochs = "epoch" if n_ago == 1 else f"{n_ago} epochs"
        return n_ago, f"no better in the last {epochs}"
    if len(values) == 1:
        return 0, "after the only epoch"
    gain = values[-1] - values[:-1].max()
    side = "higher" if higher_is_better else "lower"
    return 0, f"{side} by {gain:.3g} in the last epoch"
