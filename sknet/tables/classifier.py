"""A classifier that chooses, and whose probabilities are brought to a temperature."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from sknet._sklearn.labels import check_given
from sknet.tables.choice import TableNetwork
from sknet.tables.encodings import FLOATS


class TableClassifier(ClassifierMixin, TableNetwork):
    """Network classifier that finds out how long to train, and how sure it may be.

    Some tables are learned better the longer a network trains; on others, where labels
    are noisy, it soon learns the noise.  So it is trained for a short time first,
    without ``validation_fraction`` of the rows; then each candidate changes something,
    and is kept if it makes the Brier score of these rows less.  At last a network is
    trained with what was kept, on all rows.

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
        Changes to try one after the other, each a dict of parameters of this object,
        those of the estimator among them.  The first is where the choice starts; each
        other is laid over the best so far, and kept if that makes it better.  None is
        ``CANDIDATES["classifier"]``: 20 epochs, a learning rate of 0.001, 60 epochs at
        0.003, and these with ``n_knots=8``.  An empty list leaves nothing to choose but
        the temperature.
    n_knots : int or None, default=None
        Knots of :class:`PiecewiseLinear`, which stands before the estimator; None is
        none.
    batch_size : int, "auto" or None, default="auto"
        The estimator's, if it has that parameter: "auto" is :func:`rows_of_a_batch`,
        None leaves it.
    validation_fraction : float in (0, 1), default=0.2
        Fraction of the rows that is held out, class by class in proportion.
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
        **TableNetwork._parameter_constraints,
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
