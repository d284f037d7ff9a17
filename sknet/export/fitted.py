"""A fitted network as plain layers, and a network made of them.

Between the two is all that a prediction needs, whatever it is written to or read from.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sknet._sklearn.state import TrainingState, publish
from sknet.activations import ACTIVATIONS
from sknet.classifier import ScratchMLPClassifier
from sknet.network import Network, count_parameters
from sknet.regressor import ScratchMLPRegressor

ESTIMATORS = {
    "ScratchMLPClassifier": ScratchMLPClassifier,
    "ScratchMLPRegressor": ScratchMLPRegressor,
}


class Layer(NamedTuple):
    """Inputs to outputs: activation(x @ weights + biases).

    Attributes
    ----------
    weights : ndarray of shape (n_inputs, n_units)
    biases : ndarray of shape (n_units,)
    activation : str
        A name in ``ACTIVATIONS``; that of the last layer is "identity".
    """

    weights: NDArray[Any]
    biases: NDArray[Any]
    activation: str


def kind_of(net: Any) -> str:
    """Name of the estimator that a network is, or is derived from.

    Raises
    ------
    TypeError
        If it is no network of sknet, such as a pipeline around one.
    """
    for name, cls in ESTIMATORS.items():
        if isinstance(net, cls):
            return name
    raise TypeError(
        f"a fitted {' or '.join(ESTIMATORS)} is wanted, got {type(net).__name__}: pass "
        "the network itself, such as the last step of a pipeline, or, where that is a "
        "TableClassifier or TableRegressor, its .estimators_[0]['network'], which gets "
        "what the steps before it have made."
    )


def layers_of(net: Any) -> list[Layer]:
    """The layers of a fitted network, views on its weights.

    Raises
    ------
    TypeError
        If it is no network.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    ValueError
        If an activation is a pair of functions: only Python can compute it.
    """
    kind_of(net)
    check_is_fitted(net)
    names = [*net._activations, "identity"]
    for number, name in enumerate(names):
        if not isinstance(name, str):
            f, derivative, _ = name
            raise ValueError(
                f"activation=({_name_of(f)}, {_name_of(derivative)}) of hidden layer "
                f"{number} is a pair of Python functions, which cannot be exported: "
                f"train with one of {', '.join(ACTIVATIONS)}, or save it with joblib."
            )
    return [
        Layer(coef, intercept, name)
        for coef, intercept, name in zip(
            net.coefs_, net.intercepts_, names, strict=True
        )
    ]


def _name_of(function: Any) -> str:
    return getattr(function, "__name__", repr(function))


def link_of(net: Any) -> str:
    """Link of a fitted network's outputs, "ascending" for several quantiles."""
    if getattr(net, "_levels", None) is not None:
        return "ascending"
    link: str = net.out_activation_
    return link


def network_from(
    layers: Sequence[Layer],
    estimator: Any,
    out_activation: str,
    data: dict[str, Any],
    transposed_input: bool = False,
) -> Any:
    """Fit an estimator by these layers: it predicts, and can be trained further.

    Parameters
    ----------
    layers : sequence of Layer
        Of one type, float32 or float64.
    estimator : ScratchMLPClassifier or ScratchMLPRegressor
        Not fitted; its parameters go with the layers.
    out_activation : str
    data : dict of str to object
        Fitted attributes that tell of the data.
    transposed_input : bool, default=False

    Returns
    -------
    estimator : object
        The same.
    """
    n_units = [len(layers[0].weights), *(len(layer.biases) for layer in layers)]
    network = Network(
        n_units,
        [ACTIVATIONS[layer.activation] for layer in layers[:-1]],
        np.empty(count_parameters(n_units), layers[0].weights.dtype),
        transposed_input,
    )
    for W, layer in zip(network.weights, layers, strict=True):
        W[:, 0] = layer.biases
        W[:, 1:] = layer.weights.T
    seed = estimator.random_state
    state = TrainingState(
        network.theta,
        n_units,
        [layer.activation for layer in layers[:-1]],
        out_activation,
        transposed_input,
        rng=np.random.RandomState() if seed is None else check_random_state(seed),
        data={"n_features_in_": n_units[0], **data},
        compacted=True,
    )
    publish(state, estimator)
    return estimator


def architecture_of(layers: Sequence[Layer]) -> dict[str, Any]:
    """Parameters of an estimator with these layers."""
    names = [layer.activation for layer in layers[:-1]]
    alike = len(set(names)) == 1
    sizes = tuple(len(layer.biases) for layer in layers[:-1])
    return {
        "hidden_layer_sizes": sizes,
        "activation": names[0] if alike else names or "relu",
    }


def check_layers(layers: Sequence[Layer]) -> None:
    """Refuse layers that do not fit one another.

    Raises
    ------
    ValueError
    """
    if not layers:
        raise ValueError("there are no layers.")
    for number, (W, b, activation) in enumerate(layers):
        if W.ndim != 2 or b.shape != W.shape[1:] or not W.size:
            raise ValueError(
                f"layer {number} has weights of shape {W.shape} and biases of shape "
                f"{b.shape}, which do not go together."
            )
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise ValueError(f"layer {number} has NaN or infinity among its weights.")
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"layer {number} has the activation {activation!r}, which is not one "
                f"of {', '.join(ACTIVATIONS)}."
            )
    for number, (before, after) in enumerate(pairwise(layers)):
        if before.weights.shape[1] != after.weights.shape[0]:
            raise ValueError(
                f"layer {number} has {before.weights.shape[1]} units, but layer "
                f"{number + 1} takes {after.weights.shape[0]} inputs."
            )
    if layers[-1].activation != "identity":
        raise ValueError(
            f"the last layer has the activation {layers[-1].activation!r}, which must "
            "be 'identity': outputs have a link instead."
        )
