"""The policy of a fit: how an estimator's parameters drive the training loop.

Everything that happens between two epochs is here: the history, the validation score,
patience, the best weights so far, messages and the reasons to stop.
"""

import warnings
from contextlib import closing
from functools import partial, wraps
from math import ceil, isfinite

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sknet._callbacks import NO_TASKS, StopTraining
from sknet._threads import blas_threads
from sknet.optimizers import SGD, Adam
from sknet.schedules import FACTORS, SCHEDULES, OfProgress, needs_length
from sknet.training import Minibatches, Patience, train

# partial_fit may go on for ever: it remembers the losses of this many last calls.
REMEMBERED_CALLS = 100


def without_overflow_warnings(fit):
    """A fit that sees an overflow by the cost's value needs no warnings on the way."""

    @wraps(fit)
    def quiet_fit(*args, **kwargs):
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return fit(*args, **kwargs)

    return quiet_fit


@without_overflow_warnings
def fit_by_steps(
    estimator,
    X,
    y,
    sample_weight,
    rng,
    *,
    judge=None,
    incremental=False,
    tasks=NO_TASKS,
):
    """Train by SGD or Adam until ``max_iter``, patience, a callback or Ctrl-C ends it.

    Parameters
    ----------
    estimator : NetworkEstimator
        Started: it has its weights, drawn or fitted.
    X, y, sample_weight
        As for :class:`~sknet.training.Minibatches`.
    rng : RandomState
    judge : callable, default=None
        Score of the estimator on data that are held out; with it, training is stopped
        by that score and not by the loss.
    incremental : bool, default=False
        Train for one epoch, as ``partial_fit`` does.
    tasks : FitTasks, default=NO_TASKS
        Calls the callbacks.
    """
    resume = estimator._resume
    objective = estimator._objective(sample_weight)
    batches = _batches(estimator, X, y, sample_weight, rng)
    schedule = _schedule(estimator, batches)
    objective.keep(batches.same_X1)
    optimizer = _optimizer(estimator)
    same_solver = resume["solver"] == estimator.solver
    optimizer.init(
        objective.network.theta, resume["optimizer"] if same_solver else None
    )
    patience = Patience(
        estimator.n_iter_no_change,
        estimator.tol,
        higher_is_better=judge is not None,
        best=estimator.best_loss_
        if judge is None
        else estimator.best_validation_score_,
        count=resume["count"],
    )
    interrupted = None if incremental else resume["interrupted"]
    # Should training fail, later training starts with fresh memory of the optimizer.
    resume.update(
        rng=rng.get_state(legacy=False), optimizer=None, order=None, interrupted=None
    )

    def memory():
        return {
            "rng": rng.get_state(legacy=False),
            "solver": estimator.solver,
            "optimizer": optimizer.state,
            "order": batches.order,
            "count": patience.count,
            "n_lowered": schedule.n_lowered,
            "incremental": incremental,
        }

    epochs = train(objective, optimizer, schedule, batches, estimator.t_)
    epochs = tasks.as_tasks(epochs, memory)
    with blas_threads(objective.network.n_units, batches.batch_size), closing(epochs):
        unfinished = _drive(
            estimator,
            epochs,
            1 if incremental else estimator.max_iter,
            patience,
            schedule,
            judge,
            lambda: _all_finite(objective.network.theta, **optimizer.state),
            X,
            tasks,
            interrupted,
        )
    if unfinished and not incremental:
        _warn_of_max_iter(estimator)
    if incremental:
        del estimator.loss_curve_[:-REMEMBERED_CALLS]
    resume.update(memory())


def _drive(
    estimator,
    epochs,
    max_iter,
    patience,
    schedule,
    judge,
    is_finite,
    X,
    tasks,
    interrupted,
):
    """Consume the epochs: record, watch, stop; True if ``max_iter`` stopped them."""
    theta = estimator._theta
    best = theta if judge is None else theta.copy()
    if interrupted is None:
        estimator.n_iter_ = 0
    elif interrupted["patience_is_out"] or estimator.n_iter_ >= max_iter:
        return not interrupted["patience_is_out"]
    elif interrupted["theta"] is not None:
        theta[:] = interrupted["theta"]
    before, sound = theta.copy(), theta.copy()
    try:
        for epoch in epochs:
            if not (isfinite(epoch.loss) and is_finite()):
                theta[:] = sound
                best = theta
                raise ValueError(_diverged(estimator.n_iter_ + 1, epoch.loss, X, epoch))
            sound[:], before[:] = before, theta  # only a cost tells that weights do
            _record(estimator, epoch)
            if judge is None:
                impatient = patience.update(epoch.loss)
                estimator.best_loss_ = patience.best
            else:
                estimator.validation_scores_.append(judge())
                impatient = patience.update(estimator.validation_scores_[-1])
                estimator.best_validation_score_ = patience.best
                if patience.improved:
                    best[:] = theta
                _say(
                    estimator, "Validation score: %f", estimator.validation_scores_[-1]
                )
            schedule.on_wait(patience.count)
            impatient = impatient and not schedule.on_plateau()
            if tasks.end_epoch(best, theta, impatient):
                _say(estimator, "A callback asked to stop. Stopping.")
                return False
            if impatient:
                _say(estimator, "No improvement by tol=%g. Stopping.", estimator.tol)
                return False
            if estimator.n_iter_ == max_iter:
                return True
    except KeyboardInterrupt:
        _warn_of_ctrl_c(estimator)
        return False
    finally:
        theta[:] = best


def _all_finite(theta, **state):
    """Whether weights, and what the optimizer remembers, are finite."""
    vectors = [theta, *(values for values in state.values() if np.ndim(values))]
    # The extremes are finite where all is, and need no array of bools.
    return all(isfinite(v.min()) and isfinite(v.max()) for v in vectors)


def _record(estimator, epoch):
    """Write the epoch into the estimator's fitted attributes."""
    estimator.n_iter_ += 1
    estimator.t_ = epoch.n_seen
    estimator.loss_ = epoch.loss
    estimator.loss_curve_.append(epoch.loss)
    _say(estimator, "Iteration %d, loss = %.8f", estimator.n_iter_, epoch.loss)


def _say(estimator, message, *values):
    if estimator.verbose:
        print(message % values)


def _warn_of_ctrl_c(estimator):
    warnings.warn(
        f"Ctrl-C stopped training in iteration {estimator.n_iter_ + 1}; the weights "
        "are those of the last whole step.",
        UserWarning,
        stacklevel=2,
    )


def _diverged(number, loss, X, epoch=None):
    """Message for a cost, or weights, that are no longer finite."""
    rate = f"a learning rate of {epoch.learning_rate:.3g} and " if epoch else ""
    largest = max(abs(X.max()), abs(X.min()))
    return (
        f"Training diverged in epoch {number}: the loss is {loss} with {rate}X of size "
        f"up to {largest:.3g}; scale X (StandardScaler) or lower learning_rate_init. "
        "The estimator keeps the last weights with a finite loss."
    )


def _warn_of_max_iter(estimator):
    """Warn that training ended before it converged, unless it could not converge."""
    exactly = estimator.tol == 0 and estimator.n_iter_no_change == np.inf
    if exactly or needs_length(estimator.learning_rate):
        return
    warnings.warn(
        f"Training reached max_iter={estimator.max_iter} epochs and has not converged "
        f"yet (loss {estimator.loss_:.6g}): raise max_iter or learning_rate_init.",
        ConvergenceWarning,
        stacklevel=2,
    )


def hold_out(estimator, X, y, sample_weight, rng):
    """Training data, and the (X, y, sample_weight) that are held out.

    The split is remembered: training that goes on later must not meet rows that
    judged it, nor be judged by rows that it has met.
    """
    split = estimator._resume["split"]
    if split is None or sum(map(len, split)) != X.shape[0]:
        split = _split(X.shape[0], y, estimator.validation_fraction, rng)
        estimator._resume["split"] = split
        estimator.validation_scores_ = []
        estimator.best_validation_score_ = None
    train_rows, held_rows = split
    if sample_weight is None:
        return X[train_rows], y[train_rows], None, (X[held_rows], y[held_rows], None)
    return (
        X[train_rows],
        y[train_rows],
        sample_weight[train_rows],
        (X[held_rows], y[held_rows], sample_weight[held_rows]),
    )


def _split(n_samples, y, fraction, rng):
    """Rows to train on and rows to hold out, every class in proportion.

    Multilabel rows are split without regard to their labels.
    """
    rows, alone = np.arange(n_samples), np.arange(0)
    stratify = None
    if y.ndim == 1:
        of_its_class = np.bincount(y)[y]
        rows, alone = rows[of_its_class > 1], rows[of_its_class == 1]
        stratify = y[rows]
        n_classes = len(np.unique(stratify))
        if len(alone):
            warnings.warn(
                f"{len(alone)} of the classes have one sample only: it is trained on, "
                "and early stopping does not see these classes.",
                UserWarning,
                stacklevel=2,
            )
        if np.ceil(fraction * len(rows)) < n_classes:
            stratify = None  # too few rows to hold one of each class
    n_held = int(np.ceil(fraction * len(rows)))
    if not 2 <= n_held < len(rows):
        raise ValueError(
            f"validation_fraction={fraction} holds out {n_held} of {len(rows)} rows; "
            "early stopping needs 2 or more, and some to train on: "
            f"{'raise' if n_held < 2 else 'lower'} the fraction."
        )
    train_rows, held_rows = train_test_split(
        rows, test_size=fraction, random_state=rng, stratify=stratify
    )
    return np.concatenate([train_rows, alone]), held_rows


def _batches(estimator, X, y, sample_weight, rng):
    """The training set in the estimator's batches, going on in the order it had."""
    n_samples, batch_size = X.shape[0], estimator.batch_size
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
    return Minibatches(
        X,
        y,
        estimator.n_outputs_,
        sample_weight,
        batch_size=min(batch_size, n_samples),
        dtype=estimator._theta.dtype,
        rng=rng if estimator.shuffle else None,
        order=None if order is None or len(order) != n_samples else order,
    )


def _schedule(estimator, batches):
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


def _optimizer(estimator):
    if estimator.solver == "sgd":
        return SGD(estimator.momentum, estimator.nesterovs_momentum)
    return Adam(estimator.beta_1, estimator.beta_2, estimator.epsilon)


@without_overflow_warnings
def fit_by_lbfgs(estimator, X, y, sample_weight, rng, tasks):
    """Minimise the cost over all samples by SciPy's L-BFGS-B.

    Parameters
    ----------
    estimator, X, y, sample_weight, rng, tasks
        As for :func:`fit_by_steps`.
    """
    estimator._resume.update(
        rng=rng.get_state(legacy=False), solver="lbfgs", interrupted=None
    )
    batches = Minibatches(
        X, y, estimator.n_outputs_, sample_weight, dtype=estimator._theta.dtype
    )
    ((X1, Y, weights),) = batches
    objective = estimator._objective(sample_weight)
    objective.keep(batches.same_X1)
    theta = objective.network.theta
    whole = theta.copy()  # theta at the end of the last whole iteration
    latest = {}

    def value_and_grad(x):
        if latest:  # the cost at the start may be all that is asked for
            tasks.begin_epoch()
        theta[:] = x
        latest["cost"], grad = objective.value_and_grad(X1, Y, weights)
        return latest["cost"], grad.astype(np.float64)

    def end_of_iteration(x):
        whole[:] = x
        estimator.n_iter_ += 1
        # The last cost asked for is that of x.
        estimator.loss_ = estimator.best_loss_ = latest["cost"]
        estimator.loss_curve_.append(estimator.loss_)
        _say(estimator, "Iteration %d, loss = %.8f", estimator.n_iter_, estimator.loss_)
        if tasks.end_epoch(whole):
            _say(estimator, "A callback asked to stop. Stopping.")
            raise StopTraining

    estimator.n_iter_ = 0
    options = {
        "maxiter": estimator.max_iter,
        "maxfun": estimator.max_fun,
        "gtol": estimator.tol,
    }
    try:
        with blas_threads(objective.network.n_units, batches.n_samples):
            result = minimize(
                value_and_grad,
                theta.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=end_of_iteration,
                options=options,
            )
    except KeyboardInterrupt:
        theta[:] = whole
        _warn_of_ctrl_c(estimator)
        return
    except StopTraining:  # theta is where the iteration ended
        return
    if not (isfinite(result.fun) and np.isfinite(result.x).all()):
        theta[:] = whole
        raise ValueError(_diverged(estimator.n_iter_ + 1, result.fun, X))
    theta[:] = result.x
    estimator.loss_ = estimator.best_loss_ = float(result.fun)
    estimator.n_iter_ = min(result.nit, estimator.max_iter)
    if not result.success:
        warnings.warn(
            f"lbfgs stopped after {estimator.n_iter_} iterations without converging "
            f"(loss {estimator.loss_:.6g}; {result.message}): raise max_iter or "
            "max_fun, or scale X (StandardScaler).",
            ConvergenceWarning,
            stacklevel=2,
        )
