"""What the docs say about sknet inside other parts of scikit-learn."""

import signal

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import LabelEncoder

from sknet import ScratchMLPClassifier

NAMES = np.array(["setosa", "versicolor", "virginica"])
# For fits that are meant to be short.
SHORT = {"max_iter": 5, "tol": 0, "n_iter_no_change": np.inf, "random_state": 0}


@pytest.mark.parametrize("batch_size", [150, 30])
def test_weights_that_sum_to_1_multiply_the_penalty_by_the_number_of_samples(
    iris, batch_size
):
    X, y = iris
    net = ScratchMLPClassifier((5,), batch_size=batch_size, alpha=0.3, **SHORT)
    small = net.fit(X, y, sample_weight=np.full(150, 1 / 150)).coefs_
    strong = clone(net).set_params(alpha=0.3 * 150).fit(X, y).coefs_
    plain = clone(net).fit(X, y).coefs_
    for W, W_strong, W_plain in zip(small, strong, plain, strict=True):
        np.testing.assert_allclose(W, W_strong, rtol=1e-9, atol=1e-12)
        assert abs(W - W_plain).max() > 1e-3


def test_calibration_takes_the_raw_outputs(iris, monkeypatch):
    X, y = iris
    net = ScratchMLPClassifier((5,), **SHORT).fit(X, y)
    asked = []
    for name in "decision_function", "predict_proba":
        method = getattr(ScratchMLPClassifier, name)

        def noted(self, X, name=name, method=method):
            asked.append(name)
            return method(self, X)

        monkeypatch.setattr(ScratchMLPClassifier, name, noted)
    CalibratedClassifierCV(net, method="sigmoid", cv=3).fit(X, y)
    assert set(asked) == {"decision_function"}


@pytest.mark.parametrize("train", ["fit", "partial_fit"])
def test_a_multilabel_indicator_of_minus_1_and_1_is_refused(iris, train):
    X, _ = iris
    Y = np.where(X[:, :2] > 0, 1, -1)
    classes = {"classes": [0, 1]} if train == "partial_fit" else {}
    with pytest.raises(ValueError, match=r"0 and 1"):
        getattr(ScratchMLPClassifier(), train)(X, Y, **classes)


def test_early_stopping_takes_labels_that_are_strings(iris):
    X, y = iris
    net = ScratchMLPClassifier((5,), early_stopping=True, **SHORT)
    by_number = clone(net).fit(X, y)
    by_name = net.fit(X, NAMES[y])
    assert by_name.validation_scores_ == by_number.validation_scores_
    np.testing.assert_array_equal(by_name.predict(X), NAMES[by_number.predict(X)])


@pytest.fixture
def routed():
    """A network that asks for a validation set, with metadata routing switched on."""
    net = ScratchMLPClassifier((5,), **SHORT)
    with sklearn.config_context(enable_metadata_routing=True):
        yield net.set_fit_request(X_val=True, y_val=True)


def test_inside_voting_y_val_is_encoded_like_y(iris, routed):
    X, y = iris
    names = NAMES[y]
    ensemble = VotingClassifier([("net", routed)])
    with pytest.raises(ValueError, match="y_val"):
        ensemble.fit(X, names, X_val=X, y_val=names)
    ensemble.fit(X, names, X_val=X, y_val=LabelEncoder().fit_transform(names))
    (net,) = ensemble.estimators_
    assert net.best_validation_score_ == net.score(X, y)
    assert set(ensemble.predict(X)) <= set(NAMES)


def test_ctrl_c_ends_one_fit_of_a_search(iris, pressing_ctrl_c):
    X, y = iris
    steps = []

    def presses_at_the_third(X_batch, rng):
        steps.append(len(steps))
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)
        return X_batch

    net = ScratchMLPClassifier((5,), augment=presses_at_the_third, **SHORT)
    search = GridSearchCV(net, {"alpha": [0.1, 0.2]}, cv=2, refit=False)
    with pytest.warns(UserWarning, match="Ctrl-C stopped"):
        search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(steps) == 3 + 3 * 5  # one fit of 3 steps, and 3 whole ones of 5
