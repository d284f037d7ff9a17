"""
Recipes for digits: one ingredient at a time
============================================

What makes a multilayer perceptron read handwritten digits better? This starts with the
network that ``MLPClassifier`` has by default, adds one ingredient after the other and
cross-validates each step. Run it by ``python examples/plot_recipes.py``; it takes
about eight minutes on one core and less on two. ``docs/recipes.md`` tells what comes
out. The page of the gallery is made with ``--quick``, two epochs on two folds: its
figures tell nothing about the recipes.
"""

import argparse
import sys
from math import isqrt
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import log_loss, make_scorer
from sklearn.model_selection import StratifiedKFold, cross_validate

from sknet import ScratchMLPClassifier
from sknet.augment import RandomAffine
from sknet.datasets import fetch_semeion

# %%
# The Data
# --------
# Semeion, 1593 digits of 16x16 pixels, or scikit-learn's 1797 digits of 8x8 pixels.


def load(data):
    if data == "semeion":
        try:
            return fetch_semeion(return_X_y=True)
        except (OSError, ImportError) as error:
            print(f"Using scikit-learn's 8x8 digits instead of Semeion: {error}")
    X, y = load_digits(return_X_y=True)
    return X / 16, y  # pixels from 0 to 1


# %%
# The Ladder
# ----------
# Each ingredient is a few parameters, and each rung has those of all rungs below. A
# digit is moved by up to a sixteenth of its height. Where digits are already moved,
# turned and slanted, less dropout is enough: that rung changes both.


def ingredients(image_shape):
    return {
        "MLPClassifier's default": {},
        "512 units, He's weights": {"hidden_layer_sizes": (512,), "weight_init": "he"},
        "AdamW, cosine": {
            "solver": "adamw",
            "weight_decay": 0.01,
            "alpha": 0,  # one decay is enough
            "learning_rate": "cosine",
            "learning_rate_init": 0.005,
            "batch_size": 64,
            "max_iter": 100,
            "n_iter_no_change": np.inf,  # the cosine wants all epochs
        },
        "dropout": {"input_dropout": 0.2, "dropout": 0.5},
        "label smoothing: recipe N": {"label_smoothing": 0.1},
        "moved digits: recipe A": {
            "augment": RandomAffine(
                image_shape,
                rotation=8,
                scale=0.08,
                shear=0.1,
                shift=image_shape[0] / 16,
            ),
            "input_dropout": 0.1,
            "dropout": 0.2,
        },
    }


# %%
# Label smoothing teaches never to be certain, and so the probabilities are too even.
# Temperature scaling divides the raw outputs by one number, chosen on digits held out,
# which changes no guess; ``ensemble=False`` keeps one network, trained on all digits.
# The last rung is five networks that differ only in their seeds.

AT_LEAST_1_8 = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8)
CALIBRATION = "temperature" if AT_LEAST_1_8 else "sigmoid"


def ladder(n_pixels, quick):
    """Names of the rungs and their models."""
    rungs = {}
    network = ScratchMLPClassifier(dtype="float32", random_state=0)
    for name, parameters in ingredients((isqrt(n_pixels), isqrt(n_pixels))).items():
        network = clone(network).set_params(**parameters)
        if quick:
            network.set_params(max_iter=2, tol=0, n_iter_no_change=np.inf)
        rungs[name] = network
    five = [
        (f"seed {seed}", clone(network).set_params(random_state=seed))
        for seed in range(5)
    ]
    rungs["recipe A, calibrated"] = CalibratedClassifierCV(
        network, method=CALIBRATION, cv=5, ensemble=False
    )
    rungs["five of recipe A, averaged"] = VotingClassifier(five, voting="soft")
    return rungs


# %%
# Ten folds, the same for every rung. Accuracy tells how many guesses are right, log
# loss how far the probabilities behind them can be trusted.


def log_loss_of(y, probabilities):
    # CalibratedClassifierCV returns those of a float32 network in float64, for which
    # log_loss finds that they do not sum to one.
    return log_loss(y, probabilities / probabilities.sum(axis=1, keepdims=True))


SCORING = {
    "accuracy": "accuracy",
    "log_loss": make_scorer(log_loss_of, response_method="predict_proba"),
}


def mean_and_error(scores):
    return scores.mean(), scores.std(ddof=1) / len(scores) ** 0.5


def evaluate(rungs, X, y, n_folds, n_jobs):
    """Accuracies and log losses of each rung, one for each fold."""
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    results = {}
    for name, model in rungs.items():
        scores = cross_validate(model, X, y, cv=folds, scoring=SCORING, n_jobs=n_jobs)
        results[name] = scores["test_accuracy"], scores["test_log_loss"]
        mean, error = mean_and_error(scores["test_accuracy"])
        print(
            f"{name:26}  accuracy {mean:.1%} +- {error:.1%}, "
            f"log loss {scores['test_log_loss'].mean():.3f}, "
            f"{scores['fit_time'].mean():.1f} s",
            flush=True,
        )
    return results


# %%
# The Picture
# -----------
# One panel for each measure: points are means over the folds, bars standard errors.


def draw(results):
    figure, panels = plt.subplots(
        1, 2, sharey=True, figsize=(9, 4), layout="constrained"
    )
    rungs = range(len(results))
    accuracies, losses = zip(*results.values(), strict=True)
    measures = {
        "accuracy in % (more is better)": 100 * np.array(accuracies),
        "log loss (less is better)": np.array(losses),
    }
    for ax, color, (name, scores) in zip(
        panels, ["C0", "C1"], measures.items(), strict=True
    ):
        means, errors = np.transpose([mean_and_error(rung) for rung in scores])
        ax.errorbar(means, rungs, xerr=errors, fmt="o", capsize=3, color=color)
        ax.grid(axis="x", alpha=0.3)
        ax.set_xlabel(name)
    panels[0].set_yticks(rungs, results)
    panels[1].set_xlim(left=0)
    return figure


# %%
# All of it. In a notebook ``sys.argv`` is the kernel's, and pictures are shown.


def parsed(argv):
    parser = argparse.ArgumentParser(description="Recipes for handwritten digits.")
    parser.add_argument("--out", type=Path, default="recipes_pictures", help="folder")
    parser.add_argument("--data", choices=["semeion", "digits"], default="semeion")
    parser.add_argument("--n-jobs", type=int, default=2, help="processes")
    parser.add_argument("--quick", action="store_true", help="2 folds of 2 epochs")
    parser.add_argument("--show", action="store_true", help="open windows")
    return parser.parse_args(argv)


def main(argv):
    args = parsed(argv)
    if not args.show:
        matplotlib.use("Agg")  # needs no screen
    args.out.mkdir(parents=True, exist_ok=True)

    X, y = load(args.data)
    rungs = ladder(X.shape[1], args.quick)
    results = evaluate(rungs, X, y, 2 if args.quick else 10, args.n_jobs)
    draw(results).savefig(args.out / "plot_recipes.png", dpi=150)
    print(f"Pictures are in {args.out}")
    if args.show:
        plt.show()


if __name__ == "__main__":  # the processes of n_jobs=2 may import this file
    as_script = Path(sys.argv[0]).name == "plot_recipes.py"
    main(sys.argv[1:] if as_script else ["--show"])
