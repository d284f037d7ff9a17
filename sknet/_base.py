"""From scikit-learn's parameters to a network and its training, and back to attributes.

What is here knows nothing of labels: that is the classifier's part.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import column_or_1d, validate_data

from sknet._callbacks import CallbackSupportMixin
from sknet._parameters import (
    PARAMETER_CONSTRAINTS,
    check_combinations,
    idle_parameters,
    layer_activations,
    layer_dropout,
    layer_sizes,
    warn_of_idle_parameters,
    watched_by_patience,
)
from sknet._threads import blas_threads
from sknet._validation import Samples
from sknet.backprop import Objective
from sknet.custom_activations import activation_of
from sknet.initializers import INITIALIZERS, inputs_of_layers
from sknet.losses import LOSSES
from sknet.network import Network, count_parameters
from sknet.training import Minibatches

ALWAYS_IN_HISTORY = ("loss", "penalty", "learning_rate", "grad_norm", "seconds")
# Rows predicted at once: their activations stay in the processor's cache.
PREDICTION_ROWS = 1000
# So many blocks are shared out to several threads.
BLOCKS_WORTH_THREADS = 8
# Rows that BLAS multiplies on one thread by itself: to limit it costs 20 µs.
FEW_ROWS = 4


class _Views(list):
    """Views on theta, one a layer; assigning to an element writes into theta."""

    def __setitem__(self, layer, value):
        value = np.asarray(value)
        if value.shape != self[layer].shape:
            raise ValueError(
                f"layer {layer} has shape {self[layer].shape}, got {value.shape}."
            )
        self[layer][...] = value


@contextmanager
def unchanged_on_error(estimator):
    """Leave an estimator as it was if training fails before anything is learned.

    Yields
    ------
    commit : callable
        To be called when there is something to keep: an error changes nothing back
        from then on.
    """
    before, committed = dict(vars(estimator)), False

    def commit():
        nonlocal committed
        committed = True

    try:
        yield commit
    except BaseException:
        if not committed:
            vars(estimator).clear()
            vars(estimator).update(before)
        raise


def check_weights(sample_weight, n_samples):
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


class NetworkEstimator(CallbackSupportMixin, BaseEstimator):
    """Parameters, fitted state and training of a network in scikit-learn's terms.

    The fitted state is ``_theta`` with a few plain values; ``_resume`` holds what
    training needs to go on later: the optimizer's memory, the random stream and the
    like, as arrays and numbers.
    """

    _parameter_constraints = PARAMETER_CONSTRAINTS

    # -- the fitted network ------------------------------------------------------

    def _network(self):
        """Network on the fitted theta."""
        return Network(
            self._n_units,
            [activation_of(layer) for layer in self._activations],
            self._fitted_theta(),
            self._transposed_input,
        )

    def _fitted_theta(self):
        try:
            return self._theta
        except AttributeError:
            raise AttributeError(
                f"this {type(self).__name__} has no weights yet: fit it first."
            ) from None

    def _make_theta_writable(self):
        """Copy theta if it is read-only, as joblib's memory maps are."""
        if not self._fitted_theta().flags.writeable:
            self._theta = self._theta.copy()

    @property
    def coefs_(self):
        """Weights of each layer, shape (n_inputs, n_units): views on one vector."""
        return _Views(W[:, 1:].T for W in self._network().weights)

    @coefs_.setter
    def coefs_(self, values):
        self._make_theta_writable()
        self._assign(self.coefs_, values, "coefs_")

    @property
    def intercepts_(self):
        """Biases of each layer, shape (n_units,): views on one vector."""
        return _Views(W[:, 0] for W in self._network().weights)

    @intercepts_.setter
    def intercepts_(self, values):
        self._make_theta_writable()
        self._assign(self.intercepts_, values, "intercepts_")

    @staticmethod
    def _assign(views, values, name):
        values = [np.asarray(value, dtype=float) for value in values]
        shapes = [value.shape for value in values]
        expected = [view.shape for view in views]
        if shapes != expected:
            raise ValueError(f"{name} must have the shapes {expected}, got {shapes}.")
        if not all(np.isfinite(value).all() for value in values):
            raise ValueError(f"{name} must be finite, got NaN or infinity.")
        for view, value in zip(views, values, strict=True):
            view[...] = value

    def __getstate__(self):
        """State for pickle and copy.

        A finished ``fit`` leaves out the optimizer's memory, which is twice as large
        as the weights, and what grows with the number of samples; they are kept where
        training is to go on, that is with ``warm_start``, after ``partial_fit`` and
        in a snapshot taken in the midst of ``fit``.
        """
        state = super().__getstate__().copy()
        resume = state.get("_resume")
        if resume is not None and not (
            self.warm_start or resume["incremental"] or resume["interrupted"]
        ):
            state["_resume"] = {
                **resume,
                "optimizer": None,
                "order": None,
                "split": None,
            }
        return state

    # -- before training ---------------------------------------------------------

    def _validate(self, X, y, sample_weight, first):
        """Samples with X dense or CSR, without the rows of weight 0."""
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            multi_output=True,
            dtype=(np.float64, np.float32),
            reset=first,
        )
        if y.ndim == 2 and y.shape[1] == 1 and not sparse.issparse(y):
            y = column_or_1d(y, warn=True)
        return Samples(X, y, check_weights(sample_weight, X.shape[0])).weighted(None)

    def _start(self, n_outputs, out_activation, X, first, validation_is_given=False):
        """Make new weights, or check that the fitted ones can be trained on.

        Returns
        -------
        rng : RandomState
            The user's at first, then a private one that goes on where it stood.
        """
        hidden = layer_sizes(self.hidden_layer_sizes)
        n_units = [X.shape[1], *hidden, n_outputs]
        activations = layer_activations(self.activation, len(hidden))
        layer_dropout(self.dropout, len(hidden))
        check_combinations(self, X)
        architecture = (n_units, activations, out_activation)
        if not first:
            fitted = (self._n_units, self._activations, self.out_activation_)
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
            self._theta = self._theta.copy()
            self._go_on(idle_parameters(self, validation_is_given))
            state = self._resume["rng"]
            rng = np.random.RandomState(getattr(np.random, state["bit_generator"])())
            rng.set_state(state)
            return rng
        self._n_units, self._activations, self.out_activation_ = architecture
        self._transposed_input = sparse.issparse(X)
        self.n_layers_ = len(n_units)
        self.n_outputs_ = n_outputs
        self._reset_history()
        self._go_on(idle_parameters(self, validation_is_given))
        self._theta = np.empty(count_parameters(n_units), self.dtype or X.dtype)
        rng = check_random_state(self.random_state)
        self._draw_weights(rng)
        return rng

    def _go_on(self, idle):
        """Name parameters that do nothing now; forget what another cost has reached."""
        resume = self._resume
        warn_of_idle_parameters([name for name in idle if name not in resume["idle"]])
        watched = watched_by_patience(self)
        self._resume = {**resume, "idle": idle, "watched": watched}
        if resume["watched"] != watched and not resume["interrupted"]:
            self._resume["count"] = 0
            self.best_loss_ = None

    def _draw_weights(self, rng):
        initializer = INITIALIZERS[self.weight_init]
        # scikit-learn lets the activation set the scale of a linear model too.
        inputs = inputs_of_layers(self._activations or [self.activation])
        layers = zip(
            self.coefs_, self.intercepts_, inputs[: len(self.coefs_)], strict=True
        )
        for coef, intercept, activation in layers:
            coef[...], intercept[...] = initializer(rng, *coef.shape, activation)

    def _reset_history(self):
        """Forget what earlier training has left behind."""
        self.t_ = 0
        self.n_iter_ = 0
        self.loss_ = np.nan
        self.loss_curve_ = []
        self.history_ = {name: [] for name in ALWAYS_IN_HISTORY}
        self.best_loss_ = None
        self._resume = {
            "rng": None,
            "streams": {},
            "solver": None,
            "optimizer": None,
            "order": None,
            "split": None,
            "count": 0,
            "n_lowered": 0,
            "incremental": False,
            "interrupted": None,
            "idle": [],
            "watched": None,
        }
        self._forget_validation()

    def _forget_validation(self):
        """Be as if no samples had ever judged the weights."""
        self.validation_scores_ = None
        self.best_validation_score_ = None
        self.best_iteration_ = None
        self._remember_split(None)

    def _remember_split(self, split):
        """Note which rows are held out, on a copy: an error may undo it."""
        self._resume = {**self._resume, "split": split}

    def _minibatches(self, samples, **settings):
        """Training set, all in one batch unless ``settings`` say otherwise."""
        return Minibatches(
            samples.X,
            samples.y,
            self.n_outputs_,
            samples.sample_weight,
            dtype=self._theta.dtype,
            label_smoothing=self.label_smoothing,
            **settings,
        )

    def _objective(self, sample_weight):
        """Cost of the network's theta on data of these weights."""
        return Objective(
            self._network(),
            LOSSES[self.out_activation_],
            self.alpha,
            mean_weight=1.0 if sample_weight is None else sample_weight.mean(),
        )

    # -- prediction --------------------------------------------------------------

    def _outputs(self, X, link=None, network=None):
        """``link`` of the raw outputs of validated X, shape (n_samples, n_columns).

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
        link : callable, default=None
            From raw outputs of shape (n_outputs, n_samples) to an array with as many
            columns; raw outputs by default.
        network : Network, default=None
            The fitted one by default.
        """
        network = network or self._network()
        n_samples = X.shape[0]
        n_rows = min(n_samples, PREDICTION_ROWS)
        outputs = None

        def predict(starts):
            """Fill in the outputs of the blocks that start there."""
            nonlocal outputs
            buffers = network.buffers(n_rows)
            for start in starts:
                rows = slice(start, start + n_rows)
                block = X[rows].astype(network.theta.dtype, copy=False)
                whole = block.shape[0] == n_rows
                z = network.predict(block, buffers if whole else None)
                h = z if link is None else link(z)
                if outputs is None:
                    outputs = np.empty((n_samples, h.shape[0]), dtype=h.dtype)
                outputs[rows] = h.T

        few = n_rows <= FEW_ROWS
        starts = range(0, n_samples, n_rows)
        with (
            nullcontext(1)
            if few
            else blas_threads(network.n_units, n_rows) as n_threads
        ):
            predict(starts[:1])
            if n_threads == 1 or len(starts) < BLOCKS_WORTH_THREADS:
                predict(starts[1:])
            else:  # a fifth faster than products on as many threads
                with ThreadPoolExecutor(n_threads) as pool:
                    parts = [starts[1 + i :: n_threads] for i in range(n_threads)]
                    list(pool.map(predict, parts))
        return outputs
