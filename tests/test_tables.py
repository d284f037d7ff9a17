"""The pipeline for tables: what it makes of any table, and what it chooses."""

import pickle
import subprocess
import sys
from datetime import date, time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

import sknet
from sknet import ScratchMLPClassifier, ScratchMLPRegressor, tabular_pipeline
from sknet.export import from_json, to_json
from sknet.tables import (
    CANDIDATES,
    PiecewiseLinear,
    SmoothClipper,
    TableClassifier,
    TableRegressor,
    number_columns,
)
from support import NO_EFFECT

# scikit-learn before 1.9 does not find the names of polars 2: they become x0, x1, ...
NAMES_OF_POLARS = hasattr(pl.DataFrame, "__dataframe__") or (
    parse_version(sklearn.__version__) >= parse_version("1.9")
)
SHORT = [{"estimator__max_iter": 20}]
N = 120


def passengers(missing=None):
    """A table like that of the Titanic's passengers, and who survived."""
    rng = np.random.default_rng(0)
    sex = rng.choice(["female", "male"], N).tolist()
    pclass = rng.integers(1, 4, N)
    columns = {
        "pclass": pclass,
        "sex": sex,
        "age": [missing if i % 7 == 0 else float(i % 80) for i in range(N)],
        "fare": rng.lognormal(3, 1, N),
        "embarked": [missing if i % 11 == 0 else "SCQ"[i % 3] for i in range(N)],
        "cabin": ["B96" if i < 2 else f"C{i}" if i < 6 else None for i in range(N)],
        "alone": rng.random(N) < 0.5,
        "ship": ["Titanic"] * N,
        "year": np.full(N, 1912),
        "body": [missing] * N,
        "weight": np.full(N, np.nan),
    }
    y = np.where((np.array(sex) == "female") | (pclass == 1), "yes", "no")
    return columns, y


FRAMES = {
    "pandas": lambda columns: pd.DataFrame(columns),
    "pandas, None": lambda columns: pd.DataFrame(columns).astype(object),
    "pandas, categories": lambda columns: pd.DataFrame(columns).astype(
        {"sex": "category", "embarked": "category"}
    ),
    "pandas, nullable": lambda columns: pd.DataFrame(columns).convert_dtypes(),
    "polars": lambda columns: pl.DataFrame(columns, strict=False),
    "polars, categories": lambda columns: pl.DataFrame(columns, strict=False).cast(
        {"sex": pl.Categorical, "embarked": pl.Categorical}
    ),
}


# -- what comes out of a table -----------------------------------------------------


@pytest.mark.parametrize("frame", FRAMES)
def test_every_frame_gives_the_same_numbers(frame):
    columns, y = passengers()
    expected = tabular_pipeline()[:-1].fit_transform(pd.DataFrame(columns), y)
    X = FRAMES[frame](columns)
    prepared = tabular_pipeline()[:-1].fit(X, y)
    assert_array_equal(prepared.transform(X), expected)
    assert np.isfinite(expected).all()
    if "polars" in frame and not NAMES_OF_POLARS:
        return
    assert prepared.get_feature_names_out().tolist() == [
        "pclass",
        "age",
        "fare",
        "missingindicator_age",
        "sex_female",
        "sex_male",
        "embarked_C",
        "embarked_Q",
        "embarked_S",
        "embarked_None",
        "cabin_None",
        "cabin_infrequent_sklearn",
        "alone_False",
        "alone_True",
    ]


@pytest.mark.parametrize("frame", FRAMES)
def test_it_learns_and_predicts_what_it_has_never_seen(frame):
    columns, y = passengers()
    model = tabular_pipeline(candidates=SHORT, random_state=0)
    model.fit(FRAMES[frame](columns), y)
    assert model.score(FRAMES[frame](columns), y) > 0.9
    new = {
        **columns,
        "sex": [None, "unknown"] * (N // 2),
        "cabin": ["Z1"] * N,
        "age": [None] * N,
        "fare": np.full(N, 1e12),
        "ship": ["Lusitania"] * N,
        "year": np.full(N, 1915),
        "body": [1.0] * N,
    }
    if frame == "pandas, categories":
        X = pd.DataFrame(new).astype({"sex": "category"})
    else:
        X = FRAMES[frame](new)
    probabilities = model.predict_proba(X)
    assert np.isfinite(probabilities).all()
    assert_allclose(probabilities.sum(axis=1), 1)


def test_pandas_and_polars_make_the_same_model():
    columns, y = passengers()
    frames = [FRAMES[name](columns) for name in ("pandas", "polars")]
    models = [
        tabular_pipeline(candidates=SHORT, random_state=0).fit(X, y) for X in frames
    ]
    if NAMES_OF_POLARS:
        frames.reverse()  # each model gets the frame that it was not fitted on
    one, other = (
        model.predict_proba(X) for model, X in zip(models, frames, strict=True)
    )
    assert_array_equal(one, other)


def test_columns_may_come_in_another_order():
    columns, y = passengers()
    X = pd.DataFrame(columns)
    model = tabular_pipeline(candidates=SHORT, random_state=0).fit(X, y)
    assert_array_equal(model.predict_proba(X[X.columns[::-1]]), model.predict_proba(X))


@pytest.mark.parametrize(
    "X",
    [
        np.random.default_rng(0).normal(size=(30, 3)),
        np.random.default_rng(0).normal(size=(30, 3)).tolist(),
        np.array([[1.0, "a"], [None, "b"], [3.0, None]] * 10, dtype=object),
        [[1.0, "a"], [2.0, None], [3.0, "b"]] * 10,
        pd.DataFrame([[1, "a"], [2, "b"]] * 15),  # names that are numbers
        pd.DataFrame({"x": ["a", 1, True, None, 2.5] * 6}),  # of mixed types
        pd.DataFrame({"x": pd.array([True, False, None] * 10, dtype="boolean")}),
    ],
    ids=["array", "list", "objects", "list of both", "positions", "mixed", "boolean"],
)
def test_other_tables(X):
    y = np.arange(30) % 2
    model = tabular_pipeline(candidates=SHORT, random_state=0).fit(X, y)
    assert np.isfinite(model.predict_proba(X)).all()
    assert len(model[:-1].get_feature_names_out()) == model["network"].n_features_in_


@pytest.mark.parametrize(
    "dates",
    [
        pd.DataFrame({"when": pd.date_range("2020-01-01", periods=4)}),
        pl.DataFrame({"when": pd.date_range("2020-01-01", periods=4).to_numpy()}),
        pd.DataFrame({"when": [date(2020, 1, 1), None, date(2020, 1, 2), None]}),
        pd.DataFrame({"when": pd.period_range("2020-01", periods=4, freq="M")}),
    ],
    ids=["pandas", "polars", "objects", "periods"],
)
def test_dates_are_refused(dates):
    with pytest.raises(ValueError, match=r"'when' holds dates.*a year and a month"):
        tabular_pipeline().fit(dates, [0, 1, 0, 1])


def test_decimals_are_numbers():
    numbers = [Decimal(i) / 4 if i % 5 else None for i in range(40)]
    X = pd.DataFrame({"price": pd.Series(numbers, dtype=object)})
    assert number_columns(X) == ["price"]
    prepared = tabular_pipeline()[:-1].fit(X)
    assert_array_equal(prepared.transform(X), prepared.transform(X.astype(float)))


@pytest.mark.parametrize("X", [pd.Series([1.0, 2.0]), pl.Series([1, 2]), np.ones(2)])
def test_a_column_is_no_table(X):
    with pytest.raises(ValueError, match=r"shape \(2,\) is no table of rows"):
        tabular_pipeline().fit(X, [0, 1])


def test_output_can_be_a_frame():
    columns, y = passengers()
    prepared = tabular_pipeline()[:-1].set_output(transform="pandas")
    out = prepared.fit_transform(pd.DataFrame(columns), y)
    assert isinstance(out, pd.DataFrame)
    assert out["sex_female"].tolist() == [float(s == "female") for s in columns["sex"]]
    assert_array_equal(out["age"].isna(), False)


# -- the pipeline as a citizen -----------------------------------------------------


def test_each_step_can_be_reached_and_searched():
    columns, y = passengers()
    model = tabular_pipeline(candidates=SHORT, random_state=0)
    model.set_params(
        columns__numbers__smoothclipper__limit=2.0,
        columns__categories__onehotencoder__min_frequency=2,
        network__estimator=ScratchMLPClassifier((8,), learning_rate_init=0.02),
        network__candidates=[],
        network__estimator__n_iter_no_change=np.inf,
        network__estimator__max_iter=5,
        network__estimator__tol=0,
    )
    search = GridSearchCV(model, {"network__estimator__dropout": [0.0, 0.2]}, cv=2)
    search.fit(pd.DataFrame(columns), y)
    best = search.best_estimator_
    names = best[:-1].get_feature_names_out()
    assert "cabin_B96" in names  # of two rows
    inside = best[:-1].transform(pd.DataFrame(columns))
    assert abs(inside).max() < 2
    network = best["network"].estimators_[0]["network"]
    assert network.n_iter_ == 5
    assert [network.dropout] == list(search.best_params_.values())


def test_pickles_and_clones_predict_the_same():
    columns, y = passengers()
    X = pd.DataFrame(columns)
    model = tabular_pipeline(candidates=SHORT, n_networks=2, random_state=0).fit(X, y)
    for other in pickle.loads(pickle.dumps(model)), clone(model).fit(X, y):
        assert_array_equal(other.predict_proba(X), model.predict_proba(X))


def test_the_package_is_imported_without_what_only_tables_need():
    code = """
import sys
import sknet
assert not [m for m in sys.modules if m.startswith(("sknet.tables", "sklearn.compose"))]
assert {"tabular_pipeline", "ScratchMLPClassifier"} <= set(dir(sknet))
from sknet import *
assert tabular_pipeline is sknet.tabular_pipeline is sknet.tables.tabular_pipeline
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_other_name_is_in_the_package():
    with pytest.raises(AttributeError, match="module 'sknet' has no attribute 'pipe'"):
        sknet.pipe  # noqa: B018


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_each_parameter_reaches_its_step(kind):
    of_network = {
        "candidates": [{"n_knots": 4}],
        "batch_size": 7,
        "validation_fraction": 0.4,
        "n_networks": 2,
        "random_state": 3,
    }
    model = tabular_pipeline(
        kind, limit=2.0, min_frequency=9, max_categories=4, **of_network
    )
    given = model.get_params()
    assert {name: given[f"network__{name}"] for name in of_network} == of_network
    assert given["columns__numbers__smoothclipper__limit"] == 2
    assert given["columns__categories__onehotencoder__min_frequency"] == 9
    assert given["columns__categories__onehotencoder__max_categories"] == 4


def test_an_estimator_of_ones_own():
    columns, y = passengers()
    model = tabular_pipeline(LogisticRegression()).fit(pd.DataFrame(columns), y)
    assert isinstance(model["network"], LogisticRegression)
    with pytest.raises(ValueError, match="estimator='classify' is none of"):
        tabular_pipeline("classify")


def test_numbers_are_estimated():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X = X.assign(sex=np.where(X["sex"] > 0, "m", "f"), empty=np.nan)
    model = tabular_pipeline("regressor", random_state=0)
    model.set_params(network__candidates=SHORT)
    assert model.fit(X[:300], y[:300]).score(X[300:], y[300:]) > 0.35


@pytest.mark.parametrize("part", [slice(None), -1, "network"])
def test_what_is_exported_is_a_network_inside(part):
    columns, y = passengers()
    X = pd.DataFrame(columns)
    model = tabular_pipeline(candidates=SHORT, random_state=0).fit(X, y)
    with pytest.raises(TypeError, match=r"its \.estimators_\[0\]\['network'\], which"):
        to_json(model[part])
    network = model[-1].estimators_[0]["network"]
    same = from_json(to_json(network))
    inside = model[:-1].transform(X)
    assert_allclose(same.predict_proba(inside), network.predict_proba(inside))


# -- SmoothClipper -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_small_values_stay_and_large_ones_near_the_limit(dtype):
    X = np.linspace(-50, 50, 1001, dtype=dtype)[:, np.newaxis]
    out = SmoothClipper(limit=4.0).fit_transform(X)
    assert out.dtype == dtype
    assert_allclose(out, X / np.sqrt(1 + (X / 4) ** 2), rtol=1e-5)
    assert (np.diff(out, axis=0) > 0).all()
    assert abs(out).max() < 4
    near = abs(X) < 0.1
    assert_allclose(out[near], X[near], rtol=1e-3)


def test_missing_and_infinite_values():
    X = np.array([[np.nan], [np.inf], [-np.inf], [1e300], [0.0]])
    expected = [[np.nan], [3], [-3], [3], [0]]
    assert_array_equal(SmoothClipper().fit_transform(X), expected)


def test_a_limit_of_zero_is_refused():
    with pytest.raises(ValueError, match="limit"):
        SmoothClipper(limit=0).fit([[1.0]])


# -- PiecewiseLinear ---------------------------------------------------------------


def test_shares_of_intervals():
    """What comes out is linear between knots, and tells the number exactly."""
    X = np.random.default_rng(0).lognormal(size=(200, 1))
    encoder = PiecewiseLinear(n_knots=6, scale=2.0).fit(X)
    (knots,) = encoder.knots_
    assert_allclose(knots, np.quantile(X, np.linspace(0, 1, 6), method="inverted_cdf"))
    out = encoder.transform(X)
    assert_array_equal(out[:, :1], X)
    shares = out[:, 1:] / 2 + 0.5
    assert shares.min() == 0
    assert shares.max() == 1
    assert_allclose(knots[0] + shares @ np.diff(knots), X[:, 0])
    # Beyond the outer knots nothing changes any more.
    ends = encoder.transform([[-100.0], [knots[0]], [knots[-1]], [1e9]])[:, 1:]
    assert_array_equal(ends[0], ends[1])
    assert_array_equal(ends[2], ends[3])


def test_columns_of_few_values_get_no_new_ones():
    X = pd.DataFrame({"of two": [0, 1] * 10, "number": np.arange(20), "of one": 1})
    encoder = PiecewiseLinear(n_knots=3).fit(X)
    assert encoder.transform(X).shape == (20, 5)
    assert encoder.get_feature_names_out().tolist() == [
        *X.columns,
        "number_0",
        "number_1",
    ]


# -- TableClassifier and TableRegressor --------------------------------------------

NET = {"hidden_layer_sizes": (10,), "learning_rate_init": 0.02, "max_iter": 60}
CITIZENS = [
    SmoothClipper(),
    TableClassifier(ScratchMLPClassifier(**NET), candidates=[{}, {"n_knots": 3}]),
    PiecewiseLinear(),
    TableRegressor(ScratchMLPRegressor(**NET), candidates=[{}], n_networks=2),
]


def expected_failures(estimator):
    if isinstance(estimator, SmoothClipper | PiecewiseLinear):
        return {}
    return {
        "check_sample_weight_equivalence_on_dense_data": (
            "one of two equal rows may be held out, the other trained on"
        )
    }


checks = parametrize_with_checks(CITIZENS, expected_failed_checks=expected_failures)
names, values = checks.args


@pytest.mark.parametrize(names, list(values), **checks.kwargs)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings(f"ignore:{NO_EFFECT}")
@pytest.mark.filterwarnings("ignore:y contains only one class")
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


class Oracle(ClassifierMixin, BaseEstimator):
    """Returns one of its features times a factor as log-odds."""

    def __init__(self, factor=1.0, column=0, random_state=None):
        self.factor = factor
        self.column = column
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return self.factor * X[:, self.column]

    def predict(self, X):
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


@pytest.fixture
def log_odds():
    """Log-odds, and labels drawn by them."""
    rng = np.random.default_rng(0)
    X = rng.normal(0, 2, size=(4000, 1))
    return X, (rng.random(4000) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)


@pytest.mark.parametrize("factor", [0.3, 1.0, 5.0])
def test_the_temperature_makes_probabilities_true(log_odds, factor):
    """Log-odds that are `factor` times too large have to be divided by it."""
    model = TableClassifier(Oracle(factor), candidates=[], random_state=0)
    model.fit(*log_odds)
    assert model.temperature_ == pytest.approx(factor, rel=0.1)


def test_no_other_temperature_is_better_on_the_held_out_rows(log_odds):
    X, y = log_odds
    model = TableClassifier(
        Oracle(2.0), candidates=[], validation_fraction=0.999, random_state=0
    ).fit(X, y)  # nearly all rows are held out

    def loss(temperature):
        raw = np.column_stack([np.zeros(len(y)), 2 * X[:, 0] / temperature])
        return -log_softmax(raw, axis=1)[np.arange(len(y)), y].mean()

    assert loss(model.temperature_) < loss(model.temperature_ * 1.1)
    assert loss(model.temperature_) < loss(model.temperature_ / 1.1)


@pytest.mark.parametrize("noise", [False, True])
def test_noise_is_not_for_a_large_network(noise):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 8))
    y = X[:, 0] + (rng.normal(size=400) if noise else X[:, 1] * X[:, 2])
    large = {"estimator__hidden_layer_sizes": (256, 256), "estimator__max_iter": 30}
    net = ScratchMLPRegressor(hidden_layer_sizes=(), max_iter=100, tol=0)
    net.set_params(learning_rate_init=0.01, n_iter_no_change=np.inf)
    model = TableRegressor(net, candidates=[{}, large], random_state=0).fit(X, y)
    assert model.best_candidate_ == ({} if noise else large)


def test_the_candidate_of_the_least_loss_is_trained_on_all_rows():
    X, y = load_diabetes(return_X_y=True)
    candidates = [{"estimator__max_iter": n} for n in (1, 20, 2)]
    model = TableRegressor(candidates=candidates, random_state=0).fit(20 * X, y)
    assert np.argmin(model.held_out_losses_) == 1
    assert model.best_candidate_ == candidates[1]
    (trained,) = model.estimators_
    assert trained["network"].t_ == 20 * len(y)
    assert_allclose(model.predict(20 * X), trained.predict(20 * X))


def test_a_later_candidate_must_be_better_by_a_margin(log_odds):
    """Two oracles, of which the second is right a little more often."""
    X, y = log_odds
    truth = np.random.default_rng(1).random(len(y)) < 0.02
    X = np.column_stack([X, np.where(truth, 9.0 * (2 * y - 1), X[:, 0])])
    candidates = [{"estimator__column": 0}, {"estimator__column": 1}]
    for margin, chosen in (0.5, 1), (1000.0, 0):
        model = TableClassifier(
            Oracle(), candidates=candidates, margin=margin, random_state=0
        ).fit(X, y)
        assert np.argmin(model.held_out_losses_) == 1
        assert model.best_candidate_ == candidates[chosen]
    model.set_params(candidates=candidates[::-1]).fit(X, y)
    assert model.best_candidate_ == candidates[1]


def test_each_candidate_changes_the_best_so_far(log_odds):
    """Where only one column tells anything, and log-odds turned round are wrong."""
    X, y = log_odds
    X = np.column_stack([np.zeros(len(y)), X])
    fitted = []

    class Told(Oracle):
        def fit(self, X, y, sample_weight=None):
            fitted.append((self.column, self.factor))
            return super().fit(X, y)

    changes = [
        {"estimator__column": 0},
        {"estimator__factor": 2.0},
        {"estimator__column": 1},
        {"estimator__column": 0},
        {"estimator__factor": -1.0},
    ]
    model = TableClassifier(Told(), candidates=changes, random_state=0).fit(X, y)
    assert fitted == [(0, 1), (0, 2), (1, 1), (0, 1), (1, -1), (1, 1)]
    assert model.best_candidate_ == {"estimator__column": 1}


def test_an_estimator_in_a_candidate_stays_as_it_was():
    X, y = load_iris(return_X_y=True)
    given = LogisticRegression(max_iter=1000)
    candidates = [{"estimator": given}, {"estimator__C": 1e-9}]
    model = TableClassifier(candidates=candidates, n_networks=2, random_state=0)
    assert model.fit(X, y).best_candidate_ == candidates[0]
    assert given.C == 1.0
    assert not hasattr(given, "coef_")
    one, other = [trained["network"] for trained in model.estimators_]
    assert one is not other


def test_the_long_training_of_classes_is_the_same_whatever_was_kept():
    short, slow, long, encoded = CANDIDATES["classifier"]
    assert short | slow | long == short | long
    assert short | slow | long | encoded == short | slow | encoded == short | encoded


def test_the_held_out_loss_is_the_brier_score(log_odds):
    X, y = log_odds
    model = TableClassifier(
        Oracle(), candidates=[], validation_fraction=0.999, random_state=0
    ).fit(X, y)  # nearly all rows are held out
    wrong = model.predict_proba(X)[np.arange(len(y)), 1 - y]
    assert model.held_out_losses_[0] == pytest.approx((2 * wrong**2).mean(), rel=0.02)


def test_networks_are_averaged():
    X, y = make_classification(200, n_informative=5, n_classes=3, random_state=0)
    model = TableClassifier(candidates=SHORT, n_networks=3, random_state=0).fit(X, y)
    one, two, three = (
        np.exp(log_softmax(net.decision_function(X) / model.temperature_, axis=1))
        for net in model.estimators_
    )
    assert abs(one - two).max() > 0.01
    assert_allclose(model.predict_proba(X), (one + two + three) / 3, rtol=1e-4)
    assert_array_equal(
        model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)]
    )


def test_weights_of_rows_count_on_the_held_out_rows_too():
    """Half the rows are labelled the other way round, and have little weight."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2))
    y = (X[:, 0] > 0).astype(int)
    wrong = np.arange(400) % 2 == 0
    y[wrong] = 1 - y[wrong]
    weights = np.where(wrong, 0.01, 1.0)
    model = TableClassifier(candidates=SHORT, random_state=0)
    model.fit(X, y, sample_weight=weights)
    assert model.held_out_losses_[0] < 0.3
    assert log_loss(y, model.predict_proba(X), sample_weight=weights) < 0.3


def test_a_row_of_weight_zero_is_as_if_it_were_not_there():
    X, y = load_diabetes(return_X_y=True)
    weights = np.arange(len(y)) % 4
    model = TableRegressor(candidates=SHORT, random_state=0)
    with_all = model.fit(X, y, sample_weight=weights).predict(X)
    some = weights > 0
    without = model.fit(X[some], y[some], sample_weight=weights[some]).predict(X)
    assert_array_equal(with_all, without)


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_of_weight_zero_is_none(absent):
    X, y = make_classification(90, n_informative=5, n_classes=3, random_state=0)
    y = np.array(["a", "b", "c"])[y]
    weights = (y != "abc"[absent]).astype(float)
    model = TableClassifier(candidates=SHORT, random_state=0)
    model.fit(X, y, sample_weight=weights)
    expected = clone(model).fit(X[weights > 0], y[weights > 0])
    assert_array_equal(model.classes_, expected.classes_)
    assert_array_equal(model.predict(X), expected.predict(X))


@pytest.mark.parametrize("n_knots", [None, 3])
def test_weights_where_metadata_are_routed(n_knots):
    X, y = load_diabetes(return_X_y=True)
    model = TableRegressor(n_knots=n_knots, candidates=SHORT, random_state=0)
    expected = model.fit(X, y, sample_weight=y).predict(X)
    with sklearn.config_context(enable_metadata_routing=True):
        assert_array_equal(model.fit(X, y, sample_weight=y).predict(X), expected)


def test_one_column_of_targets_is_that_target():
    X, y = load_diabetes(return_X_y=True)
    model = TableRegressor(candidates=SHORT, random_state=0)
    losses = model.fit(X, y).held_out_losses_
    with pytest.warns(DataConversionWarning):
        model.fit(X, y[:, np.newaxis])
    assert model.held_out_losses_ == losses


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        ({"n_networks": 3}, "sets 'n_networks', which it cannot choose"),
        ({"estimator__random_state": 1}, "sets 'estimator__random_state'"),
    ],
)
def test_candidates_that_choose_nothing(candidate, message):
    model = TableClassifier(candidates=[{}, candidate])
    with pytest.raises(ValueError, match=message):
        model.fit([[0.0], [1.0]] * 5, [0, 1] * 5)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_labels_must_not_be_missing(missing):
    with pytest.raises(ValueError, match="contains missing labels"):
        TableClassifier().fit([[0.0], [1.0]] * 5, pd.Series(["a", missing] * 5))


@pytest.mark.parametrize(("given", "used"), [("auto", 8), (7, 7), (None, 9)])
def test_rows_of_a_batch(given, used):
    X, y = make_classification(100, random_state=0)
    net = ScratchMLPClassifier((), batch_size=9, n_iter_no_change=np.inf, tol=0)
    model = TableClassifier(net, candidates=SHORT, batch_size=given, random_state=0)
    assert model.fit(X, y).estimators_[0]["network"].batch_size == used


def test_classes_are_held_out_in_proportion():
    counts = []

    class Counting(Oracle):
        def fit(self, X, y, sample_weight=None):
            counts.append(np.bincount(y).tolist())
            return super().fit(X, y)

    X, y = np.arange(200.0)[:, np.newaxis], np.repeat([0, 1], [190, 10])
    TableClassifier(Counting(), candidates=[], random_state=0).fit(X, y)
    assert counts == [[152, 8], [190, 10]]


def test_each_of_several_targets_counts_in_its_own_scale():
    X, y = load_diabetes(return_X_y=True)
    Y = np.column_stack([y, X[:, 2]])
    model = TableRegressor(candidates=SHORT, random_state=0)
    losses = model.fit(X, Y).held_out_losses_
    assert_allclose(model.fit(X, Y * [1, 4096]).held_out_losses_, losses, rtol=1e-3)


def test_a_classifier_needs_raw_outputs():
    model = TableClassifier(MLPClassifier())
    with pytest.raises(ValueError, match="decision_function"):
        model.fit([[0.0], [1.0]], [0, 1])


def test_a_class_of_one_row():
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = np.r_[np.arange(39) % 2, 2]
    model = TableClassifier(candidates=SHORT, random_state=0).fit(X, y)
    assert model.predict_proba(X).shape == (40, 3)


def test_nothing_is_predicted_before_fit():
    for model in TableClassifier(), TableRegressor():
        with pytest.raises(NotFittedError):
            model.predict([[1.0]])


# -- odd tables, targets and settings ----------------------------------------------


@pytest.mark.parametrize(
    "numbers",
    [
        [Decimal(1), None, Decimal(3), Decimal(4)],
        [Fraction(1), None, Fraction(3), Fraction(4)],
        [1, pd.NA, 3, 4],
        [np.float32(1), np.nan, np.int8(3), 4],
    ],
    ids=["decimals", "fractions", "pandas.NA", "mixed"],
)
def test_numbers_among_objects(numbers):
    X = pd.DataFrame({"x": pd.Series(numbers * 10, dtype=object)})
    y = np.arange(40) % 2
    expected = tabular_pipeline()[:-1].fit_transform([[1.0], [np.nan], [3], [4]] * 10)
    prepared = tabular_pipeline()[:-1].fit(X, y)
    assert_array_equal(prepared.transform(X), expected)
    assert prepared.get_feature_names_out().tolist() == ["x", "missingindicator_x"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [-37, -19, -8, 0, 30])
def test_a_column_of_any_size_is_scaled(exponent, dtype):
    z = np.random.default_rng(0).normal(size=(99, 1)).astype(dtype)
    prepare = tabular_pipeline()[:-1]
    expected = prepare.fit_transform(z)
    scaled = prepare.fit_transform(z * dtype(10.0**exponent))
    assert_allclose(scaled, expected, rtol=1e-3, atol=1e-5)


def test_small_numbers_among_many_zeros_are_scaled():
    z = np.zeros((40, 1))
    z[:5, 0] = np.linspace(1, 3, 5) * 1e-7
    out = tabular_pipeline()[:-1].fit_transform(z)
    assert np.ptp(out) > 0.5


def test_numbers_of_any_size_are_predicted_for():
    X = np.random.default_rng(0).normal(size=(40, 1)) * 1e-300
    model = tabular_pipeline(candidates=SHORT, random_state=0)
    model.fit(X, np.arange(40) % 2)
    assert np.isfinite(model.predict_proba([[1e308], [-1e308], [0.0]])).all()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame({"t": pd.period_range("2020", periods=8)}), "'t' holds dates"),
        (pd.DataFrame({"t": [date(2020, 1, 1), None] * 4}), "'t' holds dates"),
        (pd.DataFrame({"t": [time(2), "noon"] * 4}), "'t' holds dates"),
        (np.full((8, 1), 1j), "column 0 holds complex numbers"),
        (np.full((8, 1), 1j, dtype=object), "column 0 holds complex numbers"),
        (np.zeros(8), r"shape \(8,\) is no table"),
        (pd.Series(np.zeros(8)), r"shape \(8,\) is no table"),
        (pl.Series(np.zeros(8)), r"shape \(8,\) is no table"),
        (np.zeros((8, 1, 1)), r"shape \(8, 1, 1\)"),
        (sparse.csr_array(np.eye(8)), "is sparse, which a table is not"),
        (pd.DataFrame({"x": [10**400, 1] * 4}, dtype=object), "a value of type int"),
        (np.ones((8, 2)), "n_samples=8 rows apart"),
        (pd.DataFrame({"x": [*"abcdefgh"]}), "lower min_frequency"),
        (np.ones((1, 1)), "n_samples=1 rows apart"),
    ],
)
def test_what_is_no_table(X, message):
    with pytest.raises(ValueError, match=message):
        tabular_pipeline().fit(X, np.arange(X.shape[0]) % 2)


def test_a_number_that_is_none_later():
    X = np.array([[1.0], [None], [3.0]] * 10, dtype=object)
    model = tabular_pipeline(candidates=SHORT).fit(X, np.arange(30) % 2)
    with pytest.raises(ValueError, match="value of type str that is no float"):
        model.predict(np.array([["many"]], dtype=object))


def test_arrays_and_lists_can_be_categories():
    X = pd.DataFrame({"x": [np.array([1, 2]), [3], {}] * 10})
    names = tabular_pipeline()[:-1].fit(X).get_feature_names_out()
    assert names.tolist() == ["x_[1 2]", "x_[3]", "x_{}"]


def test_no_class_of_the_held_out_rows_may_be_known():
    """Three rows of three classes: what is held out is of a class by itself."""
    X = np.array([[0.0], [1.0], [2.0]])
    model = TableClassifier(candidates=SHORT, random_state=0).fit(X, ["a", "b", "c"])
    assert model.temperature_ == 1.0
    assert np.isfinite(model.predict_proba(X)).all()
    assert 1 < model.held_out_losses_[0] <= 2  # none of the classes, surely or not


@pytest.mark.parametrize("table", [TableClassifier, TableRegressor])
def test_one_row_cannot_be_split(table):
    with pytest.raises(ValueError, match="n_samples=1"):
        table().fit([[1.0], [2.0]], [0, 1], sample_weight=[0, 1])


@pytest.mark.parametrize("bad", [1, None, "epochs", {1: 2}])
def test_candidates_are_dicts(bad):
    model = TableClassifier(candidates=[{}, bad])
    with pytest.raises(TypeError, match="no dict of parameters"):
        model.fit([[0.0], [1.0]] * 5, [0, 1] * 5)


def test_the_parameters_of_a_candidate_are_checked():
    X, y = [[0.0], [1.0]] * 5, [0, 1] * 5
    with pytest.raises(ValueError, match="'estimator' parameter of TableClassifier"):
        TableClassifier(candidates=[{"estimator": 1}]).fit(X, y)
    model = TableClassifier(LogisticRegression(), candidates=[{"estimator": None}])
    assert isinstance(model.fit(X, y).estimators_[0][-1], ScratchMLPClassifier)


def test_targets_of_one_column_are_those_of_one_dimension():
    X, y = load_diabetes(return_X_y=True)
    model = TableRegressor(candidates=SHORT, random_state=0)
    losses = model.fit(X[:60], y[:60]).held_out_losses_
    with pytest.warns(DataConversionWarning):
        model.fit(X[:60], y[:60, np.newaxis])
    assert model.held_out_losses_ == losses
    assert model.fit(X[:60], y[:60].astype(str)).held_out_losses_ == losses


def test_a_constant_target_does_not_outweigh_the_others():
    X, y = load_diabetes(return_X_y=True)
    model = TableRegressor(candidates=SHORT, random_state=0)
    model.fit(X[:60], np.column_stack([y[:60], np.ones(60)]))
    assert model.held_out_losses_[0] < 10


def test_targets_and_estimates_that_have_no_squared_error():
    X, y = load_diabetes(return_X_y=True)
    net = ScratchMLPRegressor(
        target_scaling="standard", max_iter=1, tol=0, n_iter_no_change=np.inf
    )
    with pytest.raises(ValueError, match="too large for squared errors"):
        TableRegressor(net, candidates=[]).fit(X, y * 1e200)
    net.set_params(loss="quantile", quantile=[0.1, 0.9])
    with pytest.raises(ValueError, match="have no squared error"):
        TableRegressor(net, candidates=[]).fit(X, y)
    with pytest.raises(ValueError, match="not made of numbers"):
        TableRegressor(net).fit(X, y.astype(int).astype("M8[D]").astype(str))


@pytest.mark.parametrize(
    "idle",
    [
        {"candidates": []},
        {"batch_size": 8},
        {"validation_fraction": 0.3},
        {"n_networks": 5},
        {"random_state": 0},
    ],
    ids=lambda idle: next(iter(idle)),
)
def test_what_an_estimator_of_ones_own_does_not_heed_is_refused(idle):
    (name,) = idle
    assert (
        tabular_pipeline("regressor", **idle)["network"].get_params()[name]
        == (idle[name])
    )
    with pytest.raises(ValueError, match=rf"{name}=.* has no effect on an estimator"):
        tabular_pipeline(ScratchMLPClassifier(), **idle)


def test_the_brier_score_counts_a_class_that_training_has_not_seen():
    X, y = np.array([[-1.0], [0.3], [1.0], [2.0]]), np.array([0, 1, 1, 2])
    model = LogisticRegression().fit(X[:3], y[:3])
    losses, found = TableClassifier()._tried(model, X, y, slice(None), None)
    raw = model.decision_function(X) / found["temperature_"]
    second = 1 / (1 + np.exp(-raw))
    probabilities = np.column_stack([1 - second, second, np.zeros(4)])
    expected = ((probabilities - np.eye(3)[y]) ** 2).sum(axis=1)
    assert_allclose(losses, expected, atol=1e-12)
