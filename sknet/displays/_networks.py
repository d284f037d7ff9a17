"""Finds the network in what it is wrapped in: a pipeline, a search, a calibration."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

# Where scikit-learn's meta-estimators keep what they have fitted: several estimators
# (some keep what these were cloned from as estimator_), or the only one.
SEVERAL = "calibrated_classifiers_", "estimators_"
ONE = "best_estimator_", "regressor_", "estimator_"


class Found(NamedTuple):
    """A network, and the steps of pipelines that X goes through before it.

    Attributes
    ----------
    network : estimator
    steps : list of Pipeline
    """

    network: object
    steps: list

    def transform(self, X):
        """X as the network gets it."""
        for step in self.steps:
            X = step.transform(X)
        return X

    def feature_names(self, X=None):
        """Names of the network's features, or None."""
        names = getattr(self.network, "feature_names_in_", None)
        if names is None and self.steps:
            try:
                for step in self.steps:
                    names = step.get_feature_names_out(names)
            except (AttributeError, ValueError):  # not all transformers tell
                return None
        if names is None and not self.steps and hasattr(X, "columns"):
            names = X.columns
        if names is None or all(re.fullmatch(r"x\d+", str(name)) for name in names):
            return None  # scikit-learn's, where there were none
        return [str(name) for name in names]


def networks_in(estimator):
    """All networks in a fitted estimator.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    found : list of Found

    Raises
    ------
    sklearn.exceptions.NotFittedError
    TypeError
        If there is none.
    """
    if hasattr(estimator, "hidden_layer_sizes"):
        check_is_fitted(estimator)
        return [Found(estimator, [])]
    if not hasattr(estimator, "fit"):
        raise TypeError(
            f"{estimator!r:.80} is not an estimator: pass a fitted network, or a "
            "pipeline or a search with one."
        )
    check_is_fitted(estimator)
    if isinstance(estimator, Pipeline):
        *_, last = estimator.steps
        before = [estimator[:-1]] if len(estimator.steps) > 1 else []
        return [Found(n, before + steps) for n, steps in networks_in(last[1])]
    inner = _inner(estimator)
    if not inner:
        refit = ", as refit=False keeps none" if hasattr(estimator, "refit") else ""
        raise TypeError(
            f"{type(estimator).__name__} is no network and has none inside{refit}: "
            "pass a ScratchMLPClassifier or ScratchMLPRegressor, or what has one."
        )
    return [found for one in inner for found in networks_in(one)]


def _inner(estimator):
    """The estimators that a meta-estimator has fitted."""
    if isinstance(estimator, FrozenEstimator):
        return [estimator.estimator]
    for name in SEVERAL:
        if hasattr(estimator, name):
            inner = list(getattr(estimator, name))
            if name == "calibrated_classifiers_":
                inner = [one.estimator for one in inner]
            return [one for one in inner if hasattr(one, "fit")]
    for name in ONE:
        if hasattr(estimator, name):
            return [getattr(estimator, name)]
    return []


def network_in(estimator, *, ours=True):
    """The one network in a fitted estimator, and what X goes through before it.

    Parameters
    ----------
    estimator : estimator
    ours : bool, default=True
        Whether it must be one of sknet; else scikit-learn's will do.

    Returns
    -------
    found : Found

    Raises
    ------
    sklearn.exceptions.NotFittedError
    TypeError
        If there is none.
    ValueError
        If there are several.
    """
    found = networks_in(estimator)
    if len(found) != 1:
        raise ValueError(
            f"{type(estimator).__name__} has {len(found)} networks inside: pass one of "
            "them."
        )
    if ours and not hasattr(found[0].network, "input_gradients"):
        raise TypeError(
            f"{type(found[0].network).__name__} is not a network of sknet: pass a "
            "ScratchMLPClassifier or ScratchMLPRegressor."
        )
    return found[0]


def named_networks_in(estimator):
    """Networks by the names that a legend gives them.

    Parameters
    ----------
    estimator : estimator, or list or dict of them

    Returns
    -------
    networks : dict
    """
    if isinstance(estimator, Mapping):
        estimators = {str(name): one for name, one in estimator.items()}
    elif isinstance(estimator, list | tuple):
        estimators = {f"model {i}": one for i, one in enumerate(estimator)}
    else:
        estimators = {type(estimator).__name__: estimator}
    networks = {}
    for name, one in estimators.items():
        found = [inner.network for inner in networks_in(one)]
        if len(estimators) == 1 and len(found) == 1:
            name = name if isinstance(estimator, Mapping) else type(found[0]).__name__
        for i, network in enumerate(found):
            networks[name if len(found) == 1 else f"{name} {i}"] = network
    return networks
