"""Networks as text in JSON, which forty lines in any language can read and compute."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknet._sklearn.numbers import levels_of
from sknet._version import __version__
from sknet.export.fitted import (
    ESTIMATORS,
    Layer,
    architecture_of,
    check_layers,
    kind_of,
    layers_of,
    link_of,
    network_from,
)
from sknet.regression_losses import DOMAINS, LOSSES_OF_NUMBERS

FORMAT, FORMAT_VERSION = "sknet-mlp", 1
KINDS = ("binary", "multiclass", "multilabel-indicator")
NAMED_LOSSES = (*LOSSES_OF_NUMBERS, "huber", "quantile")
# Losses of which nothing is known but the link.
LOSS_OF = {"identity": "squared_error", "exp": "poisson", "ascending": "quantile"}


def to_json(net: Any) -> str:
    """A fitted network as text: what predicts, and nothing else.

    A sample x becomes a prediction by ::

        for each layer:  x = activation(x @ weights + biases)
        classifier:      probabilities = link(x)
        regressor:       y = link(x) * target_scale + target_mean

    with the link "softmax", exp(x) / sum(exp(x)); "logistic", 1 / (1 + exp(-x)), which
    of "multiclass" labels is then divided by its sum over the classes; "identity";
    "exp"; or "ascending", which sorts x.  A "binary" network has one output, for the
    second class.  Scale and mean are null where targets were not scaled.

    Parameters
    ----------
    net : ScratchMLPClassifier or ScratchMLPRegressor
        Fitted.

    Returns
    -------
    text : str
        An object with the keys

        - "format", "format_version", "sknet_version": "sknet-mlp", 1, and who wrote it;
        - "estimator": "ScratchMLPClassifier" or "ScratchMLPRegressor";
        - "dtype": "float32" or "float64", in which the network computes;
        - "layers": a list of objects with "weights", a row for each input and a column
          for each unit, "biases", and the name of the "activation"; that of the last is
          "identity";
        - "link";
        - of a classifier "kind" ("binary", "multiclass", "multilabel-indicator"),
          "classes", "classes_dtype" and "sparse_labels";
        - of a regressor "target_mean", "target_scale", "n_targets" (null for y of one
          dimension), "quantiles" and "loss" (null for one of your own);
        - "feature_names", or null, and "transposed_input", how sknet lays out the first
          layer in memory.

        Numbers have as many digits as it takes to read them back bit for bit.

    Raises
    ------
    ValueError
        For an activation of your own, and labels that JSON has no word for.
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
    >>> text = to_json(net.fit(X, y))
    >>> json.loads(text)["classes"]
    [0, 1, 2]
    >>> bool((from_json(text).predict_proba(X) == net.predict_proba(X)).all())
    True
    """
    layers = layers_of(net)
    names = getattr(net, "feature_names_in_", None)
    contents = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "sknet_version": __version__,
        "estimator": kind_of(net),
        "dtype": net._theta.dtype.name,
        "layers": [
            {
                "weights": _numbers(layer.weights),
                "biases": _numbers(layer.biases),
                "activation": layer.activation,
            }
            for layer in layers
        ],
        "link": link_of(net),
        **(_of_labels(net) if hasattr(net, "classes_") else _of_targets(net)),
        "feature_names": None if names is None else names.tolist(),
        "transposed_input": net._transposed_input,
    }
    return json.dumps(contents, separators=(",", ":"), allow_nan=False)


def _numbers(array: NDArray[Any]) -> Any:
    """Lists of the shortest decimals that round to the numbers in their own type."""
    short = array.astype(str).astype(np.float64)
    # A decimal next to the middle of two numbers may be rounded twice, and wrongly.
    return np.where(short.astype(array.dtype) == array, short, array).tolist()


def _of_labels(net: Any) -> dict[str, Any]:
    classes = net.classes_
    if classes.dtype.kind not in "biufUOTmM":
        raise ValueError(
            f"labels of the type {classes.dtype} have no word in JSON: train on "
            "strings, y.astype(str)."
        )
    plain = {"M": str, "m": np.int64}.get(classes.dtype.kind)
    return {
        "kind": net._kind,
        "classes": (classes.astype(plain) if plain else classes).tolist(),
        "classes_dtype": "str" if classes.dtype.kind == "T" else classes.dtype.str,
        "sparse_labels": net._sparse_labels,
    }


def _link_of_loss(loss: Any) -> str | None:
    """Link that goes with a loss, None for a loss of the user's."""
    if not isinstance(loss, str):
        return None
    return "exp" if loss in DOMAINS else {"quantile": "ascending"}.get(loss, "identity")


def _of_targets(net: Any) -> dict[str, Any]:
    scaled = net.target_mean_ is not None
    trained_by = _link_of_loss(net.loss) == link_of(net)  # it may have been set anew
    return {
        "target_mean": net.target_mean_.tolist() if scaled else None,
        "target_scale": net.target_scale_.tolist() if scaled else None,
        "n_targets": net._n_targets,
        "quantiles": net._levels,
        "loss": net.loss if trained_by else None,
    }


def from_json(text: str) -> Any:
    """The network that :func:`to_json` has written.

    Parameters
    ----------
    text : str

    Returns
    -------
    net : ScratchMLPClassifier or ScratchMLPRegressor
        With the same weights and predictions, bit for bit.  Parameters that only
        training needs have their defaults; it can be trained further, without the
        optimizer's memory, of which a warning tells.

    Raises
    ------
    ValueError
        For a text that :func:`to_json` has not written, or that was damaged.

    Notes
    -----
    The text is data: to read it runs nothing that is in it.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sknet import ScratchMLPRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = ScratchMLPRegressor(max_iter=3, tol=0, n_iter_no_change=np.inf)
    >>> net = net.set_params(target_scaling="standard").fit(X, y)
    >>> bool((from_json(to_json(net)).predict(X) == net.predict(X)).all())
    True
    """
    try:
        contents = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"this is no text in JSON: {error}.") from error
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise ValueError(f"this is no text of to_json: its format is not {FORMAT!r}.")
    if contents.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"this text has the format_version {contents.get('format_version')!r}, "
            f"written by sknet {contents.get('sknet_version')!r}; sknet {__version__} "
            f"reads {FORMAT_VERSION}: read it with the sknet that wrote it."
        )
    try:
        with np.errstate(over="ignore", under="ignore"):  # checked by what comes out
            return _read(contents)
    except KeyError as error:
        raise ValueError(f"this text lacks {error}: it was changed or cut.") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"this text was changed or damaged: {error}") from error


def _read(contents: dict[str, Any]) -> Any:
    dtype = _one_of(contents, "dtype", ("float32", "float64"))
    layers = [
        Layer(
            np.array(layer["weights"], np.float64).astype(dtype),
            np.array(layer["biases"], np.float64).astype(dtype),
            layer["activation"],
        )
        for layer in contents["layers"]
    ]
    check_layers(layers)
    name = _one_of(contents, "estimator", tuple(ESTIMATORS))
    read = _read_labels if name == "ScratchMLPClassifier" else _read_targets
    out_activation, data, parameters = read(contents, len(layers[-1].biases))
    if contents["feature_names"] is not None:
        if not all(isinstance(name, str) for name in contents["feature_names"]):
            raise ValueError("feature_names are not all strings.")
        data["feature_names_in_"] = np.array(contents["feature_names"], dtype=object)
        if data["feature_names_in_"].shape != (len(layers[0].weights),):
            raise ValueError("there are not as many feature_names as inputs.")
    return network_from(
        layers,
        ESTIMATORS[name](**architecture_of(layers), **parameters),
        out_activation,
        data,
        bool(_one_of(contents, "transposed_input", (False, True))),
    )


def _one_of(contents: dict[str, Any], key: str, values: tuple[Any, ...]) -> Any:
    if contents[key] not in values:
        raise ValueError(
            f"{key} is {contents[key]!r} and not one of {', '.join(map(repr, values))}."
        )
    return contents[key]


def _read_labels(
    contents: dict[str, Any], n_outputs: int
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Link, fitted attributes and parameters of a classifier."""
    kind = _one_of(contents, "kind", KINDS)
    dtype = np.dtype(str(contents["classes_dtype"]))
    if dtype.kind not in "biufUOmM":
        raise ValueError(f"classes_dtype is {str(dtype)!r}, which is none of labels.")
    classes = np.array(contents["classes"], dtype)
    n_classes = 2 if kind == "binary" else n_outputs
    if classes.shape != (n_classes,) or (kind == "binary" and n_outputs != 1):
        raise ValueError(f"{kind} outputs, {n_outputs}, do not go with the classes.")
    if dtype.kind == "O" and not all(isinstance(one, str) for one in classes):
        raise ValueError("classes are not strings, though classes_dtype says so.")
    if dtype.kind in "biufU" and classes.tolist() != contents["classes"]:
        raise ValueError(f"classes are not of the classes_dtype {str(dtype)!r}.")
    if not np.array_equal(np.unique(classes), classes):
        raise ValueError("classes are not in sorted order, each once.")
    several = kind == "multiclass"
    link = _one_of(contents, "link", ("softmax", "logistic")[not several :])
    multilabel = kind == "multilabel-indicator"
    is_sparse = _one_of(contents, "sparse_labels", (False, True)[: 1 + multilabel])
    data = {"classes_": classes, "_kind": kind, "_sparse_labels": bool(is_sparse)}
    own = several and link == "logistic"
    return link, data, {"out_activation": "logistic" if own else "auto"}


def _read_targets(
    contents: dict[str, Any], n_outputs: int
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Link, fitted attributes and parameters of a regressor."""
    link = _one_of(contents, "link", ("identity", "exp", "ascending"))
    loss = _one_of(contents, "loss", (*NAMED_LOSSES, None)) or LOSS_OF[link]
    levels, n_targets = contents["quantiles"], contents["n_targets"]
    if n_targets is not None and type(n_targets) is not int:
        raise ValueError(f"n_targets is {n_targets!r}, which is no whole number.")
    parameters = {"loss": loss}
    if levels is not None:
        parameters["quantile"] = levels = levels_of(levels)
    if (
        _link_of_loss(loss) != link
        or (levels is None) != (link != "ascending")
        or n_outputs != (n_targets or 1) * len(levels or [0])
    ):
        raise ValueError(
            f"{n_outputs} outputs with the link {link!r} do not go with the loss "
            f"{loss!r}, the quantiles {levels} and {n_targets} targets."
        )
    mean, scale = contents["target_mean"], contents["target_scale"]
    if mean is not None:
        mean, scale = np.array(mean, np.float64), np.array(scale, np.float64)
        n_scales = 1 if levels else n_outputs
        if not mean.shape == scale.shape == (n_scales,):
            raise ValueError(f"target_mean and target_scale are not {n_scales} scales.")
        if not (np.isfinite([mean, scale]).all() and (scale > 0).all()):
            raise ValueError("target_mean or target_scale is not finite, or not > 0.")
        parameters["target_scaling"] = "standard"
    data = {
        "_n_targets": n_targets,
        "_levels": levels,
        "_spread": 1.0,
        "target_mean_": mean,
        "target_scale_": scale,
    }
    return ("identity" if levels else link), data, parameters
