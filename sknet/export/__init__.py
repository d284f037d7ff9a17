"""Fitted networks as something else: ONNX, JSON, or an estimator of scikit-learn.

What is exported predicts; what only training needs, the optimizer's memory and the
curves, stays behind.  A copy that trains on is a pickle, or a file of joblib or skops.
"""

from sknet.export.json import from_json, to_json
from sknet.export.onnx import to_onnx
from sknet.export.skl2onnx import register_with_skl2onnx
from sknet.export.sklearn import from_sklearn, to_sklearn

__all__ = [
    "from_json",
    "from_sklearn",
    "register_with_skl2onnx",
    "to_json",
    "to_onnx",
    "to_sklearn",
]
