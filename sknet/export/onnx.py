"""Networks as ONNX, which runs where there is no Python."""

from __future__ import annotations

from numbers import Integral
from os import PathLike, fspath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknet.export.fitted import kind_of, layers_of, link_of
from sknet.export.onnx_graph import HIDDEN, Graph, softplus

# Operators are used as the oldest of these defines them; any runtime of 2022 has the
# default.
OLDEST_OPSET, DEFAULT_OPSET = 13, 17
# ONNX's numbers of types.
INT64, STRING, DOUBLE = 7, 8, 11
INPUT, LABEL, PROBABILITIES, VARIABLE = "X", "label", "probabilities", "variable"


def to_onnx(
    net: Any,
    path: str | PathLike[str] | None = None,
    *,
    dtype: str | None = None,
    target_opset: int | None = None,
) -> Any:
    """A fitted network as an ONNX model, with inputs and outputs named as in skl2onnx.

    Parameters
    ----------
    net : ScratchMLPClassifier or ScratchMLPRegressor
        Fitted.
    path : str or path-like, default=None
        File to write the model to.
    dtype : {"float32", "float64"}, default=None
        Type of X and of the computation; by default that of the network.
    target_opset : int, default=None
        Version of ONNX's operators, 13 or later; 17 by default.

    Returns
    -------
    model : onnx.ModelProto
        Its input is "X" of shape (n_samples, n_features).  The outputs of a classifier
        are "label", as ``predict`` returns it, and the tensor "probabilities", as
        ``predict_proba`` does; labels are strings or int64, and for multilabel targets
        of shape (n_samples, n_labels).  The output of a regressor is "variable" of
        shape (n_samples, n_outputs), also if there is one output.

    Raises
    ------
    ImportError
        Without the package onnx.
    ValueError
        For an activation of your own, labels that are neither strings nor whole
        numbers, and an unknown ``dtype`` or ``target_opset``.
    TypeError
        If ``net`` is no network, such as a pipeline around one: see
        :func:`register_with_skl2onnx`.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> import onnxruntime  # doctest: +SKIP
    >>> model = to_onnx(net)  # doctest: +SKIP
    >>> session = onnxruntime.InferenceSession(  # doctest: +SKIP
    ...     model.SerializeToString(), providers=["CPUExecutionProvider"]
    ... )
    >>> label, probabilities = session.run(None, {"X": X})  # doctest: +SKIP
    """
    if dtype not in (None, "float32", "float64"):
        raise ValueError(f"dtype={dtype!r} must be 'float32', 'float64' or None.")
    layers = layers_of(net)
    graph = Graph(dtype or net._theta.dtype)
    opset = DEFAULT_OPSET if target_opset is None else target_opset
    newest = graph.onnx.defs.onnx_opset_version()
    if not isinstance(opset, Integral) or not OLDEST_OPSET <= opset <= newest:
        raise ValueError(
            f"target_opset={target_opset!r} must be from {OLDEST_OPSET} to {newest}, "
            "the latest that this onnx knows."
        )
    if kind_of(net) == "ScratchMLPClassifier":
        add_classifier(graph, net, INPUT, LABEL, PROBABILITIES)
        outputs = _outputs_of_classifier(graph, net)
    else:
        add_regressor(graph, net, INPUT, VARIABLE)
        outputs = [graph.declared(VARIABLE, net.n_outputs_)]
    inputs = [graph.declared(INPUT, len(layers[0].weights))]
    model = graph.model(type(net).__name__, inputs, outputs, opset)
    graph.onnx.checker.check_model(model, full_check=True)
    if path is not None:
        graph.onnx.save(model, fspath(path))
    return model


def _raw_outputs(graph: Graph, net: Any, a: str) -> str:
    for weights, biases, activation in layers_of(net):
        with np.errstate(over="ignore", under="ignore"):
            W, b = weights.astype(graph.dtype), biases.astype(graph.dtype)
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            raise ValueError(
                f"weights are too large for {graph.dtype}: export with dtype='float64'."
            )
        a = HIDDEN[activation](graph, graph("Gemm", a, W, b))
    return a


# -- outputs ---------------------------------------------------------------------------


def add_classifier(
    graph: Graph, net: Any, X: str, label: str, probabilities: str
) -> None:
    """Add a fitted classifier to a graph, from its input X to its two outputs."""
    classes = labels_of(net)
    z = _raw_outputs(graph, net, X)
    if net._kind == "multilabel-indicator":
        graph("Cast", graph("Greater", z, 0.0), name=label, to=INT64)
        h = graph("Sigmoid", z)
    elif net._kind == "binary":
        second = graph("Cast", graph("Greater", z, 0.0), to=INT64)
        place = graph("Reshape", second, np.array([-1], np.int64))
        graph("Gather", classes, place, name=label)
        h = graph("Sigmoid", graph("Concat", graph("Neg", z), z, axis=1))
    else:
        place = graph("ArgMax", z, axis=1, keepdims=0)
        graph("Gather", classes, place, name=label)
        if net.out_activation_ == "logistic":
            z = _log_sigmoid(graph, z)
        h = graph("Softmax", z, axis=1)
    if len(classes) == 1 and net._kind == "multiclass":
        graph("Identity", h, name=probabilities)
    else:  # no finite output stands for certainty, see predict_proba
        limits = np.finfo(graph.dtype)
        graph("Clip", h, limits.tiny, 1 - limits.epsneg, name=probabilities)


def _log_sigmoid(graph: Graph, z: str) -> str:
    """Log(1 / (1 + exp(-z))) = -softplus(-z)."""
    return graph("Neg", softplus(graph, graph("Neg", z)))


def labels_of(net: Any) -> NDArray[Any]:
    """The classes as strings or int64, of which ONNX has words for both.

    Raises
    ------
    ValueError
        For other labels.
    """
    classes: NDArray[Any] = net.classes_
    if classes.dtype.kind in "UOT":
        return np.array(classes.tolist(), dtype=object)
    if classes.dtype.kind in "biuf" and np.array_equal(
        whole := classes.astype(np.int64), classes
    ):
        return whole
    raise ValueError(
        f"labels of the type {classes.dtype} ({classes[0]!r} is one) have no word in "
        "ONNX: train on strings, y.astype(str), or on whole numbers."
    )


def _outputs_of_classifier(graph: Graph, net: Any) -> list[Any]:
    classes = labels_of(net)
    strings = classes.dtype == object
    widths = [len(classes)] if net._kind == "multilabel-indicator" else []
    type_ = STRING if strings else INT64
    return [
        graph.declared(LABEL, *widths, type=type_),
        graph.declared(PROBABILITIES, len(classes)),
    ]


def add_regressor(graph: Graph, net: Any, X: str, variable: str) -> None:
    """Add a fitted regressor to a graph, from its input X to its output."""
    h, link = _raw_outputs(graph, net, X), link_of(net)
    if link == "exp":
        h = graph("Exp", h)
    elif link == "ascending" and net.n_outputs_ > 1:
        h = graph("TopK", h, np.array([net.n_outputs_], np.int64), axis=1, largest=0)
    if net.target_mean_ is not None:
        h = graph("Cast", h, to=DOUBLE)
        h = graph("Add", graph("Mul", h, net.target_scale_), net.target_mean_)
    graph("Cast", h, name=variable, to=graph.type)
