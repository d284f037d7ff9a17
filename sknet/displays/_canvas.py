"""Axes to draw in, and colours and stripes that all can tell apart."""

from math import ceil, isqrt
from numbers import Integral

import numpy as np

from sknet._extras import how_to_install

# Okabe and Ito's colours, "Color universal design", 2008: first a blue and an orange,
# those that stand out from the background. Each comes with a line style or a marker.
ON_LIGHT = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
ON_DARK = ["#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00"]
MARKERS = ["o", "s", "^", "D", "v", "P"]

STRIPES = "////"  # a hatch of matplotlib
LEAST = 5.4, 2.6  # inches of a figure with a title and a colour bar
GAP = 0.2  # between tiles, in widths of one


def pyplot():
    """matplotlib.pyplot, imported only where something is drawn."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"Pictures need matplotlib: {how_to_install('matplotlib', 'examples')}."
        ) from error
    return plt


def axes_or_new(ax, figsize=None):
    """`ax`, or new axes where it is None."""
    if ax is not None:
        _check_axes(ax)
        return ax
    return pyplot().subplots(layout="constrained", figsize=figsize)[1]


def _check_axes(*several):
    for ax in several:
        if not hasattr(ax, "plot"):
            raise TypeError(
                f"ax={ax!r:.80} is no Axes of matplotlib: pass one, such as "
                "plt.subplots() makes, or None for a new figure."
            )


def panels(ax, n_rows, n_columns=1, figsize=None, height_ratios=None, **shared):
    """Array of axes, (n_rows, n_columns), in a new figure or in the place of one.

    Parameters
    ----------
    ax : Axes, array-like of Axes or None
        Axes are taken as they are, if there are as many as panels; a single one gives
        its place to them.
    """
    if ax is None:
        return pyplot().subplots(
            n_rows,
            n_columns,
            figsize=figsize,
            squeeze=False,
            layout="constrained",
            gridspec_kw={"height_ratios": height_ratios},
            **shared,
        )[1]
    if not hasattr(ax, "plot"):
        given = np.asarray(ax, dtype=object)
        if given.size != n_rows * n_columns:
            raise ValueError(
                f"ax has {given.size} axes for {n_rows * n_columns} panels: give as "
                "many, or a single one, whose place is divided."
            )
        _check_axes(*given.flat)
        return given.reshape(n_rows, n_columns)
    if n_rows * n_columns == 1:
        return np.array([[ax]], dtype=object)
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            f"ax has no place in a grid that {n_rows * n_columns} panels could share: "
            "give one made by subplots, or as many axes as panels."
        )
    ax.set_axis_off()
    grid = place.subgridspec(n_rows, n_columns, height_ratios=height_ratios)
    return grid.subplots(squeeze=False, **shared)


def is_dark(ax):
    """Whether the axes' background is dark."""
    from matplotlib.colors import to_rgba

    red, green, blue, alpha = to_rgba(ax.get_facecolor())
    if not alpha:
        red, green, blue, _ = to_rgba(ax.figure.get_facecolor())
    return 0.299 * red + 0.587 * green + 0.114 * blue < 0.5


def colours(ax):
    """Colours of lines and bars, a blue and an orange first."""
    return ON_DARK if is_dark(ax) else ON_LIGHT


def ink(ax):
    """Colours of grey values, the larger the farther from the background."""
    return "gray" if is_dark(ax) else "gray_r"


def text_colour():
    """That of the style sheet."""
    from matplotlib import rcParams

    return rcParams["text.color"]


def signed(ax):
    """Colours of numbers of both signs: orange above 0, blue below, paper at 0."""
    from matplotlib.colors import LinearSegmentedColormap

    middle = "#101010" if is_dark(ax) else "#ffffff"
    ends = ["#7cc8f2", "#0072B2"], ["#D55E00", "#ffb84d"]
    if not is_dark(ax):
        ends = ["#00507d", "#0072B2"], ["#D55E00", "#9a4300"]
    return LinearSegmentedColormap.from_list("signed", [*ends[0], middle, *ends[1]])


def draw_signed(ax, values, limit, **style):
    """An image of numbers from -limit to limit, striped where they are negative.

    Parameters
    ----------
    values : ndarray of shape (height, width)
    limit : float
    **style
        For ``imshow``.

    Returns
    -------
    drawn : AxesImage
    """
    style |= {"cmap": signed(ax), "vmin": -limit, "vmax": limit, "origin": "upper"}
    drawn = ax.imshow(values, **style)
    left, right, bottom, top = drawn.get_extent()
    x = np.linspace(left, right, values.shape[1] + 1)
    y = np.linspace(top, bottom, values.shape[0] + 1)
    i, j = np.nonzero(values < 0)
    corners = [(j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1)]
    cells = np.array([(x[column], y[row]) for column, row in corners])
    draw_stripes(ax, cells.transpose(2, 0, 1))
    return drawn


def draw_stripes(ax, outlines, **style):
    """Stripes, by which numbers below 0 are told without their colour.

    They have the colour of 0, and so stand out the more, the farther a number is
    from it.

    Parameters
    ----------
    outlines : array-like of shape (n, n_corners, 2)
        Of what is negative.
    **style
        For the patch.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if len(outlines):
        path = Path.make_compound_path_from_polys(np.asarray(outlines, dtype=float))
        style |= {"fill": False, "linewidth": 0, "hatch": STRIPES}
        # add_patch would go through all corners one by one, for limits of the axes.
        ax.add_artist(PathPatch(path, edgecolor=signed(ax)(0.5), **style))


def add_signed_bar(figure, drawn, ax, label):
    """A colour bar for what :func:`draw_signed` has drawn."""
    bar = figure.colorbar(drawn, ax=ax, label=label, shrink=0.8)
    low = drawn.norm.vmin
    draw_stripes(bar.ax, [[(0, low), (1, low), (1, 0), (0, 0)]])
    return bar


def as_images(rows, image_shape="auto"):
    """Images of shape (n_images, height, width), from rows of pixels if need be.

    Parameters
    ----------
    rows : array-like or sparse matrix
    image_shape : tuple of int or "auto"
        Height and width; "auto" means square.

    Raises
    ------
    ValueError
        For rows that make no image.
    """
    _check_word(image_shape)
    rows = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    auto, shape = isinstance(image_shape, str), image_shape
    if auto and rows.ndim == 3:
        return rows
    if auto:
        shape = square(rows.shape[1]) if rows.ndim == 2 else None
    fits = shape is not None and np.prod(shape) == np.prod(rows.shape[1:])
    if not fits or np.min(shape) < 1:
        raise ValueError(
            f"images of shape {rows.shape} are not rows of "
            f"{'square images' if auto else f'shape {image_shape}'}: give their "
            "image_shape, or reshape them to (n_images, height, width)."
        )
    return rows.reshape(len(rows), *shape)


def percent(proba):
    """A probability in per cent, which is 100 % or 0 % only if it is 1 or 0."""
    if 0.995 <= proba < 1:
        return ">99%"
    if 0 < proba < 0.005:
        return "<1%"
    return f"{100 * proba:.0f}%"


def square(n_pixels):
    """Shape of a square image of so many pixels, or None."""
    side = isqrt(n_pixels)
    return (side, side) if side**2 == n_pixels else None


def shape_of_images(image_shape, n_features, names=None):
    """Height and width of samples that are images, or None for those that are none.

    Parameters
    ----------
    image_shape : tuple of int, "auto" or None
        "auto" takes for square images what has 49 features or more, whose number is a
        square, and no names, or names with "pix" in them.
    n_features : int
    names : list of str, default=None
        Names of the features.
    """
    _check_word(image_shape)
    if not isinstance(image_shape, str):
        return image_shape
    named = names is not None and not all("pix" in name.lower() for name in names)
    return square(n_features) if n_features >= 49 and not named else None


def check_counts(**counts):
    """Refuse what is no number of things to draw."""
    for name, n in counts.items():
        if not isinstance(n, Integral) or n < 1:
            raise ValueError(f"{name}={n!r} must be a whole number, 1 or more.")


def _check_word(image_shape):
    if isinstance(image_shape, str) and image_shape != "auto":
        raise ValueError(
            f"image_shape={image_shape!r} must be 'auto' or a height and a width, such "
            "as (8, 8)."
        )


def n_columns_for(n_tiles, n_columns):
    """Columns of a grid: as many as are wanted, if there are so many tiles."""
    return max(1, min(n_tiles, n_columns))


def tiles_size(images, n_columns, below, width=1.28):
    """Size in inches of a figure whose tiles are about so wide, and its words fit."""
    height = images.shape[1] / images.shape[2]
    n_rows = ceil(len(images) / n_columns)
    return (
        max(LEAST[0], (1 + GAP) * width * n_columns),
        max(LEAST[1], (height + below) * width * max(1, n_rows) + 0.35),
    )


def draw_tiles(ax, images, n_columns, below, draw):
    """Images in a grid of one pair of axes, in reading order.

    Parameters
    ----------
    images : ndarray of shape (n_images, height, width)
    below : float
        Free height below each, in widths of an image.
    draw : callable
        ``draw(ax, image, extent=)``, which returns what is drawn.

    Returns
    -------
    drawn : list of AxesImage
    places : list of (float, float)
        The middle of each lower edge.
    """
    from matplotlib.patches import Rectangle

    height = images.shape[1] / images.shape[2]
    drawn, places = [], []
    for i, image in enumerate(images):
        row, column = divmod(i, n_columns)
        left, top = (1 + GAP) * column, -row * (height + below)
        extent = (left, left + 1, top - height, top)
        drawn.append(draw(ax, image, extent=extent))
        frame = {"fill": False, "edgecolor": text_colour(), "lw": 0.5, "alpha": 0.5}
        ax.add_patch(Rectangle((left, top - height), 1, height, **frame))
        places.append((left + 0.5, top - height))
    n_rows = ceil(len(images) / n_columns)
    # Each imshow has set the limits to its own image.
    ax.set(
        xlim=(-0.1, (1 + GAP) * n_columns - GAP + 0.1),
        ylim=(-n_rows * (height + below), 0.1),
        aspect="equal",
    )
    ax.set_axis_off()
    return drawn, places
