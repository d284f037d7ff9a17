"""A network in words: its layers, their shapes, activations and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple


class LayerSummary(NamedTuple):
    """A layer of a network, as a summary tells of it.

    Attributes
    ----------
    name : str
        "input", "hidden 0", "hidden 1", …, "output".
    n_units : int
    activation : str
        Its function, or the outputs' link; "" for the input.
    n_inputs : int
        Units that each of its units reads; 0 for the input.
    """

    name: str
    n_units: int
    activation: str
    n_inputs: int

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return (self.n_inputs + 1) * self.n_units if self.n_inputs else 0


def layer_summaries(
    n_units: Sequence[int], activations: Sequence[Any], out_activation: str
) -> list[LayerSummary]:
    """The layers of a network, inputs and outputs included.

    Parameters
    ----------
    n_units : sequence of int
        Units of each layer, from the inputs to the outputs.
    activations : sequence of str or tuple
        Plain descriptions of the hidden layers' activations.
    out_activation : str
        Name of the outputs' link.

    Examples
    --------
    >>> layer = layer_summaries([4, 3], [], "softmax")[-1]
    >>> layer.name, layer.n_parameters
    ('output', 15)
    """
    names = [f"hidden {l}" for l in range(len(activations))]
    functions = [*map(_name_of, activations), out_activation]
    rows = zip([*names, "output"], functions, pairwise(n_units), strict=True)
    layers = [LayerSummary(name, n_out, f, n_in) for name, f, (n_in, n_out) in rows]
    return [LayerSummary("input", n_units[0], "", 0), *layers]


def _name_of(activation: Any) -> str:
    if isinstance(activation, str):
        return activation
    return str(getattr(activation[0], "__name__", "own"))


def table_of(title: str, layers: Sequence[LayerSummary], dtype: Any) -> str:
    """The layers as a table of text, and the sum of their parameters below it."""
    rows = [("layer", "units", "activation", "weights", "biases", "parameters")]
    for name, n_units, activation, n_inputs in layers:
        row = name, f"{n_units:,}"
        rows.append((*row, "", "", "", ""))
        if n_inputs:
            shape = f"{n_inputs:,} x {n_units:,}"
            n_parameters = f"{(n_inputs + 1) * n_units:,}"
            rows[-1] = (*row, activation, shape, f"{n_units:,}", n_parameters)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i in (0, 2) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    total = sum(layer.n_parameters for layer in layers)
    last = f"{total:,} parameters in {dtype}, {_size(total * dtype.itemsize)}"
    return "\n".join([title, *lines, last])


def _size(n_bytes: int) -> str:
    for unit, factor in ("GB", 1e9), ("MB", 1e6), ("kB", 1e3):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.3g} {unit}"
    return f"{n_bytes} bytes"
