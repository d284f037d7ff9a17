"""What an estimator says of its targets, so that all else knows nothing of labels.

A classifier and a regressor fill in these hooks; training, validation and prediction
ask them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numpy.typing import NDArray
from sklearn.metrics import check_scoring
from sklearn.utils._param_validation import validate_parameter_constraints

from sknet._sklearn.fitted import FittedNetwork
from sknet._sklearn.parameters import (
    NetworkParameters,
    not_default,
    plain_parameters,
)
from sknet._sklearn.samples import Samples
from sknet.losses import Loss

Self = TypeVar("Self", bound="NetworkHooks")


class NetworkHooks(FittedNetwork, NetworkParameters):
    """An estimator whose targets are still to be told of."""

    _parameter_constraints: dict[str, list[Any]]
    # Values of ``scoring`` that mean the estimator's own score.
    _own_scorings: tuple[str | None, ...]
    # Whether y of objects is made an array of numbers.
    _y_numeric = False

    def _check_given(self, y: Any, name: str) -> None:
        """Refuse targets that cannot be told apart once they are an array.

        Parameters
        ----------
        y : array-like or sparse matrix
            As the user gave it.
        name : str
            For messages.
        """

    def _learn_targets(
        self,
        samples: Samples,
        going_on: bool,
        incremental: bool = False,
        classes: Any = None,
    ) -> tuple[Any, Samples]:
        """What y is, and the samples with y encoded.

        Parameters
        ----------
        samples : Samples
            As the user gave them.
        going_on : bool
            Whether earlier training goes on, whose targets it must go with.
        incremental : bool, default=False
            Whether this is a call of ``partial_fit``, to which later ones may bring
            targets that this one lacks.
        classes : array-like, default=None
            What ``partial_fit`` was told of these.

        Returns
        -------
        targets : object
            With ``attributes``, ``n_outputs`` and ``encode``.
        samples : Samples
            Those of weight 0 left out.
        """
        raise NotImplementedError

    def _out_activation(self, targets: Any) -> str:
        """Name of the outputs' link."""
        raise NotImplementedError

    def _targets(self, y: NDArray[Any]) -> Any:
        """What Y of encoded y is read from, ``[rows]``, to validate on."""
        raise NotImplementedError

    def _training_targets(self, y: NDArray[Any]) -> Any:
        """The same to train on."""
        return self._targets(y)

    def _loss(self) -> Loss:
        """Loss of the raw outputs, with its link."""
        raise NotImplementedError

    def _score(
        self, raw: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> float:
        """The estimator's own score of raw outputs, a row a sample, for encoded y."""
        raise NotImplementedError

    def _decode(self, y: NDArray[Any]) -> NDArray[Any]:
        """Targets, as the user gives them, of encoded y."""
        raise NotImplementedError

    def _lacking(self, y: NDArray[Any]) -> list[Any]:
        """What encoded y has no sample of, though a scorer may ask for it."""
        return []

    def _scorer(self) -> Callable[..., Any]:
        """The scorer that ``scoring`` stands for."""
        scorer: Callable[..., Any] = check_scoring(self, self.scoring)
        return scorer

    def _check_some_left(self, samples: Samples) -> None:
        """Raise a ValueError if no encoded sample has a weight above 0."""

    def _advice(self, cost: float) -> str:
        """What to do about targets that explain a cost this large, or nothing."""
        return ""

    def _strata(self, y: NDArray[Any]) -> NDArray[Any] | None:
        """Class indices by which held-out rows are in proportion; None for none."""
        return None

    def _validate_params(self) -> None:
        """Check the parameters as scikit-learn does, but for those left at defaults."""
        validate_parameter_constraints(
            self._parameter_constraints, not_default(self), type(self).__name__
        )

    def _draft(self: Self) -> Self:
        """A copy that shares what this one holds, to be changed freely.

        Its parameters are plain, see :func:`plain_parameters`.
        """
        draft = object.__new__(type(self))
        vars(draft).update(vars(self), **plain_parameters(self))
        return draft
