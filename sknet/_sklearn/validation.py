"""Holds samples out of training, and validates on samples that are not trained on."""

from __future__ import annotations

from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from sknet._sklearn.hooks import NetworkHooks
from sknet._sklearn.samples import Samples
from sknet._sklearn.state import TrainingState
from sknet._sklearn.warn import warn


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

    def __init__(self, estimator: NetworkHooks, samples: Samples, X: Any) -> None:
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

    @np.errstate(all="ignore")  # as in training, where a loss may overflow too
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
        losses = judge._loss().residual(raw.T.copy(), self._Y)
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
        except AttributeError as error:
            if not isinstance(judge.scoring, str):
                raise
            raise ValueError(
                f"scoring={judge.scoring!r} asks for what this network does not have "
                f"({error}): use another scorer, or scoring='loss'."
            ) from error
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
    estimator: NetworkHooks, state: TrainingState, samples: Samples
) -> tuple[Samples, Samples]:
    """The samples to train on, and those that early stopping holds out.

    The split is remembered: training that goes on later must not meet rows that
    it was validated on, nor be validated on rows that it has met.
    """
    n_samples = samples.X.shape[0]
    if state.split is None or sum(map(len, state.split)) != n_samples:
        strata = estimator._strata(samples.y)
        fraction = estimator.validation_fraction
        split = split_rows(n_samples, strata, fraction, state.rng)
        state.with_split(list(split))
        if strata is not None:
            _warn_of_small_classes(estimator, strata, split[0])
    training, held_out = map(samples.rows, state.split)
    return training, held_out


def split_rows(
    n_samples: int,
    strata: NDArray[Any] | None,
    fraction: float,
    rng: np.random.RandomState,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows to train on and rows to hold out, every class in proportion.

    A class of one row is trained on.  Too few rows to have each class on both sides are
    split without regard to it.

    Parameters
    ----------
    n_samples : int
    strata : ndarray of shape (n_samples,) or None
        Class indices; None where there are none.
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
    rows, alone = np.arange(n_samples), np.arange(0)
    if strata is not None:
        of_its_class = np.bincount(strata)[strata]
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
    if strata is not None:
        n_classes = len(np.unique(strata[rows]))
        if n_classes <= min(n_held, len(rows) - n_held):
            stratify = strata[rows]
    train_rows, held_rows = train_test_split(
        rows, test_size=n_held, random_state=rng, stratify=stratify
    )
    return np.concatenate([train_rows, alone]), held_rows


def _warn_of_small_classes(
    estimator: NetworkHooks, y: NDArray[Any], training: NDArray[Any]
) -> None:
    """Warn of classes that early stopping does not see, or training does not."""
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
