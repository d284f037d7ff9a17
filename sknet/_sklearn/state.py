"""Holds the state of training between two epochs: one record and its transitions.

Nothing else remembers anything from one epoch, or from one call of ``fit``, to the
next.  A training works on a record of its own; :func:`publish` writes it onto an
estimator, as plain arrays and values, and :meth:`TrainingState.of` reads it back when
training is to go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sknet.training import Epoch

ALWAYS_IN_HISTORY = ("loss", "penalty", "learning_rate", "grad_norm", "seconds")
# partial_fit may go on for ever: it remembers the epochs of this many last calls.
REMEMBERED_CALLS = 100


def public(name: str, **default: Any) -> Any:
    """Field that users read on a fitted estimator under ``name``."""
    return field(metadata={"attribute": name}, **default)


@dataclass
class TrainingState:
    """The record.  A field without a comment is the attribute that users know.

    Attributes
    ----------
    theta : ndarray
        The weights that training goes on from; changed in place by every step.
    n_units, activations, out_activation, transposed_input
        The network, see :class:`~sknet.network.Network`.
    data : dict of str to object
        Attributes that tell of the data: classes, number of features and the like.
    rng : RandomState
        Draws weights, held-out rows and shuffles.
    streams : dict of str to dict
        States of the random streams of dropout and augmentation.
    solver, optimizer : str, dict
        Whose memory this is, and the memory.
    schedule, n_lowered : list, int
        The schedule and its first rate; how often a lack of improvement lowered it.
    order : ndarray or None
        Order of the samples, to shuffle further.
    split : list of two ndarrays, or None
        Rows trained on and rows held out.
    best_theta : ndarray or None
        The weights that did best on a validation set; None while there is none.
    monitored, n_without_improvement : str, int
        What patience looks at, and for how many epochs it has not improved.
    interrupted, patience_is_out : bool
        Whether this is a snapshot in the midst of ``fit``, and whether that would have
        gone on.
    unused : list of str
        Parameters without effect of which a warning has told.
    compacted : bool
        Whether memory is missing that training would go on with.
    """

    theta: NDArray[Any]
    n_units: list[int] = public("_n_units")
    activations: list[Any] = public("_activations")
    out_activation: str = public("out_activation_")
    transposed_input: bool = public("_transposed_input")
    rng: np.random.RandomState
    data: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, Any] = field(default_factory=dict)
    solver: str | None = None
    optimizer: dict[str, Any] = field(default_factory=dict)
    schedule: list[Any] | None = None
    n_lowered: int = 0
    order: NDArray[Any] | None = None
    split: list[NDArray[Any]] | None = None
    n_seen: int = public("t_", default=0)
    n_epochs: int = public("n_iter_", default=0)
    cost: float = public("loss_", default=nan)
    costs: list[float] = public("loss_curve_", default_factory=list)
    history: dict[str, list[float]] = public(
        "history_",
        default_factory=lambda: {name: [] for name in ALWAYS_IN_HISTORY},
    )
    scores: list[float] | None = public("validation_scores_", default=None)
    best_score: float | None = public("best_validation_score_", default=None)
    best_epoch: int | None = public("best_iteration_", default=None)
    best_theta: NDArray[Any] | None = None
    monitored: str = ""
    best_cost: float | None = public("best_loss_", default=None)
    n_without_improvement: int = 0
    interrupted: bool = False
    patience_is_out: bool = False
    unused: list[str] = field(default_factory=list)
    compacted: bool = False

    # -- what an estimator holds -------------------------------------------------

    @classmethod
    def of(cls, estimator: Any) -> TrainingState:
        """The record of a fitted estimator, with arrays and lists of its own.

        What the file of an older version lacks begins anew.

        Raises
        ------
        ValueError
            If it lacks what the network is.
        """
        held = vars(estimator)
        private = dict(held.get("_training", {}))
        kept, theta = held["_theta"].copy(), private.pop("theta", None)
        values = {
            "theta": kept if theta is None else theta.copy(),
            "best_theta": None if theta is None else kept,
            "rng": _random_state(private.pop("rng", None), estimator.random_state),
            "compacted": "optimizer" not in private,
        }
        for one in fields(cls):
            where = held if "attribute" in one.metadata else private
            name = one.metadata.get("attribute", one.name)
            if name in where:
                values[one.name] = _copied(where[name])
        missing = [
            one.metadata.get("attribute", one.name)
            for one in fields(cls)
            if one.name not in values and one.default is one.default_factory is MISSING
        ]
        if missing:
            raise ValueError(
                f"this {type(estimator).__name__} lacks {', '.join(missing)}, perhaps "
                "because another version of sknet saved it: fit it with "
                "warm_start=False."
            )
        return cls(**values)

    @property
    def best_or_last(self) -> NDArray[Any]:
        """The weights that the estimator has if training ends here."""
        return self.theta if self.best_theta is None else self.best_theta

    def attributes(self) -> dict[str, Any]:
        """The fitted attributes: plain arrays and values, not copied."""
        held, last = vars(self), self.theta
        memory = {name: held[name] for name in _fields_of_memory()}
        memory["rng"] = self.rng.get_state(legacy=False)
        memory["theta"] = None if self.best_or_last is last else last
        return {**self.results(), "_training": memory}

    def results(self) -> dict[str, Any]:
        """The fitted attributes without those that only training needs."""
        held = vars(self)
        public = {name: held[one] for one, name in _public_names().items()}
        return {
            **self.data,
            **public,
            "n_layers_": len(self.n_units),
            "n_outputs_": self.n_units[-1],
            "_theta": self.best_or_last,
        }

    def snapshot(self, **other: Any) -> dict[str, Any]:
        """Copies of the fitted attributes, with ``other`` values of some fields."""
        attributes = {name: _copied(v) for name, v in self.attributes().items()}
        attributes["_training"].update(other)
        return attributes

    # -- how it changes before training ------------------------------------------

    def continued(self, solver: str, schedule: list[Any], monitored: str) -> None:
        """Keep of earlier training what still means the same.

        Parameters
        ----------
        solver : str
            Another one begins without memory.
        schedule : list
            Another one, or another first rate, begins at that rate.
        monitored : str
            Where it has changed, patience begins anew.
        """
        if solver != self.solver:
            self.optimizer = {}
        if schedule != self.schedule:
            self.n_lowered = 0
        if monitored != self.monitored:
            self._forget_patience()
        self.solver, self.schedule, self.monitored = solver, schedule, monitored
        if solver == "lbfgs":  # its memory is inside SciPy
            self.stop_resuming()

    def with_other_weights(self) -> None:
        """Forget what was learned of weights that the user is about to replace."""
        self.stop_resuming()
        self.without_validation()
        self._forget_patience()
        self.optimizer, self.n_lowered = {}, 0

    def with_split(self, split: list[NDArray[Any]] | None) -> None:
        """Hold out other rows, which no earlier score tells of."""
        self.without_validation()
        self.split = split

    def without_validation(self) -> None:
        """Be as if no samples had ever been validated on."""
        self.scores = self.best_score = self.best_epoch = None
        self.best_theta = self.split = None

    def judged(self, score: float) -> None:
        """Let the weights that training starts from be the best ones so far."""
        self.best_score = score
        self.best_epoch = self.best_epoch or len(self.costs)
        self.best_theta = self.best_or_last.copy()

    def _forget_patience(self) -> None:
        self.best_cost, self.n_without_improvement = None, 0
        self.patience_is_out = False

    def stop_resuming(self) -> None:
        """Go on from the weights kept, as after a fit that was not interrupted."""
        self.theta[:] = self.best_or_last
        self.best_theta, self.interrupted = None, False

    def compact(self) -> None:
        """Forget what only training needs: the weights kept are the weights."""
        self.stop_resuming()
        self.compacted = True
        self._forget_memory()
        self.forget_rows()

    def forget_rows(self) -> None:
        """Forget which samples came when, and which were held out."""
        self.order = self.split = None

    def begin(self) -> None:
        """Begin a call of ``fit``: its epochs count from 0, unless it is resumed."""
        if not self.interrupted:
            self.n_epochs, self.patience_is_out = 0, False
        self.interrupted = False
        # Not fields: only a training under way has them.
        self.n_recorded, self.within_epoch = 0, False
        self.complete, self._complete_before = self.theta.copy(), self.theta.copy()
        self._lengths = len(self.costs), len(self.scores or ())

    # -- how it changes in training ----------------------------------------------

    def record(
        self,
        epoch: Epoch,
        seconds: float,
        judged: tuple[float, float] | None = None,
        **memory: Any,
    ) -> dict[str, float]:
        """Take in an epoch that has just ended, all of it or, interrupted, nothing.

        Parameters
        ----------
        epoch : Epoch
        seconds : float
            The time that it took.
        judged : tuple of float, default=None
            Loss and score of its weights on the validation set.
        **memory
            Other fields' values.

        Returns
        -------
        facts : dict of str to float
            What ``history`` now has of it.
        """
        facts = {
            "loss": epoch.cost - epoch.penalty,
            "penalty": epoch.penalty,
            "learning_rate": epoch.learning_rate,
            "grad_norm": epoch.grad_norm,
            "seconds": seconds,
        }
        if judged is not None:
            facts["val_loss"], facts["val_score"] = judged
            memory |= self._judged_best(*judged)
        history = dict(self.history)
        append(history, facts)
        self.costs.append(epoch.cost)
        self._commit(
            **memory,
            n_seen=epoch.n_seen,
            cost=epoch.cost,
            n_epochs=self.n_epochs + 1,
            n_recorded=self.n_recorded + 1,
            history=history,
        )
        return facts

    def _judged_best(self, loss: float, score: float) -> dict[str, Any]:
        """Fields with that score, the weights among them if they are the best."""
        scores = [] if self.scores is None else self.scores
        scores.append(score)
        # Weights about to diverge may do well by a score that sees no overflow.
        if isfinite(loss) and (self.best_score is None or score > self.best_score):
            return {
                "scores": scores,
                "best_score": score,
                "best_epoch": len(self.costs) + 1,
                "best_theta": self.theta.copy(),
            }
        return {"scores": scores}

    def ended_at(self, cost: float, n_epochs: int) -> None:
        """Take in the end of L-BFGS, which counts and measures for itself."""
        self._commit(cost=cost, best_cost=cost, n_epochs=n_epochs)

    def _commit(self, **values: Any) -> None:
        """Make what was prepared, and theta as it is, what training goes back to."""
        scores = values.get("scores", self.scores)
        values["_lengths"] = len(self.costs), len(scores or ())
        self._complete_before[:] = self.theta
        values["complete"], values["_complete_before"] = (
            self._complete_before,
            self.complete,
        )
        values["within_epoch"] = False
        vars(self).update(values)  # one call, which nothing can interrupt

    def distrust_the_last_epoch(self) -> None:
        """Let training go back to the weights from before the last complete epoch."""
        self.complete = self._complete_before
        self.n_recorded = max(0, self.n_recorded - 1)

    def go_back(self) -> None:
        """Be as the last complete epoch left it; of half an epoch nothing stays."""
        self.theta[:] = self.complete
        if self.within_epoch:
            self._forget_memory()
            self.order = None

    def _forget_memory(self) -> None:
        self.optimizer = {}

    def shorten(self) -> None:
        """Keep of the curves the last calls of ``partial_fit`` only."""
        for curve in self._curves():
            del curve[:-REMEMBERED_CALLS]

    def at_rest(self, going_on: bool) -> None:
        """Training has ended: the weights that are kept are the weights.

        Parameters
        ----------
        going_on : bool
            Whether it is meant to go on some time.  Rows that it remembers make a model
            as large as its training set.
        """
        self.theta[:] = self.best_or_last
        self.best_theta = None
        n_costs, n_scores = self._lengths  # an interrupted epoch may have added to them
        for curve in self._curves():
            del curve[n_costs:]
        if self.scores is not None:
            del self.scores[n_scores:]
        if not going_on:
            self.forget_rows()

    def _curves(self) -> list[list[float]]:
        return [self.costs, *self.history.values()]


@cache
def _public_names() -> dict[str, str]:
    """From the fields that users read to the names under which they do."""
    named = [one for one in fields(TrainingState) if "attribute" in one.metadata]
    return {one.name: one.metadata["attribute"] for one in named}


@cache
def _fields_of_memory() -> list[str]:
    """The fields that only training needs, but for the weights."""
    others = {*_public_names(), "theta", "best_theta", "data"}
    return [one.name for one in fields(TrainingState) if one.name not in others]


def publish(state: TrainingState, estimator: Any) -> None:
    """Write the fitted attributes onto a user's estimator, at once; only this does."""
    attributes = state.attributes()
    held = {**vars(estimator), **attributes}
    if "feature_names_in_" not in attributes:
        held.pop("feature_names_in_", None)
    estimator.__dict__ = held


def append(history: dict[str, list[float]], facts: Mapping[str, float]) -> None:
    """Append an epoch's facts to a dict of lists, which stay of one length.

    Examples
    --------
    >>> history = {}
    >>> append(history, {"loss": 0.5})
    >>> append(history, {"loss": 0.25, "val_loss": 0.75})
    >>> history
    {'loss': [0.5, 0.25], 'val_loss': [nan, 0.75]}
    """
    n_before = len(next(iter(history.values()), ()))
    for name in dict.fromkeys([*history, *facts]):
        history.setdefault(name, [nan] * n_before).append(facts.get(name, nan))


def _copied(value: Any) -> Any:
    """Copy of what training changes in place: arrays, lists and dicts of them."""
    if isinstance(value, dict):
        return {name: _copied(one) for name, one in value.items()}
    return value.copy() if isinstance(value, list | np.ndarray) else value


def _random_state(state: dict[str, Any] | None, seed: Any) -> np.random.RandomState:
    """A RandomState in that state, or for None a new one."""
    if state is None:
        return check_random_state(seed)
    # A name in a file by somebody else must not call just anything.
    kind = getattr(np.random, str(state["bit_generator"]), None)
    if not (isinstance(kind, type) and issubclass(kind, np.random.BitGenerator)):
        raise ValueError(
            f"the file of this model names the random stream {state['bit_generator']!r}"
            ", which NumPy does not have: it was changed, or fit it anew."
        )
    rng = np.random.RandomState(kind())
    rng.set_state(state)
    return rng
