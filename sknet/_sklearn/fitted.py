"""A fitted network: its weights as scikit-learn shows them, and what it makes of X."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from sknet._sklearn.samples import in_native_order, is_ready
from sknet._sklearn.scale import check_range, largest_entry
from sknet._sklearn.summary import LayerSummary, layer_summaries, table_of
from sknet._sklearn.warn import warn
from sknet._version import __version__
from sknet.backprop import backpropagate
from sknet.custom_activations import activation_of
from sknet.network import Network

# Rows predicted at once: their activations stay in the processor's cache.
ROWS_PER_BLOCK = 2000


class ListOfArrays(list):  # type: ignore[type-arg]
    """Views on theta, one a layer; assigning to elements or slices writes into theta.

    Their number is that of the layers: what would change it, or the order, raises.
    """

    def __setitem__(self, layer: Any, value: Any) -> None:
        if not isinstance(layer, slice):
            views, values = [self[layer]], [value]
            names = [layer]
        else:
            views, values = self[layer], list(value)
            names = list(range(len(self)))[layer]
            if len(views) != len(values):
                raise ValueError(
                    f"layers {names} need {len(views)} arrays, got {len(values)}."
                )
        arrays = [np.asarray(one) for one in values]
        for name, view, array in zip(names, views, arrays, strict=True):
            if array.shape != view.shape:
                raise ValueError(
                    f"layer {name} has shape {view.shape}, got {array.shape}."
                )
        write_layers(f"layers {names}", views, arrays)

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"there is one array for each of the {len(self)} layers: assign to them, "
            "as in coefs_[0] = W, or fit a network of other hidden_layer_sizes."
        )

    append = extend = insert = remove = pop = clear = sort = reverse = _refuse
    __delitem__ = __iadd__ = __imul__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)  # a copy has no theta to write to


def write_layers(
    name: str, views: Sequence[NDArray[Any]], values: Sequence[ArrayLike]
) -> None:
    """Write ``values``, one array a layer, into views on theta.

    Raises
    ------
    ValueError
        For values of other shapes, or that are not finite.
    """
    if not np.iterable(values):
        raise ValueError(
            f"{name} must be a list with an array for each of the {len(views)} layers, "
            f"got {values!r}."
        )
    arrays = [np.asarray(value, dtype=float) for value in values]
    shapes = [value.shape for value in arrays]
    expected = [view.shape for view in views]
    if shapes != expected:
        raise ValueError(f"{name} must have the shapes {expected}, got {shapes}.")
    with np.errstate(over="ignore", under="ignore"):
        arrays = [a.astype(v.dtype) for a, v in zip(arrays, views, strict=True)]
    if not all(np.isfinite(value).all() for value in arrays):
        raise ValueError(
            f"{name} must be finite in {views[0].dtype}, got NaN, infinity or a number "
            "too large for it."
        )
    for view, value in zip(views, arrays, strict=True):
        view[...] = value


class FittedNetwork(BaseEstimator):
    """Weights and predictions of a network that training has written down here."""

    # Written by `publish`; each is told of in the estimators' docstrings.
    n_features_in_: int
    n_layers_: int
    n_outputs_: int
    n_iter_: int
    t_: int
    out_activation_: str
    loss_: float
    best_loss_: float | None
    loss_curve_: list[float]
    history_: dict[str, list[float]]
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    best_iteration_: int | None
    _theta: NDArray[Any]
    _n_units: list[int]
    _activations: list[Any]
    _transposed_input: bool

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """The constructor's parameters; scikit-learn reads its signature every time."""
        names: list[str] = super()._get_param_names()
        return names

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle or a copy holds: everything, and who saved it."""
        return {**super().__getstate__(), "_sknet_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Be what was saved; what another version has saved is warned of."""
        state = dict(state)
        saved_by = state.pop("_sknet_version", None)
        state.pop("_resume", None)  # the memory of training before versions were saved
        super().__setstate__(state)
        if saved_by != __version__:
            by = f"sknet {saved_by}" if saved_by else "an older sknet"
            warn(
                f"This {type(self).__name__} was saved by {by} and is loaded by sknet "
                f"{__version__}: check that it predicts as it did, or fit it again; "
                "what the file does not have begins anew."
            )

    @property
    def coefs_(self) -> list[NDArray[Any]]:
        """Weights of each layer, shape (n_inputs, n_units): views on one vector."""
        return ListOfArrays(W[:, 1:].T for W in self._network().weights)

    @coefs_.setter
    def coefs_(self, values: Sequence[ArrayLike]) -> None:
        self._assign("coefs_", values)

    @property
    def intercepts_(self) -> list[NDArray[Any]]:
        """Biases of each layer, shape (n_units,): views on one vector."""
        return ListOfArrays(W[:, 0] for W in self._network().weights)

    @intercepts_.setter
    def intercepts_(self, values: Sequence[ArrayLike]) -> None:
        self._assign("intercepts_", values)

    def _assign(self, name: str, values: Sequence[ArrayLike]) -> None:
        """Write ``values`` into the views of that name."""
        if not self._network().theta.flags.writeable:  # a memory map of joblib
            self._theta = self._theta.copy()
        write_layers(name, getattr(self, name), values)

    def _network(self) -> Network:
        """Network on the fitted theta."""
        if not hasattr(self, "_theta"):
            raise AttributeError(
                f"this {type(self).__name__} has no weights yet: fit it first."
            )
        return Network(
            self._n_units,
            [activation_of(layer) for layer in self._activations],
            self._theta,
            self._transposed_input,
        )

    def _validated(self, X: Any) -> Any:
        """X as an array or CSR matrix of floats of the width seen in fit."""
        if not (
            is_ready(X)
            and X.shape[1] == vars(self).get("n_features_in_")
            and not hasattr(self, "feature_names_in_")
        ):
            X = self._checked(X)
        check_range(X, self._theta.dtype)
        return X

    def _checked(self, X: Any) -> Any:
        """The same as scikit-learn's checks make it of any X."""
        check_is_fitted(self)
        types = (np.float64, np.float32)
        with np.errstate(invalid="ignore"):  # infinities of both signs are added up
            X = validate_data(self, X, accept_sparse="csr", dtype=types, reset=False)
        return in_native_order(X)

    def _outputs(
        self,
        X: Any,
        link: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
        network: Network | None = None,
    ) -> NDArray[Any]:
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
        dtype, n_samples = network.theta.dtype, X.shape[0]
        n_rows = min(n_samples, ROWS_PER_BLOCK)
        buffers = network.buffers(n_rows)
        outputs: NDArray[Any] | None = None
        with np.errstate(all="ignore"):  # see _predicted
            for start in range(0, n_samples, n_rows):
                rows = slice(start, start + n_rows)
                block = X[rows].astype(dtype, copy=False)
                full = block.shape[0] == n_rows
                z = network.predict(block, buffers if full else None)
                h = z if link is None else link(z)
                if outputs is None:
                    outputs = np.empty((n_samples, h.shape[0]), dtype=h.dtype)
                outputs[rows] = h.T
        assert outputs is not None
        return outputs

    def _predicted(
        self, X: Any, link: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    ) -> NDArray[Any]:
        """``link`` of the raw outputs of the user's X.

        Raises
        ------
        ValueError
            For an X so large that outputs overflow.
        """
        X = self._validated(X)
        outputs = self._outputs(X, link)
        self._check_finite(outputs, X)
        return outputs

    def _check_finite(self, outputs: NDArray[Any], X: Any) -> None:
        """Raise a ValueError unless what was made of X is finite."""
        if not np.logical_and.reduce(np.isfinite(outputs), axis=None):
            raise ValueError(
                f"max |X| = {largest_entry(X):.3g} makes the outputs of this network "
                f"overflow {self._theta.dtype}: scale X as in training."
            )

    def _input_gradients(
        self, X: Any, derivative: Callable[[NDArray[Any], slice], NDArray[Any]]
    ) -> NDArray[Any]:
        """Gradients in validated X of a function of the raw outputs.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_features)
        derivative : callable
            ``derivative(z, rows)`` returns the function's derivative in the raw
            outputs z, shape (n_outputs, n_rows), of these rows of X.

        Raises
        ------
        ValueError
            For an X so large that they overflow.
        """
        network = self._network()
        gradients = np.empty(X.shape, network.theta.dtype)
        with np.errstate(all="ignore"):  # see _predicted
            for start in range(0, X.shape[0], ROWS_PER_BLOCK):
                rows = slice(start, start + ROWS_PER_BLOCK)
                block = X[rows].astype(gradients.dtype, copy=False)
                A, Z = network.buffers(block.shape[0])
                delta = derivative(network.predict(block, (A, Z)), rows)
                gradients[rows] = backpropagate(network, Z, delta)[1].T
        self._check_finite(gradients, X)
        return gradients

    def _layers(self) -> list[LayerSummary]:
        """The layers, inputs and outputs included."""
        check_is_fitted(self)
        return layer_summaries(self._n_units, self._activations, self.out_activation_)

    def summary(self) -> str:
        """The network in words: layers, units, activations, shapes and parameters.

        Returns
        -------
        text : str
            A table to print, a line for each layer; "hidden 0" is the layer of
            ``hidden_activations(X, layer=0)``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If there is no network yet.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknet import ScratchMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = ScratchMLPClassifier(
        ...     (8, 3), max_iter=5, tol=0, n_iter_no_change=np.inf
        ... )
        >>> print(net.fit(X, y).summary())
        ScratchMLPClassifier
        layer     units  activation  weights  biases  parameters
        input         4
        hidden 0      8  relu          4 x 8       8          40
        hidden 1      3  relu          8 x 3       3          27
        output        3  softmax       3 x 3       3          12
        79 parameters in float64, 632 bytes
        """
        return table_of(type(self).__name__, self._layers(), self._theta.dtype)

    def hidden_activations(self, X: Any, layer: int = -1) -> NDArray[Any]:
        """What a hidden layer makes of each sample: its units' activations a = g(z).

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Samples.
        layer : int, default=-1
            Number of the hidden layer, 0 for the first one; negative numbers count
            from the last.

        Returns
        -------
        activations : ndarray of shape (n_samples, n_units)

        Raises
        ------
        ValueError
            If there is no such layer.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sknet import ScratchMLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = ScratchMLPClassifier(
        ...     (8, 3), max_iter=5, tol=0, n_iter_no_change=np.inf
        ... )
        >>> net.fit(X, y).hidden_activations(X).shape
        (150, 3)
        """
        X = self._validated(X)
        network = self._network()
        n_hidden = len(network.activations)
        if not n_hidden:
            raise ValueError(
                "this network has no hidden layers (hidden_layer_sizes=()): "
                "its outputs are predictions."
            )
        if not -n_hidden <= layer < n_hidden:
            raise ValueError(
                f"layer={layer} is not one of the {n_hidden} hidden layers: give "
                "0 for the first, -1 for the last."
            )
        layer %= n_hidden

        def activated(z: NDArray[Any]) -> NDArray[Any]:
            network.activations[layer].forward(z)
            return z

        return self._outputs(X, activated, network.up_to(layer))
