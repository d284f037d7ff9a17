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
    "n_iter_no_change": np.inf,  # the cosine wants all epochs
    "dropout": 0.3,
    "dtype": "float32",
}
OF_CLASSES = {"learning_rate_init": 0.005, "max_iter": 80, "label_smoothing": 0.05}
OF_NUMBERS = {
    "learning_rate_init": 0.003,
    "max_iter": 60,
    "target_scaling": "standard",
}
# To try on held-out rows, each on top of those kept before it: a short training first.
CANDIDATES = {
    "classifier": [
        {"estimator__max_iter": 20},
        {"n_knots": 8},
        {"estimator__max_iter": 80},
    ],
    "regressor": [
        {"estimator__max_iter": 20},
        {"n_knots": 8},
        {"n_knots": 16},
        {"estimator__max_iter": 60},
    ],
}


def network_of(kind: str) -> ScratchMLPClassifier | ScratchMLPRegressor:
    """The network for classes ("classifier") or for numbers ("regressor")."""
    if kind == "classifier":
        return ScratchMLPClassifier(**RECIPE, **OF_CLASSES)
    return ScratchMLPRegressor(**RECIPE, **OF_NUMBERS)


def rows_of_a_batch(n_rows: int, kind: str) -> int:
    """The power of 2 nearest to the square root of the rows; twice that for classes.

    It is 256 at most, 512 for classes, and never more than there are rows.

    Parameters
    ----------
    n_rows : int
    kind : {"classifier", "regressor"}

    Returns
    -------
    batch_size : int

    Examples
    --------
    >>> from sknet.tables import rows_of_a_batch
    >>> [rows_of_a_batch(n, "regressor") for n in (100, 1_000, 10_000, 100_000)]
    [8, 32, 128, 256]
    >>> [rows_of_a_batch(n, "classifier") for n in (100, 1_000, 10_000, 100_000)]
    [16, 64, 256, 512]
    """
    size = min(256, 2 ** round(np.log2(n_rows) / 2))
    return min(n_rows, size * 2 if kind == "classifier" else size)
