"""Samples: checked, weighted, held out of training, and validated on."""

from __future__ import annotations

import warnings
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array
from sklearn.utils.validation import column_or_1d, validate_data

from sknet._sklearn.state import TrainingState

if TYPE_CHECKING:
    from sknet._sklearn.base import NetworkEstimator


class Samples(NamedTuple):
    """Validated data.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Targets as the user gave them, later encoded.
    sample_weight : ndarray of shape (n_samples,) or None
        0 or more.
    """

    X: Any
    y: Any
    sample_weight: NDArray[np.float64] | None

    def rows(self, indices: Any) -> Samples:
        """These samples only."""
        w = self.sample_weight
        return Samples(
            self.X[indices], self.y[indices], None if w is None else w[indices]
        )

    def weighted(self, factors: NDArray[Any] | None) -> Samples:
        """Samples with weights multiplied by ``factors``, those of weight 0 left out.

        Parameters
        ----------
        factors : ndarray of shape (n_samples,) or None
            None leaves the weights as they are.
        """
        w = self.sample_weight
        if factors is not None:
            w = factors if w is None else w * factors
        samples = self._replace(sample_weight=w)
        if w is None or w.all():
            return samples
        return samples.rows(np.flatnonzero(w))


def read_samples(
    estimator: NetworkEstimator, X: Any, y: Any, sample_weight: Any, reset: bool
) -> Samples:
    """What the user passed as samples with X dense or CSR.

    Parameters
    ----------
    estimator : NetworkEstimator
        With ``reset`` it is told the number and the names of the features, else they
        are compared with those that it knows.
    X, y, sample_weight
        As for ``fit``.
    reset : bool
    """
    X, y = validate_data(
        estimator,
        X,
        y,
        accept_sparse="csr",
        multi_output=True,
        y_numeric=estimator._y_numeric,
        dtype=(np.float64, np.float32),
        reset=reset,
    )
    if y.ndim == 2 and y.shape[1] == 1 and not sparse.issparse(y):
        y = column_or_1d(y, warn=True)
    return Samples(X, y, checked_weights(sample_weight, X.shape[0]))


def checked_weights(sample_weight: Any, n_samples: int) -> NDArray[np.float64] | None:
    """Sample weights as an array, or None for none.

    Raises
    ------
    ValueError
        For weights of a wrong shape, negative, not finite or all zero.
    """
    if sample_weight is None:
        return None
    if np.isscalar(sample_weight):
        sample_weight = np.full(n_samples, sample_weight)
    sample_weight = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
    )
    if sample_weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight has shape {sample_weight.shape}, expected ({n_samples},): "
            "one weight for each sample."
        )
    if (sample_weight < 0).any():
        raise ValueError(
            f"Negative values in sample_weight, the least {sample_weight.min()}: "
            "weights are 0 or more."
        )
    if not sample_weight.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number. All "
            f"{n_samples} are 0."
        )
    return sample_weight


class ValidationSet:
    """Validates a network on samples that it does not train on.

    Parameters
    ----------
    estimator : NetworkEstimator
        The draft.
    samples : Samples
        Their y encoded.
    """

    def __init__(self, estimator: NetworkEstimator, samples: Samples) -> None:
        # A copy of its own, without names to miss in samples that are an array now.
        self._judge = estimator._draft()
        vars(self._judge).pop("feature_names_in_", None)
        self._samples = samples
        self._Y = estimator._targets(samples.y)[:]
        self._scorer = None
        if estimator.scoring not in (*estimator._own_scorings, "loss"):
            self._scorer = check_scoring(estimator, estimator.scoring)

    def evaluate(self, theta: NDArray[Any]) -> tuple[float, float]:
        """Loss and score of the network with weights ``theta``.

        Returns
        -------
        loss : float
        score : float
            The estimator's own, minus the loss, or what the scorer says: more is
            better.

        Raises
        ------
        ValueError
            For a score that is not a finite number.
        """
        judge, (X, y, w) = self._judge, self._samples
        judge._theta = theta
        raw = judge._outputs(X)
        losses = judge._loss.residual(raw.T.copy(), self._Y)
        loss = float(np.average(losses, weights=w))
        if judge.scoring in judge._own_scorings:
            return loss, judge._score(raw, y, w)
        score = -loss if self._scorer is None else self._scorers_score()
        if not (isinstance(score, Real) and isfinite(score)):
            raise ValueError(
                f"scoring={judge.scoring!r} gave {score!r} on the validation set, "
                "which is not a finite number: use another scorer, or scale X if the "
                "loss itself is infinite."
            )
        return loss, float(score)

    def _scorers_score(self) -> Any:
        """What the scorer says of the network."""
        judge, (X, y, w) = self._judge, self._samples
        weights = {} if w is None else {"sample_weight": w}
        try:
            return self._scorer(judge, X, judge._decode(y), **weights)
        except Exception as error:
            weighted = "" if w is None else ", with sample_weight as there are weights"
            error.add_note(
                f"Raised by scoring={judge.scoring!r}, called on the validation "
                f"set{weighted}: if it cannot be, use another scorer."
            )
            raise


def hold_out(
    state: TrainingState,
    samples: Samples,
    fraction: float,
    strata: NDArray[Any] | None,
) -> tuple[Samples, Samples]:
    """The samples to train on, and those that early stopping holds out.

    The split is remembered: training that goes on later must not meet rows that
    it was validated on, nor be validated on rows that it has met.
    """
    n_samples = samples.X.shape[0]
    if state.split is None or sum(map(len, state.split)) != n_samples:
        state.with_split(list(split_rows(n_samples, fraction, state.rng, strata)))
    training, held_out = map(samples.rows, state.split)
    return training, held_out


def split_rows(
    n_samples: int,
    fraction: float,
    rng: np.random.RandomState,
    strata: NDArray[Any] | None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows to train on and rows to hold out, every stratum, a class, in proportion.

    Without strata rows are split without regard to their targets.
    """
    rows, alone = np.arange(n_samples), np.arange(0)
    stratify = None
    if strata is not None:
        of_its_class = np.bincount(strata)[strata]
        rows, alone = rows[of_its_class > 1], rows[of_its_class == 1]
        stratify = strata[rows]
        n_classes = len(np.unique(stratify))
        if len(alone):
            warnings.warn(
                f"{len(alone)} of the classes have one sample only: it is trained on, "
                "and early stopping does not see these classes.",
                UserWarning,
                stacklevel=2,
            )
        if np.ceil(fraction * len(rows)) < n_classes:
            stratify = None  # too few rows to hold one of each class
    n_held = int(np.ceil(fraction * len(rows)))
    if not 2 <= n_held < len(rows):
        raise ValueError(
            f"validation_fraction={fraction} holds out {n_held} of {len(rows)} "
            "samples; early stopping needs 2 or more, and some to train on: "
            f"{'raise' if n_held < 2 else 'lower'} the fraction."
        )
    train_rows, held_rows = train_test_split(
        rows, test_size=fraction, random_state=rng, stratify=stratify
    )
    return np.concatenate([train_rows, alone]), held_rows
