"""Samples that are not trained on: how they are chosen and how they judge."""

import warnings
from copy import copy
from math import isfinite
from numbers import Real
from typing import NamedTuple

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from sknet.losses import LOSSES
from sknet.training import targets


class Samples(NamedTuple):
    """Validated data.

    Attributes
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Labels, later class indices, or for multilabel targets an array of bool.
    sample_weight : ndarray of shape (n_samples,) or None
        Above 0.
    """

    X: object
    y: object
    sample_weight: object

    def rows(self, indices):
        """These samples only."""
        w = self.sample_weight
        return Samples(
            self.X[indices], self.y[indices], None if w is None else w[indices]
        )

    def weighted(self, factors):
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

    def of_classes_weighted(self, factors):
        """Samples with weights multiplied by the factors of their classes.

        Parameters
        ----------
        factors : ndarray of shape (n_classes,) or None
        """
        return self.weighted(None if factors is None else factors[self.y])


class ValidationSet:
    """Judges a network by samples that it does not train on.

    Parameters
    ----------
    estimator : NetworkEstimator
        Started: it has its weights.
    samples : Samples
        Their y encoded.
    """

    def __init__(self, estimator, samples):
        self._estimator = estimator
        self._samples = samples
        self._Y = targets(samples.y, estimator.n_outputs_, estimator._theta.dtype)
        self._scorer = None
        if estimator.scoring not in (None, "accuracy", "loss"):
            self._scorer = check_scoring(estimator, estimator.scoring)
            # The same weights, but no names to miss in samples that are an array now.
            self._nameless = copy(estimator)
            vars(self._nameless).pop("feature_names_in_", None)

    def evaluate(self):
        """Loss and score of the estimator's weights as they are.

        Returns
        -------
        loss : float
        score : float
            Accuracy, minus the loss, or what the scorer says: more is better.

        Raises
        ------
        ValueError
            For a score that is not a finite number.
        """
        estimator, (X, y, w) = self._estimator, self._samples
        raw = estimator._outputs(X)
        losses = LOSSES[estimator.out_activation_].residual(raw.T.copy(), self._Y)
        loss = float(np.average(losses, weights=w))
        if estimator.scoring in (None, "accuracy"):
            return loss, estimator._accuracy(raw, y, w)
        score = -loss if self._scorer is None else self._scorers_score()
        if not (isinstance(score, Real) and isfinite(score)):
            raise ValueError(
                f"scoring={estimator.scoring!r} gave {score!r} on the validation set, "
                "which is not a finite number: use another scorer, or scale X if the "
                "loss itself is infinite."
            )
        return loss, float(score)

    def _scorers_score(self):
        """What the scorer says of the estimator."""
        X, y, w = self._samples
        weights = {} if w is None else {"sample_weight": w}
        try:
            return self._scorer(
                self._nameless, X, self._estimator._decoded(y), **weights
            )
        except Exception as error:
            weighted = "" if w is None else ", with sample_weight as there are weights"
            error.add_note(
                f"Raised by scoring={self._estimator.scoring!r}, called on the "
                f"validation set{weighted}: if it cannot be, use another scorer."
            )
            raise


def hold_out(estimator, samples, rng):
    """The samples to train on, and those that early stopping holds out.

    The split is remembered: training that goes on later must not meet rows that
    judged it, nor be judged by rows that it has met.

    Returns
    -------
    training, held_out : Samples
    """
    n_samples = samples.X.shape[0]
    split = estimator._resume["split"]
    if split is None or sum(map(len, split)) != n_samples:
        split = _split(n_samples, samples.y, estimator.validation_fraction, rng)
        estimator._forget_validation()
        estimator._remember_split(split)
    return tuple(map(samples.rows, split))


def _split(n_samples, y, fraction, rng):
    """Rows to train on and rows to hold out, every class in proportion.

    Multilabel rows are split without regard to their labels.
    """
    rows, alone = np.arange(n_samples), np.arange(0)
    stratify = None
    if y.ndim == 1:
        of_its_class = np.bincount(y)[y]
        rows, alone = rows[of_its_class > 1], rows[of_its_class == 1]
        stratify = y[rows]
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
            f"validation_fraction={fraction} holds out {n_held} of {len(rows)} rows; "
            "early stopping needs 2 or more, and some to train on: "
            f"{'raise' if n_held < 2 else 'lower'} the fraction."
        )
    train_rows, held_rows = train_test_split(
        rows, test_size=fraction, random_state=rng, stratify=stratify
    )
    return np.concatenate([train_rows, alone]), held_rows
