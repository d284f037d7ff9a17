"""The estimator: from parameters and data to training, and to fitted attributes.

What is here knows nothing of labels: see :mod:`sknet._sklearn.hooks`.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import _fit_context
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sknet._sklearn.architecture import layer_activations, layer_dropout, layer_sizes
from sknet._sklearn.build import (
    draw_weights,
    full_batch_of,
    full_objective_of,
    network_of,
)
from sknet._sklearn.fitted import write_layers
from sknet._sklearn.hooks import NetworkHooks
from sknet._sklearn.parameters import (
    check_combinations,
    monitored,
    unused_parameters,
    warn_of_lost_memory,
    warn_of_unused_parameters,
)
from sknet._sklearn.run import Run, minimise_cost, train_by_steps
from sknet._sklearn.samples import Samples, read_samples
from sknet._sklearn.scale import check_range, scaled_unlike
from sknet._sklearn.state import TrainingState, publish
from sknet._sklearn.tasks import CallbackSupportMixin, FitTasks
from sknet._sklearn.validation import ValidationSet, hold_out
from sknet._sklearn.warn import warn
from sknet.network import count_parameters
from sknet.schedules import SCHEDULES, needs_length

if TYPE_CHECKING:
    from sknet.backprop import Objective

Self = TypeVar("Self", bound="NetworkEstimator")
Method = TypeVar("Method", bound=Callable[..., Any])


def checks_parameters(method: Method) -> Method:
    """Check the parameters of the estimator before ``method``, as scikit-learn does."""
    return cast(Method, _fit_context(prefer_skip_nested_validation=True)(method))


def _trains_by_steps(estimator: Any) -> bool:
    if estimator.solver == "lbfgs":
        raise AttributeError(
            "partial_fit needs solver='adam', 'adamw' or 'sgd': lbfgs takes all "
            "samples at once."
        )
    return True


def by_steps_only(method: Method) -> Method:
    """Hide ``method`` from an estimator whose solver takes all samples at once."""
    return cast(Method, available_if(_trains_by_steps)(method))


class NetworkEstimator(CallbackSupportMixin, NetworkHooks):
    """Training of a network in scikit-learn's terms."""

    # -- training ----------------------------------------------------------------

    @checks_parameters
    def fit(
        self: Self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
        coef_init: list[ArrayLike] | None = None,
        intercept_init: list[ArrayLike] | None = None,
    ) -> Self:
        """Train on X and y.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.  A sparse X is never converted to dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.  For a classifier labels of any type, or a multilabel indicator
            of 0 and 1, dense or sparse; one of -1 and 1 is refused.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights, 0 or more; a sample of weight 0 is as if it were not there.  Only
            their ratios matter to the loss, but ``alpha`` weighs more the smaller they
            are: n_samples times as much where they sum to 1 as where each is 1.
        X_val : array-like or sparse matrix of shape (n_val, n_features), default=None
            Samples to validate on after each epoch, scaled like X (a pipeline does not
            do so by itself: see docs/validation.md).  The weights that score best on
            them (``scoring``) are kept, ``history_`` has their loss and score, and
            ``early_stopping`` watches them instead of holding out training samples.
        y_val : array-like of shape (n_val,) or (n_val, n_outputs), default=None
            Their targets.  Inside ``VotingClassifier``, which encodes y as 0, 1, … but
            not ``y_val``, encode them likewise.
        sample_weight_val : array-like of shape (n_val,), default=None
            Their weights.
        coef_init : list of array-like of shape (n_inputs, n_units), default=None
            Weights to start from instead of random ones, shaped like ``coefs_``.
        intercept_init : list of array-like of shape (n_units,), default=None
            Biases to start from, shaped like ``intercepts_``.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            For data that cannot be trained on, and what ``augment``, ``scoring`` or
            ``learning_rate`` raises; before the end of the first epoch this leaves an
            estimator as it was.  Also for a loss that diverges, which leaves the last
            finite weights, or those that did best on the validation set.
        """
        # Ctrl-C just before a block that settings of NumPy are for would leave them.
        with np.errstate():
            tasks = FitTasks(self, X, y, sample_weight)
            given = X_val, y_val, sample_weight_val
            validation_is_given = _has_validation_set(*given)
            going_on = self.warm_start and hasattr(self, "_theta")
            draft, state, samples, targets = self._prepared(
                X, y, sample_weight, going_on, validation_is_given
            )
            self._check_some_left(samples)
            _begin_from(state, coef_init, intercept_init)
            samples, validation = draft._set_apart(state, samples, targets, X, *given)
            with Run(self, draft, state, samples, validation, tasks) as run:
                run.open()
                if self.solver == "lbfgs":
                    minimise_cost(run)
                else:
                    train_by_steps(run)
        return self

    def _fit_one_epoch(
        self, X: Any, y: Any, sample_weight: Any, **of_targets: Any
    ) -> None:
        """Train on for one epoch, the work of ``partial_fit``."""
        if hasattr(self, "_theta"):
            self._validate_params()  # scikit-learn has done so in the first call only
        if self.early_stopping:
            raise ValueError(
                "partial_fit does not support early_stopping=True: set it to False, "
                "or call fit."
            )
        if needs_length(self.learning_rate):
            raise ValueError(
                f"partial_fit does not support learning_rate={self.learning_rate!r}, "
                "which needs the length of training: set it to one of "
                f"{', '.join(map(repr, SCHEDULES))}, or call fit."
            )
        draft, state, samples, _ = self._prepared(
            X, y, sample_weight, hasattr(self, "_theta"), incremental=True, **of_targets
        )
        if not samples.X.shape[0]:  # all of classes of weight 0
            publish(state, self)
            return
        state.stop_resuming()
        state.without_validation()
        with Run(self, draft, state, samples, incremental=True) as run:
            run.open()
            train_by_steps(run)

    def compact(self: Self) -> Self:
        """Drop what only training needs: two thirds of a model trained by Adam.

        The optimizer's memory, the order of the samples and the rows held out are
        dropped; weights, curves and the random stream stay, and predictions are the
        same.  A pickle is then little larger than the weights.  Training can go on from
        it, with a new memory, of which a warning tells.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If there is nothing to drop yet.

        Examples
        --------
        >>> import pickle
        >>> from sklearn.datasets import load_digits
        >>> from sknet import ScratchMLPClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> net = ScratchMLPClassifier(
        ...     (500,), max_iter=2, tol=0, n_iter_no_change=np.inf
        ... )
        >>> before = len(pickle.dumps(net.fit(X, y)))
        >>> len(pickle.dumps(net.compact())) < 0.4 * before
        True
        """
        check_is_fitted(self)
        state = TrainingState.of(self)
        state.compact()
        state.theta = self._theta  # the same numbers, and the user's views stay views
        publish(state, self)
        return self

    # -- before training ---------------------------------------------------------

    @np.errstate(under="ignore")
    def _prepared(
        self: Self,
        X: Any,
        y: Any,
        sample_weight: Any,
        going_on: bool,
        validation_is_given: bool = False,
        **of_targets: Any,
    ) -> tuple[Self, TrainingState, Samples, Any]:
        """Check the data and make ready what training works on.

        Returns
        -------
        draft : NetworkEstimator
            A copy of this estimator on the state's weights.
        state : TrainingState
        samples : Samples
            Encoded.
        targets : object
            What ``_learn_targets`` has returned.
        """
        draft = self._draft()
        samples = read_samples(draft, X, y, sample_weight, reset=not going_on)
        targets, samples = draft._learn_targets(samples, going_on, **of_targets)
        architecture = draft._architecture(samples.X, targets)
        unused = unused_parameters(draft, validation_is_given)
        if going_on:
            state = draft._continued(architecture)
        else:
            state = draft._fresh(architecture, samples.X)
        check_range(samples.X, state.theta.dtype)
        warn_of_unused_parameters(
            {topic: text for topic, text in unused.items() if topic not in state.unused}
        )
        state.unused = list(unused)
        if state.compacted:
            state.compacted = False
            warn_of_lost_memory()
        schedule = [draft.learning_rate, draft.learning_rate_init]
        state.continued(self.solver, schedule, monitored(draft))
        names = "n_features_in_", "feature_names_in_"
        seen = {name: vars(draft)[name] for name in names if name in vars(draft)}
        state.data = {**seen, **targets.attributes}
        # Hooks predict with it, and so do scorers, which may keep a copy.
        vars(draft).pop("_training", None)  # of an earlier fit
        vars(draft).update(state.results())
        return draft, state, samples, targets

    def _architecture(self, X: Any, targets: Any) -> tuple[list[int], list[Any], str]:
        """Units of each layer, the hidden layers' activations and the outputs' link."""
        hidden = layer_sizes(self.hidden_layer_sizes)
        n_units = [X.shape[1], *hidden, targets.n_outputs]
        activations = layer_activations(self.activation, len(hidden))
        layer_dropout(self.dropout, len(hidden))
        check_combinations(self, X)
        return n_units, activations, self._out_activation(targets)

    def _fresh(
        self, architecture: tuple[list[int], list[Any], str], X: Any
    ) -> TrainingState:
        """State of a network with new weights."""
        n_units, activations, out_activation = architecture
        state = TrainingState(
            np.empty(count_parameters(n_units), self.dtype or X.dtype),
            n_units,
            activations,
            out_activation,
            transposed_input=sparse.issparse(X),
            rng=check_random_state(self.random_state),
        )
        draw_weights(self, state)
        return state

    def _continued(
        self, architecture: tuple[list[int], list[Any], str]
    ) -> TrainingState:
        """State of the fitted network, if training can go on with it."""
        fitted = self._n_units, self._activations, self.out_activation_
        if fitted != architecture:
            raise ValueError(
                "training can only go on with the architecture it began with: "
                f"units, activations and outputs were {fitted} and are now "
                f"{architecture}; set them back, or fit with warm_start=False."
            )
        if self.dtype is not None and self._theta.dtype != self.dtype:
            raise ValueError(
                f"training can only go on in the type it began with: dtype was "
                f"{self._theta.dtype} and is now {np.dtype(self.dtype)}; set it "
                "back, or fit with warm_start=False."
            )
        return TrainingState.of(self)

    @np.errstate(under="ignore")
    def _set_apart(
        self,
        state: TrainingState,
        samples: Samples,
        targets: Any,
        X: Any,
        X_val: Any,
        y_val: Any,
        sample_weight_val: Any,
    ) -> tuple[Samples, ValidationSet | None]:
        """Samples to train on, and a validation set of others, or None.

        Where training goes on the set is first tried on the weights that it starts
        from, unless they were trained on rows that are held out only now.
        """
        if X_val is not None:
            state.split, seen = None, False
            X = X_val
            held_out = self._validation_samples(
                targets, X_val, y_val, sample_weight_val
            )
            if scaled_unlike(samples.X, held_out.X):
                warn(
                    "X_val is not scaled like X: pass both through the same scaler, "
                    "fitted on X."
                )
        elif self.early_stopping and self.solver != "lbfgs":
            samples, held_out = hold_out(self, state, samples)
            seen = state.scores is None
        else:
            state.without_validation()
            return samples, None
        validation = ValidationSet(self, held_out, X)
        if state.scores is None:
            state.scores = []
        if state.costs and not seen:
            state.judged(validation.evaluate(state.best_or_last)[1])
        return samples, validation

    def _validation_samples(
        self, targets: Any, X: Any, y: Any, sample_weight: Any
    ) -> Samples:
        """The user's validation set, encoded."""
        try:
            samples = read_samples(self, X, y, sample_weight, reset=False, name="y_val")
            check_range(samples.X, self._theta.dtype)
            samples = targets.encode(samples, "y_val", "leave out these samples")
            self._check_some_left(samples)
        except ValueError as error:
            raise ValueError(f"X_val, y_val or sample_weight_val: {error}") from error
        return samples

    def _gradient_problem(
        self, X: Any, y: Any, sample_weight: Any
    ) -> tuple[Objective, tuple[Any, NDArray[Any], NDArray[Any] | None]]:
        """Cost at the weights, fitted or initial, in float64, and its one batch."""
        draft = deepcopy(self).set_params(dtype="float64")  # a random_state stays still
        if hasattr(self, "_theta"):
            draft._theta = self._theta.astype(np.float64)
            # The weights that predict, without a word about training that goes on.
            draft._training = {**draft._training, "theta": None, "compacted": False}
        going_on = hasattr(self, "_theta")
        draft, state, samples, _ = draft._prepared(
            X, y, sample_weight, going_on, incremental=going_on
        )
        draft._check_some_left(samples)
        (batch,) = full_batch_of(draft, state, samples)
        return full_objective_of(draft, state, samples), batch


def _has_validation_set(X_val: Any, y_val: Any, sample_weight_val: Any) -> bool:
    """Whether there is a validation set; half of one is refused."""
    if (X_val is None) != (y_val is None) or (
        sample_weight_val is not None and X_val is None
    ):
        values = {
            "X_val": X_val,
            "y_val": y_val,
            "sample_weight_val": sample_weight_val,
        }
        given = [name for name, value in values.items() if value is not None]
        raise ValueError(
            f"a validation set needs both X_val and y_val, got {' and '.join(given)} "
            "alone: pass both, or neither."
        )
    return X_val is not None


@np.errstate(under="ignore")
def _begin_from(state: TrainingState, coef_init: Any, intercept_init: Any) -> None:
    """Replace weights by the user's, of which earlier training knows nothing."""
    if coef_init is None and intercept_init is None:
        return
    state.with_other_weights()
    network = network_of(state)
    if coef_init is not None:
        write_layers("coefs_", [W[:, 1:].T for W in network.weights], coef_init)
    if intercept_init is not None:
        write_layers("intercepts_", [W[:, 0] for W in network.weights], intercept_init)
