"""Trains a network for one call of ``fit``: the policy between two epochs.

:class:`Run` is what happens before, between and after the epochs, whichever solver
makes them: :func:`train_by_steps` and :func:`minimise_cost` only bring them about.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from math import inf, isfinite, nan
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize
from sklearn.exceptions import ConvergenceWarning

from sknet._blas import blas_threads
from sknet._interrupts import InterruptedAfterStep
from sknet._sklearn.build import Ingredients, whole_batch_of, whole_objective_of
from sknet._sklearn.progress import progress
from sknet._sklearn.state import TrainingState, publish
from sknet._sklearn.tasks import NO_TASKS, FitTasks
from sknet._sklearn.validation import Samples, ValidationSet
from sknet.optimizers import norm_of
from sknet.schedules import needs_length
from sknet.training import Epoch

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
        self._n_recorded = 0
        state.begin()

    def __enter__(self) -> Run:
        self._contexts = ExitStack()
        # The cost's value tells of an overflow: warnings on the way would add nothing.
        ignored = np.errstate(over="ignore", divide="ignore", invalid="ignore")
        self._contexts.enter_context(ignored)
        verbose = 0 if self.incremental else self.draft.verbose
        self._progress = progress(verbose, self.max_iter)
        self._contexts.callback(self._progress.close)
        self._start = perf_counter()
        return self

    def limit_threads(self, batch_size: int) -> None:
        """Use one BLAS thread from here on if products are small."""
        self._contexts.enter_context(blas_threads(self.state.n_units, batch_size))

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        ctrl_c = isinstance(error, KeyboardInterrupt)
        if ctrl_c:
            self._explain_ctrl_c()
        try:
            if error is None or ctrl_c or self._n_recorded:
                self.state.at_rest()
                if self.incremental:
                    self.state.shorten()
                publish(self.state, self.estimator)
        finally:
            self._contexts.close()
        if self.warning is not None and (error is None or ctrl_c):
            message, category = self.warning
            warnings.warn(message, category, stacklevel=3)
        return ctrl_c

    def end_epoch(
        self, epoch: Epoch, ingredients: Ingredients | None = None, **memory: Any
    ) -> bool:
        """Take in an epoch that has just ended; True if it is the last.

        Parameters
        ----------
        epoch : Epoch
        ingredients : Ingredients, default=None
            What a stochastic solver trains with: it has patience.
        **memory
            Fields of the state.
        """
        state, judged = self.state, None
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
        self._n_recorded += 1
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
            "raise max_iter, or learning_rate_init to get there faster"
            if n_ago <= 1
            else "lower learning_rate_init, or let learning_rate fall"
        )
        remedy = draft._advice(state.cost) or remedy
        message = (
            f"Training reached max_iter={draft.max_iter} epochs and has not "
            f"converged yet: the {'validation score' if by_score else 'loss'} is "
            f"{curve[-1]:.6g}, {improvement}; {remedy}."
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
        remedy = draft._advice(state.cost) or remedy
        message = (
            f"lbfgs stopped after {state.n_epochs} iterations without converging "
            f"({result.message}): the loss is {state.cost:.6g}{improvement}; {remedy}."
        )
        self.warning = message, ConvergenceWarning

    def _explain_ctrl_c(self) -> None:
        state = self.state
        kept = f"those of the last whole {self.last_whole}"
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
        remedy = "scale X (StandardScaler) or lower learning_rate_init"
        return ValueError(
            f"Training diverged in epoch {self.state.n_epochs + 1}: the loss is {loss} "
            f"with {rate}max |X| = {largest:.3g}; "
            f"{self.draft._advice(inf) or remedy}. The estimator {kept}."
        )


def train_by_steps(run: Run, samples: Samples) -> None:
    """Train by SGD, Adam or AdamW until ``max_iter`` or patience ends it."""
    draft, state = run.draft, run.state
    if state.patience_is_out:  # resumed, with nothing left to do
        return
    ingredients = Ingredients(draft, state, samples)
    if state.n_epochs >= run.max_iter:
        run.warn_of_max_iter()
        return
    run.limit_threads(ingredients.batches.batch_size)
    theta = state.theta
    whole, last_finite = theta.copy(), theta.copy()
    run.last_whole = "step"
    try:
        run.tasks.begin_epoch()
        for epoch in ingredients.epochs(state.n_seen, draft.max_grad_norm):
            if not (isfinite(epoch.cost) and _is_finite(theta, ingredients)):
                whole = last_finite
                rate = f"a learning rate of {epoch.learning_rate:.3g} and "
                raise run.diverged(epoch.cost, samples.X, rate)
            # Only a cost tells that weights do.
            last_finite[:], whole[:] = whole, theta
            if run.end_epoch(epoch, ingredients):
                break
            run.tasks.begin_epoch()
    except InterruptedAfterStep:
        vars(state).update(ingredients.memory())
        raise
    except BaseException:  # theta may be half changed
        theta[:], run.last_whole = whole, "epoch"
        state.without_memory()
        raise


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
    (batch,) = whole_batch_of(draft, state, samples)
    objective = whole_objective_of(draft, state, samples)
    run.limit_threads(len(samples.y))
    run.last_whole = "iteration"
    whole = theta.copy()
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
        whole[:] = theta[:] = x
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
    except BaseException:
        theta[:] = whole
        raise
    theta[:] = result.x
    state.cost = state.best_cost = float(result.fun)
    state.n_epochs = min(result.nit, draft.max_iter)
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
