"""Fitted networks of every kind of output, for tests of what is exported."""

from functools import cache

import numpy as np
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from support import NAMES, network, regressor

X, DIGITS = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NUMBERS = X[:, 3] + 0.3 * X[:, 0]
SEVERAL = np.c_[NUMBERS, 40 + 20 * X[:, 1]]
LABELS = np.c_[DIGITS == 0, DIGITS != 1, X[:, 0] > 0].astype(int)
QUANTILES = [0.1, 0.5, 0.9]

# Name: the estimator, the targets, and parameters.
CLASSIFIERS = {
    "binary": (DIGITS == 1).astype(int),
    "binary strings": NAMES[(DIGITS == 1).astype(int)],
    "bool": DIGITS == 1,
    "multiclass": DIGITS - 1,
    "small integers": DIGITS.astype(np.int8),
    "strings": NAMES[DIGITS],
    "strings as objects": NAMES[DIGITS].astype(object),
    "floats": DIGITS * 2.0,
    "multilabel": LABELS,
}
REGRESSORS = {
    "numbers": (NUMBERS, {}),
    "several": (SEVERAL, {}),
    "scaled": (1e3 * NUMBERS + 7, {"target_scaling": "standard"}),
    "several scaled": (SEVERAL, {"target_scaling": "standard"}),
    "poisson": (DIGITS, {"loss": "poisson"}),
    "gamma": (np.exp(NUMBERS), {"loss": "gamma"}),
    "huber": (NUMBERS, {"loss": "huber"}),
    "a quantile": (NUMBERS, {"loss": "quantile"}),
    "quantiles": (NUMBERS, {"loss": "quantile", "quantile": QUANTILES}),
    "quantiles scaled": (
        NUMBERS,
        {"loss": "quantile", "quantile": QUANTILES, "target_scaling": "standard"},
    ),
}
KINDS = {
    **{name: (network, y, {}) for name, y in CLASSIFIERS.items()},
    "sigmoids": (network, NAMES[DIGITS], {"out_activation": "logistic"}),
    "sparse multilabel": (network, sparse.csr_matrix(LABELS), {}),
    **{name: (regressor, *one) for name, one in REGRESSORS.items()},
}


@cache
def fitted(kind, **parameters):
    """A network of that kind; the same one at each call."""
    make, y, its_own = KINDS[kind]
    return make(**its_own, **parameters).fit(X, y)


def data_like(net):
    """X in the type of a network."""
    return X.astype(net._theta.dtype)
