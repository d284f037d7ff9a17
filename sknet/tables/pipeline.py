"""Parts of scikit-learn and of this package put together for a table."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from inspect import signature
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, RobustScaler

from sknet.tables.choice import TableNetwork
from sknet.tables.classifier import TableClassifier
from sknet.tables.columns import as_numbers, as_text, category_columns, number_columns
from sknet.tables.encodings import SmoothClipper
from sknet.tables.recipe import CANDIDATES, network_of
from sknet.tables.regressor import TableRegressor


def tabular_pipeline(
    estimator: Any = "classifier",
    *,
    limit: float = 3.0,
    min_frequency: int | float | None = 5,
    max_categories: int | None = None,
    candidates: Sequence[dict[str, Any]] | None = None,
    batch_size: int | Literal["auto"] = "auto",
    validation_fraction: float = 0.2,
    n_networks: int = 1,
    random_state: int | np.random.RandomState | None = None,
) -> Pipeline:
    """A pipeline for a table of numbers and categories, some of them missing.

    It takes data frames of pandas and polars, and arrays.  Its steps, which
    ``set_params`` and a search reach by their names:

    - "columns", a ``ColumnTransformer``: in columns of "numbers" missing values become
      the median, with a column of 0 and 1 that says where; then come
      ``RobustScaler`` and :class:`SmoothClipper`.  Columns of anything else are
      "categories": one-hot, missing as a category of its own, rare ones together, and
      with these what is only seen later;
    - "varying" drops what is the same in all rows;
    - "network", a :class:`TableClassifier` or :class:`TableRegressor`, which chooses
      the length of training and whether numbers are encoded; or the estimator given.

    Parameters
    ----------
    estimator : {"classifier", "regressor"} or estimator, default="classifier"
        An estimator is taken as it is: ``candidates`` and what follows are refused.
    limit : float, default=3.0
        Of :class:`SmoothClipper`.
    min_frequency : int, float or None, default=5
        Categories of fewer rows (int), or of a smaller fraction of them (float), are
        put together: ``OneHotEncoder``'s.
    max_categories : int or None, default=None
        Most categories of a column, the rare ones together being one of them.  They are
        dense columns: a fit needs some 20 bytes for each of these in each row, 2 GB for
        1,000 of them in 100,000 rows.
    candidates : list of dict or None, default=None
        Parameters of the step "network" to try on held-out rows, each on top of those
        kept before it; None is ``CANDIDATES[estimator]`` of :mod:`sknet.tables`.  For
        classes these are 20 epochs, a learning rate of 0.001, 60 epochs at 0.003, and
        these with ``n_knots=8``; for numbers 20 epochs, ``n_knots=8``, ``n_knots=16``
        and 60 epochs.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch; "auto" is :func:`rows_of_a_batch`: 32 for 1,000 rows, 128
        for 10,000.
    validation_fraction : float in (0, 1), default=0.2
        Fraction of the rows held out to choose.
    n_networks : int, default=1
        Networks that are trained in the end, and averaged.
    random_state : int, RandomState instance or None, default=None
        Draws the weights, the held-out rows and the shuffles.

    Returns
    -------
    pipeline : :class:`~sklearn.pipeline.Pipeline`

    Raises
    ------
    ValueError
        For another string, and for what has no effect on an estimator of your own; by
        ``fit`` for a column of dates.

    Examples
    --------
    >>> import pandas as pd
    >>> from sknet import tabular_pipeline
    >>> X = pd.DataFrame({"age": [22, None, 35, 61] * 20, "sex": ["m", "f"] * 40})
    >>> y = ["no", "yes", "no", "yes"] * 20
    >>> model = tabular_pipeline("classifier", random_state=0).fit(X, y)
    >>> model.predict(X[:2]).tolist()
    ['no', 'yes']
    """
    choice: dict[str, Any] = {
        "candidates": candidates,
        "batch_size": batch_size,
        "validation_fraction": validation_fraction,
        "n_networks": n_networks,
        "random_state": random_state,
    }
    if isinstance(estimator, str):
        estimator = _table_network(estimator, choice)
    else:
        _check_idle(choice)
    step = _columns_step(limit, min_frequency, max_categories)
    return Pipeline(
        [("columns", step), ("varying", _Varying()), ("network", estimator)]
    )


def _table_network(kind: str, choice: dict[str, Any]) -> TableNetwork:
    if kind not in ("classifier", "regressor"):
        raise ValueError(
            f"estimator={kind!r} is none of 'classifier', 'regressor' and an "
            "estimator: pass one of these."
        )
    table = TableClassifier if kind == "classifier" else TableRegressor
    if choice["candidates"] is None:
        choice["candidates"] = deepcopy(CANDIDATES[kind])
    return table(network_of(kind), **choice)


def _check_idle(choice: dict[str, Any]) -> None:
    """Refuse what would have no effect on an estimator that is taken as it is."""
    defaults = signature(tabular_pipeline).parameters
    for name, value in choice.items():
        if value is not defaults[name].default and value != defaults[name].default:
            raise ValueError(
                f"{name}={value!r} has no effect on an estimator of your own: set it "
                "there if it has such a parameter, or pass 'classifier' or 'regressor'."
            )


class _AnyScaler(RobustScaler):
    """RobustScaler for columns of any size.

    scikit-learn takes a range below ten epsilons for none, and leaves the column as it
    is: a charge in coulombs, 1e-19, would not be seen by a network at all.
    """

    scale_: NDArray[Any]

    def fit(self, X: Any, y: Any = None) -> Self:
        super().fit(X, y)
        values = np.asarray(X)
        low, high = np.quantile(values, [0.25, 0.75], axis=0)
        with np.errstate(over="ignore"):
            width = high - low
        if not np.isfinite(width).all():
            j = int(np.argmin(np.isfinite(width)))
            raise ValueError(
                f"X has a column with quartiles {low[j]:.6g} and {high[j]:.6g}, which "
                "is too wide to be scaled: divide it by a power of ten."
            )
        # Where most rows are alike, small numbers are not to be overlooked either.
        width = np.where(width > 0, width, np.minimum(np.ptp(values, axis=0), 1))
        self.scale_ = np.where(width > 0, width, 1).astype(self.scale_.dtype)
        return self

    def transform(self, X: Any) -> Any:
        with np.errstate(over="ignore"):  # SmoothClipper makes infinity the limit
            return super().transform(X)


class _Varying(VarianceThreshold):
    """VarianceThreshold that says what to do where nothing varies."""

    def fit(self, X: Any, y: Any = None) -> Self:
        values = np.asarray(X)
        if len(values) and not np.ptp(values, axis=0).any():
            raise ValueError(
                f"nothing in the table tells its n_samples={len(values)} rows apart: "
                "each column has the same number in all, no value, or categories that "
                "are all rare or all one. Pass other columns or more rows, or lower "
                "min_frequency."
            )
        super().fit(X, y)
        return self


def _columns_step(
    limit: float, min_frequency: int | float | None, max_categories: int | None
) -> ColumnTransformer:
    names = {"feature_names_out": "one-to-one"}
    imputer = SimpleImputer(
        strategy="median", add_indicator=True, keep_empty_features=True
    )
    numbers = Pipeline(
        [
            ("functiontransformer", FunctionTransformer(as_numbers, **names)),
            ("simpleimputer", imputer),
            ("robustscaler", _AnyScaler()),
            ("smoothclipper", SmoothClipper(limit)),
        ]
    )
    categories = make_pipeline(
        FunctionTransformer(as_text, **names),
        OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            min_frequency=min_frequency,
            max_categories=max_categories,
            sparse_output=False,
        ),
    )
    return ColumnTransformer(
        [
            ("numbers", numbers, number_columns),
            ("categories", categories, category_columns),
        ],
        verbose_feature_names_out=False,
    )
