"""Draws what the units of a layer weigh their inputs by."""

from functools import partial

import numpy as np

from sknet.displays._canvas import (
    add_signed_bar,
    as_images,
    axes_or_new,
    check_counts,
    draw_signed,
    draw_tiles,
    n_columns_for,
    shape_of_images,
    text_colour,
    tiles_size,
)
from sknet.displays._networks import network_in

MOST_NAMES = 30


class WeightsDisplay:
    """Weights of a layer's units, those of the largest norm first.

    Each unit of a layer that reads pixels is an image; else the weights are a heat map,
    a row for each unit.  Orange weights are positive and blue ones with stripes
    negative, of the same depth if they are of the same size.

    Parameters
    ----------
    weights : array-like of shape (n_inputs, n_units)
        Such as ``coefs_[0]``.
    image_shape : tuple of int, "auto" or None, default="auto"
        Height and width of the inputs, if they are images, None if they are not.
        "auto" takes for square images what has 49 inputs or more, whose number is a
        square, and no names, or names with "pix" in them.
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
        image_shape="auto",
        input_names=None,
        name="Units",
        input_label="Input",
    ):
        self.weights = weights
        self.image_shape = image_shape
        self.input_names = input_names
        self.name = name
        self.input_label = input_label

    @classmethod
    def from_estimator(
        cls,
        estimator,
        *,
        layer=0,
        image_shape="auto",
        ax=None,
        n_units=30,
        n_columns=6,
    ):
        """Draw the weights of a layer of a fitted network.

        Parameters
        ----------
        estimator : estimator
            A network, ``MLPClassifier`` and ``MLPRegressor`` too, or what has one
            inside.
        layer : int, default=0
            Number of the layer: 0 reads the features, -1 makes the outputs.
        image_shape
            See the class; of units, which other layers read, "auto" makes no images.
        ax, n_units, n_columns
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
        if layer not in range(-len(coefs), len(coefs)):
            raise ValueError(
                f"layer={layer} is not one of the {len(coefs)} layers: give 0 for the "
                "first, -1 for the outputs."
            )
        layer %= len(coefs)
        is_last = layer == len(coefs) - 1
        if layer > 0 and isinstance(image_shape, str):
            image_shape = None
        display = cls(
            coefs[layer],
            image_shape=image_shape,
            input_names=None if layer else found.feature_names(),
            name="Outputs" if is_last else f"Units of hidden layer {layer}",
            input_label=f"Unit of hidden layer {layer - 1}" if layer else "Feature",
        )
        return display.plot(ax, n_units=n_units, n_columns=n_columns)

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
            For weights that make no image, and numbers below 1.
        """
        check_counts(n_units=n_units, n_columns=n_columns)
        weights = np.asarray(self.weights, dtype=float).T
        norms = np.linalg.norm(weights, axis=1)
        self.units_ = np.argsort(-norms, kind="stable")[:n_units]
        shown = weights[self.units_]
        limit = float(np.abs(shown).max(initial=0)) or 1.0
        n_inputs = weights.shape[1]
        shape = shape_of_images(self.image_shape, n_inputs, self.input_names)
        if shape is not None:
            self._draw_images(ax, as_images(shown, shape), limit, n_columns)
        else:
            self._draw_heatmap(ax, shown, limit)
        self.figure_ = self.ax_.figure
        first = self.images_[0]
        label = "Weight (per unit of the input)"
        self.colorbar_ = add_signed_bar(self.figure_, first, self.ax_, label)
        n_shown, n_all = len(self.units_), len(weights)
        how_many = f"{n_shown}" if n_shown == n_all else f"{n_shown} of {n_all}"
        self.ax_.set_title(f"{self.name}: {how_many}, largest norm first")
        return self

    def _draw_images(self, ax, images, limit, n_columns):
        n_columns = n_columns_for(len(images), n_columns)
        width, height = tiles_size(images, n_columns, below=0.3, width=0.85)
        self.ax_ = ax = axes_or_new(ax, (width + 1.0, height))
        draw = partial(draw_signed, limit=limit)
        self.images_, places = draw_tiles(ax, images, n_columns, 0.3, draw)
        style = {"ha": "center", "va": "top", "fontsize": 8, "color": text_colour()}
        self.texts_ = [
            ax.text(x, y - 0.04, f"unit {unit}", **style)
            for (x, y), unit in zip(places, self.units_, strict=True)
        ]

    def _draw_heatmap(self, ax, weights, limit):
        self.ax_ = ax = axes_or_new(ax)
        style = {"interpolation": "nearest", "aspect": "auto"}
        self.images_ = [draw_signed(ax, weights, limit, **style)]
        self.texts_ = []
        ax.set(ylabel="Unit", xlabel=self.input_label)
        ax.set_yticks(range(len(self.units_)), self.units_)
        ax.tick_params(axis="y", labelsize="small")
        if self.input_names is not None and len(self.input_names) <= MOST_NAMES:
            ticks = range(len(self.input_names))
            ax.set_xticks(ticks, self.input_names, rotation=45, ha="right")
