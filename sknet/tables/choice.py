"""Settings chosen on held-out rows, then networks trained on all rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, _fit_context, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight

from sknet._sklearn.validation import split_rows
from sknet.tables.encodings import PiecewiseLinear
from sknet.tables.recipe import CANDIDATES, network_of, rows_of_a_batch

# What a candidate cannot change.
OF_THE_CHOICE = {
    "candidates",
    "validation_fraction",
    "margin",
    "n_networks",
    "random_state",
    "estimator__random_state",
}


class TableNetwork(MetaEstimatorMixin, BaseEstimator):
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
    best_candidate_: dict[str, Any]
    held_out_losses_: list[float]

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
        self._choose(seeds[0], training, held, X, y, sample_weight)
        self.estimators_ = [
            self._trained(self.best_candidate_, seed, slice(None), X, y, sample_weight)
            for seed in seeds
        ]
        return self

    def _choose(
        self, seed: int, training: Any, held: Any, X: Any, y: Any, w: Any
    ) -> None:
        """Keep each candidate that makes the best so far better, on held-out rows."""
        candidates = self.candidates
        if candidates is None:
            candidates = CANDIDATES[self._kind]
        candidates = list(candidates) or [{}]
        _check_candidates(candidates)
        weights = None if w is None else w[held]
        self.held_out_losses_, self.best_candidate_, least = [], {}, None
        for candidate in candidates:
            settings = {**self.best_candidate_, **candidate}
            model = self._trained(settings, seed, training, X, y, w)
            losses, learned = self._tried(model, X[held], y, held, weights)
            self.held_out_losses_.append(float(np.average(losses, weights=weights)))
            if least is None or _is_better(losses, least, weights, self.margin):
                self.best_candidate_, least = settings, losses
                vars(self).update(learned)

    def _trained(
        self, candidate: dict[str, Any], seed: int, rows: Any, X: Any, y: Any, w: Any
    ) -> Pipeline:
        """A candidate after training on some of the rows."""
        settings = clone(self)
        if settings.estimator is None:
            settings.estimator = network_of(self._kind)
        # A candidate may hold an estimator, which others are to find as it was.
        candidate = {name: clone(v, safe=False) for name, v in candidate.items()}
        settings.set_params(**candidate)._validate_params()
        if settings.estimator is None:  # by the candidate
            settings.estimator = network_of(self._kind)
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


def _is_better(
    losses: NDArray[Any],
    than: NDArray[Any],
    weights: NDArray[Any] | None,
    margin: float,
) -> bool:
    """Whether the gain is more than `margin` of its standard errors."""
    gain = than - losses
    mean = np.average(gain, weights=weights)
    variance = np.average((gain - mean) ** 2, weights=weights)
    return bool(mean > margin * np.sqrt(variance / len(gain)))
