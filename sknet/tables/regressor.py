"""A regressor that chooses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from sknet._sklearn.numbers import columns
from sknet.tables.choice import TableNetwork
from sknet.tables.encodings import FLOATS


class TableRegressor(RegressorMixin, TableNetwork):
    """Network regressor that finds out how long to train.

    It is trained for a short time first, without ``validation_fraction`` of the rows;
    then each candidate changes something, and is kept if it makes the squared error of
    these rows less.  At last a network is trained with what was kept, on all rows.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Regressor with a ``random_state``, such as :class:`~sknet.ScratchMLPRegressor`;
        None is that of :func:`tabular_pipeline`.
    candidates : list of dict or None, default=None
        Changes to try one after the other, each a dict of parameters of this object,
        those of the estimator among them.  The first is where the choice starts; each
        other is laid over the best so far, and kept if that makes it better.  None is
        ``CANDIDATES["regressor"]``: 20 epochs, ``n_knots=8``, ``n_knots=16``, 60
        epochs.  An empty list leaves nothing to choose.
    n_knots : int or None, default=None
        Knots of :class:`PiecewiseLinear`, which stands before the estimator; None is
        none.
    batch_size : int, "auto" or None, default="auto"
        The estimator's, if it has that parameter: "auto" is :func:`rows_of_a_batch`,
        None leaves it.
    validation_fraction : float in (0, 1), default=0.2
        Fraction of the rows that is held out.
    margin : float, default=0.5
        By how many standard errors a change must make the loss of the held-out rows
        less, so that on few rows it is not chance that chooses.
    n_networks : int, default=1
        Networks that are trained in the end, with different seeds, and averaged.
    random_state : int, RandomState instance or None, default=None
        Draws the seeds of the networks and the held-out rows.

    Attributes
    ----------
    estimators_ : list
        The trained networks.
    best_candidate_ : dict
        The parameters chosen, those of all changes that were kept.
    held_out_losses_ : list of float
        Mean squared error of each candidate on the held-out rows.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    tabular_pipeline : The same with what makes a table ready for it.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sknet.tables import TableRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = TableRegressor(candidates=[{"estimator__max_iter": 10}], random_state=0)
    >>> model.fit(X * 20, y).score(X * 20, y) > 0.4
    True
    """

    _kind = "regressor"

    def _checked(self, X: Any, y: Any) -> tuple[Any, NDArray[Any]]:
        X, y = validate_data(
            self,
            X,
            y,
            dtype=FLOATS,
            y_numeric=True,
            multi_output=True,
            ensure_min_samples=2,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return X, columns(y).reshape(y.shape)

    def _strata(self, y: NDArray[Any]) -> None:
        return None

    def _tried(
        self, model: Pipeline, X: Any, y: NDArray[Any], held: Any, w: Any
    ) -> tuple[NDArray[Any], dict[str, float]]:
        """Squared error of each held-out row, of several targets in their scales."""
        estimates = model.predict(X)
        if estimates.shape != y[held].shape:
            raise ValueError(
                f"estimates of shape {estimates.shape} for targets of shape "
                f"{y[held].shape} have no squared error: let the estimator give one "
                "number for each, of quantiles one."
            )
        errors = y[held] - estimates
        if y.ndim == 2:
            spread = y.std(axis=0)
            errors /= np.where(spread > 0, spread, 1)
        with np.errstate(over="ignore"):
            errors **= 2
        if not np.isfinite(errors).all():
            raise ValueError(
                f"y has {np.abs(y).max():.6g}, which is too large for squared errors: "
                "divide targets by a power of ten."
            )
        if y.ndim == 2:
            errors = errors.mean(axis=1)
        return errors, {}

    def predict(self, X: Any) -> NDArray[np.floating]:
        """Estimates, the mean over the networks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=FLOATS)
        return np.mean([network.predict(X) for network in self.estimators_], axis=0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
