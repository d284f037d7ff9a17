"""The network that suited many tables, and what is chosen from on held-out rows.

``docs/tables.md`` tells what each ingredient is worth.
"""

from __future__ import annotations

import numpy as np

from sknet.classifier import ScratchMLPClassifier
from sknet.regressor import ScratchMLPRegressor

RECIPE = {
    "hidden_layer_sizes": (256, 256),
    "activation": "mish",
    "weight_init": "he",
    "solver": "adamw",
    "alpha": 0.0,  # one decay is enough
    "weight_decay": 0.01,
    "beta_2": 0.95,
    "learning_rate": "cosine",
    "learning_rate_init": 0.003,
    "max_iter": 60,
    "n_iter_no_change": np.inf,  # the cosine wants all epochs
    "dropout": 0.3,
    "dtype": "float32",
}
SHORT = {"estimator__max_iter": 20}
SLOW = {"estimator__learning_rate_init": 0.001}
LONG = {"estimator__max_iter": 60, "estimator__learning_rate_init": 0.003}
# To try on held-out rows, each on top of those kept before it; the cautious ones first.
CANDIDATES = {
    "classifier": [SHORT, SLOW, LONG, LONG | {"n_knots": 8}],
    "regressor": [SHORT, {"n_knots": 8}, {"n_knots": 16}, {"estimator__max_iter": 60}],
}


def network_of(kind: str) -> ScratchMLPClassifier | ScratchMLPRegressor:
    """The network for classes ("classifier") or for numbers ("regressor")."""
    if kind == "classifier":
        return ScratchMLPClassifier(**RECIPE, label_smoothing=0.05)
    return ScratchMLPRegressor(**RECIPE, target_scaling="standard")


def rows_of_a_batch(n_rows: int) -> int:
    """The power of 2 nearest to the square root of the number of rows, 256 at most.

    Parameters
    ----------
    n_rows : int

    Returns
    -------
    batch_size : int

    Examples
    --------
    >>> from sknet.tables import rows_of_a_batch
    >>> [rows_of_a_batch(n) for n in (100, 1_000, 10_000, 100_000)]
    [8, 32, 128, 256]
    """
    return min(256, 2 ** round(np.log2(n_rows) / 2))
