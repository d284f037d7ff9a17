"""Draws a network as a diagram: its layers, its strongest weights, a sample in it."""

import numpy as np

from sknet.displays._canvas import (
    as_images,
    axes_or_new,
    check_counts,
    colours,
    draw_stripes,
    ink,
    percent,
    shape_of_images,
    signed,
    text_colour,
)
from sknet.displays._networks import network_in

# Units of a layer are 1 apart, which is so many inches.
INCHES = 0.36
RADIUS, ACROSS = 0.4, 4.0
IMAGE = 3.2
LETTER = 0.21
BELOW = 3.4  # the words below the units, and the legend


class NetworkDisplay:
    """A network's layers from left to right, with what flows through them.

    Lines are weights, the thicker the larger, orange and solid where they are positive,
    blue and dashed where they are negative.  With a sample, lines are what flows along
    them, weights times activations, and units are filled by their activations,
    relative to the largest of their layer, with stripes where they are negative.

    Parameters
    ----------
    layers : list
        Of each layer its name, units, activation and parameters: what ``summary()`` of
        a network tells.
    weights : list of ndarray of shape (n_inputs, n_units)
        Such as ``coefs_``.
    activations : list of ndarray of shape (n_units,), default=None
        What each layer makes of a sample: the sample itself first, the raw outputs or
        the probabilities last.
    image_shape : tuple of int, default=None
        Height and width of the sample, if it is an image.
    outputs : list of str, default=None
        Names of the outputs.
    probabilities : bool, default=False
        Whether the last activations are probabilities.
    guessed : list of int, default=()
        The outputs of the classes that are predicted, whose names are bold.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    units_ : list of ndarray of int
        The units of each layer that are drawn, from the top.
    circles_ : list of matplotlib PatchCollection
        They themselves.
    lines_ : list of matplotlib LineCollection
        The weights between each two layers.

    See Also
    --------
    sknet.ScratchMLPClassifier.summary : The same as text.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_iris
    >>> from sknet import ScratchMLPClassifier
    >>> from sknet.displays import NetworkDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> net = ScratchMLPClassifier((8,), max_iter=5, tol=0, n_iter_no_change=np.inf)
    >>> display = NetworkDisplay.from_estimator(
    ...     net.fit(X, y), X[0], ax=Figure().subplots()
    ... )
    >>> [len(units) for units in display.units_]
    [4, 8, 3]
    """

    def __init__(
        self,
        layers,
        weights,
        activations=None,
        *,
        image_shape=None,
        outputs=None,
        probabilities=False,
        guessed=(),
    ):
        self.layers = layers
        self.weights = weights
        self.activations = activations
        self.image_shape = image_shape
        self.outputs = outputs
        self.probabilities = probabilities
        self.guessed = guessed

    @classmethod
    def from_estimator(
        cls, estimator, sample=None, *, image_shape="auto", ax=None, max_units=10
    ):
        """Draw a fitted network.

        Parameters
        ----------
        estimator : estimator
            A network of sknet, or a pipeline or search with one.
        sample : array-like of shape (n_features,) or (1, n_features), default=None
            What is to flow through it: as the estimator takes it, a data frame of one
            row too.
        image_shape : tuple of int, "auto" or None, default="auto"
            Height and width of the sample, if it is an image, None if it is not.
            "auto" takes for a square image what has 49 features or more, whose number
            is a square, and no names, or names with "pix" in them.
        ax, max_units
            As for :meth:`plot`.

        Returns
        -------
        display : NetworkDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
        ValueError
            For more than one sample.
        """
        found = network_in(estimator)
        net = found.network
        display = cls(net._layers(), list(net.coefs_), outputs=_output_names(net))
        if sample is not None:
            X = _one_row(sample)
            inputs = found.transform(X)
            display.activations = _flow(net, inputs)
            display.guessed = _guessed(net, inputs)
            names = found.feature_names(X)
            display.image_shape = shape_of_images(
                image_shape, net.n_features_in_, names
            )
            display.probabilities = hasattr(net, "classes_")
        return display.plot(ax, max_units=max_units)

    def plot(self, ax=None, *, max_units=10):
        """Draw the diagram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default those of a new figure.
        max_units : int, default=10
            Units that are drawn of a layer; of a larger one those with the thickest
            lines.

        Returns
        -------
        self : NetworkDisplay
        """
        check_counts(max_units=max_units)
        n_layers = len(self.layers)
        self._flows = self._flows_between()
        self.units_ = [self._chosen(l, max_units) for l in range(n_layers)]
        self._places = [
            np.column_stack(
                [
                    np.full(len(units), ACROSS * l),
                    (len(units) - 1) / 2 - np.arange(len(units)),
                ]
            )
            for l, units in enumerate(self.units_)
        ]
        x, y = self._limits()
        ax = axes_or_new(ax, (INCHES * (x[1] - x[0]), INCHES * (y[1] - y[0]) + 0.4))
        self.ax_, self.figure_ = ax, ax.figure
        if self._is_image:
            self._draw_image()
        self.lines_ = [self._draw_lines(l) for l in range(n_layers - 1)]
        self.circles_ = [self._draw_units(l) for l in range(n_layers)]
        self._write_below(y[0] + BELOW)
        self._name_outputs()
        self._add_legend()
        total = sum(layer.n_parameters for layer in self.layers)
        sizes = "-".join(str(layer.n_units) for layer in self.layers)
        title = f"{sizes}, {total:,} parameters"
        ax.set(xlim=x, ylim=y, aspect="equal", title=title)
        ax.set_axis_off()
        return self

    # -- what there is to draw -----------------------------------------------------

    @property
    def _is_image(self):
        return self.image_shape is not None and self.activations is not None

    def _flows_between(self):
        """Of each two layers the weights, or what flows along them, (n_in, n_out).

        An image stands for all inputs, and what flows from it is their sum.
        """
        flows = [np.asarray(weights, dtype=float) for weights in self.weights]
        if self.activations is not None:
            flows = [
                weights * np.asarray(a)[:, np.newaxis]
                for weights, a in zip(flows, self.activations, strict=False)
            ]
        if self._is_image:
            flows[0] = flows[0].sum(axis=0, keepdims=True)
        return flows

    def _chosen(self, layer, max_units):
        """Units of a layer to draw, in their order."""
        into = self._flows[layer - 1] if layer > 0 else None
        out = self._flows[layer] if layer < len(self._flows) else None
        n_units = out.shape[0] if into is None else into.shape[1]
        if n_units <= max_units:
            return np.arange(n_units)
        strength = np.zeros(n_units)
        if out is not None:
            strength += np.abs(out).max(axis=1)
        elif self.activations is not None:  # the most probable classes
            strength += np.abs(self.activations[layer])
        if into is not None and (out is None or self.activations is None):
            strength += 1e-3 * np.abs(into).max(axis=0)
        return np.sort(np.argsort(-strength, kind="stable")[:max_units])

    def _limits(self):
        """Of the axes, in distances between units: x, then y."""
        tallest = max(map(len, self.units_))
        right = ACROSS * (len(self.layers) - 1)
        longest = max(map(len, self._output_names()))
        left = -IMAGE / 2 - 0.2 if self._is_image else -1.6
        bottom = -max(tallest, IMAGE if self._is_image else 0) / 2 - 0.3
        return (
            (left, right + RADIUS + max(1.6, 0.4 + LETTER * longest)),
            (bottom - BELOW, tallest / 2 + 0.9),
        )

    # -- drawing -------------------------------------------------------------------

    def _draw_lines(self, layer):
        from matplotlib.collections import LineCollection

        shown = self._flows[layer][np.ix_(self.units_[layer], self.units_[layer + 1])]
        shown = shown.ravel()
        blue, orange, *_ = colours(self.ax_)
        strength = np.abs(shown) / (np.abs(shown).max(initial=0) or 1)
        segments = [
            (start, stop)
            for start in self._places[layer]
            for stop in self._places[layer + 1]
        ]
        lines = LineCollection(
            segments,
            linewidths=2.5 * strength,
            alpha=0.1 + 0.8 * strength,
            colors=[orange if one >= 0 else blue for one in shown],
            linestyles=["-" if one >= 0 else "--" for one in shown],
            zorder=1,
        )
        return self.ax_.add_collection(lines)

    def _draw_units(self, layer):
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Circle

        circles = [Circle(place, RADIUS) for place in self._places[layer]]
        style = {"edgecolor": text_colour(), "linewidth": 0.8, "zorder": 3}
        if self.activations is None:
            style["facecolor"] = signed(self.ax_)(0.5)
        else:
            values = np.asarray(self.activations[layer], dtype=float)
            shown = values[self.units_[layer]] / (np.abs(values).max(initial=0) or 1)
            style |= {"cmap": signed(self.ax_), "array": shown, "clim": (-1, 1)}
            if layer > 0 or not self._is_image:
                self._stripe(self._places[layer][shown < 0])
        collection = PatchCollection(circles, **style)
        collection.set_visible(layer > 0 or not self._is_image)
        return self.ax_.add_collection(collection)

    def _stripe(self, places):
        from matplotlib.path import Path

        (circle,) = Path.unit_circle().to_polygons()
        draw_stripes(self.ax_, [place + RADIUS * circle for place in places], zorder=4)

    def _draw_image(self):
        from matplotlib.patches import Rectangle

        sample = np.asarray(self.activations[0])[np.newaxis]
        (image,) = as_images(sample, self.image_shape)
        x, y = self._places[0][0]
        width, height = IMAGE * np.array(image.shape[::-1]) / max(image.shape)
        left, bottom = x - width / 2, y - height / 2
        extent = (left, left + width, bottom, bottom + height)
        style = {"cmap": ink(self.ax_), "origin": "upper", "zorder": 3}
        self.ax_.imshow(image, extent=extent, **style)
        frame = {"fill": False, "edgecolor": text_colour(), "lw": 0.8, "zorder": 4}
        self.ax_.add_patch(Rectangle((left, bottom), width, height, **frame))

    def _write_below(self, y):
        style = {"ha": "center", "color": text_colour()}
        for l, layer in enumerate(self.layers):
            lines = [layer.name, f"{layer.n_units:,} units", layer.activation]
            if layer.n_parameters:
                lines.append(f"{layer.n_parameters:,} parameters")
            text = "\n".join(filter(None, lines))
            self.ax_.text(ACROSS * l, y, text, va="top", fontsize=9, **style)
            n_more = layer.n_units - len(self.units_[l])
            if n_more and not (l == 0 and self._is_image):
                top = self._places[l][0][1] + RADIUS + 0.1
                self.ax_.text(ACROSS * l, top, f"+ {n_more:,}", fontsize=8, **style)

    def _output_names(self):
        """Name and value of each output that is drawn."""
        units, names = self.units_[-1], self.outputs
        words = [[] if names is None else [str(names[unit])] for unit in units]
        if self.activations is not None:
            written = percent if self.probabilities else "{:.3g}".format
            for unit, word in zip(units, words, strict=True):
                word.append(written(self.activations[-1][unit]))
        return [": ".join(word) for word in words]

    def _name_outputs(self):
        style = {"va": "center", "fontsize": 9, "color": text_colour()}
        for unit, name, (x, y) in zip(
            self.units_[-1], self._output_names(), self._places[-1], strict=True
        ):
            weight = "bold" if unit in self.guessed else "normal"
            self.ax_.text(x + RADIUS + 0.2, y, name, fontweight=weight, **style)

    def _add_legend(self):
        from matplotlib.lines import Line2D

        of = "weight" if self.activations is None else "weight × activation"
        blue, orange, *_ = colours(self.ax_)
        handles = [
            Line2D([], [], color=orange, label=f"{of} > 0"),
            Line2D([], [], color=blue, label=f"{of} < 0", linestyle="--"),
        ]
        self.ax_.legend(
            handles=handles, loc="lower center", ncols=2, frameon=False, fontsize=9
        )


def _one_row(sample):
    """A sample as a matrix of one row, which frames and sparse matrices are already."""
    if not hasattr(sample, "columns") and not hasattr(sample, "toarray"):
        sample = np.atleast_2d(np.asarray(sample))
    if sample.shape[0] != 1:
        raise ValueError(
            f"sample has the shape {sample.shape}: pass a single one, such as X[0] or "
            "X[:1]."
        )
    return sample


def _flow(net, X):
    """A sample, what each hidden layer makes of it, and what is predicted."""
    row = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype=float)
    hidden = [net.hidden_activations(X, l)[0] for l in range(net.n_layers_ - 2)]
    if hasattr(net, "classes_"):
        last = net.predict_proba(X)[0]
        if net.n_outputs_ == 1:  # of two classes, the second
            last = last[-1:]
    else:
        last = np.atleast_1d(net.predict(X)[0])
    return [row[0], *hidden, np.asarray(last)]


def _guessed(net, X):
    """Outputs of the classes, or labels, that are predicted."""
    if not hasattr(net, "classes_"):
        return []
    guess = net.predict(X)
    guess = guess.toarray() if hasattr(guess, "toarray") else guess
    if guess.ndim == 2:
        return np.flatnonzero(guess[0])
    return np.flatnonzero(net.classes_[-net.n_outputs_ :] == guess[0])


def _output_names(net):
    classes = getattr(net, "classes_", None)
    if classes is None:
        return None if net.n_outputs_ == 1 else list(range(net.n_outputs_))
    return [str(label) for label in classes[-net.n_outputs_ :]]
