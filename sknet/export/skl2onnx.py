"""Makes networks known to skl2onnx, which then exports pipelines around them."""

from __future__ import annotations

from typing import Any

from sknet.classifier import ScratchMLPClassifier
from sknet.export.fitted import layers_of
from sknet.export.onnx import Graph, add_classifier, add_regressor, labels_of
from sknet.regressor import ScratchMLPRegressor


def register_with_skl2onnx() -> None:
    """Make networks known to skl2onnx: pipelines and searches around them export.

    Options are those of scikit-learn's classifiers: ``zipmap=False`` makes the
    probabilities a tensor.  To register again does nothing.

    Raises
    ------
    ImportError
        Without the packages skl2onnx and onnx.

    Examples
    --------
    >>> from skl2onnx import to_onnx  # doctest: +SKIP
    >>> register_with_skl2onnx()  # doctest: +SKIP
    >>> model = to_onnx(pipeline, X[:1], options={"zipmap": False})  # doctest: +SKIP
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError:
        raise ImportError(
            "pipelines need the package skl2onnx: pip install skl2onnx."
        ) from None
    update_registered_converter(
        ScratchMLPClassifier,
        "SknetScratchMLPClassifier",
        _declare_classifier,
        _convert_classifier,
        options={"zipmap": [True, False, "columns"], "nocl": [False]},
    )
    update_registered_converter(
        ScratchMLPRegressor,
        "SknetScratchMLPRegressor",
        _declare_regressor,
        _convert_regressor,
    )


def _tensor_type(operator: Any) -> Any:
    """Type of the computation: that of X, and float32 for integers."""
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    double = isinstance(operator.inputs[0].type, DoubleTensorType)
    return DoubleTensorType if double else FloatTensorType


def _declare_classifier(operator: Any) -> None:
    """Tell the types and shapes of a classifier's outputs."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    net, n_samples = operator.raw_operator, operator.inputs[0].get_first_dimension()
    classes = labels_of(net)
    labels = StringTensorType if classes.dtype == object else Int64TensorType
    widths = [len(classes)] if net._kind == "multilabel-indicator" else []
    operator.outputs[0].set_type(labels([n_samples, *widths]))
    operator.outputs[1].set_type(_tensor_type(operator)([n_samples, len(classes)]))


def _declare_regressor(operator: Any) -> None:
    """Tell the type and the shape of a regressor's output."""
    net, n_samples = operator.raw_operator, operator.inputs[0].get_first_dimension()
    operator.outputs[0].set_type(_tensor_type(operator)([n_samples, net.n_outputs_]))


def _convert_classifier(scope: Any, operator: Any, container: Any) -> None:
    graph, X = _graph_for(scope, operator)
    add_classifier(
        graph, operator.raw_operator, X, *(one.full_name for one in operator.outputs)
    )
    _hand_over(graph, container)


def _convert_regressor(scope: Any, operator: Any, container: Any) -> None:
    graph, X = _graph_for(scope, operator)
    add_regressor(graph, operator.raw_operator, X, operator.outputs[0].full_name)
    _hand_over(graph, container)


def _graph_for(scope: Any, operator: Any) -> tuple[Graph, str]:
    """A graph whose names nobody else has, and its input in its own type."""
    layers_of(operator.raw_operator)
    double = "Double" in _tensor_type(operator).__name__
    prefix = scope.get_unique_operator_name("sknet") + "_"
    graph = Graph("float64" if double else "float32", prefix)
    return graph, graph("Cast", operator.inputs[0].full_name, to=graph.type)


def _hand_over(graph: Graph, container: Any) -> None:
    container.initializers.extend(graph.constants)
    container.nodes.extend(graph.nodes)
    container.node_domain_version_pair_sets.add(("", container.target_opset_onnx))
