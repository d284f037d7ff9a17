"""Callbacks of our own: checkpoints on disk, and a limit on the time.

They are set like scikit-learn's, by ``set_callbacks``, on the network itself, which may
stand in a pipeline or a search.  They need scikit-learn 1.9 or later; the rest of sknet
does not.
"""

import os
from copy import copy
from math import inf
from pathlib import Path
from time import monotonic
from uuid import uuid4

import joblib
import sklearn
from sklearn.utils._param_validation import validate_params

from sknet._sklearn.base import NetworkEstimator
from sknet._sklearn.parameters import COUNT, NUMBER

try:
    from sklearn.callback import FitCallback
except ImportError:
    raise ImportError(
        "sknet.callbacks needs scikit-learn 1.9 or later, the first with callbacks; "
        f"{sklearn.__version__} is installed."
    ) from None

__all__ = ["Checkpoint", "TimeLimit"]


class Checkpoint(FitCallback):
    """Write the network and its state of training to a file as training goes.

    The file, read by :func:`joblib.load`, is an estimator in the midst of ``fit``.  It
    predicts as ``fit`` would have left it there (with ``early_stopping`` by the best
    weights so far), and with ``warm_start=True`` its ``fit`` on the same data completes
    the interrupted one: the weights, the history and ``n_iter_`` are, bit for bit,
    those of a fit without interruption.  ``max_iter`` counts the epochs from before
    the interruption too; where training had ended already nothing is left to do.

    A file is never half written: a new one takes the old one's place at once.

    Parameters
    ----------
    path : str or path-like
        The file.  Its folder must exist.  Each fit needs a file of its own, so a
        search with several fits is no place for it.
    every : int, default=1
        Epochs from one writing to the next.

    Raises
    ------
    TypeError
        When set on anything but a network of sknet, such as a pipeline around one.
    ValueError
        With ``solver="lbfgs"``, which keeps its memory inside SciPy.
    FileNotFoundError
        When the folder does not exist.  All three are raised as ``fit`` begins.

    Notes
    -----
    Callbacks are not in the file: they are set again before training goes on.

    Examples
    --------
    >>> import tempfile
    >>> import joblib
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sknet import ScratchMLPClassifier
    >>> from sknet.callbacks import Checkpoint
    >>> X, y = load_iris(return_X_y=True)
    >>> path = Path(tempfile.mkdtemp(), "net.joblib")
    >>> checkpoint = Checkpoint(path, every=10)
    >>> net = ScratchMLPClassifier(
    ...     (5,), max_iter=35, tol=0, n_iter_no_change=np.inf, random_state=0
    ... )
    >>> net = net.set_callbacks(checkpoint).fit(X, y)

    Had it been cut short after 30 epochs, it would go on from there:

    >>> resumed = joblib.load(path)
    >>> resumed.n_iter_
    30
    >>> resumed.set_params(warm_start=True).set_callbacks(checkpoint).fit(X, y).n_iter_
    35
    >>> np.array_equal(resumed.predict_proba(X), net.predict_proba(X))
    True
    """

    @validate_params(
        {"path": [str, os.PathLike], "every": [COUNT]},
        prefer_skip_nested_validation=True,
    )
    def __init__(self, path, every=1):
        self.path = Path(path)
        self.every = every

    def setup(self, estimator, context):
        """Find out before training whether checkpoints can be written."""
        if not isinstance(estimator, NetworkEstimator):
            raise TypeError(
                "Checkpoint must be set on the network itself, not on "
                f"{type(estimator).__name__}: call set_callbacks of the network in it."
            )
        if estimator.solver == "lbfgs":
            raise ValueError(
                "Checkpoint cannot be used with solver='lbfgs', whose memory is inside "
                "SciPy, so that training could not go on: use 'adam' or 'sgd'."
            )
        if not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"The folder of Checkpoint's path {str(self.path)!r} does not exist: "
                "create it first."
            )

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Write the file after every ``every``-th epoch."""
        if fitted_estimator is None or estimator.n_iter_ % self.every:
            return
        if fitted_estimator._training["interrupted"]:
            self._write(fitted_estimator)

    def _write(self, net):
        net = copy(net)  # other callbacks get the same snapshot
        # During a fit scikit-learn keeps the callbacks and their tree of tasks on the
        # estimator, under names with this word.
        for name in [name for name in vars(net) if "callback" in name]:
            delattr(net, name)
        new = self.path.with_name(f".{self.path.name}.{uuid4().hex}")
        try:
            with open(new, "xb") as file:
                joblib.dump(net, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, self.path)
        finally:
            new.unlink(missing_ok=True)


class TimeLimit(FitCallback):
    """Stop training at the end of the epoch in which the time runs out.

    Parameters
    ----------
    seconds : float
        The time, from the beginning of each ``fit`` of the estimator it is set on.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import ScratchMLPClassifier
    >>> from sknet.callbacks import TimeLimit
    >>> X, y = load_iris(return_X_y=True)
    >>> net = ScratchMLPClassifier((5,), max_iter=10**9, tol=0, n_iter_no_change=10**9)
    >>> net.set_callbacks(TimeLimit(0.1)).fit(X, y).n_iter_ < 10**6
    True
    """

    @validate_params({"seconds": [NUMBER]}, prefer_skip_nested_validation=True)
    def __init__(self, seconds):
        self.seconds = seconds
        self._ends = {}  # of the fits under way: clones share the callback

    def setup(self, estimator, context):
        """Start the clock."""
        self._ends[id(context)] = monotonic() + self.seconds

    def on_fit_task_end(self, estimator, context):
        """Tell whether the time is up."""
        return monotonic() >= self._ends.get(id(context.parent), inf)

    def teardown(self, estimator, context):
        """Forget the clock."""
        del self._ends[id(context)]
