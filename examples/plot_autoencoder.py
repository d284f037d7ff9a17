"""
An autoencoder in ten lines
===========================

A network that learns to give back what it gets, through a layer of a few units: what
those units make of a sample is a short code for it. Run it by
``python examples/plot_autoencoder.py``; it takes some seconds.
"""

import argparse
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPRegressor

# %%
# Digits of 64 pixels go through a layer of two units and come back. A network without
# its other layers could do no better than principal components do.


def autoencoder(max_iter):
    X, y = load_digits(return_X_y=True)
    X_train, X_test, _, y_test = train_test_split(X / 16, y, random_state=0)
    net = ScratchMLPRegressor(
        hidden_layer_sizes=(100, 2, 100),
        activation=["relu", "identity", "relu"],
        learning_rate="cosine",
        learning_rate_init=0.005,
        max_iter=max_iter,
        n_iter_no_change=np.inf,
        random_state=0,
    ).fit(X_train, X_train)
    codes = net.hidden_activations(X_test, layer=1)
    by_lines = PCA(2).fit(X_train)
    by_lines = by_lines.inverse_transform(by_lines.transform(X_test))
    for name, decoded in ("PCA", by_lines), ("network", net.predict(X_test)):
        score = r2_score(X_test, decoded, multioutput="variance_weighted")
        print(f"{name:8} brings back {score:.0%} of the variance from two numbers")
    return X_test, y_test, codes, decoded


# %%
# Left the codes of new digits, two numbers each; right ten of these digits and what
# the network makes of their codes.


def draw(X, y, codes, decoded):
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 4), width_ratios=[1, 1.4], layout="constrained"
    )
    points = left.scatter(*codes.T, c=y, cmap="tab10", vmin=-0.5, vmax=9.5, s=12)
    figure.colorbar(points, ax=left, ticks=range(10))
    left.set(title="Codes of digits", xlabel="first unit", ylabel="second unit")
    chosen = [np.flatnonzero(y == digit)[0] for digit in range(10)]
    images = np.stack([X[chosen], decoded[chosen]]).reshape(2, 10, 8, 8)
    frame = np.pad(images, [(0, 0), (0, 0), (1, 1), (1, 1)])
    right.imshow(frame.transpose(0, 2, 1, 3).reshape(20, 100), cmap="gray_r", vmin=0)
    right.set(title="Digits, and what comes back", yticks=[], xticks=[])
    return figure


# %%
# All of it. In a notebook ``sys.argv`` is the kernel's, and pictures are shown.


def parsed(argv):
    parser = argparse.ArgumentParser(description="An autoencoder of digits.")
    parser.add_argument("--out", type=Path, default="autoencoder_pictures")
    parser.add_argument("--quick", action="store_true", help="a few epochs")
    parser.add_argument("--show", action="store_true", help="open a window")
    return parser.parse_args(argv)


def main(argv):
    args = parsed(argv)
    if not args.show:
        matplotlib.use("Agg")  # needs no screen
    args.out.mkdir(parents=True, exist_ok=True)
    figure = draw(*autoencoder(5 if args.quick else 300))
    figure.savefig(args.out / "plot_autoencoder.png")
    print(f"Pictures are in {args.out.resolve()}")
    if args.show:
        plt.show()


if __name__ == "__main__":
    as_script = Path(sys.argv[0]).name == "plot_autoencoder.py"
    main(sys.argv[1:] if as_script else ["--show"])
