"""Draw ``layer.png``: a layer's matrices, the way forward and the way back.

Run in any folder; the picture is written beside this file, or to the path given.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

# Light tones of Okabe and Ito's palette, which colour-blind readers can tell apart.
# Nothing depends on them: matrices have names, ones and biases have marks.
WEIGHTS, DATA, BACK, ONES = "#a6d3ef", "#e8e8e8", "#f2c6dd", "#f5c24c"
INK = "#222222"
N_BELOW, N_ABOVE, N_SAMPLES = 4, 3, 6
CELL = 0.42


def matrix(ax, x, y, shape, color, name, size, *, ones="", biases=False):
    """Draw a matrix with its centre at height ``y``; return where it ends.

    ``ones`` is "row" or "column" if its first one is of ones.
    """
    n_rows, n_columns = shape
    top = y + n_rows * CELL / 2
    for i in range(n_rows):
        for j in range(n_columns):
            is_one = (ones == "row" and i == 0) or (ones == "column" and j == 0)
            is_bias = biases and j == 0
            ax.add_patch(
                Rectangle(
                    (x + j * CELL, top - (i + 1) * CELL),
                    CELL,
                    CELL,
                    facecolor=ONES if is_one or is_bias else color,
                    edgecolor=INK,
                    linewidth=0.8,
                )
            )
            mark = "1" if is_one else "b" if is_bias else ""
            ax.text(x + (j + 0.5) * CELL, top - (i + 0.5) * CELL, mark, **CENTRED)
    middle = x + n_columns * CELL / 2
    ax.text(middle, top + 0.14, name, ha="center", va="bottom", fontsize=13, color=INK)
    bottom = top - n_rows * CELL
    ax.text(middle, bottom - 0.12, size, ha="center", va="top", fontsize=9, color=INK)
    return x + n_columns * CELL


CENTRED = {"ha": "center", "va": "center", "fontsize": 10, "color": INK}


def sign(ax, x, y, text, width=0.7):
    """Write an operator in the gap after ``x``; return where the gap ends."""
    ax.text(x + width / 2, y, text, **{**CENTRED, "fontsize": 15})
    return x + width


def note(ax, x, y, text):
    """Write a remark to the right of a row."""
    ax.text(x + 0.35, y, text, fontsize=10, va="center", color=INK, linespacing=1.4)


def heading(ax, y, title, code):
    """A row's title, and the line of code that does it."""
    ax.text(0, y, title, fontsize=12.5, fontweight="bold", va="center", color=INK)
    ax.text(
        13.3,
        y,
        code,
        fontsize=10,
        family="monospace",
        va="center",
        ha="right",
        color=INK,
    )


def forward(ax, y):
    heading(ax, y + 1.85, "Forward  →", "product(W, A[l], out=Z[l])")
    x = matrix(
        ax,
        0,
        y,
        (N_ABOVE, 1 + N_BELOW),
        WEIGHTS,
        "$W_l$",
        "units above × (1 + units below)",
        biases=True,
    )
    x = sign(ax, x, y, "@")
    x = matrix(
        ax,
        x,
        y,
        (1 + N_BELOW, N_SAMPLES),
        DATA,
        "$A_l$",
        "(1 + units below) × samples",
        ones="row",
    )
    x = sign(ax, x, y, "=")
    x = matrix(ax, x, y, (N_ABOVE, N_SAMPLES), DATA, "$Z_l$", "units above × samples")
    ax.annotate(
        "",
        (x + 1.05, y),
        (x + 0.15, y),
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.5},
    )
    ax.text(x + 0.6, y + 0.12, "g", ha="center", va="bottom", fontsize=13, color=INK)
    matrix(
        ax,
        x + 1.2,
        y,
        (1 + N_ABOVE, N_SAMPLES),
        DATA,
        "$A_{l+1}$",
        "(1 + units above) × samples",
        ones="row",
    )


def gradient(ax, y):
    heading(
        ax, y + 1.95, "Gradient of the weights", "outer(delta[l], A[l], out=grad[l])"
    )
    x = matrix(
        ax,
        0,
        y,
        (N_ABOVE, N_SAMPLES),
        BACK,
        r"$\delta_l = \partial J / \partial Z_l$",
        "units above × samples",
    )
    x = sign(ax, x, y, "@")
    x = matrix(
        ax,
        x,
        y,
        (N_SAMPLES, 1 + N_BELOW),
        DATA,
        "$A_l^T$",
        "samples × (1 + units below)",
        ones="column",
    )
    x = sign(ax, x, y, "=")
    x = matrix(
        ax,
        x,
        y,
        (N_ABOVE, 1 + N_BELOW),
        WEIGHTS,
        r"grad$_l = \partial J / \partial W_l$",
        "units above × (1 + units below)",
        biases=True,
    )
    note(
        ax,
        x,
        y,
        "The ones add up δ over\nthe samples: that is the\ngradient of the biases.",
    )


def back(ax, y):
    heading(
        ax,
        y + 1.75,
        "Back to the layer below  ←",
        "product(W[l].T, delta[l], out=delta[l - 1])",
    )
    x = matrix(
        ax,
        0,
        y,
        (N_BELOW, N_ABOVE),
        WEIGHTS,
        "$V_l^T$",
        "units below\n× units above",
    )
    x = sign(ax, x, y, "@")
    x = matrix(
        ax, x, y, (N_ABOVE, N_SAMPLES), BACK, r"$\delta_l$", "units above × samples"
    )
    x = sign(ax, x, y, "⊙")
    x = matrix(
        ax,
        x,
        y,
        (N_BELOW, N_SAMPLES),
        DATA,
        "$g'(Z_{l-1})$",
        "units below × samples",
    )
    x = sign(ax, x, y, "=")
    x = matrix(
        ax,
        x,
        y,
        (N_BELOW, N_SAMPLES),
        BACK,
        r"$\delta_{l-1}$",
        "units below × samples",
    )
    note(ax, x, y, "$V_l$ is $W_l$ without\nits biases: the ones\nhave no unit below.")


def main(path):
    figure = plt.figure(figsize=(9.6, 8.2), facecolor="white")
    ax = figure.add_axes((0.02, 0.01, 0.96, 0.98))
    ax.set(xlim=(-0.4, 13.4), ylim=(-1.3, 10.4), aspect="equal")
    ax.set_axis_off()
    forward(ax, 8.2)
    gradient(ax, 4.2)
    back(ax, 0.4)
    figure.savefig(path, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_suffix(".png"))
