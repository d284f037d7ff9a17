"""scikit-learn's callbacks: a fit and each of its epochs, told as tasks.

scikit-learn 1.9 brought ``sklearn.callback`` (its enhancement proposal SLEP023).  There
a fit is a task with a task inside it for each epoch, or each iteration of "lbfgs", and
callbacks are called at the beginning and at the end of each.  Before 1.9 there is
nothing to set, and without a callback nothing is done.
"""

from contextlib import closing
from copy import deepcopy
from functools import partial

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:
        """Stand-in for scikit-learn's, without ``set_callbacks``."""


class StopTraining(Exception):
    """Ends L-BFGS from inside: SciPy 1.10 does not heed StopIteration yet."""


class FitTasks:
    """Calls an estimator's callbacks in a fit and in its epochs.

    To make one is to begin the fit's task.  Without callbacks every method does
    nothing.

    Parameters
    ----------
    estimator : NetworkEstimator, default=None
        With none there are no callbacks.
    X, y, sample_weight : default=None
        What the user passed: hooks get these very objects.
    """

    def __init__(self, estimator=None, X=None, y=None, sample_weight=None):
        self._fit = self._epoch = None
        if not hasattr(estimator, "_skl_callbacks"):
            return
        self._estimator = estimator
        # Scorers are called with the metadata as arguments: weights and nothing else.
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._passed = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit = estimator._init_callback_context(max_subtasks=estimator.max_iter)
        self._fit.call_on_fit_task_begin(**self._passed)

    def as_tasks(self, epochs, memory):
        """The generator ``epochs``, with a task begun before each of them.

        Parameters
        ----------
        epochs : generator
        memory : callable
            What ``_resume`` must hold for training to go on after the last epoch.
        """
        if self._fit is None:
            return epochs
        self._memory = memory
        return self._begin_each(epochs)

    def _begin_each(self, epochs):
        with closing(epochs):
            self.begin_epoch()
            for epoch in epochs:
                yield epoch
                self.begin_epoch()

    def begin_epoch(self):
        """Begin the next epoch's task, unless one has begun already."""
        if self._fit is not None and self._epoch is None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._passed)

    def end_epoch(self, kept, theta=None, patience_is_out=False):
        """End the epoch's task; True if a callback wants training to stop.

        Parameters
        ----------
        kept : ndarray of shape (n_parameters,)
            The weights that the estimator would have if training stopped now.
        theta : ndarray of shape (n_parameters,), default=None
            The weights that training goes on from; None where it could not be
            interrupted here and go on later as if nothing had been.
        patience_is_out : bool, default=False
            Whether training stops in any case.
        """
        if self._fit is None:
            return False
        task, self._epoch = self._epoch, None
        return task.call_on_fit_task_end(
            **self._passed,
            reconstruction_attributes=partial(
                self._after_epoch, kept, theta, patience_is_out
            ),
        )

    def _after_epoch(self, kept, theta, patience_is_out):
        if theta is None:
            return snapshot(self._estimator, kept)
        interrupted = {
            "theta": None if theta is kept else theta.copy(),
            "patience_is_out": patience_is_out,
        }
        return snapshot(
            self._estimator, kept, **deepcopy(self._memory()), interrupted=interrupted
        )

    def end(self):
        """End the fit's task, and that of an epoch which was not completed."""
        if self._fit is None:
            return
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        self._fit.call_on_fit_task_end(
            **self._passed,
            reconstruction_attributes=lambda: snapshot(
                self._estimator, self._estimator._theta
            ),
        )


NO_TASKS = FitTasks()


def snapshot(estimator, theta, **memory):
    """Fitted attributes of the estimator with weights ``theta``, all of them copies.

    Parameters
    ----------
    estimator : NetworkEstimator
        In the middle of training or at its end.
    theta : ndarray of shape (n_parameters,)
    **memory
        Entries of ``_resume`` that are not up to date on the estimator.
    """
    fitted = {
        name: _copied(value)
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.startswith("_")
    }
    resume = {**estimator._resume, **memory}
    return {**fitted, "_theta": theta.copy(), "_resume": resume}


def _copied(value):
    """Copy of a fitted attribute; curves, lists of numbers, are copied at once."""
    if isinstance(value, dict):
        return {name: _copied(curve) for name, curve in value.items()}
    return value[:] if isinstance(value, list) else deepcopy(value)
