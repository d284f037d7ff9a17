"""Fitted networks as something else: a text, or an estimator of scikit-learn.

What is exported predicts; what only training needs, the optimizer's memory and the
curves, stays behind.  A copy that trains on is a pickle, or a file of joblib or skops.
"""

from sknet.export.json import from_json, to_json

__all__ = ["from_json", "to_json"]
