"""Draws what the units of a layer weigh their inputs by."""

import numpy as np

from sknet.displays._canvas import (
    as_images,
    axes_or_new,
    draw_tiles,
    n_columns_for,
    probably_images,
    signed,
    text_colour,
    tiles_size,
)
from sknet.displays._networks import network_in

KINDS = "auto", "images", "heatmap"
MOST_NAMES = 30


class WeightsDisplay:
    """Weights of a layer's units, those of the largest norm first.

    Each unit of a layer that reads pixels is an image; else the weights are a heat map,
    a row for each unit.  Orange weights are positive and blue ones negative, of the
    same depth if they are of the same size.

    Parameters
    ----------
    weights : array-like of shape (n_inputs, n_units)
        Such as ``coefs_[0]``.
    kind : {"auto", "images", "heatmap"}, default="auto"
        "auto" draws images if `image_shape` is given, or if there are 49 inputs or
        more, their number is a square, and they have no names.
    image_shape : tuple of int, default=None
        Height and width of images; by default these are square.
    input_names : list of str, default=None
        Names of the inputs.
    name, input_label : str, default="Units" and "Input"
        What the units and their inputs are.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    units_ : ndarray of int
        The units drawn, in their order.
    images_ : list of matplotlib AxesImage
        One for each of them, or the heat map alone.
    texts_ : list of matplotlib Text
        The numbers of units below their images.
    colorbar_ : matplotlib Colorbar

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sknet.displays import WeightsDisplay
    >>> display = WeightsDisplay([[1.0, 3.0], [1.0, -4.0], [0.0, 0.0]])
    >>> display.plot(Figure().subplots()).units_.tolist()
    [1, 0]
    """

    def __init__(
        self,
        weights,
        *,
        kind="auto",
        image_shape=None,
        input_names=None,
        name="Units",
        input_label="Input",
    ):
        self.weights = weights
        self.kind = kind
        self.image_shape = image_shape
        self.input_names = input_names
        self.name = name
        self.input_label = input_label

    @classmethod
    def from_estimator(
        cls, estimator, *, layer=0, kind="auto", image_shape=None, ax=None, **options
    ):
        """Draw the weights of a layer of a fitted network.

        Parameters
        ----------
        estimator : estimator
            A network, ``MLPClassifier`` and ``MLPRegressor`` too, or what has one
            inside.
        layer : int, default=0
            Number of the layer: 0 reads the features, -1 makes the outputs.
        kind, image_shape
            See the class.
        ax, **options
            As for :meth:`plot`.

        Returns
        -------
        display : WeightsDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
        ValueError
            If there is no such layer, or no such image.
        """
        found = network_in(estimator, ours=False)
        coefs = found.network.coefs_
        if not -len(coefs) <= layer < len(coefs):
            raise ValueError(
                f"layer={layer} is not one of the {len(coefs)} layers: give 0 for the "
                "first, -1 for the outputs."
            )
        layer %= len(coefs)
        is_last = layer == len(coefs) - 1
        if layer > 0 and image_shape is None and kind == "auto":
            kind = "heatmap"
        display = cls(
            coefs[layer],
            kind=kind,
            image_shape=image_shape,
            input_names=None if layer else found.feature_names(),
            name="Outputs" if is_last else f"Units of hidden layer {layer}",
            input_label=f"Unit of hidden layer {layer - 1}" if layer else "Feature",
        )
        return display.plot(ax, **options)

    def plot(self, ax=None, *, n_units=30, n_columns=6):
        """Draw the units of the largest norm.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default those of a new figure.
        n_units : int, default=30
            How many at most.
        n_columns : int, default=6
            Images in a row.

        Returns
        -------
        self : WeightsDisplay

        Raises
        ------
        ValueError
            For another kind, and weights that make no image.
        """
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} must be one of {', '.join(KINDS)}.")
        weights = np.asarray(self.weights, dtype=float).T
        norms = np.linalg.norm(weights, axis=1)
        self.units_ = np.argsort(-norms, kind="stable")[:n_units]
        shown = weights[self.units_]
        limit = float(np.abs(shown).max(initial=0)) or 1.0
        if self._are_images(weights.shape[1]):
            images = as_images(shown, self.image_shape)
            self._draw_images(ax, images, limit, n_columns)
        else:
            self._draw_heatmap(ax, shown, limit)
        self.figure_ = self.ax_.figure
        first = self.images_[0]
        self.colorbar_ = self.figure_.colorbar(
            first, ax=self.ax_, label="Weight (per unit of the input)", shrink=0.8
        )
        n_shown, n_all = len(self.units_), len(weights)
        how_many = f"{n_shown}" if n_shown == n_all else f"{n_shown} of {n_all}"
        self.ax_.set_title(f"{self.name}: {how_many}, largest norm first")
        return self

    def _are_images(self, n_inputs):
        if self.kind == "auto":
            found = probably_images(n_inputs, self.input_names)
            return self.image_shape is not None or found
        return self.kind == "images"

    def _draw_images(self, ax, images, limit, n_columns):
        n_columns = n_columns_for(len(images), n_columns)
        width, height = tiles_size(images, n_columns, below=0.3, width=0.85)
        self.ax_ = ax = axes_or_new(ax, (width + 1.0, height))
        style = {"cmap": signed(ax), "vmin": -limit, "vmax": limit}
        self.images_, places = draw_tiles(ax, images, n_columns, 0.3, **style)
        style = {"ha": "center", "va": "top", "fontsize": 8, "color": text_colour()}
        self.texts_ = [
            ax.text(x, y - 0.04, f"unit {unit}", **style)
            for (x, y), unit in zip(places, self.units_, strict=True)
        ]

    def _draw_heatmap(self, ax, weights, limit):
        self.ax_ = ax = axes_or_new(ax)
        style = {"cmap": signed(ax), "vmin": -limit, "vmax": limit, "aspect": "auto"}
        self.images_ = [ax.imshow(weights, interpolation="nearest", **style)]
        self.texts_ = []
        ax.set(ylabel="Unit", xlabel=self.input_label)
        ax.set_yticks(range(len(self.units_)), self.units_)
        ax.tick_params(axis="y", labelsize="small")
        if self.input_names is not None and len(self.input_names) <= MOST_NAMES:
            ticks = range(len(self.input_names))
            ax.set_xticks(ticks, self.input_names, rotation=45, ha="right")
