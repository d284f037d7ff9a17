"""Callbacks for networks: checkpoints on disk, and a limit on the time.

They are set like scikit-learn's, by ``set_callbacks``, on the network itself, which may
stand in a pipeline or a search.  They need scikit-learn 1.9 or later; the rest of sknet
does not.
"""

import os
import pickle
from contextlib import suppress
from copy import copy
from glob import escape
from math import inf
from pathlib import Path
from time import monotonic
from uuid import uuid4
from zlib import crc32

import joblib
import sklearn
from sklearn.utils._param_validation import validate_params

from sknet._locks import Lock
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

    A file is never half written: a new one takes the old one's place at once, and one
    that cannot be written, on a full disk say, leaves the old one as it was.  What a
    killed process has left of a new one is removed as the next fit begins.

    Parameters
    ----------
    path : str or path-like
        The file, or a link to it.  Its folder must exist.  Each fit needs a file of its
        own, so a search with several fits is no place for it: while one fit writes to
        the file, another one is refused, in whichever process.
    every : int, default=1
        Epochs from one writing to the next.  The last epoch is always written.

    Raises
    ------
    TypeError
        When set on anything but a network of sknet, such as a pipeline around one, or
        on one with a parameter that cannot be pickled, such as a lambda.
    ValueError
        With ``solver="lbfgs"``, which keeps its memory inside SciPy.
    OSError
        When the folder does not exist or cannot be written to, the path is a folder
        or too long, or another fit is writing to it.  All these are raised as ``fit``
        begins.  Later, when the file cannot be written; the network then has the
        weights of the last epoch.

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
    ...     (5,), max_iter=30, tol=0, n_iter_no_change=np.inf, random_state=0
    ... )
    >>> net = net.set_callbacks(checkpoint).fit(X, y)

    What was cut short after 30 of 35 epochs goes on from there:

    >>> resumed = joblib.load(path).set_params(warm_start=True, max_iter=35)
    >>> resumed.n_iter_, resumed.set_callbacks(checkpoint).fit(X, y).n_iter_
    (30, 35)
    >>> uninterrupted = net.set_callbacks().set_params(max_iter=35).fit(X, y)
    >>> np.array_equal(resumed.predict_proba(X), uninterrupted.predict_proba(X))
    True
    """

    @validate_params(
        {"path": [str, os.PathLike], "every": [COUNT]},
        prefer_skip_nested_validation=True,
    )
    def __init__(self, path, every=1):
        self.path = Path(path)
        self.every = int(every)  # NumPy's small integers overflow
        self._unwritten = {}  # the last epoch of each fit under way
        self._locks = {}  # of these fits
        self._targets = {}  # absolute: the working directory may change meanwhile

    def __getstate__(self):
        # A copy has no fits under way, and no right to let go of their locks.
        return vars(self) | {"_unwritten": {}, "_locks": {}, "_targets": {}}

    def setup(self, estimator, context):
        """Find out before training whether checkpoints can be written."""
        _check_is_network(self, estimator)
        if estimator.solver == "lbfgs":
            raise ValueError(
                "Checkpoint cannot be used with solver='lbfgs', whose memory is inside "
                "SciPy, so that training could not go on: use 'adam' or 'sgd'."
            )
        _check_can_be_pickled(estimator)
        target = _checked_target(self.path)
        new = _new_beside(target)
        try:
            new.touch(exist_ok=False)
            self._locks[id(context)] = _locked(target)
        except BlockingIOError:
            raise BlockingIOError(
                f"Another fit is writing its checkpoints to {str(self.path)!r}: give "
                "each fit a path of its own, or wait until that one has ended."
            ) from None
        except OSError as error:
            error.add_note(f"Checkpoint cannot write into the folder of {self.path}.")
            raise
        finally:
            with suppress(OSError):
                new.unlink(missing_ok=True)
        for left in target.parent.glob(f"{escape(_beginning_of_new(target))}*"):
            left.unlink(missing_ok=True)
        self._unwritten[id(context)] = None
        self._targets[id(context)] = target

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Write the file after every ``every``-th epoch, and after the last."""
        if id(context) in self._unwritten:  # the end of fit
            last, fit = self._unwritten[id(context)], context
            due = last is not None
        else:
            last, fit = fitted_estimator, context.parent
            if last is None or not last._training["interrupted"]:
                return
            due = last.n_iter_ % self.every == 0
        if due:
            self._write(last, self._targets[id(fit)])
        self._unwritten[id(fit)] = None if due else last

    def teardown(self, estimator, context):
        """Forget the fit."""
        self._unwritten.pop(id(context), None)
        self._targets.pop(id(context), None)
        lock = self._locks.pop(id(context), None)
        if lock is not None:
            lock.release()

    def _write(self, net, target):
        net = copy(net)  # other callbacks get the same snapshot
        # During a fit scikit-learn keeps the callbacks and their tree of tasks on the
        # estimator, under names with this word.
        for name in [name for name in vars(net) if "callback" in name]:
            delattr(net, name)
        new = _new_beside(target)
        try:
            with open(new, "xb") as file:
                joblib.dump(net, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(new, target)
        except OSError as error:
            error.add_note(
                f"Checkpoint could not write epoch {net.n_iter_} to {self.path}: what "
                "the file held before is still there, and training can go on from it."
            )
            raise
        finally:
            with suppress(OSError):  # of a folder that has become read-only
                new.unlink(missing_ok=True)


def _check_is_network(callback, estimator):
    if not isinstance(estimator, NetworkEstimator):
        name = type(callback).__name__
        raise TypeError(
            f"{name} must be set on the network itself, not on "
            f"{type(estimator).__name__}: call set_callbacks of the network in it."
        )


def _check_can_be_pickled(estimator):
    """Refuse parameters, and a class, that cannot be written to a file."""
    values = {type(estimator).__name__: type(estimator)}
    for name, value in (values | estimator.get_params(deep=False)).items():
        try:
            pickle.dumps(value)
        except Exception as error:
            raise TypeError(
                f"Checkpoint cannot write {name}={value!r} to a file ({error}): define "
                "it at the top of a module, by def or class."
            ) from error


def _checked_target(path):
    """The file that the path, perhaps a link, leads to; it need not exist yet."""
    if "\0" in str(path):
        raise ValueError(
            f"Checkpoint's path {str(path)!r} has a null character, which no file "
            "system takes: name the file without it."
        )
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"The folder of Checkpoint's path {str(path)!r} does not exist: create it "
            "first."
        )
    with suppress(FileNotFoundError):
        target.stat()  # raises for a name that is too long
    if target.is_dir():
        raise IsADirectoryError(
            f"Checkpoint's path {str(path)!r} is a folder: name a file in it."
        )
    if target.exists() and not target.is_file():  # which would be replaced
        raise OSError(
            f"Checkpoint's path {str(path)!r} is a device, a pipe or a socket: name a "
            "file."
        )
    return target


def _beginning_of_new(target):
    """How the names of all files begin that are to take the place of ``target``."""
    return f".{target.name[:40]}.{crc32(os.fsencode(target.name)):08x}."


def _locked(target):
    """The lock of this fit on the file, beside it as ``os.replace`` would undo it."""
    return Lock(target.with_name(f"{_beginning_of_new(target)[:-1]}-lock"))


def _new_beside(target):
    return target.with_name(_beginning_of_new(target) + uuid4().hex)


class TimeLimit(FitCallback):
    """Stop training at the end of the epoch in which the time runs out.

    Parameters
    ----------
    seconds : float
        The time, from the beginning of each ``fit`` of the network it is set on: in a
        search every fit has it to itself.

    Raises
    ------
    TypeError
        As ``fit`` begins, when set on anything but a network of sknet, such as a
        pipeline around one.

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
        self.seconds = float(seconds)
        self._ends = {}  # of the fits under way: clones share the callback

    def setup(self, estimator, context):
        """Start the clock."""
        _check_is_network(self, estimator)
        self._ends[id(context)] = monotonic() + self.seconds

    def on_fit_task_end(self, estimator, context):
        """Tell whether the time is up."""
        return monotonic() >= self._ends.get(id(context.parent), inf)

    def teardown(self, estimator, context):
        """Forget the clock."""
        self._ends.pop(id(context), None)
