"""The policy of a fit: how an estimator's parameters drive the training loop.

Everything that is decided between two epochs is here: whether to go on, at what
learning rate, and what must be remembered for training to go on another day.
"""

import warnings
from contextlib import closing
from math import isfinite

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from sknet._callbacks import NO_TASKS, StopTraining
from sknet._ingredients import (
    ChildStreams,
    batches_of,
    objective_of,
    optimizer_of,
    schedule_of,
)
from sknet._monitor import Monitor, forget_all_but_the_last, last_improvement
from sknet._threads import blas_threads
from sknet.optimizers import norm_of
from sknet.schedules import needs_length
from sknet.training import Patience, StepInterrupted, train


def train_network(
    estimator,
    samples,
    rng,
    validation=None,
    *,
    commit,
    incremental=False,
    tasks=NO_TASKS,
):
    """Train the estimator's network on samples by its solver.

    Parameters
    ----------
    estimator : NetworkEstimator
        Started: it has its weights, drawn or fitted.
    samples : Samples
    rng : RandomState
    validation : ValidationSet, default=None
        With one, the weights that do best on it are kept however training ends.
    commit : callable
        Called as soon as there is something to keep, whatever happens then.
    incremental : bool, default=False
        Train for one epoch, as ``partial_fit`` does.
    tasks : FitTasks, default=NO_TASKS
        Calls the callbacks.
    """
    # The cost's value tells of an overflow: warnings on the way would add nothing.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        if estimator.solver == "lbfgs":
            training = QuasiNewtonTraining(estimator, samples, rng, validation)
        else:
            training = SteppedTraining(estimator, samples, rng, validation, incremental)
        training.run(tasks, commit)


class SteppedTraining:
    """Training in steps, by SGD, Adam or AdamW.

    Parameters
    ----------
    estimator, samples, rng, validation, incremental
        As for :func:`train_network`.
    """

    def __init__(self, estimator, samples, rng, validation=None, incremental=False):
        self.estimator, self.samples, self.rng = estimator, samples, rng
        self.validation = validation
        self.incremental = incremental
        self.max_iter = 1 if incremental else estimator.max_iter
        resume = estimator._resume
        self.streams = ChildStreams(rng, resume["streams"])
        self.batches = batches_of(estimator, samples, rng, self.streams)
        self.objective = objective_of(estimator, samples, self.streams)
        self.objective.keep(self.batches.same_X1)
        self.schedule = schedule_of(estimator, self.batches)
        self.optimizer = optimizer_of(estimator, self.objective.network)
        same_solver = resume["solver"] == estimator.solver
        self.optimizer.init(
            estimator._theta, resume["optimizer"] if same_solver else None
        )
        self.by_score = estimator.early_stopping
        self.patience = Patience(
            estimator.n_iter_no_change,
            estimator.tol,
            higher_is_better=self.by_score,
            best=estimator.best_validation_score_
            if self.by_score
            else estimator.best_loss_,
            count=resume["count"],
        )

    def run(self, tasks, commit):
        """Train until ``max_iter``, patience, a callback or Ctrl-C ends it."""
        estimator, resume = self.estimator, self.estimator._resume
        n_units, batch_size = self.objective.network.n_units, self.batches.batch_size
        interrupted = None if self.incremental else resume["interrupted"]
        # Should training fail, a later one starts with fresh memory of the optimizer.
        estimator._resume = {
            **resume,
            "rng": self.rng.get_state(legacy=False),
            "optimizer": None,
            "order": None,
            "interrupted": None,
        }
        verbose = 0 if self.incremental else estimator.verbose
        monitor = Monitor(estimator, self.validation, commit, self.max_iter, verbose)
        epochs = tasks.as_tasks(self._epochs(), self._memory)
        try:
            with blas_threads(n_units, batch_size), closing(epochs):
                unfinished = self._drive(epochs, monitor, tasks, interrupted)
        except StepInterrupted:
            estimator._theta[:] = self.whole
            monitor.warn_of_ctrl_c("epoch")
            return
        except KeyboardInterrupt:
            unfinished = False
            monitor.warn_of_ctrl_c()
        finally:
            monitor.end()
        if self.incremental:
            forget_all_but_the_last(estimator)
        elif unfinished:
            self._warn_of_max_iter()
        estimator._resume.update(self._memory())

    def _epochs(self):
        return train(
            self.objective,
            self.optimizer,
            self.schedule,
            self.batches,
            self.estimator.t_,
            max_grad_norm=self.estimator.max_grad_norm,
        )

    def _memory(self):
        """What ``_resume`` must hold for training to go on after the last epoch."""
        return {
            "rng": self.rng.get_state(legacy=False),
            "streams": self.streams.states(),
            "solver": self.estimator.solver,
            "optimizer": self.optimizer.state,
            "order": self.batches.order,
            "count": self.patience.count,
            "n_lowered": self.schedule.n_lowered,
            "incremental": self.incremental,
        }

    def _drive(self, epochs, monitor, tasks, interrupted):
        """Consume the epochs until one is the last; True if ``max_iter`` says so."""
        estimator, theta = self.estimator, self.estimator._theta
        if interrupted is None:
            estimator.n_iter_ = 0
        elif interrupted["patience_is_out"] or estimator.n_iter_ >= self.max_iter:
            return not interrupted["patience_is_out"]
        elif interrupted["theta"] is not None:
            theta[:] = interrupted["theta"]
        self.whole, sound = theta.copy(), theta.copy()
        for epoch in epochs:
            if not (isfinite(epoch.cost) and self._is_finite()):
                theta[:] = sound
                rate = f"a learning rate of {epoch.learning_rate:.3g} and "
                raise ValueError(monitor.diverged(epoch.cost, self.samples.X, rate))
            # Only a cost tells that weights do.
            sound[:], self.whole[:] = self.whole, theta
            estimator.t_ = epoch.n_seen
            monitor.record(
                epoch.cost, epoch.penalty, epoch.learning_rate, epoch.grad_norm
            )
            impatient = self._is_impatient()
            if tasks.end_epoch(monitor.kept, theta, impatient):
                monitor.say("A callback asked to stop. Stopping.")
                return False
            if impatient:
                monitor.say(f"No improvement by tol={estimator.tol:g}. Stopping.")
                return False
            if estimator.n_iter_ == self.max_iter:
                return True

    def _is_finite(self):
        """Whether weights, and what the optimizer remembers, are finite."""
        state = self.optimizer.state.values()
        vectors = [self.estimator._theta, *(v for v in state if np.ndim(v))]
        # The extremes are finite where all is, and need no array of bools.
        return all(isfinite(v.min()) and isfinite(v.max()) for v in vectors)

    def _is_impatient(self):
        """Whether patience, and with it training, has come to its end."""
        estimator, patience = self.estimator, self.patience
        if self.by_score:
            impatient = patience.update(estimator.validation_scores_[-1])
        else:
            impatient = patience.update(estimator.loss_)
            estimator.best_loss_ = patience.best
        self.schedule.on_wait(patience.count)
        return impatient and not self.schedule.on_plateau()

    def _warn_of_max_iter(self):
        """Warn that training ended before it converged, unless it could not."""
        estimator = self.estimator
        exactly = estimator.tol == 0 and estimator.n_iter_no_change == np.inf
        if exactly or needs_length(estimator.learning_rate):
            return
        # No scores yet: a checkpoint with nothing left to do got a validation set.
        by_score = self.by_score and bool(estimator.validation_scores_)
        curve = estimator.validation_scores_ if by_score else estimator.loss_curve_
        n_ago, improvement = last_improvement(
            curve[-estimator.n_iter_ :], higher_is_better=by_score
        )
        warnings.warn(
            f"Training reached max_iter={estimator.max_iter} epochs and has not "
            f"converged yet: the {'validation score' if by_score else 'loss'} is "
            f"{curve[-1]:.6g}, {improvement}; "
            + (
                "raise max_iter, or learning_rate_init to get there faster."
                if n_ago <= 1
                else "lower learning_rate_init, or let learning_rate fall."
            ),
            ConvergenceWarning,
            stacklevel=2,
        )


class QuasiNewtonTraining:
    """Training on all samples at once, by SciPy's L-BFGS-B.

    Parameters
    ----------
    estimator, samples, rng, validation
        As for :func:`train_network`.
    """

    def __init__(self, estimator, samples, rng, validation=None):
        self.estimator, self.samples = estimator, samples
        self.validation = validation
        batches = estimator._minibatches(samples)
        (self.batch,) = batches
        self.objective = estimator._objective(samples.sample_weight)
        self.objective.keep(batches.same_X1)
        # theta at the end of the last whole iteration
        self.whole = estimator._theta.copy()
        self.cost = None
        estimator._resume = {
            **estimator._resume,
            "rng": rng.get_state(legacy=False),
            "solver": "lbfgs",
            "interrupted": None,
        }

    def run(self, tasks, commit):
        """Train until L-BFGS, a callback or Ctrl-C ends it."""
        estimator, theta = self.estimator, self.estimator._theta
        monitor = Monitor(
            estimator, self.validation, commit, estimator.max_iter, estimator.verbose
        )
        estimator.n_iter_ = 0
        try:
            with blas_threads(self.objective.network.n_units, len(self.samples.y)):
                result = self._minimize(monitor, tasks)
            if not (isfinite(result.fun) and np.isfinite(result.x).all()):
                theta[:] = self.whole
                raise ValueError(monitor.diverged(result.fun, self.samples.X))
            theta[:] = result.x
            estimator.loss_ = estimator.best_loss_ = float(result.fun)
            estimator.n_iter_ = min(result.nit, estimator.max_iter)
        except KeyboardInterrupt:
            theta[:] = self.whole
            monitor.warn_of_ctrl_c()
            return
        except StopTraining:  # theta is where the iteration ended
            return
        finally:
            monitor.end()
        if not result.success:
            self._warn(result)

    def _minimize(self, monitor, tasks):
        estimator = self.estimator

        def value_and_grad(x):
            if self.cost is not None:  # that at the start may be all that is asked for
                tasks.begin_epoch()
            estimator._theta[:] = x
            self.cost, grad = self.objective.value_and_grad(*self.batch)
            self.grad_norm = norm_of(grad)
            return self.cost, grad.astype(np.float64)

        def end_of_iteration(x):
            self.whole[:] = x
            # The last cost asked for is that of x.
            estimator.best_loss_ = self.cost
            monitor.record(self.cost, self.objective.penalty, grad_norm=self.grad_norm)
            if tasks.end_epoch(monitor.kept):
                monitor.say("A callback asked to stop. Stopping.")
                raise StopTraining

        return minimize(
            value_and_grad,
            estimator._theta.astype(np.float64),
            method="L-BFGS-B",
            jac=True,
            callback=end_of_iteration,
            options={
                "maxiter": estimator.max_iter,
                "maxfun": estimator.max_fun,
                "gtol": estimator.tol,
            },
        )

    def _warn(self, result):
        """Warn that L-BFGS ended before it converged."""
        estimator = self.estimator
        improvement = ""
        if estimator.n_iter_:
            curve = estimator.loss_curve_[-estimator.n_iter_ :]
            improvement = f", {last_improvement(curve)[1]}"
        if result.nit >= estimator.max_iter:
            remedy = f"raise max_iter={estimator.max_iter}"
        elif result.nfev >= estimator.max_fun:
            remedy = f"raise max_fun={estimator.max_fun}"
        else:
            remedy = "scale X (StandardScaler)"
        warnings.warn(
            f"lbfgs stopped after {estimator.n_iter_} iterations without converging "
            f"({result.message}): the loss is {estimator.loss_:.6g}{improvement}; "
            f"{remedy}.",
            ConvergenceWarning,
            stacklevel=2,
        )
