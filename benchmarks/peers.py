"""The scikit-learn estimators as contenders.

A contender turns a task and data into a function without arguments, which does the
work once and returns the seconds that it took.
"""

import os
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from time import perf_counter

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from benchmarks.tasks import Training
from sknet import ScratchMLPClassifier, ScratchMLPRegressor

WARM_UP_ROWS = 500


@contextmanager
def switched(fast):
    """With or without the extra ``fast``."""
    os.environ["SKNET_FAST"] = "1" if fast else "0"
    try:
        yield
    finally:
        os.environ["SKNET_FAST"] = "0"


class Estimator:
    """A classifier and its regressor; both libraries' take the same parameters."""

    def __init__(self, cls, regressor, fast=False):
        self.cls, self.regressor = cls, regressor
        self.fast = fast

    def new(self, task):
        """Estimator that trains for exactly ``task.epochs`` epochs."""
        parameters = {
            "hidden_layer_sizes": task.hidden,
            "activation": task.activation,
            "solver": task.solver,
            "max_iter": task.epochs,
            "tol": 0,
            "random_state": 0,
        }
        if task.solver != "lbfgs":
            parameters["batch_size"] = task.batch_size
            parameters["n_iter_no_change"] = np.inf
        if task.dtype is not None and self.cls is ScratchMLPClassifier:
            parameters["dtype"] = task.dtype
        return (self.regressor if task.targets else self.cls)(**parameters)

    def training(self, task, data):
        """Function that fits a new estimator."""

        def run():
            estimator = self.new(task)
            with warnings.catch_warnings(), switched(self.fast):
                warnings.simplefilter("ignore", ConvergenceWarning)
                start = perf_counter()
                estimator.fit(data.X, data.y)
                seconds = perf_counter() - start
            if estimator.n_iter_ != task.epochs:  # times would not be comparable
                name = self.cls.__name__
                raise RuntimeError(f"{name}: {estimator.n_iter_} epochs for {task}")
            return seconds

        return run

    def prediction(self, task, data):
        """Function that predicts, with an estimator that was fitted before."""
        rows = slice(WARM_UP_ROWS)
        few = Training(task.hidden, epochs=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator = self.new(few).fit(data.X[rows], data.y[rows])
        X = data.X[: task.rows]

        def run():
            start = perf_counter()
            for _ in range(task.calls):
                estimator.predict_proba(X)
            return perf_counter() - start

        return run

    def threads(self, n):
        """Context with ``n`` threads."""
        return threadpool_limits(n)

    def version(self):
        """What the results say of it."""
        return __import__(self.cls.__module__.partition(".")[0]).__version__


PEERS = {
    "sknet": Estimator(ScratchMLPClassifier, ScratchMLPRegressor),
    "MLPClassifier": Estimator(MLPClassifier, MLPRegressor),
}
if find_spec("numba") is not None:
    PEERS["fast"] = Estimator(ScratchMLPClassifier, ScratchMLPRegressor, fast=True)
