"""Neural networks for scikit-learn, in NumPy and SciPy."""

from sknet._version import __version__
from sknet.classifier import ScratchMLPClassifier
from sknet.gradient_check import check_gradients

__all__ = ["ScratchMLPClassifier", "__version__", "check_gradients"]
