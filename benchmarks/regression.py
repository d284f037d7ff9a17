"""``python -m benchmarks.regression``: is what the regressor says any good?

R² by five folds, with targets in three units, beside ``MLPRegressor``; and how often
targets of new samples are in an interval that is to cover nine of ten.
"""

import warnings

import numpy as np
from sklearn.datasets import (
    load_diabetes,
    make_friedman1,
    make_friedman2,
    make_friedman3,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import ScratchMLPRegressor

FACTORS = 1, 1e4, 1e-4


def curve(n_samples, seed):
    """A sine whose noise grows."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 10, n_samples)
    y = np.sin(x) + (0.05 + 0.06 * x) * rng.normal(size=n_samples)
    return x[:, np.newaxis], y


def accuracy():
    """R² of networks with defaults, X scaled."""
    sets = {
        "diabetes": load_diabetes(return_X_y=True),
        "Friedman 1": make_friedman1(1000, noise=1.0, random_state=0),
        "Friedman 2": make_friedman2(1000, noise=100.0, random_state=0),
        "Friedman 3": make_friedman3(1000, noise=0.1, random_state=0),
    }
    models = {
        "MLPRegressor": MLPRegressor(random_state=0),
        "scaling off": ScratchMLPRegressor(random_state=0),
        "target_scaling": ScratchMLPRegressor(
            random_state=0, target_scaling="standard"
        ),
    }
    folds = KFold(5, shuffle=True, random_state=0)
    for name, (X, y) in sets.items():
        for factor in FACTORS:
            scores = {
                model: cross_val_score(
                    make_pipeline(StandardScaler(), net), X, factor * y, cv=folds
                ).mean()
                for model, net in models.items()
            }
            cells = ", ".join(f"{one} {score:.7g}" for one, score in scores.items())
            print(f"R²: {name}, y × {factor:g}: {cells}", flush=True)


def coverage(n_samples=4000, n_seeds=5):
    """Share of new targets that are in the interval, and intervals that cross."""
    sets = {
        "sine": curve,
        "Friedman 1": lambda n, seed: make_friedman1(n, noise=1.0, random_state=seed),
        "Friedman 2": lambda n, seed: make_friedman2(n, noise=100.0, random_state=seed),
    }
    for name, make in sets.items():
        for alpha in 1e-4, 3.0:
            shares, n_crossing = [], 0
            for seed in range(n_seeds):
                split = train_test_split(*make(n_samples, seed), random_state=seed)
                X, X_test, y, y_test = split
                net = ScratchMLPRegressor(
                    "quantile",
                    quantile=[0.05, 0.5, 0.95],
                    target_scaling="standard",
                    alpha=alpha,
                    random_state=seed,
                )
                net = make_pipeline(StandardScaler(), net).fit(X, y)
                low, median, high = net.predict(X_test).T
                n_crossing += np.sum((low > median) | (median > high))
                shares.append(np.mean((low <= y_test) & (y_test <= high)))
            text = " ".join(f"{share:.3f}" for share in shares)
            print(f"coverage: {name}, alpha={alpha:g}: {text}, crossing {n_crossing}")


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    accuracy()
    coverage()
