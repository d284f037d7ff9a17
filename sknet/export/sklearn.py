"""Networks as scikit-learn's own MLPClassifier and MLPRegressor, and these as networks.

Tools that know only scikit-learn's classes take a network so.
"""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted

from sknet.classifier import ScratchMLPClassifier
from sknet.export.fitted import (
    Layer,
    architecture_of,
    check_layers,
    layers_of,
    link_of,
    network_from,
)
from sknet.regressor import ScratchMLPRegressor

ITS_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")
# What scikit-learn has of what our parameters may be.
ITS_VALUES = {
    "solver": ("adam", "sgd", "lbfgs"),
    "learning_rate": ("constant", "invscaling", "adaptive"),
}
HAS_POISSON = "loss" in signature(MLPRegressor).parameters  # scikit-learn 1.7


def to_sklearn(net: Any) -> MLPClassifier | MLPRegressor:
    """scikit-learn's estimator with the weights and the predictions of a network.

    Parameters
    ----------
    net : ScratchMLPClassifier or ScratchMLPRegressor
        Fitted.

    Returns
    -------
    mlp : MLPClassifier or MLPRegressor
        Fitted, with copies of the weights.  It predicts the same up to rounding, in the
        type of X: scaled targets are brought back to their units by the weights of the
        last layer.  Parameters that it has too are the network's; what only training
        needs and it does not have, such as dropout and "adamw", is left out.

    Raises
    ------
    ValueError
        For what it cannot predict: hidden layers of other activations than "identity",
        "logistic", "tanh" and "relu", or of more than one; one sigmoid for each of
        several classes; an only class; several quantiles; labels that are dates; and a
        log link before scikit-learn 1.7.
    TypeError
        If ``net`` is no network.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import ScratchMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = ScratchMLPClassifier(max_iter=3, tol=0, n_iter_no_change=np.inf)
    >>> mlp = to_sklearn(net.fit(X, y))
    >>> type(mlp).__name__, bool((mlp.predict(X) == net.predict(X)).all())
    ('MLPClassifier', True)
    """
    layers = layers_of(net)
    _check_expressible(net, layers)
    of_labels = isinstance(net, ScratchMLPClassifier)
    cls = MLPClassifier if of_labels else MLPRegressor
    given = clone(net).get_params() | architecture_of(layers)
    shared = {name: given[name] for name in signature(cls).parameters if name in given}
    for name, values in ITS_VALUES.items():
        if shared[name] not in values:
            shared[name] = values[0]
    if "loss" in shared:
        shared["loss"] = "poisson" if link_of(net) == "exp" else "squared_error"
    mlp = cls(hidden_layer_sizes=shared["hidden_layer_sizes"], random_state=0)
    if of_labels:
        _begin(mlp, net, _labels_like(net), classes=net.classes_)
    else:
        mlp.set_params(**{name: shared[name] for name in ("loss",) if name in shared})
        _begin(mlp, net, np.zeros((2, net.n_outputs_)))
    *hidden, (W, b, _) = layers
    if not of_labels and net.target_mean_ is not None:
        W = (W * net.target_scale_).astype(W.dtype)
        b = (b * net.target_scale_ + net.target_mean_).astype(b.dtype)
    mlp.coefs_ = [layer.weights.copy() for layer in hidden] + [W.copy()]
    mlp.intercepts_ = [layer.biases.copy() for layer in hidden] + [b.copy()]
    return mlp.set_params(**shared)


def _begin(mlp: Any, net: Any, y: Any, **classes: Any) -> None:
    """Let scikit-learn make its attributes ready, by a step on samples of zeros.

    What that has learned is then taken away.
    """
    if y.shape[1:] == (1,):
        y = y.ravel()
    X = np.zeros((y.shape[0], net.n_features_in_), net._theta.dtype)
    mlp.partial_fit(X, y, **classes)
    vars(mlp).pop("_optimizer", None)
    mlp.loss_curve_ = list(net.loss_curve_)
    mlp.loss_, mlp.n_iter_, mlp.t_ = net.loss_, net.n_iter_, net.t_
    mlp.best_loss_ = np.inf if net.best_loss_ is None else net.best_loss_
    if hasattr(net, "feature_names_in_"):
        mlp.feature_names_in_ = net.feature_names_in_


def _labels_like(net: Any) -> Any:
    """Targets of the kind that a classifier was trained on."""
    if net._kind != "multilabel-indicator":
        return net.classes_
    y = np.repeat([[0], [1]], len(net.classes_), axis=1)
    return sparse.csr_matrix(y) if net._sparse_labels else y


def _check_expressible(net: Any, layers: list[Layer]) -> None:
    """Refuse what scikit-learn's estimators have no place for."""
    names = {layer.activation for layer in layers[:-1]}
    strange = sorted(names - set(ITS_ACTIVATIONS))
    link = link_of(net)
    problem = ""
    if strange:
        problem = f"activation={strange[0]!r}"
    elif len(names) > 1:
        problem = f"hidden layers of different activations, {', '.join(sorted(names))}"
    elif isinstance(net, ScratchMLPClassifier):
        if net._labels.only_one:
            problem = "an only class"
        elif net._one_sigmoid_per_class():
            problem = "out_activation='logistic' for several classes"
        elif net.classes_.dtype.kind in "mM":
            problem = f"labels of the type {net.classes_.dtype}"
    elif link == "ascending" and net.n_outputs_ > 1:
        problem = "several quantiles"
    elif link == "exp" and not HAS_POISSON:
        problem = f"loss={net.loss!r} before scikit-learn 1.7"
    if problem:
        raise ValueError(
            f"scikit-learn's networks cannot express {problem}: use to_onnx or "
            "to_json, or train without it."
        )


def from_sklearn(mlp: MLPClassifier | MLPRegressor) -> Any:
    """Network with the weights and the predictions of scikit-learn's estimator.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
        Fitted.

    Returns
    -------
    net : ScratchMLPClassifier or ScratchMLPRegressor
        Fitted, with copies of the weights and the same parameters.  It can be trained
        further, without the optimizer's memory, of which a warning tells.

    Raises
    ------
    TypeError
        If it is neither of the two.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = MLPClassifier((5,), alpha=1.0).partial_fit(X, y, classes=[0, 1, 2])
    >>> net = from_sklearn(mlp)
    >>> bool((net.predict(X) == mlp.predict(X)).all()), net.alpha
    (True, 1.0)
    """
    if not isinstance(mlp, MLPClassifier | MLPRegressor):
        raise TypeError(
            f"a fitted MLPClassifier or MLPRegressor is wanted, got "
            f"{type(mlp).__name__}: pass the network itself, such as the last step of "
            "a pipeline."
        )
    check_is_fitted(mlp)
    layers = [
        Layer(coef, intercept, mlp.activation)
        for coef, intercept in zip(mlp.coefs_, mlp.intercepts_, strict=True)
    ]
    layers[-1] = layers[-1]._replace(activation="identity")
    check_layers(layers)
    of_labels = isinstance(mlp, MLPClassifier)
    net = (ScratchMLPClassifier if of_labels else ScratchMLPRegressor)()
    given = clone(mlp).get_params()  # a random_state of its own
    net.set_params(**{name: given[name] for name in net.get_params() if name in given})
    link, data = mlp.out_activation_, _seen_labels(mlp) if of_labels else {}
    if of_labels and len(mlp.classes_) == 1:
        link = "softmax"
    if not of_labels:
        data = {
            "_n_targets": mlp.n_outputs_ if mlp.n_outputs_ > 1 else None,
            "_levels": None,
            "_spread": 1.0,
            "target_mean_": None,
            "target_scale_": None,
        }
    if hasattr(mlp, "feature_names_in_"):
        data["feature_names_in_"] = mlp.feature_names_in_
    return network_from(layers, net, link, data)


def _seen_labels(mlp: MLPClassifier) -> dict[str, Any]:
    """What a classifier of ours keeps of its labels."""
    kind = "binary" if mlp.n_outputs_ == 1 else "multilabel-indicator"
    if mlp.out_activation_ == "softmax" or len(mlp.classes_) == 1:
        kind = "multiclass"
    return {
        "classes_": mlp.classes_,
        "_kind": kind,
        "_sparse_labels": bool(mlp._label_binarizer.sparse_input_),
    }
