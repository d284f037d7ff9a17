"""Neural networks for scikit-learn, in NumPy and SciPy."""

from sknet.classifier import ScratchMLPClassifier
from sknet.gradient_check import check_gradients
from sknet.regressor import ScratchMLPRegressor

__all__ = ["ScratchMLPClassifier", "ScratchMLPRegressor", "check_gradients"]
__version__ = "0.1.0"
