"""Draws images with their actual and their guessed labels."""

from functools import partial

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from sknet.displays._canvas import (
    as_images,
    axes_or_new,
    check_counts,
    colours,
    draw_tiles,
    ink,
    n_columns_for,
    percent,
    text_colour,
    tiles_size,
)

KINDS = "first", "errors"


class PredictionsDisplay:
    r"""Images in a grid, each with its actual label, the guess and its probability.

    Labels of wrong guesses are bold and framed.

    Parameters
    ----------
    images : array-like of shape (n_images, height, width) or (n_images, n_pixels)
        Grey values, the larger the farther from the background.
    y_true, y_pred : array-like of shape (n_images,)
        Actual and guessed labels.
    proba : array-like of shape (n_images,), default=None
        Probabilities of the guesses.
    image_shape : tuple of int or "auto", default="auto"
        Height and width of images that are rows of pixels; "auto" means square.
    title : str, default=None

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes and Figure
        Where the grid is.
    images_ : list of matplotlib AxesImage
        The images, in reading order.
    texts_ : list of matplotlib Text
        The labels below them.
    indices_ : ndarray of int
        Of ``from_estimator`` and ``from_predictions``: which samples they are.

    See Also
    --------
    sklearn.metrics.ConfusionMatrixDisplay : How often which label is taken for which.
    sklearn.metrics.PredictionErrorDisplay : Actual and estimated numbers.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from sknet.displays import PredictionsDisplay
    >>> images = [[0, 1, 0, 1], [1, 1, 1, 1]]  # of 2x2 pixels
    >>> display = PredictionsDisplay(images, [1, 0], [1, 8], [0.9, 0.6])
    >>> display.plot(Figure().subplots()).texts_[1].get_text()
    'Actual: 0\nGuess: 8 (60%)'
    """

    def __init__(
        self, images, y_true, y_pred, proba=None, *, image_shape="auto", title=None
    ):
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.proba = proba
        self.image_shape = image_shape
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        y,
        *,
        kind="first",
        n_images=20,
        image_shape="auto",
        ax=None,
        n_columns=5,
    ):
        """Draw samples and what a fitted classifier takes them for.

        Parameters
        ----------
        estimator : classifier
            Any one; its probabilities are drawn if it has ``predict_proba``.
        X : array-like or sparse matrix of shape (n_samples, n_pixels)
        y : array-like of shape (n_samples,)
            Actual labels.
        kind, n_images, image_shape, ax, n_columns
            As for :meth:`from_predictions`.

        Returns
        -------
        display : PredictionsDisplay

        Raises
        ------
        sklearn.exceptions.NotFittedError
        TypeError
            For a regressor.
        """
        check_is_fitted(estimator)
        if not is_classifier(estimator):
            raise TypeError(
                f"{type(estimator).__name__} is not a classifier: draw numbers with "
                "sklearn.metrics.PredictionErrorDisplay."
            )
        guesses, proba = estimator.predict(X), None
        if hasattr(estimator, "predict_proba"):
            proba = _of_guesses(estimator, X, guesses)
        return cls.from_predictions(
            X,
            y,
            guesses,
            proba=proba,
            kind=kind,
            n_images=n_images,
            image_shape=image_shape,
            ax=ax,
            n_columns=n_columns,
        )

    @classmethod
    def from_predictions(
        cls,
        images,
        y_true,
        y_pred,
        *,
        proba=None,
        kind="first",
        n_images=20,
        image_shape="auto",
        ax=None,
        n_columns=5,
    ):
        """Draw images with their actual and guessed labels.

        Parameters
        ----------
        images, y_true, y_pred, proba, image_shape
            See the class.
        kind : {"first", "errors"}, default="first"
            The first images, or of those that were guessed wrong the ones whose guesses
            are most probable, these first.
        n_images : int, default=20
            How many at most.
        ax, n_columns
            As for :meth:`plot`.

        Returns
        -------
        display : PredictionsDisplay

        Raises
        ------
        ValueError
            For another kind, and pixels that make no image.
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} must be one of {', '.join(KINDS)}.")
        check_counts(n_images=n_images)
        images = as_images(images, image_shape)
        y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
        _check_lengths(images, y_true, y_pred, proba)
        chosen, title = np.arange(len(images)), None
        if kind == "errors":
            chosen, title = _mistakes(y_true, y_pred, proba, n_images)
        chosen = chosen[:n_images]
        shown = None if proba is None else np.asarray(proba)[chosen]
        display = cls(
            images[chosen], y_true[chosen], y_pred[chosen], shown, title=title
        )
        display.indices_ = chosen
        return display.plot(ax, n_columns=n_columns)

    def plot(self, ax=None, *, n_columns=5):
        """Draw the grid.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default those of a new figure, as large as the grid needs.
        n_columns : int, default=5
            Images in a row.

        Returns
        -------
        self : PredictionsDisplay

        Raises
        ------
        ValueError
            For pixels that make no image, or not one label for each image.
        """
        check_counts(n_columns=n_columns)
        images = as_images(self.images, self.image_shape)
        _check_lengths(images, self.y_true, self.y_pred, self.proba)
        n_columns = n_columns_for(len(images), n_columns)
        ax = axes_or_new(ax, tiles_size(images, n_columns, below=0.5))
        self.ax_, self.figure_ = ax, ax.figure
        draw = partial(type(ax).imshow, cmap=ink(ax), origin="upper")
        self.images_, places = draw_tiles(ax, images, n_columns, 0.5, draw)
        proba = [None] * len(images) if self.proba is None else self.proba
        self.texts_ = []
        for (x, y), *labels in zip(
            places, self.y_true, self.y_pred, proba, strict=True
        ):
            self.texts_.append(_label(ax, x, y, *labels))
        if self.title is not None:
            ax.set_title(self.title)
        return self


def _of_guesses(estimator, X, guesses):
    """Probabilities of the guesses, which need not be the largest ones."""
    if np.ndim(guesses) != 1:
        raise ValueError(
            f"the guesses have the shape {np.shape(guesses)}: an image has one label "
            "here, multilabel targets cannot be drawn."
        )
    places = np.searchsorted(estimator.classes_, guesses)
    return estimator.predict_proba(X)[np.arange(len(places)), places]


def _label(ax, x, y, actual, guess, proba):
    sure = "" if proba is None else f" ({percent(proba)})"
    text = f"Actual: {actual}\nGuess: {guess}{sure}"
    style = {"color": text_colour()}
    if actual != guess:  # told by weight and frame: not all see colour, nor does print
        frame = {"boxstyle": "round,pad=0.2", "edgecolor": colours(ax)[1]}
        style = {"fontweight": "bold", "bbox": {**frame, "facecolor": "none"}, **style}
    return ax.text(x, y - 0.06, text, ha="center", va="top", fontsize=9, **style)


def _mistakes(y_true, y_pred, proba, n_images):
    """Which guesses are wrong, the most probable ones first, and a title."""
    wrong = np.flatnonzero(y_true != y_pred)
    if proba is not None:
        wrong = wrong[np.argsort(-np.asarray(proba)[wrong], kind="stable")]
    n_wrong, n_samples = len(wrong), len(y_true)
    counts = f"{n_wrong} of {n_samples} guesses are wrong"
    if n_wrong <= n_images:
        return wrong, counts
    which = "first" if proba is None else "most confident"
    return wrong, f"{counts}: the {n_images} {which}"


def _check_lengths(images, y_true, y_pred, proba):
    lengths = {"y_true": len(y_true), "y_pred": len(y_pred)}
    if proba is not None:
        lengths["proba"] = len(proba)
    for name, n in lengths.items():
        if n != len(images):
            raise ValueError(
                f"{name} has {n} entries for {len(images)} images: give one for each."
            )
