"""Draws training curves and rows of digits, in scikit-learn's Display protocol."""

from math import isqrt

import numpy as np

from sknet._extras import how_to_install

# Not by colour alone: not everybody sees it, and it is lost in print.
WRONG = {
    "color": "red",
    "fontweight": "bold",
    "bbox": {"boxstyle": "round,pad=0.2", "edgecolor": "red", "facecolor": "none"},
}


def _axes(ax, **figure_kw):
    """`ax`, or new axes where it is None; only then is matplotlib imported."""
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"Pictures need matplotlib: {how_to_install('matplotlib', 'examples')}."
        ) from error
    return plt.subplots(layout="constrained", **figure_kw)[1]


class CurveDisplay:
    """Values against iterations: the cost of training, an accuracy, a learning rate.

    Parameters
    ----------
    values : array-like of shape (n_iterations,)
        A value for each iteration, the first for iteration 1.
    name : str, default="Cost"
        What the values are: the label of the vertical axis.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where the curve is.
    line_ : matplotlib Line2D
        The curve.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sknet.displays import CurveDisplay
    >>> display = CurveDisplay([0.5, 0.8, 0.9], name="Accuracy")
    >>> display.plot(ax=Figure().subplots()).line_.get_xydata().tolist()
    [[1.0, 0.5], [2.0, 0.8], [3.0, 0.9]]
    """

    def __init__(self, values, *, name="Cost"):
        self.values = values
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, *, ax=None, name="Cost"):
        """Draw ``loss_curve_`` of a fitted network, such as a pipeline's last step."""
        return cls(estimator.loss_curve_, name=name).plot(ax)

    def plot(self, ax=None):
        """Draw the curve in `ax`, a matplotlib Axes, or in a new figure."""
        ax = _axes(ax)
        (self.line_,) = ax.plot(1 + np.arange(len(self.values)), self.values)
        ax.set(xlabel="Iteration", ylabel=self.name)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class DigitsDisplay:
    r"""Images in a row, each with its actual and its guessed label.

    The labels of wrong guesses are bold, red and framed.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width) or (n_images, n_pixels)
        Grey values, the larger the darker; rows of pixels are those of square images.
    y_true, y_pred : array-like of shape (n_images,)
        Actual and guessed labels.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where the row is.
    images_ : list of matplotlib AxesImage
        The images, from left to right.
    texts_ : list of matplotlib Text
        The labels below them.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sknet.displays import DigitsDisplay
    >>> images = [[0, 1, 0, 1], [1, 1, 1, 1]]  # of 2x2 pixels
    >>> display = DigitsDisplay(images, [1, 0], [1, 8]).plot(Figure().subplots())
    >>> display.texts_[1].get_text()
    'Actual: 0\nGuess: 8'
    """

    def __init__(self, images, y_true, y_pred):
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred

    @classmethod
    def from_estimator(cls, estimator, X, y, *, ax=None):
        """Draw the rows of X with labels y and the guesses of a fitted classifier."""
        return cls.from_predictions(X, y, estimator.predict(X), ax=ax)

    @classmethod
    def from_predictions(cls, images, y_true, y_pred, *, ax=None):
        """Draw images with their actual and guessed labels."""
        return cls(images, y_true, y_pred).plot(ax)

    def plot(self, ax=None):
        """Draw the row in `ax`, a matplotlib Axes, or in a new figure.

        Raises
        ------
        ValueError
            For pixels that make no square image, or not one label for each image.
        """
        images = _as_images(self.images)
        ax = _axes(ax, figsize=(1.6 * len(images), 2.2))
        self.images_, self.texts_ = [], []
        height = images.shape[1] / images.shape[2]  # in widths, as are all places
        lefts = 1.2 * np.arange(len(images))
        row = zip(lefts, images, self.y_true, self.y_pred, strict=True)
        for left, image, actual, guess in row:
            place = (left, left + 1, 0, height)
            self.images_.append(ax.imshow(image, cmap="gray_r", extent=place))
            text = f"Actual: {actual}\nGuess: {guess}"
            style = {"color": "black"} if actual == guess else WRONG
            text = ax.text(left + 0.5, -0.1, text, ha="center", va="top", **style)
            self.texts_.append(text)
        # Each imshow has set the limits to its own image.
        ax.set(xlim=(-0.1, 1.2 * len(images) - 0.1), ylim=(-0.1, height + 0.1))
        ax.set_axis_off()
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _as_images(images):
    """Images of shape (n_images, height, width), from rows of pixels if need be."""
    images = np.asarray(images)
    if images.ndim == 3:
        return images
    side = isqrt(images.shape[-1])
    if images.ndim != 2 or side**2 != images.shape[-1]:
        raise ValueError(
            f"images of shape {images.shape} are not rows of square images: reshape "
            "them to (n_images, height, width)."
        )
    return images.reshape(-1, side, side)
