"""scikit-learn's own checks of an estimator, on many configurations of ours.

A check that fails is expected to only where ``MLPClassifier`` with the same parameters
fails it too, which is tested as well.
"""

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, is_classifier
from sklearn.neural_network import MLPClassifier
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import has_fit_parameter

from sknet import ScratchMLPClassifier
from support import NO_EFFECT

# Each activation, solver and feature in one of them; what is not the default network
# is small and learns quickly.
SMALL = {"hidden_layer_sizes": (10,), "learning_rate_init": 0.02, "max_iter": 60}
CONFIGURATIONS = [
    {},
    {"hidden_layer_sizes": (), "learning_rate_init": 0.1, "max_iter": 60},
    {**SMALL, "activation": "tanh", "solver": "sgd", "learning_rate_init": 0.1},
    {"hidden_layer_sizes": (10,), "activation": "identity", "solver": "lbfgs"},
    {**SMALL, "batch_size": 10, "max_iter": 30},
    {"early_stopping": True, "validation_fraction": 0.3},
    {
        **SMALL,
        "hidden_layer_sizes": (30,),
        "activation": ["gelu"],
        "dropout": 0.1,
        "input_dropout": 0.1,
        "label_smoothing": 0.1,
        "solver": "adamw",
        "max_grad_norm": 1.0,
        "learning_rate": "adaptive",
    },
    # The article's.
    {
        "hidden_layer_sizes": (30, 20),
        "activation": "logistic",
        "solver": "sgd",
        "learning_rate_init": 1.0,
        "max_iter": 100,
        "momentum": 0.0,
        "weight_init": "uniform",
        "out_activation": "logistic",
    },
]


def expected_failures(estimator):
    """Checks that this configuration fails, and why."""
    repeated = [
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ]
    failures = {}
    if estimator.batch_size != "auto":
        failures |= dict.fromkeys(
            repeated, "a row of weight 2 is in one batch, two rows may be in two"
        )
    if estimator.dropout:
        failures |= dict.fromkeys(
            repeated, "of two equal rows each leaves out units of its own"
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
    [ScratchMLPClassifier(**parameters) for parameters in CONFIGURATIONS],
    expected_failed_checks=expected_failures,
)
# Before scikit-learn 1.9 they come from a generator, of which pytest 9 warns.
names, values = checks.args


@pytest.mark.parametrize(names, list(values), **checks.kwargs)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings(f"ignore:{NO_EFFECT}")  # they set n_iter_no_change
@pytest.mark.filterwarnings("ignore:y contains only one class")
@pytest.mark.filterwarnings("ignore:batch_size=10 is more than")
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        (parameters, name)
        for parameters in CONFIGURATIONS
        for name in expected_failures(ScratchMLPClassifier(**parameters))
        if "dropout" not in parameters
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_mlpclassifier_fails_the_checks_that_we_expect_to_fail(parameters, name):
    weighted = "weight" in name
    if weighted and not has_fit_parameter(MLPClassifier, "sample_weight"):
        pytest.skip("MLPClassifier knows sample_weight from scikit-learn 1.7 on")
    message = "sample_weight" if weighted else "partial_fit does not support"
    with pytest.raises((AssertionError, ValueError), match=message):
        getattr(estimator_checks, name)("MLPClassifier", MLPClassifier(**parameters))


def test_a_citizen_of_scikit_learn():
    """The order of its parents matters from scikit-learn 1.7 on."""
    parents = ScratchMLPClassifier.__mro__
    assert parents.index(ClassifierMixin) < parents.index(BaseEstimator)
    assert is_classifier(ScratchMLPClassifier())
    tags = get_tags(ScratchMLPClassifier())
    assert tags.estimator_type == "classifier"
    assert tags.classifier_tags.multi_label
    assert tags.input_tags.sparse
    assert tags.target_tags.required
    assert tags.non_deterministic == get_tags(MLPClassifier()).non_deterministic
