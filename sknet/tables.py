"""A pipeline for tables: numbers, categories and gaps made ready for a network.

:func:`tabular_pipeline` puts parts of scikit-learn together with those of this module:
a transformer that keeps outliers within a limit, and a classifier or regressor that
chooses how long to train, and whether to encode numbers, on rows that it holds out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date, time, timedelta
from decimal import Decimal
from inspect import signature
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
import sklearn
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    OneToOneFeatureMixin,
    RegressorMixin,
    TransformerMixin,
    _fit_context,
    clone,
)
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, RobustScaler
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.fixes import parse_version
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    validate_data,
)

from sknet._sklearn.labels import check_given
from sknet._sklearn.numbers import columns
from sknet._sklearn.validation import split_rows
from sknet.classifier import ScratchMLPClassifier
from sknet.regressor import ScratchMLPRegressor

SINCE_1_9 = parse_version(sklearn.__version__) >= parse_version("1.9")
FLOATS = [np.float64, np.float32]
# What suited many tables: docs/tables.md tells what each is worth.
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
SHORT = (
    {"estimator__max_iter": 20},
    {"estimator__max_iter": 20, "estimator__learning_rate_init": 0.001},
)
# What a column of objects may hold that is neither a number nor a category.
KINDS_OF_OBJECTS = {
    "M": (date, time, timedelta, np.datetime64, np.timedelta64),
    "c": (complex, np.complexfloating),
}
# To choose from on held-out rows, the cautious ones first.
CANDIDATES = {
    "classifier": [*SHORT, {}, {"n_knots": 8}],
    "regressor": [*SHORT, {"n_knots": 8}, {"n_knots": 16}],
}
# What a candidate cannot change.
OF_THE_CHOICE = {
    "candidates",
    "validation_fraction",
    "margin",
    "n_networks",
    "random_state",
    "estimator__random_state",
}


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


class _TableNetwork(MetaEstimatorMixin, BaseEstimator):
    """Settings chosen on held-out rows, then networks trained on all rows."""

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict", "set_params"]), None],
        "candidates": [list, tuple, None],
        "n_knots": [Interval(Integral, 3, None, closed="left"), None],
        "batch_size": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
            None,
        ],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "margin": [Interval(Real, 0, None, closed="left")],
        "n_networks": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }
    _kind: str
    estimators_: list[Any]

    def __init__(
        self,
        estimator: Any = None,
        *,
        candidates: Sequence[dict[str, Any]] | None = None,
        n_knots: int | None = None,
        batch_size: int | Literal["auto"] | None = "auto",
        validation_fraction: float = 0.2,
        margin: float = 0.5,
        n_networks: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.candidates = candidates
        self.n_knots = n_knots
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.margin = margin
        self.n_networks = n_networks
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Choose a candidate on held-out rows, and train it on all rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, in training and of the rows held out.  A row of weight 0 is as if
            it were not there, and so is a class that has no others.

        Returns
        -------
        self : object
        """
        X, y = self._checked(X, y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X)
            counted = sample_weight != 0  # the others are as if they were not there
            X, y, sample_weight = X[counted], y[counted], sample_weight[counted]
        if len(X) < 2:
            raise ValueError(
                f"n_samples={len(X)}, those of weight 0 left out, which is too few to "
                "hold some out: pass 2 samples or more."
            )
        rng = check_random_state(self.random_state)
        training, held = split_rows(
            len(X), self._strata(y), self.validation_fraction, rng
        )
        seeds = [int(seed) for seed in rng.randint(2**31 - 1, size=self.n_networks)]
        weights = None if sample_weight is None else sample_weight[held]
        candidates = self.candidates
        if candidates is None:
            candidates = CANDIDATES[self._kind]
        candidates = list(candidates) or [{}]
        _check_candidates(candidates)
        tried = []
        for candidate in candidates:
            model = self._trained(candidate, seeds[0], training, X, y, sample_weight)
            tried.append(self._tried(model, X[held], y, held, weights))
        losses = [of_rows for of_rows, _ in tried]
        best = _first_of_the_best(losses, weights, self.margin)
        self.held_out_losses_ = [
            float(np.average(of_rows, weights=weights)) for of_rows in losses
        ]
        self.best_candidate_ = dict(candidates[best])
        vars(self).update(tried[best][1])
        self.estimators_ = [
            self._trained(self.best_candidate_, seed, slice(None), X, y, sample_weight)
            for seed in seeds
        ]
        return self

    def _trained(
        self, candidate: dict[str, Any], seed: int, rows: Any, X: Any, y: Any, w: Any
    ) -> Pipeline:
        """A candidate after training on some of the rows."""
        settings = clone(self)
        if settings.estimator is None:
            settings.estimator = _recipe(self._kind)
        settings.set_params(**candidate)._validate_params()
        if settings.estimator is None:  # by the candidate
            settings.estimator = _recipe(self._kind)
        network = settings.estimator.set_params(random_state=seed)
        if settings.batch_size is not None and hasattr(network, "batch_size"):
            size = settings.batch_size
            network.batch_size = rows_of_a_batch(len(X)) if size == "auto" else size
        X, encoder = X[rows], "passthrough"
        if settings.n_knots is not None:
            encoder = PiecewiseLinear(settings.n_knots).set_output(transform="default")
            X = encoder.fit_transform(X)
        # Not by the pipeline, which passes no weights on where metadata are routed.
        network.fit(X, y[rows], **({} if w is None else {"sample_weight": w[rows]}))
        return Pipeline([("knots", encoder), ("network", network)])


def _check_candidates(candidates: list[Any]) -> None:
    for candidate in candidates:
        if not isinstance(candidate, Mapping) or not all(
            isinstance(name, str) for name in candidate
        ):
            raise TypeError(
                f"candidates has {candidate!r}, which is no dict of parameters by "
                "their names: give each such as {'estimator__max_iter': 20}."
            )
        idle = sorted(OF_THE_CHOICE & set(candidate))
        if idle:
            raise ValueError(
                f"a candidate sets {idle[0]!r}, which it cannot choose: set it for "
                "all of them, outside of candidates."
            )


def _first_of_the_best(
    losses: list[NDArray[Any]], weights: NDArray[Any] | None, margin: float
) -> int:
    """The last one that beats the best before it by `margin` standard errors."""
    best = 0
    for i in range(1, len(losses)):
        gain = losses[best] - losses[i]
        mean = np.average(gain, weights=weights)
        variance = np.average((gain - mean) ** 2, weights=weights)
        if mean > margin * np.sqrt(variance / len(gain)):
            best = i
    return best


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


class TableClassifier(ClassifierMixin, _TableNetwork):
    """Network classifier that finds out how long to train, and how sure it may be.

    Some tables are learned better the longer a network trains; on others, where labels
    are noisy, it soon learns the noise.  Each candidate is trained without
    ``validation_fraction`` of the rows, and the one of the least Brier score on these
    rows is trained again, on all rows.

    Probabilities are made to fit by temperature scaling: raw outputs are divided by the
    number of the least log loss on the held-out rows, before the Brier score is taken
    and in the final networks too.  It changes no guess of a single network.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Classifier with a ``decision_function`` and a ``random_state``, such as
        :class:`~sknet.ScratchMLPClassifier`; None is that of
        :func:`tabular_pipeline`.
    candidates : list of dict or None, default=None
        Settings to choose from, each a dict of parameters of this object, those of the
        estimator among them; None is ``CANDIDATES["classifier"]``: 20 epochs, the same
        at a learning rate of 0.001, 60 epochs, and these with ``n_knots=8``.  An empty
        list leaves nothing to choose but the temperature.
    n_knots : int or None, default=None
        Knots of :class:`PiecewiseLinear`, which stands before the estimator; None is
        none.
    batch_size : int, "auto" or None, default="auto"
        The estimator's, if it has that parameter: "auto" is :func:`rows_of_a_batch`,
        None leaves it.
    validation_fraction : float in (0, 1), default=0.2
        Fraction of the rows that is held out, class by class in proportion.
    margin : float, default=0.5
        By how many standard errors of the difference a candidate must be better than
        one before it in the list, so that on few rows it is not chance that chooses:
        put cautious ones first.
    n_networks : int, default=1
        Networks that are trained in the end, with different seeds, and averaged.
    random_state : int, RandomState instance or None, default=None
        Draws the seeds of the networks and the held-out rows.

    Attributes
    ----------
    estimators_ : list
        The trained networks.
    best_candidate_ : dict
        The parameters chosen.
    held_out_losses_ : list of float
        Brier score of each candidate on the held-out rows.
    temperature_ : float
        What raw outputs are divided by.
    classes_ : ndarray of shape (n_classes,)
        Class labels in sorted order.
    n_features_in_ : int
        Number of features seen in fit.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    tabular_pipeline : The same with what makes a table ready for it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import ScratchMLPClassifier
    >>> from sknet.tables import TableClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> net = ScratchMLPClassifier((20,), solver="lbfgs", max_iter=500)
    >>> strengths = [{"estimator__alpha": 0.1}, {"estimator__alpha": 1000.0}]
    >>> model = TableClassifier(
    ...     net, candidates=strengths, batch_size=None, random_state=0
    ... )
    >>> model.fit(X, y).best_candidate_
    {'estimator__alpha': 0.1}
    """

    _parameter_constraints = {
        **_TableNetwork._parameter_constraints,
        "estimator": [HasMethods(["fit", "decision_function", "set_params"]), None],
    }
    _kind = "classifier"
    classes_: NDArray[Any]

    def _checked(self, X: Any, y: Any) -> tuple[Any, NDArray[Any]]:
        check_given(y, "y")
        X, y = validate_data(self, X, y, dtype=FLOATS, ensure_min_samples=2)
        check_classification_targets(y)
        return X, y

    def _strata(self, y: NDArray[Any]) -> NDArray[Any]:
        """Index of each row's class, of those that there are."""
        self.classes_, strata = np.unique(y, return_inverse=True)
        return strata

    def _tried(
        self, model: Pipeline, X: Any, y: NDArray[Any], held: Any, w: Any
    ) -> tuple[NDArray[Any], dict[str, float]]:
        """Brier score of each held-out row, and the temperature for the model."""
        y = y[held]
        known = np.isin(y, model.classes_)
        truth = np.searchsorted(model.classes_, y[known])
        temperature = 1.0
        logs = np.zeros((len(y), 1))
        if len(model.classes_) > 1:
            raw = model.decision_function(X)
            if known.any():
                weights = None if w is None else w[known]
                temperature = _temperature(raw[known], truth, weights)
            logs = _log_probabilities(raw, temperature)
        error = np.exp(logs)
        error[known, truth] -= 1
        return (error**2).sum(axis=1) + ~known, {"temperature_": temperature}

    def predict_proba(self, X: Any) -> NDArray[np.floating]:
        """Probability of each class, the mean over the networks.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``; rows sum to 1.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=FLOATS)
        if len(self.classes_) == 1:
            return np.ones((len(X), 1))
        return np.mean(
            [
                np.exp(_log_probabilities(net.decision_function(X), self.temperature_))
                for net in self.estimators_
            ],
            axis=0,
        )

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class of each sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]


class TableRegressor(RegressorMixin, _TableNetwork):
    """Network regressor that finds out how long to train.

    Each candidate is trained without ``validation_fraction`` of the rows, and the one
    of the least squared error on these rows is trained again, on all rows.

    Parameters
    ----------
    estimator : estimator or None, default=None
        Regressor with a ``random_state``, such as :class:`~sknet.ScratchMLPRegressor`;
        None is that of :func:`tabular_pipeline`.
    candidates : list of dict or None, default=None
        Settings to choose from, each a dict of parameters of this object, those of the
        estimator among them; None is ``CANDIDATES["regressor"]``: 20 epochs, the same
        at a learning rate of 0.001, and 60 epochs with ``n_knots`` of 8 and of 16.  An
        empty list leaves nothing to choose.
    n_knots : int or None, default=None
        Knots of :class:`PiecewiseLinear`, which stands before the estimator; None is
        none.
    batch_size : int, "auto" or None, default="auto"
        The estimator's, if it has that parameter: "auto" is :func:`rows_of_a_batch`,
        None leaves it.
    validation_fraction : float in (0, 1), default=0.2
        Fraction of the rows that is held out.
    margin : float, default=0.5
        By how many standard errors of the difference a candidate must be better than
        one before it in the list, so that on few rows it is not chance that chooses:
        put cautious ones first.
    n_networks : int, default=1
        Networks that are trained in the end, with different seeds, and averaged.
    random_state : int, RandomState instance or None, default=None
        Draws the seeds of the networks and the held-out rows.

    Attributes
    ----------
    estimators_ : list
        The trained networks.
    best_candidate_ : dict
        The parameters chosen.
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


def _temperature(
    raw: NDArray[Any], truth: NDArray[Any], weights: NDArray[Any] | None
) -> float:
    """What raw outputs are best divided by, for a low log loss."""

    def loss(log_temperature: float) -> float:
        logs = _log_probabilities(raw, np.exp(log_temperature))
        return float(-np.average(logs[np.arange(len(truth)), truth], weights=weights))

    found = minimize_scalar(loss, bounds=np.log([0.1, 10]), method="bounded")
    return float(np.exp(found.x))


def _log_probabilities(raw: NDArray[Any], temperature: float) -> NDArray[np.floating]:
    """Of raw outputs, one for two classes or one for each class."""
    raw = raw.astype(np.float64) / temperature
    if raw.ndim == 1:
        raw = np.column_stack([np.zeros_like(raw), raw])
    logs: NDArray[np.floating] = log_softmax(raw, axis=1)
    return logs


def number_columns(X: Any) -> list[Any]:
    """Columns of a table that hold numbers.

    Parameters
    ----------
    X : data frame of pandas or polars, or ndarray, of shape (n_samples, n_features)

    Returns
    -------
    columns : list of str or int
        Names, or positions where not all names are strings, and for polars 2 with a
        scikit-learn before 1.9.

    Raises
    ------
    ValueError
        For a column of dates or times.
    """
    return _columns(X, numbers=True)


def category_columns(X: Any) -> list[Any]:
    """Columns of a table that hold anything but numbers: strings, booleans, ...

    Parameters
    ----------
    X : data frame of pandas or polars, or ndarray, of shape (n_samples, n_features)

    Returns
    -------
    columns : list of str or int
        As of :func:`number_columns`.
    """
    return _columns(X, numbers=False)


def _columns(X: Any, *, numbers: bool) -> list[Any]:
    if sparse.issparse(X):
        raise ValueError(
            f"X of shape {X.shape} is sparse, which a table is not: pass X.toarray(), "
            "or give it to a network without tabular_pipeline."
        )
    if len(X.shape) != 2:
        raise ValueError(
            f"X of shape {X.shape} is no table of rows and columns: pass a data frame "
            "or an array of 2 dimensions, X.reshape(-1, 1) or X.to_frame() if it is "
            "one column."
        )
    names = list(getattr(X, "columns", range(X.shape[1])))
    chosen = [j for j, name in enumerate(names) if _is_number(X, j, name) == numbers]
    if _has_known_names(X) and all(isinstance(name, str) for name in names):
        return [names[j] for j in chosen]
    return chosen


def _has_known_names(X: Any) -> bool:
    """Whether scikit-learn finds columns by name: not those of polars 2 before 1.9."""
    return any(hasattr(X, a) for a in ("iloc", "__dataframe__")) or SINCE_1_9


def _is_number(X: Any, j: int, name: Any) -> bool:
    """Whether a column is one of numbers; dates and complex numbers are refused."""
    column = X.iloc[:, j] if hasattr(X, "iloc") else X[:, j]
    dtype = column.dtype
    if hasattr(dtype, "is_temporal"):  # of polars
        kind = "f" if dtype.is_numeric() else "M" if dtype.is_temporal() else "O"
    else:
        kind = "M" if hasattr(dtype, "freq") else dtype.kind  # periods of pandas
    known = []
    if dtype == np.dtype(object):
        known = [value for value in column if not _is_missing(value)]
        for word, types in KINDS_OF_OBJECTS.items():
            if any(isinstance(value, types) for value in known):
                kind = word
    if kind in "mM":
        raise ValueError(
            f"column {name!r} holds dates or times ({dtype}): turn them into numbers "
            "or categories first, a year and a month say"
        )
    if kind == "c":
        raise ValueError(
            f"column {name!r} holds complex numbers ({dtype}): make two columns of "
            "their real and imaginary parts"
        )
    return (bool(known) and all(map(_is_real, known))) or kind in "iuf"


def _is_real(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA neither is nor is not itself
        return True
    except ValueError:  # an array
        return False


def as_numbers(X: Any) -> Any:
    """Columns of numbers, with NaN where one is missing.

    Only where some are objects, as pandas makes them of numbers and None, is anything
    changed: all is float64 then.

    Parameters
    ----------
    X : data frame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    X_out : data frame or ndarray of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        For an object that is no number, or beyond the largest float.
    """
    dtypes = X.dtypes if hasattr(X, "iloc") else [getattr(X, "dtype", None)]
    if not any(dtype == np.dtype(object) for dtype in dtypes if dtype is not None):
        return X
    values = np.asarray(X, dtype=object)
    out = [np.nan if _is_missing(value) else _number(value) for value in values.flat]
    numbers = np.array(out, dtype=np.float64).reshape(values.shape)
    if hasattr(X, "iloc"):  # its names are looked for by the next step
        return type(X)(numbers, index=X.index, columns=X.columns)
    return numbers


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"a column of numbers has a value of type {type(value).__name__} that is "
            f"no float ({error}): give it as one, or None where it is missing."
        ) from None


def as_text(X: Any) -> NDArray[Any]:
    """Categories as strings, None where one is missing.

    So every kind of category can be sorted, and every kind of missing value (None, NaN,
    NaT, pandas.NA) is the same one.

    Parameters
    ----------
    X : data frame or array-like of shape (n_samples, n_features)

    Returns
    -------
    X_out : ndarray of object, of shape (n_samples, n_features)
    """
    values = np.asarray(X, dtype=object)
    out = [None if _is_missing(value) else str(value) for value in values.flat]
    return np.array(out, dtype=object).reshape(values.shape)


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
        Most categories of a column, the rare ones together being one of them.
    candidates : list of dict or None, default=None
        Parameters of the step "network" to choose from on held-out rows; None is
        ``CANDIDATES[estimator]`` of :mod:`sknet.tables`.  For classes these are 20
        epochs, the same at a learning rate of 0.001, 60 epochs, and these with
        ``n_knots=8``; for numbers the first two, and 60 epochs with ``n_knots`` of 8
        and of 16.
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


def _table_network(kind: str, choice: dict[str, Any]) -> _TableNetwork:
    if kind not in ("classifier", "regressor"):
        raise ValueError(
            f"estimator={kind!r} is none of 'classifier', 'regressor' and an "
            "estimator: pass one of these."
        )
    table = TableClassifier if kind == "classifier" else TableRegressor
    if choice["candidates"] is None:
        choice["candidates"] = deepcopy(CANDIDATES[kind])
    return table(_recipe(kind), **choice)


def _check_idle(choice: dict[str, Any]) -> None:
    """Refuse what would have no effect on an estimator that is taken as it is."""
    defaults = signature(tabular_pipeline).parameters
    for name, value in choice.items():
        if value is not defaults[name].default and value != defaults[name].default:
            raise ValueError(
                f"{name}={value!r} has no effect on an estimator of your own: set it "
                "there if it has such a parameter, or pass 'classifier' or 'regressor'."
            )


def _recipe(kind: str) -> ScratchMLPClassifier | ScratchMLPRegressor:
    if kind == "classifier":
        return ScratchMLPClassifier(**RECIPE, label_smoothing=0.05)
    return ScratchMLPRegressor(**RECIPE, target_scaling="standard")


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
