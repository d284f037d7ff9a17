"""Draws what in a sample speaks for a class, and what against it."""

from functools import partial

import numpy as np

from sknet.displays._canvas import (
    add_signed_bar,
    as_images,
    axes_or_new,
    check_counts,
    colours,
    draw_signed,
    draw_tiles,
    n_columns_for,
    percent,
    shape_of_images,
    text_colour,
    tiles_size,
)
from sknet.displays._networks import network_in

KINDS = "gradient", "gradient_x_input"
MOST_FEATURES = 20
FOR_CLASS = "Orange speaks for the class, stripes against it"
FOR_NUMBER = "Orange raises the estimate, stripes lower it"


class SaliencyDisplay:
    """Gradients of a network's output in its inputs, drawn over the samples.

    Images are drawn with the outline of what is on them: orange pixels speak for the
    class, blue ones with stripes against it.  Samples that are no images are bars of
    the features of the largest gradients, one sample, or a heat map, several.

    Parameters
    ----------
    gradients : array-like of shape (n_samples, n_features)
        What ``input_gradients`` has returned, for instance times the inputs.
    X : array-like of shape (n_samples, n_features)
        The samples.
    images : array-like of shape (n_samples, n_features), default=None
        What is outlined, if it is not X itself but what a scaler has made it of.
    titles : list of str, default=None
        What stands below each image, or at each row.
    image_shape : tuple of int, "auto" or None, default="auto"
        Height and width of the samples, if they are images, None if they are not.
        "auto" takes for square images what has 49 features or more, whose number is a
        square, and no names, or names with "pix" in them.
    feature_names : list of str, default=None
    label : str, default="Gradient"
        What the numbers are.
    title : str, default="Orange speaks for it, stripes against it"
        Where there are several samples.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
    images_ : list of matplotlib AxesImage
        One for each image, or the heat map alone.
    bars_ : matplotlib BarContainer
        Where there is one sample that is no image.
    texts_ : list of matplotlib Text
        The titles below images.
    colorbar_ : matplotlib Colorbar
        Beside images and heat maps.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sklearn.datasets import load_iris
    >>> from sknet import ScratchMLPClassifier
    >>> from sknet.displays import SaliencyDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> net = ScratchMLPClassifier((8,), max_iter=5, tol=0, n_iter_no_change=np.inf)
    >>> display = SaliencyDisplay.from_estimator(
    ...     net.fit(X, y), X[:1], target=2, ax=Figure().subplots()
    ... )
    >>> len(display.bars_)
    4
    """

    def __init__(
        self,
        gradients,
        X,
        *,
        images=None,
        titles=None,
        image_shape="auto",
        feature_names=None,
        label="Gradient",
        title="Orange speaks for it, stripes against it",
    ):
        self.gradients = gradients
        self.X = X
        self.images = images
        self.titles = titles
        self.image_shape = image_shape
        self.feature_names = feature_names
        self.label = label
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        target=None,
        response_method=None,
        kind="gradient",
        image_shape="auto",
        ax=None,
        n_columns=5,
        relative=False,
    ):
        """Draw what in samples speaks for a class, or makes an estimate larger.

        Parameters
        ----------
        estimator : estimator
            A network of sknet, or a pipeline or search with one; in a pipeline
            gradients and samples are those of the network's own inputs, which the other
            steps have made.
        X : array-like or sparse matrix of shape (n_samples, n_features)
            A few samples.
        target, response_method
            As for ``input_gradients`` of the network.
        kind : {"gradient", "gradient_x_input"}, default="gradient"
            The gradient tells what a change of an input would do; times the input, to
            first order, what it has done, compared with an input of 0.
        image_shape
            See the class.
        ax, n_columns, relative
            As for :meth:`plot`.

        Returns
        -------
        display : SaliencyDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
        ValueError
            For another kind, and what ``input_gradients`` refuses.
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} must be one of {', '.join(KINDS)}.")
        found = network_in(estimator)
        net, names = found.network, found.feature_names(X)
        given, X = X, found.transform(X)
        asked = {"target": target}
        if response_method is not None:
            if not hasattr(net, "classes_"):
                raise ValueError(
                    f"response_method={response_method!r} is for classifiers: leave it "
                    "out, the gradient is that of predict."
                )
            asked["response_method"] = response_method
        gradients = net.input_gradients(X, **asked)
        titles = _titles(net, X, target)
        X, given = _dense(X), _dense(given)
        display = cls(
            gradients * X if kind == "gradient_x_input" else gradients,
            X,
            images=given if given.shape == X.shape else X,
            titles=titles,
            image_shape=image_shape,
            feature_names=names,
            label=_label(net, response_method, kind),
            title=FOR_CLASS if hasattr(net, "classes_") else FOR_NUMBER,
        )
        return display.plot(ax, n_columns=n_columns, relative=relative)

    def plot(self, ax=None, *, n_columns=5, relative=False):
        """Draw them.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default those of a new figure.
        n_columns : int, default=5
            Images in a row.
        relative : bool, default=False
            Whether each sample's gradients are drawn relative to its largest, rather
            than all on one scale: those of probabilities may differ by powers of ten.

        Returns
        -------
        self : SaliencyDisplay
        """
        check_counts(n_columns=n_columns)
        gradients = np.asarray(self.gradients, dtype=float)
        label = self.label
        if relative:
            largest = np.abs(gradients).max(axis=1, keepdims=True)
            gradients = gradients / np.where(largest > 0, largest, 1)
            label = f"{label}, relative"
        n_samples, n_features = gradients.shape
        limit = float(np.abs(gradients).max(initial=0)) or 1.0
        self.images_, self.texts_, self.bars_, self.colorbar_ = [], [], None, None
        shape = shape_of_images(self.image_shape, n_features, self.feature_names)
        if shape is not None:
            self._draw_images(ax, as_images(gradients, shape), limit, n_columns)
        elif n_samples == 1:
            self._draw_bars(ax, gradients[0])
            self.ax_.set_xlabel(label)
        else:
            self._draw_heatmap(ax, gradients, limit)
        self.figure_ = self.ax_.figure
        if self.images_:
            first = self.images_[0]
            self.colorbar_ = add_signed_bar(self.figure_, first, self.ax_, label)
        return self

    def _draw_images(self, ax, images, limit, n_columns):
        n_columns = n_columns_for(len(images), n_columns)
        width, height = tiles_size(images, n_columns, below=0.3)
        self.ax_ = ax = axes_or_new(ax, (width + 1.0, height))
        draw = partial(draw_signed, limit=limit)
        self.images_, places = draw_tiles(ax, images, n_columns, 0.3, draw)
        samples = self.X if self.images is None else self.images
        samples = as_images(samples, images.shape[1:])
        for sample, drawn in zip(samples, self.images_, strict=True):
            _outline(ax, sample, drawn.get_extent())
        style = {"ha": "center", "va": "top", "fontsize": 9, "color": text_colour()}
        ax.set_title(self.title)
        for (x, y), title in zip(places, self._titles(len(images)), strict=True):
            self.texts_.append(ax.text(x, y - 0.06, title, **style))

    def _draw_bars(self, ax, gradient):
        order = np.argsort(-np.abs(gradient), kind="stable")[:MOST_FEATURES]
        names = self._names(len(gradient))
        size = (6.4, max(2.4, 0.8 + 0.28 * len(order)))
        self.ax_ = ax = axes_or_new(ax, size)
        shown = gradient[order]
        blue, orange, *_ = colours(ax)
        self.bars_ = ax.barh(
            range(len(order)),
            shown,
            color=np.where(shown >= 0, orange, blue),
        )
        values = np.asarray(self.X, dtype=float)[0, order]
        ticks = [f"{names[i]} = {v:.3g}" for i, v in zip(order, values, strict=True)]
        ax.set_yticks(range(len(order)), ticks)
        ax.invert_yaxis()
        ax.axvline(0, color=text_colour(), linewidth=0.8)
        ax.set_title(self._titles(1)[0])

    def _draw_heatmap(self, ax, gradients, limit):
        names, titles = self._names(gradients.shape[1]), self._titles(len(gradients))
        self.ax_ = ax = axes_or_new(ax)
        style = {"interpolation": "nearest", "aspect": "auto"}
        self.images_ = [draw_signed(ax, gradients, limit, **style)]
        ax.set(xlabel="Feature", ylabel="Sample", title=self.title)
        if len(names) <= 2 * MOST_FEATURES:
            ax.set_xticks(range(len(names)), names, rotation=45, ha="right")
        if len(titles) <= MOST_FEATURES:
            ax.set_yticks(range(len(titles)), titles)

    def _titles(self, n_samples):
        return [""] * n_samples if self.titles is None else self.titles

    def _names(self, n_features):
        if self.feature_names is not None:
            return self.feature_names
        return [f"feature {i}" for i in range(n_features)]


def _dense(X):
    return X.toarray() if hasattr(X, "toarray") else np.asarray(X)


def _outline(ax, image, extent):
    """Contour of what is on an image, halfway between its least and largest value."""
    least, most = image.min(), image.max()
    if least == most:
        return
    left, right, bottom, top = extent
    height, width = image.shape
    fine = 4  # each pixel is drawn by its edges
    image = np.kron(image, np.ones((fine, fine)))
    x = left + (np.arange(width * fine) + 0.5) * (right - left) / (width * fine)
    y = top - (np.arange(height * fine) + 0.5) * (top - bottom) / (height * fine)
    level = [(least + most) / 2]
    ax.contour(x, y, image, level, colors=[text_colour()], linewidths=0.8)


def _titles(net, X, target):
    """What the gradient is of, for each sample."""
    if not hasattr(net, "classes_"):
        estimates = np.atleast_2d(net.predict(X).T).T
        shown = estimates[:, target or 0]
        return [f"Estimate: {estimate:.3g}" for estimate in shown]
    proba, classes = net.predict_proba(X), list(net.classes_)
    if target is None:
        target = net.predict(X)
    targets = np.broadcast_to(np.asarray(target), len(proba))
    return [
        f"For {one} ({percent(row[classes.index(one)])})"
        for one, row in zip(targets, proba, strict=True)
    ]


def _label(net, response_method, kind):
    """Name of the numbers, with their unit."""
    of = "estimate"
    if hasattr(net, "classes_"):
        of = {
            "predict_proba": "probability",
            "predict_log_proba": "log probability",
        }.get(response_method, "logit")
    if kind == "gradient":
        return f"d {of} / d input"
    return f"Input × d {of} / d input"
