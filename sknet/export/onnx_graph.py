"""A model of ONNX that is being put together, and the activations in its operators.

They are composed of operators that runtimes compute exactly in float64 too: of
Softplus, Selu, LeakyRelu, Mish, Erf and Gelu some overflow, some have parameters in
float32, and some are not there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.polynomial.chebyshev import cheb2poly
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import erfcx

from sknet._extras import how_to_install
from sknet._version import __version__
from sknet.activations import LEAK, MISH_LIMIT, SELU_ALPHA, SELU_SCALE


class Graph:
    """Nodes and constants of a model that is being put together.

    To call it adds a node: ``graph("Mul", z, 0.5)`` returns the name of the product.
    Numbers and arrays among the inputs become constants, numbers in the type of the
    computation.

    Parameters
    ----------
    dtype : dtype
        float32 or float64.
    prefix : str, default=""
        What names begin with.

    Raises
    ------
    ImportError
        Without the package onnx.
    """

    def __init__(self, dtype: Any, prefix: str = "") -> None:
        try:
            import onnx
        except ImportError:
            raise ImportError(
                f"ONNX needs the package onnx: {how_to_install('onnx', 'export')}."
            ) from None
        self.onnx = onnx
        self.dtype = np.dtype(dtype)
        self.type = onnx.helper.np_dtype_to_tensor_dtype(self.dtype)
        self.prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(
        self, operator: str, *inputs: Any, name: str | None = None, **attributes: Any
    ) -> str:
        """Add a node, and return the name of its first output, ``name`` if given."""
        name = name or f"{self.prefix}{operator}_{len(self.nodes)}"
        outputs = [name]
        if operator == "TopK":
            outputs.append(f"{name}_places")
        names = [one if isinstance(one, str) else self._constant(one) for one in inputs]
        make_node = self.onnx.helper.make_node
        self.nodes.append(make_node(operator, names, outputs, name, **attributes))
        return name

    def _constant(self, value: Any) -> str:
        if not isinstance(value, np.ndarray):
            value = np.array(value, self.dtype)
        name = f"{self.prefix}constant_{len(self.constants)}"
        from_array = self.onnx.numpy_helper.from_array
        self.constants.append(from_array(np.ascontiguousarray(value), name))
        return name

    def declared(self, name: str, *widths: int, type: Any = None) -> Any:
        """An input or output of the model, of so many columns."""
        shape = ["n_samples", *widths]
        make = self.onnx.helper.make_tensor_value_info
        return make(name, type or self.type, shape)

    def model(self, name: str, inputs: Any, outputs: Any, opset: int) -> Any:
        """The model of all nodes, in the oldest format that has these operators."""
        helper = self.onnx.helper
        opsets = [helper.make_opsetid("", opset)]
        return helper.make_model(
            helper.make_graph(self.nodes, name, inputs, outputs, self.constants),
            opset_imports=opsets,
            ir_version=helper.find_min_ir_version_for(opsets),
            producer_name="sknet",
            producer_version=__version__,
        )


# -- hidden layers ---------------------------------------------------------------------


def _positive(graph: Graph, z: str) -> str:
    return graph("Max", z, 0.0)


def _expm1_of_negative(graph: Graph, z: str) -> str:
    """exp(min(z, 0)) - 1 = tanh(z / 2) (exp(z) + 1), which loses no digits near 0."""
    z = graph("Min", z, 0.0)
    half = graph("Tanh", graph("Mul", z, 0.5))
    return graph("Mul", half, graph("Add", graph("Exp", z), 1.0))


def _leaky_relu(graph: Graph, z: str) -> str:
    return graph("Max", z, graph("Mul", z, LEAK))


def _elu(graph: Graph, z: str) -> str:
    return graph("Add", _positive(graph, z), _expm1_of_negative(graph, z))


def _selu(graph: Graph, z: str) -> str:
    negative = graph("Mul", _expm1_of_negative(graph, z), SELU_ALPHA)
    return graph("Mul", graph("Add", _positive(graph, z), negative), SELU_SCALE)


def softplus(graph: Graph, z: str) -> str:
    """The name of max(z, 0) + log(1 + exp(-|z|))."""
    small = graph("Exp", graph("Neg", graph("Abs", z)))
    return graph("Add", _positive(graph, z), graph("Log", graph("Add", small, 1.0)))


@cache
def _scaled_erfc() -> NDArray[np.float64]:
    """Coefficients c with exp(x²) erfc(x) = t sum_k c_k (2 t - 1)^k, t = 2 / (2 + x).

    For x from 0 to infinity t is in (0, 1], and what is left of the function is so
    smooth that a polynomial of degree 24 is exact to rounding.  It is the beginning of
    its Chebyshev series, a discrete cosine transform of 1024 values, in which rounding
    errors of SciPy's function average out.

    Source: the substitution is that of Numerical Recipes' erfc (Press et al., section
    6.2); the coefficients are computed here.
    """
    n = 1024
    s = np.cos(np.pi * (np.arange(n) + 0.5) / n)
    t, x = (1 + s) / 2, 2 * (1 - s) / (1 + s)
    series = dct(erfcx(x) / t)[:25] / n
    series[0] /= 2
    coefficients: NDArray[np.float64] = cheb2poly(series)
    return coefficients


def _gelu(graph: Graph, z: str) -> str:
    """Max(z, 0) - |z| Q(|z|), Q(z) = erfc(z / sqrt(2)) / 2 the upper tail."""
    size = graph("Abs", z)
    t = graph("Div", 2.0, graph("Add", graph("Mul", size, 1 / sqrt(2)), 2.0))
    s = graph("Sub", graph("Mul", t, 2.0), 1.0)
    *lower, highest = 0.5 * _scaled_erfc()
    sum_ = graph("Add", graph("Mul", s, highest), lower.pop())
    for coefficient in reversed(lower):
        sum_ = graph("Add", graph("Mul", sum_, s), coefficient)
    density = graph("Exp", graph("Mul", graph("Mul", size, size), -0.5))
    tail = graph("Mul", graph("Mul", t, sum_), density)
    return graph("Sub", _positive(graph, z), graph("Mul", size, tail))


def _silu(graph: Graph, z: str) -> str:
    return graph("Mul", z, graph("Sigmoid", z))


def _mish(graph: Graph, z: str) -> str:
    w = graph("Exp", graph("Min", z, MISH_LIMIT))
    n = graph("Mul", w, graph("Add", w, 2.0))
    return graph("Mul", z, graph("Div", n, graph("Add", n, 2.0)))


HIDDEN: dict[str, Callable[[Graph, str], str]] = {
    "identity": lambda graph, z: z,
    "logistic": lambda graph, z: graph("Sigmoid", z),
    "tanh": lambda graph, z: graph("Tanh", z),
    "relu": _positive,
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "softplus": softplus,
    "gelu": _gelu,
    "silu": _silu,
    "mish": _mish,
}
