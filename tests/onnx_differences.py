"""Prints how far onnxruntime is from sknet, over all activations and kinds of output.

    python tests/onnx_differences.py

Differences are relative to 1, or to the largest number of an output's column.  Labels
are compared too: one that differs is an error.
"""

import numpy as np

from exports import KINDS, data_like, fitted
from sknet.activations import ACTIVATIONS
from sknet.export import to_onnx
from test_export_onnx import run


def difference(kind, **parameters):
    """Largest difference of one network."""
    net = fitted(kind, **parameters)
    samples = data_like(net)
    *label, given = run(to_onnx(net), samples)
    if label:
        expected = net.predict(samples)
        expected = expected.toarray() if hasattr(expected, "toarray") else expected
        assert (label[0] == expected).all(), (kind, parameters)
    predicted = net.predict_proba if label else net.predict
    expected = predicted(samples).reshape(given.shape)
    largest = np.maximum(1, np.abs(expected).max(axis=0))
    return float((np.abs(given - expected) / largest).max())


def main():
    print("| type | networks | largest difference | of |\n|---|---|---|---|")
    for dtype in "float32", "float64":
        found = {
            (kind, activation): difference(kind, activation=activation, dtype=dtype)
            for kind in KINDS
            for activation in ACTIVATIONS
        }
        worst = max(found, key=found.get)
        print(f"| {dtype} | {len(found)} | {found[worst]:.1e} | {', '.join(worst)} |")


if __name__ == "__main__":
    main()
