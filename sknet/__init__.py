"""Neural networks for scikit-learn, in NumPy and SciPy."""

from sknet.classifier import ScratchMLPClassifier
from sknet.gradient_check import check_gradients

__all__ = ["ScratchMLPClassifier", "check_gradients"]
__version__ = "0.1.0"
