"""``python -m sknet``: the article's network learns to read handwritten digits.

All of it, step by step, is in ``examples/plot_digits.py``.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier
from sknet._extras import how_to_install
from sknet.datasets import fetch_semeion
from sknet.displays import HistoryDisplay, PredictionsDisplay


def _parsed(argv):
    parser = argparse.ArgumentParser(
        prog="python -m sknet",
        description="Train the article's 256-30-20-10 network on handwritten digits.",
    )
    parser.add_argument(
        "--iterations",
        type=int,
        default=500,
        help="steps of gradient descent (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default="digits_pictures",
        help="folder for the picture (default: %(default)s)",
    )
    args = parser.parse_args(argv)
    if args.iterations < 1:
        parser.error(f"--iterations must be 1 or more, got {args.iterations}")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        advice = how_to_install("matplotlib", "examples")
        parser.error(f"the picture needs matplotlib: {advice}")
    return args


def _digits():
    """Pixels from 0 to 1, labels, and the learning rate that suits them.

    They are Semeion's, or scikit-learn's where Semeion cannot be had.  At twice the
    rate the cost goes up at some steps.
    """
    try:
        return *fetch_semeion(return_X_y=True), 2
    except (OSError, ImportError) as error:
        print(f"Using scikit-learn's 8x8 digits instead of Semeion: {error}")
    X, y = load_digits(return_X_y=True)
    return X / 16, y, 1


def _article_network(n_samples, learning_rate, n_iterations):
    return ScratchMLPClassifier(
        (30, 20),
        activation="logistic",
        out_activation="logistic",
        weight_init="uniform",
        solver="sgd",
        momentum=0,
        learning_rate_init=learning_rate,
        alpha=1,
        batch_size=n_samples,
        shuffle=False,
        max_iter=n_iterations,
        tol=0,
        n_iter_no_change=np.inf,  # all the iterations, whatever the cost does
        random_state=0,
    )


def main(argv=None):
    """Train, print the accuracy on test digits and save a picture.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments of the command line; by default the process's own.
    """
    args = _parsed(argv)
    from matplotlib.figure import Figure

    X, y, learning_rate = _digits()
    X_dev, X_test, y_dev, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=0
    )
    network = _article_network(len(X_dev), learning_rate, args.iterations)
    network.fit(X_dev, y_dev)
    print(f"Cost after {network.n_iter_} iterations: {network.loss_:.4f}")
    print(f"Accuracy on {len(y_test)} test digits: {network.score(X_test, y_test):.1%}")

    figure = Figure(figsize=(7, 5), layout="constrained")
    top, bottom = figure.subplots(2, height_ratios=[3, 2])
    HistoryDisplay.from_estimator(network, ax=top, panels=["cost"])
    PredictionsDisplay.from_estimator(network, X_test[:5], y_test[:5], ax=bottom)
    args.out.mkdir(parents=True, exist_ok=True)
    picture = args.out / "digits.png"
    figure.savefig(picture)
    print(f"Picture: {picture.resolve()}")


if __name__ == "__main__":
    main()
