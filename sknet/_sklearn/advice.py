"""Builds the messages with which a fit ends, and the advice in them."""

from __future__ import annotations

from math import inf
from typing import Any, TypeAlias

import numpy as np
from scipy.optimize import OptimizeResult
from sklearn.exceptions import ConvergenceWarning

from sknet._sklearn.scale import LARGE, largest_entry, largest_feature
from sknet.schedules import needs_length

Advice: TypeAlias = tuple[str, type[Warning]]

# Max |X| that StandardScaler leaves, outliers included.
WELL_SCALED = 10.0


def of_max_iter(run: Any) -> Advice | None:
    """Training ended before it converged; None where that was no aim of it."""
    draft, state = run.draft, run.state
    exactly = draft.tol == 0 and draft.n_iter_no_change == np.inf
    if exactly or needs_length(draft.learning_rate):
        return None
    # No scores yet: a checkpoint with nothing left to do got a validation set.
    by_score = draft.early_stopping and bool(state.scores)
    costs = state.costs[-state.n_epochs :]
    curve = state.scores[-state.n_epochs :] if by_score else costs
    n_ago, improvement = last_improvement(curve, higher_is_better=by_score)
    if n_ago <= 1:
        remedy = "raise max_iter, or learning_rate_init to get there faster"
    elif by_score and last_improvement(costs)[0] <= 1 and max(curve) > min(curve):
        remedy = "raise max_iter: the loss still falls"
    else:
        remedy = "lower learning_rate_init, or let learning_rate fall"
    remedy = draft._advice(state.cost) or f"{_scale_first(run.samples.X)}{remedy}"
    message = (
        f"Training reached max_iter={draft.max_iter} and has not converged yet: "
        f"the {'validation score' if by_score else 'loss'} is {curve[-1]:.6g}, "
        f"{improvement}; {remedy}."
    )
    return message, ConvergenceWarning


def of_rise(run: Any, before: float, now: float) -> Advice:
    """The loss ended far above where it began."""
    message = (
        f"Training diverged: the loss rose from {before:.3g} to {now:.3g}; "
        f"{_remedy(run)}."
    )
    return message, ConvergenceWarning


def of_lbfgs(run: Any, result: OptimizeResult) -> Advice:
    """L-BFGS ended before it converged."""
    draft, state = run.draft, run.state
    improvement = ""
    if state.n_epochs:
        costs = state.costs[-state.n_epochs :]
        improvement = f", {last_improvement(costs, unit='iteration')[1]}"
    if result.nit >= draft.max_iter:
        remedy = f"{_scale_first(run.samples.X)}raise max_iter={draft.max_iter}"
    elif result.nfev >= draft.max_fun:
        remedy = f"{_scale_first(run.samples.X)}raise max_fun={draft.max_fun}"
    else:
        remedy = "scale X (StandardScaler)"
    remedy = draft._advice(state.cost) or remedy
    iterations = counted(state.n_epochs, "iteration")
    message = (
        f"lbfgs stopped after {iterations} without converging ({result.message}): the "
        f"loss is {state.cost:.6g}{improvement}; {remedy}."
    )
    return message, ConvergenceWarning


def of_ctrl_c(run: Any, after_step: bool) -> Advice:
    """Training was interrupted; which weights are kept."""
    state = run.state
    last = run.unit if run.unit == "iteration" or not after_step else "step"
    kept = f"those of the last complete {last}"
    if state.best_theta is not None:
        kept = "those that did best on the validation set"
    message = (
        f"Ctrl-C stopped training in {run.unit} {state.n_epochs + 1}; the weights are "
        f"{kept}."
    )
    return message, UserWarning


def of_divergence(
    run: Any, fault: str, epoch_kept: int, learning_rate: float | None = None
) -> str:
    """Message of the error for a cost, weights or memory that are no longer finite.

    Parameters
    ----------
    run : Run
    fault : str
        What is not finite.
    epoch_kept : int
        The epoch, or iteration, of this call whose weights are kept; 0 for those that
        it began with.
    learning_rate : float, default=None
    """
    state = run.state
    if not run.has_result:
        kept = "is as it was before"
    elif state.best_theta is not None:
        kept = "keeps the weights that did best on the validation set"
    elif epoch_kept:
        kept = f"keeps the weights of {run.unit} {epoch_kept}"
    else:
        kept = "keeps the weights that training began with"
    rate = ""
    if learning_rate is not None:
        rate = f"a learning rate of {learning_rate:.3g} and "
    return (
        f"Training diverged in {run.unit} {state.n_epochs + 1}: {fault}, with {rate}"
        f"max |X| = {largest_entry(run.samples.X):.3g}; {_remedy(run)}. The estimator "
        f"{kept}."
    )


def _scale_first(X: Any) -> str:
    """The remedy that comes before others where features are not scaled."""
    largest = largest_feature(X)
    if largest <= LARGE:
        return ""
    return (
        "first scale X (StandardScaler), which has a feature of root mean square "
        f"{largest:.3g}, then "
    )


def _remedy(run: Any) -> str:
    """What to do about training that diverges, as an imperative sentence."""
    advice = run.draft._advice(inf)
    if advice:
        return str(advice)
    X, sample_weight = run.samples.X, run.samples.sample_weight
    if sample_weight is not None:
        mean = float(np.mean(sample_weight))
        if not 1e-6 < mean < 1e6:
            return (
                f"divide sample_weight by its mean, {mean:.3g}: the penalty is alpha / "
                "(2 sum of the weights)"
            )
    scale, lower = "scale X (StandardScaler)", "lower learning_rate_init"
    if run.unit == "iteration":
        return scale
    return f"{scale} or {lower}" if largest_entry(X) > WELL_SCALED else lower


def counted(n: int, unit: str) -> str:
    """The number and the word, in the plural where it is not 1.

    Examples
    --------
    >>> counted(1, "epoch"), counted(2, "epoch")
    ('1 epoch', '2 epochs')
    """
    return f"{n} {unit}" if n == 1 else f"{n} {unit}s"


def last_improvement(
    curve: list[float], higher_is_better: bool = False, unit: str = "epoch"
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
        epochs = unit if n_ago == 1 else counted(n_ago, unit)
        return n_ago, f"no better in the last {epochs}"
    if len(values) == 1:
        return 0, f"after the only {unit}"
    gain = values[-1] - values[:-1].max()
    side = "higher" if higher_is_better else "lower"
    return 0, f"{side} by {gain:.3g} in the last {unit}"
