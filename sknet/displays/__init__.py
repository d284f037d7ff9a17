"""Pictures of networks and of what they do, in scikit-learn's Display protocol.

Each takes a fitted network, or what has one inside (a pipeline, a search), by
``from_estimator``, and draws in the axes given, ``ax=``, or in a new figure.  They
follow matplotlib's style sheets, light or dark, and tell nothing by colour alone.
"""

from sknet.displays.activations import (
    ActivationsDisplay,
    LayerStatistics,
    layer_statistics,
)
from sknet.displays.history import HistoryDisplay
from sknet.displays.network import NetworkDisplay
from sknet.displays.predictions import PredictionsDisplay
from sknet.displays.saliency import SaliencyDisplay
from sknet.displays.weights import WeightsDisplay

__all__ = [
    "ActivationsDisplay",
    "HistoryDisplay",
    "LayerStatistics",
    "NetworkDisplay",
    "PredictionsDisplay",
    "SaliencyDisplay",
    "WeightsDisplay",
    "layer_statistics",
]
