"""Labels of any type: which are taken, which are equal, and what is said of others."""

import datetime
import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.ensemble import VotingClassifier

from sknet import ScratchMLPClassifier

pl = pytest.importorskip("polars")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def network(**parameters):
    defaults = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0}
    return ScratchMLPClassifier(**{**defaults, **parameters})


DAYS = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], dtype="datetime64[D]")


# -- types -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        np.array([3, 5, 8]),
        np.array([0.0, 1.0, 2.0]),
        np.array(["a", "bb", "c"]),
        np.array(["a", "bb", "c"], dtype=object),
        DAYS,
        DAYS - DAYS[0],
        pd.Series(["a", "bb", "c"]),
        pd.Series(["a", "bb", "c"], dtype="category"),
        pd.Series([3, 5, 8], dtype="Int64"),
        pl.Series(["a", "bb", "c"]),
    ],
    ids=lambda names: f"{type(names).__name__} {names.dtype}",
)
def test_labels_of_any_type_with_an_order(iris, names):
    X, y = iris
    labels = names.iloc[y] if isinstance(names, pd.Series) else names[y]
    net = network(max_iter=200, learning_rate_init=0.1).fit(X, labels)
    assert net.classes_.tolist() == np.asarray(names).tolist()
    assert (net.predict(X) == np.asarray(labels)).mean() > 0.95
    net.partial_fit(X, labels, classes=names)


OBJECTS = {
    "int": lambda y: y.tolist(),
    "bool": lambda y: (y > 0).tolist(),
    "Decimal": lambda y: [Decimal(int(one)) for one in y],
    "date": lambda y: DAYS[y].tolist(),
    "Timestamp": lambda y: pd.Series(DAYS[y]).dt.tz_localize("UTC"),
}


def warm(net, X, y):
    return net.set_params(warm_start=True).fit(X, y)


CALLS = {
    "fit": lambda net, X, y, other: net.fit(X, other),
    "partial_fit": lambda net, X, y, other: net.partial_fit(X, other, None, [0, 1, 2]),
    "second": lambda net, X, y, other: net.fit(X, y).partial_fit(X, other),
    "y_val": lambda net, X, y, other: net.fit(X, y, X_val=X, y_val=other),
    "warm_start": lambda net, X, y, other: warm(net.fit(X, y), X, other),
}


@pytest.mark.parametrize("name", OBJECTS)
@pytest.mark.parametrize("how", CALLS)
def test_objects_are_refused_with_their_type_and_the_remedy(iris, name, how):
    X, y = iris
    objects = np.empty(150, dtype=object)
    objects[:] = list(OBJECTS[name](y))
    message = rf"(?s)array of objects of the type {name};.*astype\(int\)"
    with pytest.raises(ValueError, match=message):
        CALLS[how](network(), X, y, objects)


@pytest.mark.parametrize("names", [["1", 2, "3"], [2, "1", "3"], ["a", 2.5, True]])
@pytest.mark.parametrize("dtype", [object, None], ids=["array", "list"])
def test_strings_and_numbers_do_not_mix(iris, names, dtype):
    X, y = iris
    labels = [names[one] for one in y]
    if dtype:
        labels = np.array(labels, dtype=dtype)
    with pytest.raises(ValueError, match=r"y mixes labels of the types .*str.*: make"):
        network().fit(X, labels)
    with pytest.raises(ValueError, match="classes mixes labels of the types"):
        network().partial_fit(X, y, classes=names)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["a", "b", pd.NA], dtype=object),
        np.array(["a", "b", None], dtype=object),
        ["a", "b", None],
        ["a", "b", np.nan],
        pd.Series(["a", "b", pd.NA]),
        pd.Series([0, 1, pd.NA], dtype="Int64"),
        pl.Series(["a", "b", None]),
        np.array(["2020-01-01", "2020-01-02", "NaT"], dtype="datetime64[D]"),
    ],
    ids=str,
)
def test_missing_labels_are_named(labels):
    X = np.arange(3.0)[:, np.newaxis]
    with pytest.raises(
        ValueError, match=r"Input y contains (missing labels, .*: leave|NaN)"
    ):
        network().fit(X, labels)
    with pytest.raises(ValueError, match=r"y_val.* contains (missing labels|NaN)"):
        network().fit(X, ["a", "b", "a"], X_val=X, y_val=labels)


# -- labels that are equal ---------------------------------------------------------


@pytest.mark.parametrize("unit", ["h", "s", "us", "ns"])
def test_datetimes_of_another_unit_are_the_same_labels(iris, unit):
    X, y = iris
    days, finer = DAYS[y], DAYS[y].astype(f"datetime64[{unit}]")
    reference = network(warm_start=True).fit(X, days).fit(X, days)
    net = network(warm_start=True).fit(X, days).fit(X, finer)
    assert_array_equal(net.predict_proba(X), reference.predict_proba(X))
    net = network().fit(X, finer, X_val=X, y_val=days)
    assert net.score(X, finer) == net.best_validation_score_
    net = network().partial_fit(X, days, classes=np.unique(finer))
    net.partial_fit(X, finer, classes=DAYS)
    assert_array_equal(net.classes_, DAYS)


def test_datetimes_that_differ_by_a_nanosecond_are_not_equal(iris):
    X, y = iris
    net = network().fit(X, DAYS[y])
    later = DAYS[y].astype("datetime64[ns]") + np.timedelta64(1, "ns")
    message = r"labels \['2020-01-01T00:00:00.000000001'.*\['2020-01-01', '2020-01-02'"
    with pytest.raises(ValueError, match=message):
        net.partial_fit(X, later)


def test_a_datetime_is_no_number(iris):
    X, y = iris
    net = network().fit(X, DAYS.astype("datetime64[ns]")[y])
    with pytest.raises(ValueError, match="not among the classes"):
        net.partial_fit(X, DAYS.astype("datetime64[ns]").astype(int)[y])


@pytest.mark.parametrize(
    "key",
    [
        pd.Timestamp("2020-01-01"),
        datetime.date(2020, 1, 1),
        datetime.datetime(2020, 1, 1),
        np.datetime64("2020-01-01"),
        np.datetime64("2020-01-01", "ns"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("unit", ["D", "s", "ns"])
def test_class_weight_of_datetimes(iris, key, unit):
    X, y = iris
    labels = DAYS.astype(f"datetime64[{unit}]")[y]
    weighted = network(class_weight={key: 5.0}).fit(X, labels)
    reference = network(class_weight={0: 5.0}).fit(X, y)
    assert_array_equal(weighted.predict_proba(X), reference.predict_proba(X))


def test_nanoseconds_of_a_timestamp_count(iris):
    X, y = iris
    key = pd.Timestamp("2020-01-01") + pd.Timedelta(1, "ns")
    labels = DAYS.astype("datetime64[ns]")[y]
    with pytest.raises(ValueError, match="are not among the classes"):
        network(class_weight={key: 5.0}).fit(X, labels)


# -- classes of partial_fit --------------------------------------------------------


@pytest.mark.parametrize(
    "classes",
    [
        {2, 0, 1},
        frozenset([0, 1, 2]),
        {0: "a", 1: "b", 2: "c"}.keys(),
        range(3),
        [2, 1, 0, 0],
        pd.Index([0, 1, 2]),
        np.array([0.0, 1.0, 2.0]),
    ],
    ids=repr,
)
def test_classes_come_in_any_collection(iris, classes):
    X, y = iris
    net = network().partial_fit(X, y, classes=classes).partial_fit(X, y, None, classes)
    assert_array_equal(net.classes_, [0, 1, 2])


@pytest.mark.parametrize("classes", [5, "abc", [], [[0, 1]]], ids=repr)
def test_bad_classes_are_blamed_themselves(iris, classes):
    X, y = iris
    for net in network(), network().fit(X, y):
        with pytest.raises(ValueError, match=r"^classes has shape"):
            net.partial_fit(X, y, classes=classes)


@pytest.mark.parametrize("classes", [["p", "q"], [0], [0, 1, 2]])
def test_a_multilabel_model_knows_its_labels_by_number(iris, classes):
    X, y = iris
    Y = np.column_stack([y == 0, y < 2]).astype(int)
    with pytest.raises(ValueError, match=r"label columns of y, \[0, 1\].*or None"):
        network().partial_fit(X, Y, classes=classes)
    nets = [network().partial_fit(X, Y, classes=given) for given in (None, [0, 1])]
    for net in nets:
        net.partial_fit(X, Y).partial_fit(X, Y, classes=[1, 0])
        assert_array_equal(net.classes_, [0, 1])
        with pytest.raises(ValueError, match=r"the model's classes, \[0, 1\]"):
            net.partial_fit(X, Y, classes=classes)
    a, b = (net.predict_proba(X) for net in nets)
    assert_array_equal(a, b)


# -- what is said of other labels --------------------------------------------------


def message_of(train):
    with pytest.raises(ValueError, match="holds labels") as raised:
        train()
    return str(raised.value)


def test_unknown_labels_are_told_of_where_they_are(iris):
    X, y = iris
    net = network().fit(X, y)
    after_fit = message_of(lambda: net.partial_fit(X, y + 1))
    assert re.search(r"^y holds labels \[3\].*classes \[0, 1, 2\]: ", after_fit)
    assert "first call" not in after_fit  # of partial_fit there was none
    first = message_of(lambda: network().partial_fit(X, y + 1, classes=[0, 1, 2]))
    assert "[3]" in first
    assert first.endswith("classes must name all labels.")
    of_val = message_of(lambda: network().fit(X, y, X_val=X, y_val=y + 1))
    assert "y_val holds labels [3]" in of_val
    assert "of y" not in of_val


def test_labels_of_a_vote_are_encoded_and_work(iris):
    X, y = iris
    votes = VotingClassifier([("a", network()), ("b", network())], voting="soft")
    votes.fit(X, DAYS[y])
    assert set(votes.predict(X)) <= set(DAYS)


@pytest.mark.parametrize("label", [np.nan, np.inf])
def test_a_class_that_no_sample_may_have_is_refused(label, iris):
    X, y = iris
    with pytest.raises(ValueError, match=f"classes has {label}, which y may not have"):
        network().partial_fit(X, y > 0, classes=[0, 1, label])
