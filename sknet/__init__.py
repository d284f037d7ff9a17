"""Neural networks for scikit-learn, in NumPy and SciPy."""

from typing import TYPE_CHECKING, Any

from sknet._version import __version__
from sknet.classifier import ScratchMLPClassifier
from sknet.gradient_check import check_gradients
from sknet.regressor import ScratchMLPRegressor

__all__ = [
    "ScratchMLPClassifier",
    "ScratchMLPRegressor",
    "__version__",
    "check_gradients",
    "tabular_pipeline",
]

if TYPE_CHECKING:
    from sknet.tables import tabular_pipeline
else:  # type checkers would take any name for one of this package

    def __getattr__(name: str) -> Any:
        # What it takes of scikit-learn would slow ``import sknet`` down for everybody.
        if name == "tabular_pipeline":
            from sknet.tables import tabular_pipeline

            return tabular_pipeline
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
