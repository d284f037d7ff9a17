"""Numbers as a network likes them: within a limit, and beside them their intervals."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    OneToOneFeatureMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

FLOATS = [np.float64, np.float32]


class SmoothClipper(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Bring outliers smoothly to within a limit.

    A value z becomes

        z / sqrt(1 + (z / limit)^2),

    close to z where z is small, and always between -limit and limit, so that no single
    value can drive a network far off.  Unlike a hard limit it keeps values in order.
    Scale them first, by :class:`~sklearn.preprocessing.RobustScaler` say.

    Parameters
    ----------
    limit : float, default=3.0
        Above 0.

    Attributes
    ----------
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    Notes
    -----
    A missing value (NaN) stays one, and infinity becomes the limit.

    References
    ----------
    Holzmüller, Grinsztajn and Steinwart, *Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data*, NeurIPS 2024, arXiv:2407.04491.

    Examples
    --------
    >>> from sknet.tables import SmoothClipper
    >>> SmoothClipper().fit_transform([[-1.0], [0.1], [1000.0]]).round(2).tolist()
    [[-0.95], [0.1], [3.0]]
    """

    _parameter_constraints = {"limit": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, limit: float = 3.0) -> None:
        self.limit = limit

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn nothing but the number of features and their names.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : SmoothClipper
        """
        self._checked(X, reset=True)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Values between -limit and limit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_features)
            In the dtype of X if that is float32 or float64.
        """
        check_is_fitted(self)
        X = self._checked(X, reset=False)
        # hypot, as the square of a large z would overflow
        with np.errstate(invalid="ignore", over="ignore"):  # infinite z, or z / limit
            out = X / np.hypot(1, X / self.limit)
            infinite = np.isinf(X / self.limit)
        out[infinite] = np.copysign(self.limit, X[infinite])
        return out

    def _checked(self, X: ArrayLike, *, reset: bool) -> NDArray[np.floating]:
        checked: NDArray[np.floating] = validate_data(
            self,
            X,
            reset=reset,
            dtype=FLOATS,
            ensure_all_finite=False,
        )
        return checked

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class PiecewiseLinear(TransformerMixin, BaseEstimator):
    """Numbers, and beside them how far they are through each of several intervals.

    Knots are quantiles of a column, and each interval between two neighbours gives a
    new column,

        scale * (clip((x - left) / (right - left), 0, 1) - 1 / 2),

    so that a network can bend what it learns from x at each knot.

    Parameters
    ----------
    n_knots : int, default=8
        Quantiles of each column, the least and the largest value among them.  Equal
        ones are one knot, and a column with fewer than three knots gets no new columns.
    scale : float, default=0.5
        Width of the new columns' range.

    Attributes
    ----------
    knots_ : list of ndarray
        Of each column, in ascending order.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    References
    ----------
    Gorishniy, Rubachev and Babenko, *On embeddings for numerical features in tabular
    deep learning*, NeurIPS 2022, arXiv:2203.05556.

    Examples
    --------
    >>> from sknet.tables import PiecewiseLinear
    >>> X = [[0.0], [1.0], [2.0], [6.0], [10.0]]
    >>> PiecewiseLinear(n_knots=3, scale=1.0).fit(X).transform([[1.0], [4.0]]).tolist()
    [[1.0, 0.0, -0.5], [4.0, 0.5, -0.25]]
    """

    _parameter_constraints = {
        "n_knots": [Interval(Integral, 3, None, closed="left")],
        "scale": [Interval(Real, 0, None, closed="neither")],
    }
    knots_: list[NDArray[np.floating]]

    def __init__(self, n_knots: int = 8, scale: float = 0.5) -> None:
        self.n_knots = n_knots
        self.scale = scale

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Find the knots of each column.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers.
        y : object, default=None
            Ignored.

        Returns
        -------
        self : PiecewiseLinear
        """
        X = validate_data(self, X, dtype=FLOATS)
        # Values of X: a knot between 0 and 1 would make intervals that nobody is in.
        levels = np.linspace(0, 1, self.n_knots)
        quantiles = np.quantile(X, levels, axis=0, method="inverted_cdf")
        self.knots_ = [np.unique(column) for column in quantiles.T]
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Numbers, and after them the new columns.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numbers.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_features_out)
            In the dtype of X if that is float32 or float64.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=FLOATS)
        parts = [X]
        for j, knots in enumerate(self.knots_):
            if len(knots) > 2:
                share = (X[:, [j]] - knots[:-1]) / np.diff(knots)
                parts.append(self.scale * (np.clip(share, 0, 1) - 0.5))
        return np.concatenate(parts, axis=1, dtype=X.dtype)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the numbers, and of the new columns: the number's with a count.

        Parameters
        ----------
        input_features : array-like of str, default=None
            By default the names seen in fit, or else x0, x1, ...

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        names = list(_check_feature_names_in(self, input_features))
        new = [
            f"{name}_{i}"
            for name, knots in zip(names, self.knots_, strict=True)
            for i in range(len(knots) - 1 if len(knots) > 2 else 0)
        ]
        return np.array(names + new, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
