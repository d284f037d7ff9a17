"""Augments images: moves, turns, resizes and slants each a little, at random.

A digit moved by a pixel is still that digit, but for a network it is another row of
numbers.  An augmentation is called with a batch, images flattened row by row, and a
random generator, and returns a new batch; pixels from outside an image are 0.  Source:
Simard, Steinkraus and Platt, *Best practices for convolutional neural networks applied
to visual document analysis*, ICDAR 2003.
"""

from math import prod
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

HALF_WIDTH = Interval(Real, 0, None, closed="left")


class _RandomMap(BaseEstimator):
    """An affine map of every image, drawn by a subclass in `_inverse_maps`."""

    def __call__(self, X, rng):
        """The images of X, each moved by a draw of its own.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_features)
            Flattened images, float32 or float64; left as they are.
        rng : RandomState or Generator
            Source of the draws.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            A new array of the dtype of X.

        Raises
        ------
        ValueError
            If a parameter is out of range, or the rows of X are not such images.
        """
        self._validate_params()
        if len(self.image_shape) not in (2, 3):
            raise ValueError(
                f"image_shape={self.image_shape} must have two or three numbers: give "
                "(height, width) or (height, width, n_channels)."
            )
        if not isinstance(X, np.ndarray) or X.dtype.kind != "f":
            raise ValueError(
                f"{type(self).__name__} takes a NumPy array of floats, not a "
                f"{type(X).__name__} of {getattr(X, 'dtype', 'objects')}: convert X."
            )
        if X.ndim != 2 or X.shape[1] != prod(self.image_shape):
            raise ValueError(
                f"X has shape {X.shape}, but image_shape={self.image_shape} asks for "
                f"rows of {prod(self.image_shape)} features: set image_shape to the "
                "shape of the images in the rows of X."
            )
        height, width, *channels = self.image_shape
        images = X.reshape(len(X), height, width, prod(channels))
        return _resampled(images, *self._inverse_maps(len(X), rng)).reshape(X.shape)


class RandomShift(_RandomMap):
    """Images moved by whole pixels, up or down and left or right.

    Parameters
    ----------
    image_shape : tuple (height, width) or (height, width, n_channels)
        The shape of an image before it became a row of X.
    shift : int >= 0, default=1
        Pixels: an image moves by a whole number of them in [-shift, shift], each
        equally probable, and by another such number in the other direction.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    >>> RandomShift(image_shape=(2, 3))(X, np.random.RandomState(3)).reshape(2, 3)
    array([[0., 1., 2.],
           [0., 4., 5.]])
    """

    _parameter_constraints = {
        "image_shape": [tuple, list],
        "shift": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, image_shape, shift=1):
        self.image_shape = image_shape
        self.shift = shift

    def _inverse_maps(self, n_samples, rng):
        shift = np.floor(rng.uniform(-self.shift, self.shift + 1, (n_samples, 2)))
        return np.eye(2)[:, :, np.newaxis], shift.T


class RandomAffine(_RandomMap):
    """Images turned, resized, slanted and moved, interpolated bilinearly.

    A pixel at p = (row, column), counted from the centre of the image, moves to
    q = s R K p + t with R = [[cos φ, -sin φ], [sin φ, cos φ]] and K = [[1, 0], [k, 1]].
    Each parameter from ``rotation`` on is the half-width of the interval in which an
    image's own value is drawn, uniformly and independently of the others.

    Parameters
    ----------
    image_shape : tuple (height, width) or (height, width, n_channels)
        The shape of an image before it became a row of X.
    rotation : float >= 0, default=0.0
        Degrees: φ, anticlockwise, is in [-rotation, rotation].
    scale : float in [0, 1), default=0.0
        The factor s is in [1 - scale, 1 + scale].
    shear : float >= 0, default=0.0
        Pixels a row: k, to the right for the rows below the centre and to the left for
        those above, is in [-shear, shear].
    shift : float >= 0, default=0.0
        Pixels: both numbers of t are in [-shift, shift].

    Examples
    --------
    >>> augment = RandomAffine(image_shape=(16, 16), rotation=8, scale=0.08, shift=1)
    >>> X = np.ones((64, 256), dtype=np.float32)
    >>> augment(X, np.random.RandomState(0)).dtype
    dtype('float32')
    """

    _parameter_constraints = {
        "image_shape": [tuple, list],
        "rotation": [HALF_WIDTH],
        "scale": [Interval(Real, 0, 1, closed="left")],
        "shear": [HALF_WIDTH],
        "shift": [HALF_WIDTH],
    }

    def __init__(self, image_shape, *, rotation=0.0, scale=0.0, shear=0.0, shift=0.0):
        self.image_shape = image_shape
        self.rotation = rotation
        self.scale = scale
        self.shear = shear
        self.shift = shift

    def _inverse_maps(self, n_samples, rng):
        half_widths = [self.rotation, self.scale, self.shear, self.shift, self.shift]
        rotation, scale, k, *t = (half_widths * rng.uniform(-1, 1, (n_samples, 5))).T
        cos, sin = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
        inverse = np.array([[cos, sin], [-sin - k * cos, cos - k * sin]]) / (1 + scale)
        return inverse, t


def _resampled(images, inverse, shift):
    """Images under affine maps: pixel q shows what was at p = inverse (q - shift).

    The arguments have shapes (n_samples, height, width, n_channels), (2, 2, n_samples)
    and (2, n_samples).
    """
    n_samples, height, width, n_channels = images.shape
    # A border of 0 makes outside a place like any other.  It is two pixels wide behind
    # the image, where the point furthest out has neighbours too.
    padded = np.zeros((n_samples, height + 3, width + 3, n_channels), images.dtype)
    padded[:, 1:-2, 1:-2] = images
    # Positions are in the dtype of the images, as wider ones would slow down the rest.
    inverse = inverse.astype(images.dtype)
    rows, columns = (
        (np.arange(size) - (size - 1) / 2 - t[:, np.newaxis]).astype(images.dtype)
        for size, t in zip((height, width), shift, strict=True)
    )
    corners, fractions = [], []
    for (by_row, by_column), size in zip(inverse, (height, width), strict=True):
        # In the padded image the centre is at 1 + (size - 1) / 2.
        by_row = by_row[:, np.newaxis] * rows + (size + 1) / 2
        by_column = by_column[:, np.newaxis] * columns
        p = by_row[:, :, np.newaxis] + by_column[:, np.newaxis, :]
        np.clip(p, 0, size + 1, out=p)
        corner = np.floor(p)
        p -= corner
        corners.append(corner.astype(np.intp))
        fractions.append(p[..., np.newaxis])

    row_length = width + 3
    first_rows = np.arange(n_samples)[:, np.newaxis, np.newaxis] * (height + 3)
    index = (first_rows + corners[0]) * row_length + corners[1]
    # Without its first k pixels, the same index finds the neighbour k pixels on.
    pixels = padded.reshape(-1, n_channels)
    a, b, c, d = (
        pixels[k:].take(index, axis=0) for k in (0, 1, row_length, row_length + 1)
    )
    down, right = fractions
    return _between(_between(a, b, right), _between(c, d, right), down)


def _between(a, b, fraction):
    """Linear interpolation, a + fraction (b - a), in the place of b."""
    b -= a
    b *= fraction
    b += a
    return b
