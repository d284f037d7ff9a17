"""Tells scikit-learn's callbacks of a fit and of its epochs, as tasks.

scikit-learn 1.9 brought ``sklearn.callback`` (its enhancement proposal SLEP023).  There
a fit is a task with a task inside it for each epoch, or each iteration of "lbfgs", and
callbacks are called at the beginning and at the end of each.  Before 1.9 there is
nothing to set, and without a callback nothing is done.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from sknet._sklearn.state import TrainingState, publish

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in for scikit-learn's, without ``set_callbacks``."""


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

    def __init__(
        self,
        estimator: Any = None,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
    ) -> None:
        self._fit = self._epoch = None
        self.has_published = False  # hooks see the estimator after every epoch
        if not hasattr(estimator, "_skl_callbacks"):
            return
        self._estimator = estimator
        # Scorers are called with the metadata as arguments: weights and nothing else.
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        self._passed = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._fit = estimator._init_callback_context(max_subtasks=estimator.max_iter)
        self._fit.call_on_fit_task_begin(**self._passed)

    def begin_epoch(self) -> None:
        """Begin the next epoch's task, unless one has begun already."""
        if self._fit is not None and self._epoch is None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(**self._passed)

    def end_epoch(self, state: TrainingState, resumable: bool = True) -> bool:
        """End the epoch's task; True if a callback wants training to stop.

        Parameters
        ----------
        state : TrainingState
            As the epoch has left it.
        resumable : bool, default=True
            Whether training could be interrupted here and go on later as if nothing
            had been.
        """
        if self._fit is None:
            return False
        publish(state, self._estimator)
        # Steps change theta in place, while others may predict.
        vars(self._estimator)["_theta"] = state.best_or_last.copy()
        self.has_published = True
        task, self._epoch = self._epoch, None
        return task.call_on_fit_task_end(
            **self._passed,
            reconstruction_attributes=partial(state.snapshot, interrupted=resumable),
        )

    def end(self, state: TrainingState) -> None:
        """End the fit's task, and that of an epoch which was not completed."""
        if self._fit is None:
            return
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(estimator=self._estimator)
        self._fit.call_on_fit_task_end(
            **self._passed, reconstruction_attributes=state.snapshot
        )


NO_TASKS = FitTasks()
