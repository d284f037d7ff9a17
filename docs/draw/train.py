"""Trains the network of the page on which a visitor draws a digit.

``python docs/draw/train.py`` trains it on all of Semeion and writes ``weights.js``
beside this file; with ``--folds 10`` it says instead how often such a network is right
about digits that it has not seen, and how often it is unsure.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from sknet import ScratchMLPClassifier
from sknet.augment import RandomAffine
from sknet.datasets import fetch_semeion
from sknet.export import to_json

HERE = Path(__file__).parent
DIGITS = 3  # after the point, of a weight: more make no difference to any digit
LIMITS = (0.5, 0.6, 0.7)  # SURE of draw.js is one of them


def network(epochs):
    """``larger_moves`` of docs/recipes.md, trained for longer.

    It has half the units, which costs little accuracy and makes half the file.
    """
    return ScratchMLPClassifier(
        (256,),
        activation="silu",
        weight_init="he",
        solver="adamw",
        weight_decay=0.01,
        alpha=0,
        learning_rate="cosine",
        learning_rate_init=0.005,
        batch_size=64,
        max_iter=epochs,
        n_iter_no_change=np.inf,
        augment=RandomAffine((16, 16), rotation=12, scale=0.12, shear=0.15, shift=1.5),
        input_dropout=0.1,
        dropout=0.2,
        label_smoothing=0.1,
        dtype="float32",
        random_state=0,
    )


def as_script(net):
    """The network as JavaScript, its weights rounded."""
    net.coefs_ = [W.round(DIGITS) for W in net.coefs_]
    net.intercepts_ = [b.round(DIGITS) for b in net.intercepts_]
    return f"const NETWORK = {to_json(net)};\n"


def report(epochs, n_folds):
    """Print what digits that were not trained on are read as."""
    X, y = fetch_semeion(return_X_y=True)
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    probabilities = cross_val_predict(
        network(epochs), X, y, cv=folds, method="predict_proba"
    )
    right = probabilities.argmax(axis=1) == y
    print(f"accuracy {right.mean():.3f}")
    for limit in LIMITS:
        sure = probabilities.max(axis=1) >= limit
        print(
            f"sure at {limit}: {sure.mean():.3f} of the digits, "
            f"{right[sure].mean():.3f} of these right"
        )


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=HERE / "weights.js")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--folds", type=int, default=0)
    args = parser.parse_args(argv)
    if args.folds:
        report(args.epochs, args.folds)
        return
    net = network(args.epochs).fit(*fetch_semeion(return_X_y=True))
    args.out.write_text(as_script(net), encoding="utf-8")
    print(f"{args.out}: {args.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
