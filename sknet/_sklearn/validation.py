"""Samples: checked, weighted, held out of training, and validated on."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing, check_array
from sklearn.utils.validation import column_or_1d, validate_data

from sknet._sklearn.rows import rows_of
from sknet._sklearn.state import TrainingState
from sknet._sklearn.warn import warn

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
    numbers : ndarray of shape (n_samples,) or None
        Their rows in what the user gave; None for all of them.
    """

    X: Any
    y: Any
    sample_weight: NDArray[np.float64] | None
    numbers: NDArray[np.intp] | None = None

    def rows(self, indices: NDArray[np.intp]) -> Samples:
        """These samples only, large X by reference."""
        w, numbers = self.sample_weight, self.numbers
        return Samples(
            rows_of(self.X, indices),
            self.y[indices],
            None if w is None else w[indices],
            indices if numbers is None else numbers[indices],
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
            with np.errstate(over="ignore", under="ignore"):
                w = factors if w is None else w * factors
            check_total(w)
        samples = self._replace(sample_weight=w)
        if w is None or w.all():
            return samples
        return samples.rows(np.flatnonzero(w))


def read_samples(
    estimator: NetworkEstimator,
    X: Any,
    y: Any,
    sample_weight: Any,
    reset: bool,
    name: str = "y",
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
    name : str, default="y"
        What messages call y.
    """
    estimator._check_given(y, name)
    X, y = validate_data(
        estimator,
        X,
        y,
        accept_sparse="csr",
        multi_output=True,
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
    if isinstance(sample_weight, str):
        raise ValueError(
            f"sample_weight={sample_weight!r} is no array: pass one weight for each "
            "sample; classes are balanced by class_weight='balanced'."
        )
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
    check_total(sample_weight)
    return sample_weight


# Weights are divided by their mean, and the penalty by their sum, in float32 too.
LEAST_TOTAL, MOST_TOTAL = np.finfo(np.float32).tiny, np.finfo(np.float32).max


def check_total(weights: NDArray[np.float64]) -> None:
    """Refuse weights, times those of their classes, that are too large or too small.

    Raises
    ------
    ValueError
        Unless their sum is 0, or a number that float32 can hold.
    """
    with np.errstate(over="ignore", under="ignore"):
        total = weights.sum()
    if total and not LEAST_TOTAL <= total <= MOST_TOTAL:
        raise ValueError(
            f"sample_weight, times class_weight, sums to {total:.3g}, which is beyond "
            f"{LEAST_TOTAL:.2g} to {MOST_TOTAL:.2g}: multiply the weights by a common "
            "factor, so that their mean is about 1."
        )


class ValidationSet:
    """Validates a network on samples that it does not train on.

    Parameters
    ----------
    estimator : NetworkEstimator
        The draft.
    samples : Samples
        Their y encoded.
    X : array-like or sparse matrix
        What the user gave, of which ``samples`` are rows: a scorer gets rows of a data
        frame as they are.
    """

    def __init__(self, estimator: NetworkEstimator, samples: Samples, X: Any) -> None:
        self._judge = estimator._draft()  # a copy of its own
        self._samples, self._X = samples, samples.X
        if not hasattr(X, "columns"):  # nothing has names that could be missed
            vars(self._judge).pop("feature_names_in_", None)
        elif samples.numbers is None:
            self._X = X
        else:
            self._X = _safe_indexing(X, samples.numbers)
        self._Y = estimator._targets(samples.y)[:]
        self._scorer = None
        if estimator.scoring not in (*estimator._own_scorings, "loss"):
            self._scorer = estimator._scorer()

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
        judge, (X, y, w, _) = self._judge, self._samples
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
                f"which is not a finite number: {self._remedy()}, or scale X if the "
                "loss itself is infinite."
            )
        return loss, float(score)

    def _scorers_score(self) -> Any:
        """What the scorer says of the network."""
        judge, (_, y, w, _) = self._judge, self._samples
        weights = {} if w is None else {"sample_weight": w}
        try:
            return self._scorer(judge, self._X, judge._decode(y), **weights)
        except Exception as error:
            weighted = "" if w is None else ", with sample_weight as there are weights"
            error.add_note(
                f"Raised by scoring={judge.scoring!r}, called on the validation "
                f"set{weighted}: if it cannot be, {self._remedy()}."
            )
            raise

    def _remedy(self) -> str:
        """What helps if the scorer cannot do with the validation set."""
        lacking = self._judge._lacking(self._samples.y)
        if not lacking:
            return "use another scorer, or scoring='loss'"
        classes = "class" if len(lacking) == 1 else "classes"
        return (
            f"use scoring='loss', or add samples of the {classes} "
            f"{', '.join(map(repr, lacking))}, which the set lacks"
        )


def hold_out(
    estimator: NetworkEstimator, state: TrainingState, samples: Samples
) -> tuple[Samples, Samples]:
    """The samples to train on, and those that early stopping holds out.

    The split is remembered: training that goes on later must not meet rows that
    it was validated on, nor be validated on rows that it has met.
    """
    n_samples = samples.X.shape[0]
    if state.split is None or sum(map(len, state.split)) != n_samples:
        split = split_rows(samples.y, estimator.validation_fraction, state.rng)
        state.with_split(list(split))
        _warn_of_small_classes(estimator, samples.y, split[0])
    training, held_out = map(samples.rows, state.split)
    return training, held_out


def split_rows(
    y: NDArray[Any], fraction: float, rng: np.random.RandomState
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows to train on and rows to hold out, every class in proportion.

    A class of one row is trained on.  Rows of several outputs, and too few rows to
    have each class on both sides, are split without regard to their targets.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Encoded.
    fraction : float
        To hold out, of the rows whose class has others: one row at least, and at most
        all but one.
    rng : RandomState

    Returns
    -------
    training, held_out : ndarray
        Indices.

    Raises
    ------
    ValueError
        For a single row, and the fraction 0.
    """
    rows, alone = np.arange(y.shape[0]), np.arange(0)
    if y.ndim == 1:
        of_its_class = np.bincount(y)[y]
        if (of_its_class > 1).any():
            rows, alone = rows[of_its_class > 1], rows[of_its_class == 1]
    n_held = min(int(np.ceil(fraction * len(rows))), len(rows) - 1)
    if n_held < 1:
        raise ValueError(
            f"early stopping holds out validation_fraction={fraction} of {len(rows)} "
            "samples, which is none: give it more than one sample and a fraction above "
            "0, or set early_stopping=False."
        )
    stratify = None
    if y.ndim == 1:
        n_classes = len(np.unique(y[rows]))
        if n_classes <= min(n_held, len(rows) - n_held):
            stratify = y[rows]
    train_rows, held_rows = train_test_split(
        rows, test_size=n_held, random_state=rng, stratify=stratify
    )
    return np.concatenate([train_rows, alone]), held_rows


def _warn_of_small_classes(
    estimator: NetworkEstimator, y: NDArray[Any], training: NDArray[Any]
) -> None:
    """Warn of classes that early stopping does not see, or training does not."""
    if y.ndim == 2:
        return
    nowhere = estimator._lacking(y)
    repeated = estimator._lacking(y[np.bincount(y)[y] > 1])
    untrained = [one for one in estimator._lacking(y[training]) if one not in nowhere]
    alone = [one for one in repeated if one not in [*nowhere, *untrained]]
    if alone:
        warn(
            f"These classes have one sample only, which is trained on: {alone}. Early "
            "stopping does not see them."
        )
    if untrained:
        warn(
            f"All samples of these classes are held out, and none trained on: "
            f"{untrained}. Lower validation_fraction={estimator.validation_fraction}, "
            "or pass X_val and y_val."
        )
