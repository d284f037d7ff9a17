"""
Handwritten digits: from the article to scikit-learn
====================================================

The article "Deep Learning from Scratch With Python" teaches a network of 256 inputs,
30 and 20 hidden nodes and 10 outputs to read handwritten digits. Here it is end to end:
first one step of gradient descent after the other, under the article's headings, then
as a scikit-learn user would do it. Run it by ``python examples/plot_digits.py``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import joblib
import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import trange

from sknet import ScratchMLPClassifier
from sknet.datasets import fetch_semeion
from sknet.displays import HistoryDisplay, PredictionsDisplay

# %%
# The Data
# --------
# 1593 digits of 16x16 pixels, 0 or 1. The article's ten columns of Y are one column of
# digits here, scikit-learn's way. A quarter of each digit is kept for the test. The
# learning rate goes with the data: at twice as much the cost goes up at some steps.


def load_dev_and_test():
    try:
        X, y = fetch_semeion(return_X_y=True)
        learning_rate = 2
    except (OSError, ImportError) as error:
        print(f"Using scikit-learn's 8x8 digits instead of Semeion: {error}")
        X, y = load_digits(return_X_y=True)
        X = X / 16  # pixels from 0 to 1
        learning_rate = 1
    print(f"X data: {X.shape}\nY data: {y.shape}")
    X_dev, X_test, y_dev, y_test = train_test_split(
        X, y, test_size=0.25, stratify=y, random_state=0
    )
    return (X_dev, y_dev), (X_test, y_test), learning_rate


# %%
# System Initialization
# ---------------------
# Weights start anywhere in [-1, 1]. Every node is a sigmoid, the outputs too, so that
# the cost is the article's J, with lambda = 1; each step takes all samples at once.


def article_network(n_samples, learning_rate):
    return ScratchMLPClassifier(
        hidden_layer_sizes=(30, 20),
        activation="logistic",
        out_activation="logistic",
        weight_init="uniform",
        alpha=1,  # lambda
        solver="sgd",
        momentum=0,
        learning_rate_init=learning_rate,
        batch_size=n_samples,
        shuffle=False,
        random_state=0,
    )


# %%
# The Learning Phase
# ------------------
# A call of ``partial_fit`` is one iteration: backpropagate, then subtract the gradient.
# The cost is that before the step and the accuracy that after it. They are kept here,
# as the network remembers the costs of its last 100 calls only.


def learn(network, dev, test, n_iterations):
    costs, accuracies = [], []
    for _ in trange(n_iterations, desc="Learning"):
        network.partial_fit(*dev, classes=np.unique(dev[1]))
        costs.append(network.loss_)
        accuracies.append(network.score(*test))
    return costs, accuracies


# %%
# Prediction
# ----------
# Five digits that the network has never seen, then all that were kept for the test.


def print_predictions(network, X_test, y_test):
    guesses = network.predict(X_test)
    for actual, guess in zip(y_test[:5], guesses[:5], strict=True):
        print(f"Actual: {actual}\nGuess: {guess}\n{'-' * 31}")
    for n in 5, len(y_test):
        right = np.sum(guesses[:n] == y_test[:n])
        print(f"{n} test digits: Right: {right}, Wrong: {n - right}, ", end="")
        print(f"Accuracy: {right / n:.1%}")


def draw(costs, accuracies, network, X_test, y_test):
    figure, axes = plt.subplot_mosaic(
        [["costs", "accuracies"], ["digits", "digits"]],
        height_ratios=[3, 2],
        figsize=(8, 5),
        layout="constrained",
    )
    history = {"the article's network": {"cost": costs, "val_score": accuracies}}
    display = HistoryDisplay(history, score_name="Accuracy on test data")
    display.plot([axes["costs"], axes["accuracies"]])
    first = X_test[:5], y_test[:5]
    PredictionsDisplay.from_estimator(network, *first, ax=axes["digits"])
    return figure


# %%
# Conclusion
# ----------
# "For real world applications it may be prudent to use existing libraries": scaling and
# network make one pipeline, cross-validation says how good it is, a grid search finds
# better parameters. The network's defaults are relu, softmax and Adam in mini-batches.


def search(X_dev, y_dev, quick):
    network = ScratchMLPClassifier(learning_rate_init=0.01, random_state=0)
    pipeline = Pipeline([("scale", StandardScaler()), ("network", network)])
    scores = cross_val_score(pipeline, X_dev, y_dev, cv=3, n_jobs=2)
    print(f"Cross-validation: accuracy {scores.mean():.1%} +- {scores.std():.1%}")
    grid = {
        "network__hidden_layer_sizes": [(30, 20), (100,)],
        "network__alpha": [0.01] if quick else [0.0001, 0.01, 0.1],
    }
    found = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(X_dev, y_dev)
    print(f"Grid search: accuracy {found.best_score_:.1%} with {found.best_params_}")
    return found.best_estimator_


# %%
# The best model is saved with joblib for other programs, here a fresh Python. (Load
# only files that you trust: like any pickle, they can run code.)

ANOTHER_PROGRAM = """
import sys, joblib, numpy
print(*joblib.load(sys.argv[1]).predict(numpy.load(sys.argv[2])))
"""


def save_and_reload(model, X_test, folder):
    files = str(folder / "model.joblib"), str(folder / "test_pixels.npy")
    joblib.dump(model, files[0])
    np.save(files[1], X_test)
    command = [sys.executable, "-c", ANOTHER_PROGRAM, *files]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    same = np.array_equal(np.array(printed.split(), int), model.predict(X_test))
    assert same, "the loaded model makes other predictions"
    print(f"{files[0]}, loaded in a fresh process, makes the same predictions")


# %%
# All of it. In a notebook ``sys.argv`` is the kernel's, and pictures are shown.


def parsed(argv):
    parser = argparse.ArgumentParser(description="Learn to read handwritten digits.")
    parser.add_argument("--out", type=Path, default="digits_pictures", help="folder")
    parser.add_argument("--learning-rate", type=float, help="default: by the data")
    parser.add_argument("--quick", action="store_true", help="20 iterations, not 500")
    parser.add_argument("--show", action="store_true", help="open windows")
    return parser.parse_args(argv)


def main(argv):
    args = parsed(argv)
    if not args.show:
        matplotlib.use("Agg")  # needs no screen
    args.out.mkdir(parents=True, exist_ok=True)

    dev, test, learning_rate = load_dev_and_test()
    if args.learning_rate is not None:
        learning_rate = args.learning_rate
    network = article_network(len(dev[0]), learning_rate)
    costs, accuracies = learn(network, dev, test, 20 if args.quick else 500)
    print_predictions(network, *test)
    picture = args.out / "plot_digits.png"
    draw(costs, accuracies, network, *test).savefig(picture, dpi=150)
    best = search(*dev, args.quick)
    print(f"Best model: accuracy {best.score(*test):.1%} on the test digits")
    save_and_reload(best, test[0], args.out)
    print(f"Pictures are in {args.out}")
    if args.show:
        plt.show()


if __name__ == "__main__":  # the processes of n_jobs=2 may import this file
    as_script = Path(sys.argv[0]).name == "plot_digits.py"
    main(sys.argv[1:] if as_script else ["--show"])
