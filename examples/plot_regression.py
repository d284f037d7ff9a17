"""
Regression: targets in their own units, outliers, and intervals
===============================================================

What ``ScratchMLPRegressor`` adds to ``MLPRegressor``, in three panels. Run it by
``python examples/plot_regression.py``; it takes half a minute.
"""

import argparse
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import QuantileRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from sknet import ScratchMLPRegressor

LEVELS = [0.05, 0.5, 0.95]


def network(max_iter, rate=0.02, **parameters):
    parameters |= {"max_iter": max_iter, "learning_rate_init": rate}
    parameters |= {"hidden_layer_sizes": (50, 50), "n_iter_no_change": np.inf}
    net = ScratchMLPRegressor(learning_rate="cosine", random_state=0, **parameters)
    return make_pipeline(StandardScaler(), net)


# %%
# The targets of diabetes are 25 to 346, and a network begins with predictions near 0:
# scaling changes nothing but how far it gets in the same number of epochs.


def diabetes(ax, max_iter):
    X, y = load_diabetes(return_X_y=True)
    for scaling, color in (None, "C1"), ("standard", "C0"):
        net = network(max_iter, 0.001, target_scaling=scaling)
        score = cross_val_score(net, X, y, cv=5).mean()
        ax.bar_label(ax.bar(repr(scaling), score, color=color), fmt="%.2f")
        print(f"diabetes, target_scaling={scaling!r:10} R² {score:5.2f}")
    ax.margins(y=0.1)
    ax.set(title="Diabetes, R² by five folds", xlabel="target_scaling")


# %%
# A curve whose noise grows. A tenth of the targets is spoiled: they pull squared error
# away, while Huber's loss lets no error pull harder than one of size ``delta``.


def curve(n_samples, seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 10, n_samples))
    y = np.sin(x) + (0.05 + 0.06 * x) * rng.normal(size=n_samples)
    return x[:, np.newaxis], y


def outliers(ax, max_iter):
    X, y = curve(1500, 0)
    y[np.random.default_rng(2).random(len(y)) < 0.1] += 6
    ax.plot(X, y, ".", color="C7", ms=2)
    huber = {"loss": "huber", "delta": 0.2}
    for name, style, loss in ("squared error", "C1--", {}), ("Huber", "C0", huber):
        h = network(max_iter, **loss).fit(X, y).predict(X)
        ax.plot(X, h, style, label=f"{name}: {abs(h - np.sin(X[:, 0])).mean():.2f}")
    ax.plot(X, np.sin(X), "k:", label="truth")
    ax.legend(title="mean error", loc="upper left")
    ax.set(title="A tenth of the targets is 6 too high", ylim=(-3, 12))


# %%
# Three quantiles of one network are a median and an interval that is to cover nine of
# ten new targets. The others need a model for each quantile.


def intervals(ax, max_iter):
    (X, y), (X_test, y_test) = curve(1500, 0), curve(3000, 1)
    net = network(max_iter, loss="quantile", quantile=LEVELS).fit(X, y)
    trees, lines = [], []
    for level in LEVELS:
        tree = HistGradientBoostingRegressor(
            loss="quantile", quantile=level, max_iter=max_iter
        )
        trees.append(tree.fit(X, y).predict(X_test))
        line = QuantileRegressor(quantile=level, alpha=0.0)
        line = make_pipeline(SplineTransformer(12), line)
        lines.append(line.fit(X, y).predict(X_test))
    ax.plot(X_test, y_test, ".", color="C7", ms=1)
    bands = {"network": (net.predict(X_test).T, "C0-")}
    bands |= {"boosted trees": (trees, "C2--"), "splines": (lines, "C3:")}
    for name, ((low, _, high), style) in bands.items():
        covered = np.mean((low <= y_test) & (y_test <= high))
        print(f"90 % interval, {name:13} covers {covered:.1%}")
        ax.plot(X_test, low, style, label=f"{name}: {covered:.1%}")
        ax.plot(X_test, high, style)
    ax.fill_between(X_test[:, 0], *net.predict(X_test).T[[0, 2]], alpha=0.25)
    ax.legend(title="coverage", loc="upper left")
    ax.set(title="90 % intervals, on new samples", ylim=(-3.5, 6))


# %%
# All of it. In a notebook ``sys.argv`` is the kernel's, and pictures are shown.


def parsed(argv):
    parser = argparse.ArgumentParser(description="Regression.")
    parser.add_argument("--out", type=Path, default="regression_pictures")
    parser.add_argument("--quick", action="store_true", help="a few epochs")
    parser.add_argument("--show", action="store_true", help="open a window")
    return parser.parse_args(argv)


def main(argv):
    args = parsed(argv)
    if not args.show:
        matplotlib.use("Agg")  # needs no screen
    args.out.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for ax, draw in zip(axes, [diabetes, outliers, intervals], strict=True):
        draw(ax, 5 if args.quick else 150)
    figure.savefig(args.out / "plot_regression.png")
    print(f"Pictures are in {args.out.resolve()}")
    if args.show:
        plt.show()


if __name__ == "__main__":
    as_script = Path(sys.argv[0]).name == "plot_regression.py"
    main(sys.argv[1:] if as_script else ["--show"])
