"""``python -m sknet``: a network learns to read handwritten digits, and is saved.

All of it, step by step, is in ``examples/plot_digits.py``.
"""

import argparse
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier
from sknet._extras import how_to_install
from sknet.augment import RandomAffine
from sknet.datasets import fetch_semeion
from sknet.displays import HistoryDisplay, PredictionsDisplay

MORE = """\
run it twice:
  python -m sknet                        the article's network, 256-30-20-10
  python -m sknet --load digits_pictures/digits.joblib
                                         the same network learns on
  python -m sknet --network recipe       a better one, of docs/recipes.md

what else there is, in a checkout of sknet:
  examples/digits_from_scratch.ipynb     the article as a notebook
  examples/plot_digits.py                the same, then a pipeline and a search
  examples/plot_recipes.py               what makes a network better, measured
  docs/draw/index.html                   a page that reads the digit that you draw
  docs/equations.md                      every formula, linked to its line
  python -m benchmarks                   how fast it is beside its peers
"""


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m sknet",
        description="Train a network on handwritten digits; show and save it.",
        epilog=MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--network",
        choices=["article", "recipe"],
        default="article",
        help="the article's (default), or recipe A of docs/recipes.md",
    )
    which.add_argument(
        "--load",
        type=Path,
        metavar="FILE",
        help="a network that an earlier run has saved, to be trained on "
        "(only files that you trust: like any pickle, they can run code)",
    )
    parser.add_argument(
        "--iterations",
        type=int,
        metavar="N",
        help="epochs of training (default: 500, of the recipe 100)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default="digits_pictures",
        metavar="FOLDER",
        help="folder for the picture and the network (default: %(default)s)",
    )
    parser.add_argument("--show", action="store_true", help="open the picture, too")
    return parser


def _parsed(parser, argv):
    args = parser.parse_args(argv)
    if args.iterations is not None and args.iterations < 1:
        parser.error(f"--iterations must be 1 or more, got {args.iterations}")
    if args.load is not None and not args.load.is_file():
        parser.error(f"--load: there is no file {args.load}; run without it first")
    try:
        import matplotlib.pyplot  # noqa: F401
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


def _article_network(n_samples, learning_rate):
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
        max_iter=500,
        tol=0,
        n_iter_no_change=np.inf,  # all the iterations, whatever the cost does
        random_state=0,
    )


def _recipe(side):
    shift = side / 16  # of Semeion's 16 pixels, one
    return ScratchMLPClassifier(
        (512,),
        weight_init="he",
        solver="adamw",
        weight_decay=0.01,
        alpha=0,
        learning_rate="cosine",
        learning_rate_init=0.005,
        batch_size=64,
        max_iter=100,
        n_iter_no_change=np.inf,
        augment=RandomAffine(
            (side, side), rotation=8, scale=0.08, shear=0.1, shift=shift
        ),
        input_dropout=0.1,
        dropout=0.2,
        label_smoothing=0.1,
        dtype="float32",
        random_state=0,
    )


def _loaded(parser, path, n_features):
    """The network in the file, about to be trained on."""
    try:
        network = joblib.load(path)
    except Exception as error:
        parser.error(
            f"--load: {path} is no file that a run has saved "
            f"({type(error).__name__}: {error})"
        )
    if not isinstance(network, ScratchMLPClassifier):
        found = type(network).__name__
        parser.error(f"--load: {path} has a {found}, not a ScratchMLPClassifier")
    if not hasattr(network, "n_features_in_"):
        parser.error(f"--load: {path} has a network that has not been trained")
    if network.n_features_in_ != n_features:
        parser.error(
            f"--load: {path} has a network for {network.n_features_in_} pixels, but "
            f"the digits have {n_features}: train a new one"
        )
    several = network.predict(np.zeros((1, n_features))).ndim > 1
    if several or list(network.classes_) != list(range(10)):
        parser.error(
            f"--load: {path} has a network for other labels than the digits 0 to 9: "
            "train a new one"
        )
    return network.set_params(warm_start=True)


def _show(network, X_test, y_test, picture, in_a_window):
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(7, 5), layout="constrained")
    top, bottom = figure.subplots(2, height_ratios=[3, 2])
    HistoryDisplay.from_estimator(network, ax=top, panels=["cost"])
    PredictionsDisplay.from_estimator(network, X_test[:5], y_test[:5], ax=bottom)
    figure.savefig(picture)
    print(f"Picture: {picture.resolve()}")
    if in_a_window:
        plt.show()
    plt.close(figure)


def main(argv=None):
    """Train, print the accuracy on test digits, save a picture and the network.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments of the command line; by default the process's own.
    """
    parser = _parser()
    args = _parsed(parser, argv)
    try:  # now, as training would be in vain
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out: {args.out} cannot be a folder ({error.strerror})")
    X, y, learning_rate = _digits()
    X_dev, X_test, y_dev, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=0
    )
    if args.load is not None:
        network = _loaded(parser, args.load, X.shape[1])
    elif args.network == "recipe":
        network = _recipe(int(np.sqrt(X.shape[1])))
    else:
        network = _article_network(len(X_dev), learning_rate)
    if args.iterations is not None:
        network.set_params(max_iter=args.iterations)
    network.fit(X_dev, y_dev)

    n_iterations = len(network.loss_curve_)  # with those of earlier runs
    print(f"Cost after {n_iterations} iterations: {network.loss_:.4f}")
    print(f"Accuracy on {len(y_test)} test digits: {network.score(X_test, y_test):.1%}")
    _show(network, X_test, y_test, args.out / "digits.png", args.show)
    saved = args.out / "digits.joblib"
    joblib.dump(network, saved)
    print(f'Network: {saved.resolve()}, for joblib.load("{saved.name}").predict(X)')
    print(f"Train it on: python -m sknet --load {saved}")


if __name__ == "__main__":
    main()
