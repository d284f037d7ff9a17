"""Writes models with one Python and reads them with another: do they stay the same?

    python tests/across_versions.py PYTHON [PYTHON ...]

Each interpreter, whose environment has what sknet needs, writes models in several
states to files of pickle, joblib, skops and JSON; then each of them reads the files of
all.  A table says whether weights and predictions are the same, and whether training
goes on the same, to the last bit or up to which difference: other versions of NumPy and
of BLAS round otherwise.  skops is left out where it is not installed.
"""

import json
import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import joblib
import numpy as np

ROOT = Path(__file__).parents[1]
# Larger differences, relative to the largest number, are a failure.
PREDICTIONS = {"float32": 1e-5, "float64": 1e-13}
TRAINING = {"float32": 1e-3, "float64": 1e-9}
FORMATS = ("pickle", "joblib", "memory map", "compressed", "skops", "json")


def data():
    """Samples, class indices and numbers, the same with any version."""
    X = np.random.RandomState(0).normal(size=(90, 5))
    digits = np.digitize(X[:, 0] + X[:, 1], [-0.7, 0.7])
    return X, digits, 3 + X[:, 2] + 0.5 * X[:, 3]


def models():
    """Name: a network, its targets, and the call that has trained it."""
    from sknet import ScratchMLPClassifier, ScratchMLPRegressor

    endless = {"tol": 0, "n_iter_no_change": np.inf, "max_iter": 5, "random_state": 0}
    _, digits, numbers = data()

    def classifier(**parameters):
        return ScratchMLPClassifier(
            **{"hidden_layer_sizes": (8, 6), **endless, **parameters}
        )

    lbfgs = {"tol": 1e-4, "n_iter_no_change": 10, "max_iter": 1000, "alpha": 1.0}
    return {
        "warm start": (classifier(warm_start=True), np.array(list("abc"))[digits]),
        "float32, dropout": (
            classifier(solver="adamw", dtype="float32", dropout=0.2, warm_start=True),
            digits,
        ),
        "early stopping": (classifier(early_stopping=True, warm_start=True), digits),
        "partial_fit": (classifier(solver="sgd", learning_rate="adaptive"), digits),
        "lbfgs": (classifier(solver="lbfgs", activation="tanh", **lbfgs), digits),
        "compacted": (classifier(activation="gelu"), digits),
        "multilabel": (classifier(), np.c_[digits == 0, digits == 1].astype(int)),
        "quantiles": (
            ScratchMLPRegressor(
                **endless,
                loss="quantile",
                quantile=[0.1, 0.5, 0.9],
                target_scaling="standard",
            ),
            numbers,
        ),
    }


def trained(name, net, X, y):
    """The first training."""
    if name == "partial_fit":
        for _ in range(3):
            net.partial_fit(X, y, classes=[0, 1, 2])
        return net
    net.fit(X, y)
    return net.compact() if name == "compacted" else net


def trained_on(net, X, y):
    """Two epochs more, or the same of L-BFGS."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*goes on without what it rem")
        if net.early_stopping or net.solver == "lbfgs":
            return net.set_params(warm_start=True, max_iter=10).fit(X, y)
        return net.partial_fit(X, y).partial_fit(X, y)


def predictions(net, X):
    return net.predict_proba(X) if hasattr(net, "predict_proba") else net.predict(X)


def weights(net):
    return np.concatenate([np.ravel(one) for one in net.coefs_ + net.intercepts_])


# -- one interpreter -------------------------------------------------------------------


def write(folder):
    """Write the models, and what they predict now and weigh after more training."""
    from sknet.export import to_json

    X = data()[0]
    for name, (net, y) in models().items():
        trained(name, net, X, y)
        file = folder / name
        with open(f"{file}.pickle", "wb") as stream:
            pickle.dump(net, stream)
        joblib.dump(net, f"{file}.joblib")
        joblib.dump(net, f"{file}.compressed", compress=3)
        Path(f"{file}.json").write_text(to_json(net), "utf-8")
        with suppress(ImportError):
            import skops.io

            skops.io.dump(net, f"{file}.skops")
        np.savez(
            f"{file}.npz",
            weights=weights(net),
            predictions=predictions(net, X),
            trained_on=weights(trained_on(net, X, y)),
        )


def loaded(file, how):
    if how == "pickle":
        with open(f"{file}.pickle", "rb") as stream:
            return pickle.load(stream)
    if how == "memory map":
        return joblib.load(f"{file}.joblib", mmap_mode="r")
    if how == "json":
        from sknet.export import from_json

        return from_json(Path(f"{file}.json").read_text("utf-8"))
    if how == "skops":
        import skops.io

        names = (
            "sknet.classifier.ScratchMLPClassifier",
            "sknet.regressor.ScratchMLPRegressor",
        )
        one = names[file.name == "quantiles"]
        return skops.io.load(f"{file}.skops", trusted=[one])
    return joblib.load(f"{file}.{how}")


def difference(a, b):
    """Largest difference relative to the largest number; 0 for the same bits."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return np.inf
    return float(np.abs(a - b).max() / np.abs(b).max())


def read_one(file, how, y):
    """Differences of predictions and of training; a failure raises."""
    X = data()[0]
    expected = np.load(f"{file}.npz")
    net = loaded(file, how)
    kind = net._theta.dtype.name
    assert weights(net).tobytes() == expected["weights"].tobytes(), "other weights"
    of_predictions = difference(predictions(net, X), expected["predictions"])
    assert of_predictions <= PREDICTIONS[kind], f"predictions {of_predictions:.0e}"
    if how == "json":  # which has no memory of training
        return [of_predictions, of_predictions]
    of_training = difference(weights(trained_on(net, X, y)), expected["trained_on"])
    assert of_training <= TRAINING[kind], f"{file.name}: training {of_training:.0e}"
    return [of_predictions, of_training]


def read(folder):
    """Print, as JSON, the largest differences of each format, or what it raised."""
    warnings.simplefilter("error")
    # NumPy 2 reads what NumPy 1 has pickled, and tells of its old names.
    warnings.filterwarnings("ignore", message=r"numpy\.core")
    found = {}
    for how in FORMATS:
        if how == "skops" and not (find_spec("skops") and list(folder.glob("*.skops"))):
            found[how] = "not installed"
            continue
        try:
            pairs = [
                read_one(folder / name, how, y) for name, (_, y) in models().items()
            ]
            found[how] = np.max(pairs, axis=0).tolist()
        except Exception as error:
            found[how] = f"{type(error).__name__}: {error}"
    print(json.dumps(found))


def versions():
    """Print those of Python, scikit-learn, NumPy and SciPy."""
    import scipy
    import sklearn

    python = ".".join(map(str, sys.version_info[:2]))
    print(python, sklearn.__version__, np.__version__, scipy.__version__)


# -- all of them -----------------------------------------------------------------------


def run(python, *arguments):
    """What this script prints with that interpreter."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [python, __file__, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        raise RuntimeError(f"{python}: {done.stderr}")
    return done.stdout


def cell(found):
    """A result in words."""
    if isinstance(found, str):
        return found
    if not any(found):
        return "same bits"
    return "{:.0e}, {:.0e}".format(*found)


def compare(pythons):
    """For each writer, each reader and each format, what `read` has found.

    Returns
    -------
    found : dict of tuple to list or str
    """
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for i, writer in enumerate(pythons):
            there = Path(folder, str(i))
            there.mkdir()
            run(writer, "write", there)
        for i, writer in enumerate(pythons):
            for reader in pythons:
                answer = json.loads(run(reader, "read", Path(folder, str(i))))
                found |= {(writer, reader, how): one for how, one in answer.items()}
    return found


def main(pythons):
    names = {python: run(python, "versions").strip() for python in pythons}
    found = compare(pythons)
    print("Versions of Python, scikit-learn, NumPy and SciPy; largest differences of")
    print("predictions, and of weights after more training\n")
    print(f"| written by | read by | {' | '.join(FORMATS)} |")
    print("|---" * (2 + len(FORMATS)) + "|")
    for writer in pythons:
        for reader in pythons:
            cells = [cell(found[writer, reader, how]) for how in FORMATS]
            print(f"| {names[writer]} | {names[reader]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    if sys.argv[1:] == ["versions"]:
        versions()
    elif sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["read"]:
        read(Path(sys.argv[2]))
    else:
        main(sys.argv[1:])
