"""Counts and draws how activations and gradients are distributed in each layer."""

from typing import NamedTuple

import numpy as np

from sknet.activations import Activation
from sknet.backprop import backpropagate
from sknet.displays._canvas import colours, panels
from sknet.displays._networks import network_in

# A function is saturated where its slope is below this share of its steepest one, and a
# unit where it is on so many samples.
FLAT = 0.05
MOSTLY = 0.9
# Where the steepest slope is looked for.
GRID = np.linspace(-10, 10, 2001)


class LayerStatistics(NamedTuple):
    """How a layer's activations and gradients are distributed on some samples.

    Attributes
    ----------
    layer : str
        "hidden 0", "hidden 1", …, "output".
    activation : str
        Its function; of the outputs, which are taken raw, their link.
    n_units : int
    mean, std : float
        Of the activations, over units and samples.
    n_dead : int
        Units whose slope g'(z) is 0 on every sample: these samples cannot change what
        they read.
    n_saturated : int
        Other units that are saturated on nine samples of ten or more: the slope is
        below a twentieth of the function's steepest.
    gradient_rms : float
        Root mean square of the derivatives of the samples' losses in z; NaN without y.

    Examples
    --------
    >>> LayerStatistics("hidden 0", "relu", 30, 0.5, 0.5, 2, 1, 0.01).n_dead
    2
    """

    layer: str
    activation: str
    n_units: int
    mean: float
    std: float
    n_dead: int
    n_saturated: int
    gradient_rms: float


class _Values(NamedTuple):
    """What a layer makes of samples, arrays of shape (n_units, n_samples)."""

    layer: str
    activation: str
    a: np.ndarray
    slope: np.ndarray | None  # relative to the steepest; None for outputs
    delta: np.ndarray | None

    def statistics(self):
        n_dead, n_saturated = 0, 0
        if self.slope is not None:
            dead = (self.slope == 0).all(axis=1)
            saturated = (self.slope < FLAT).mean(axis=1) >= MOSTLY
            n_dead, n_saturated = int(dead.sum()), int((saturated & ~dead).sum())
        gradient = np.nan
        if self.delta is not None:
            gradient = float(np.sqrt(np.mean(self.delta**2)))
        return LayerStatistics(
            self.layer,
            self.activation,
            len(self.a),
            float(self.a.mean()),
            float(self.a.std()),
            n_dead,
            n_saturated,
            gradient,
        )


def layer_statistics(estimator, X, y=None):
    """Count dead and saturated units, and how large activations and gradients are.

    Parameters
    ----------
    estimator : estimator
        A fitted network of sknet, or a pipeline or search with one.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Samples, a few hundred will do: what all units make of all of them is held in
        memory.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Targets, for the gradients.

    Returns
    -------
    statistics : list of LayerStatistics
        One for each layer; ``pandas.DataFrame(statistics)`` is a table of them.

    Raises
    ------
    sklearn.exceptions.NotFittedError
    TypeError, ValueError
        If there is not one network of sknet, or data do not fit it.

    Notes
    -----
    Gradients are those of the network without dropout, one for each sample:
    delta = d loss / dz, not divided by the number of samples.  Where they are ever
    smaller the farther a layer is from the outputs, they vanish: another activation or
    other initial weights help (Glorot and Bengio, *Understanding the difficulty of
    training deep feedforward neural networks*, AISTATS 2010).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknet import ScratchMLPClassifier
    >>> from sknet.displays import layer_statistics
    >>> X, y = load_iris(return_X_y=True)
    >>> net = ScratchMLPClassifier(
    ...     (8, 3), "tanh", max_iter=5, tol=0, n_iter_no_change=np.inf, random_state=0
    ... )
    >>> [(s.layer, s.n_units, s.n_dead) for s in layer_statistics(net.fit(X, y), X, y)]
    [('hidden 0', 8, 0), ('hidden 1', 3, 0), ('output', 3, 0)]
    """
    return [values.statistics() for values in _values(estimator, X, y)]


def _values(estimator, X, y=None):
    """What each layer makes of the samples, the outputs too."""
    found = network_in(estimator)
    net, given = found.network, found.transform(X)
    X, network = net._validated(given), net._network()
    A, Z = network.buffers(X.shape[0])
    with np.errstate(all="ignore"):
        raw = network.predict(X.astype(network.theta.dtype, copy=False), (A, Z))
    net._check_finite(raw, X)
    activations = [*(a[1:].copy() for a in A[1:]), raw.copy()]
    slopes = []
    for z, activation in zip(Z, network.activations, strict=False):
        slope = np.ones_like(z)
        activation.backward(z.copy(), slope)
        slopes.append(np.abs(slope) / _steepest(activation))
    deltas = [None] * len(Z) if y is None else _deltas(net, given, y)
    _, *layers = net._layers()
    return [
        _Values(layer.name, layer.activation, *arrays)
        for layer, *arrays in zip(
            layers, activations, [*slopes, None], deltas, strict=True
        )
    ]


def _steepest(activation: Activation):
    a, slope = GRID.copy(), np.ones_like(GRID)
    if not activation.needs_input:
        activation.forward(a)
    activation.backward(a, slope)
    return float(np.abs(slope).max()) or 1.0


def _deltas(net, X, y):
    """Derivatives of each sample's loss in z of each layer."""
    objective, (X1, Y, _) = net._gradient_problem(X, y, None)
    network = objective.network
    A, Z = network.buffers(X1.shape[1])
    raw = network.forward(X1, (A, Z))
    objective.loss.residual(raw, Y)  # it is h - y now
    return backpropagate(network, Z, raw)[0]


class ActivationsDisplay:
    """Histograms of each layer's activations, and of the gradients that reach it.

    Above each layer stands how many of its units are dead or saturated.  Gradients are
    drawn by size, on a logarithmic axis that all layers share: where they vanish, the
    histograms move to the left.

    Parameters
    ----------
    values : list
        What the layers make of samples; see :meth:`from_estimator`.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes of shape (n_rows, n_layers)
        Activations in the first row; gradients in a second one, if there are targets.
    ax_ : matplotlib Axes
        The first of them.
    figure_ : matplotlib Figure
    statistics_ : list of LayerStatistics
        The numbers of :func:`layer_statistics`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_iris
    >>> from sknet import ScratchMLPClassifier
    >>> from sknet.displays import ActivationsDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> net = ScratchMLPClassifier((8,), max_iter=5, tol=0, n_iter_no_change=np.inf)
    >>> display = ActivationsDisplay.from_estimator(
    ...     net.fit(X, y), X, y, ax=Figure().subplots()
    ... )
    >>> display.axes_.shape
    (2, 2)
    """

    def __init__(self, values):
        self.values = values

    @classmethod
    def from_estimator(cls, estimator, X, y=None, *, ax=None):
        """Draw what the layers of a fitted network make of samples.

        Parameters
        ----------
        estimator, X, y
            As for :func:`layer_statistics`.
        ax
            As for :meth:`plot`.

        Returns
        -------
        display : ActivationsDisplay
        """
        return cls(_values(estimator, X, y)).plot(ax)

    def plot(self, ax=None):
        """Draw the histograms.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of them, default=None
            As many as panels, or one whose place they share; by default a new figure.

        Returns
        -------
        self : ActivationsDisplay
        """
        self.statistics_ = [values.statistics() for values in self.values]
        n_layers = len(self.values)
        with_gradients = self.values[0].delta is not None
        n_rows = 1 + with_gradients
        size = (max(6.4, 2.3 * n_layers), 1.0 + 2.2 * n_rows)
        self.axes_ = panels(ax, n_rows, n_layers, size)
        self.ax_, self.figure_ = self.axes_[0, 0], self.axes_[0, 0].figure
        for ax, values, statistics in zip(
            self.axes_[0], self.values, self.statistics_, strict=True
        ):
            _draw_activations(ax, values, statistics)
        self.axes_[0, 0].set_ylabel("Share of values")
        if with_gradients:
            _draw_gradients(self.axes_[1], self.values, self.statistics_)
        return self


def _draw_activations(ax, values, statistics):
    a = values.a.ravel()
    ax.hist(a, bins=40, weights=np.full(a.size, 1 / a.size), color=colours(ax)[0])
    head = f"{values.layer}, {statistics.n_units} units"
    if values.slope is None:
        ax.set(title=f"{head}\nbefore {values.activation}", xlabel="Raw output z")
    else:
        counts = f"{statistics.n_dead} dead, {statistics.n_saturated} saturated"
        ax.set(title=f"{head}\n{counts}", xlabel=f"Activation {values.activation}(z)")
    ax.title.set_fontsize("medium")


def _draw_gradients(axes, values, statistics):
    sizes = [np.abs(layer.delta).ravel() for layer in values]
    positive = np.concatenate([size[size > 0] for size in sizes])
    least, most = np.quantile(positive, [0.001, 1]) if positive.size else (1e-3, 1.0)
    bins = np.geomspace(least, most * 1.001, 40)
    for ax, size, layer in zip(axes, sizes, statistics, strict=True):
        weights = np.full(size.size, 1 / size.size)
        drawn = np.clip(size, least, None)  # the few below are in the first bin
        drawn, weights = drawn[size > 0], weights[size > 0]
        edge = {"edgecolor": colours(ax)[1], "hatch": "//", "fill": False}
        ax.hist(drawn, bins, weights=weights, histtype="stepfilled", **edge)
        ax.axvline(layer.gradient_rms, linestyle="--", color=colours(ax)[1])
        ax.set(xscale="log", xlim=(bins[0], bins[-1]), xlabel="|d loss / dz|")
        zeros = np.mean(size == 0)
        ax.set_title(
            f"{zeros:.0%} are 0, rms (dashed) {layer.gradient_rms:.2g}",
            fontsize="small",
        )
    axes[0].set_ylabel("Share of gradients")
