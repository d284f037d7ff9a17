"""scikit-learn's own checks of the regressor, for each loss and the solvers.

A check that fails is expected to only where ``MLPRegressor`` fails it too, which is
tested as well.
"""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin, is_regressor
from sklearn.neural_network import MLPRegressor
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknet import ScratchMLPRegressor
from support import NO_EFFECT

SMALL = {"hidden_layer_sizes": (10,), "learning_rate_init": 0.02, "max_iter": 60}


class Named:
    """A function whose repr, part of a test's name, has no address."""

    def __init__(self, function, name):
        self.function, self.name = function, name

    def __call__(self, h, y):
        return self.function(h, y)

    def __repr__(self):
        return self.name


def fourth_power(h, y):
    return (h - y) ** 4


def slope_of_fourth_power(h, y):
    return 4 * (h - y) ** 3


PAIR = Named(fourth_power, "(h-y)^4"), Named(slope_of_fourth_power, "4(h-y)^3")

CONFIGURATIONS = [
    {},
    {"solver": "lbfgs"},
    {"loss": "absolute_error"},
    {"loss": "huber"},
    {"loss": "quantile"},
    {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]},
    {"loss": "poisson", **SMALL},
    {"loss": "gamma", **SMALL},
    {"loss": PAIR, **SMALL},
    {"target_scaling": "standard"},
    {"target_scaling": "standard", "solver": "lbfgs"},
    {"early_stopping": True, "validation_fraction": 0.3},
    {"batch_size": 10, **SMALL},
]


def expected_failures(estimator):
    """Checks that this configuration fails, and why."""
    repeated = [
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ]
    failures = {}
    if estimator.loss in ("poisson", "gamma"):
        failures["check_regressor_multioutput"] = "passes negative targets"
    if np.ndim(estimator.quantile):
        failures |= dict.fromkeys(
            [
                "check_estimator_sparse_array",
                "check_estimator_sparse_matrix",
                "check_regressors_train",
            ],
            "wants a single column of predictions",
        )
    if estimator.batch_size != "auto":
        failures |= dict.fromkeys(
            repeated, "a row of weight 2 is in one batch, two rows may be in two"
        )
    if estimator.early_stopping:
        failures |= dict.fromkeys(
            repeated, "one of two equal rows may be held out, the other trained on"
        )
        failures |= dict.fromkeys(
            [
                "check_fit_score_takes_y",
                "check_n_features_in_after_fitting",
                "check_estimators_partial_fit_n_features",
            ],
            "calls partial_fit, which refuses early_stopping",
        )
    return failures


checks = parametrize_with_checks(
    [ScratchMLPRegressor(**parameters) for parameters in CONFIGURATIONS],
    expected_failed_checks=expected_failures,
)
# Before scikit-learn 1.9 they come from a generator, of which pytest 9 warns.
names, values = checks.args


@pytest.mark.parametrize(names, list(values), **checks.kwargs)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings(f"ignore:{NO_EFFECT}")  # they set n_iter_no_change
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "name",
    [
        "check_sample_weight_equivalence_on_dense_data",
        "check_fit_score_takes_y",
        "check_n_features_in_after_fitting",
        "check_estimators_partial_fit_n_features",
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_mlpregressor_fails_the_checks_that_we_expect_to_fail(name):
    peer = MLPRegressor(early_stopping=True, validation_fraction=0.3)
    with pytest.raises((AssertionError, ValueError, TypeError)):
        getattr(estimator_checks, name)("MLPRegressor", peer)


def test_a_citizen_of_scikit_learn():
    """The order of its parents matters from scikit-learn 1.7 on."""
    parents = ScratchMLPRegressor.__mro__
    assert parents.index(RegressorMixin) < parents.index(BaseEstimator)
    assert is_regressor(ScratchMLPRegressor())
    tags = get_tags(ScratchMLPRegressor())
    assert tags.estimator_type == "regressor"
    assert tags.input_tags.sparse
    assert tags.target_tags.required
    assert tags.target_tags.multi_output
    assert not tags.target_tags.positive_only
    assert get_tags(ScratchMLPRegressor("poisson")).target_tags.positive_only
    assert not get_tags(ScratchMLPRegressor("quantile")).target_tags.multi_output
