"""Neural networks for scikit-learn, in NumPy and SciPy."""

from sknet._version import __version__
from sknet.classifier import ScratchMLPClassifier
from sknet.gradient_check import check_gradients
from sknet.regressor import ScratchMLPRegressor
from sknet.tables import tabular_pipeline

__all__ = [
    "ScratchMLPClassifier",
    "ScratchMLPRegressor",
    "__version__",
    "check_gradients",
    "tabular_pipeline",
]
