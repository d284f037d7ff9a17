"""Every parameter has an effect, is named where it has none, and is checked."""

import inspect
from numbers import Integral

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.neural_network import MLPClassifier
from sklearn.utils._param_validation import Interval, validate_parameter_constraints

from sknet import ScratchMLPClassifier, ScratchMLPRegressor
from support import NO_EFFECT, assert_same_weights, network, short, unconverged

# A value that changes the result, and the other parameters it needs for that.
CHANGES = {
    "hidden_layer_sizes": ((7,), {}),
    "activation": ("tanh", {}),
    "solver": ("sgd", {}),
    "alpha": (1.0, {}),
    "batch_size": (20, {}),
    "learning_rate": ("invscaling", {}),
    "learning_rate_init": (0.01, {}),
    "power_t": (0.1, {"learning_rate": "invscaling"}),
    "max_iter": (11, {}),
    "shuffle": (False, {"batch_size": 20}),
    "random_state": (1, {}),
    "tol": (1.0, {"n_iter_no_change": 3}),
    "momentum": (0.5, {"solver": "sgd"}),
    "nesterovs_momentum": (False, {"solver": "sgd"}),
    "early_stopping": (True, {}),
    "validation_fraction": (0.3, {"early_stopping": True}),
    "beta_1": (0.5, {}),
    "beta_2": (0.9, {}),
    "epsilon": (0.1, {}),
    "n_iter_no_change": (2, {"tol": 1.0, "max_iter": 50}),
    "max_fun": (3, {"solver": "lbfgs"}),
    "weight_init": ("uniform", {}),
    "out_activation": ("logistic", {}),
    "dtype": ("float32", {}),
    "warmup": (0.2, {"learning_rate": "cosine"}),
    "class_weight": ({0: 2.0}, {}),
    "dropout": (0.5, {}),
    "input_dropout": (0.5, {}),
    "label_smoothing": (0.1, {}),
    "weight_decay": (0.5, {"solver": "adamw"}),
    "max_grad_norm": (0.1, {}),
    "augment": (lambda X, rng: X + rng.normal(size=X.shape), {}),
    "scoring": ("loss", {"early_stopping": True, "learning_rate_init": 0.1}),
}


@short
@pytest.mark.parametrize("name", [*CHANGES, "verbose", "warm_start"])
def test_every_parameter_changes_something(iris, capsys, name):
    """Elsewhere some are accepted and unused."""
    X, y = iris
    if name == "verbose":
        network(verbose=True).fit(X, y)
        assert capsys.readouterr().out
        return
    if name == "warm_start":
        assert len(network(warm_start=True).fit(X, y).fit(X, y).loss_curve_) == 12
        return
    value, others = CHANGES[name]
    before = network(**others).fit(X, y).predict_proba(X)
    after = network(**{**others, name: value}).fit(X, y).predict_proba(X)
    assert not np.array_equal(before, after)


def test_no_parameter_is_left_out_above():
    tested = {*CHANGES, "verbose", "warm_start"}
    assert tested == set(inspect.signature(ScratchMLPClassifier).parameters)


def test_fit_leaves_the_parameters_alone(iris):
    sizes = [6, 5]
    net = network(hidden_layer_sizes=sizes, random_state=np.random.RandomState(0))
    before = net.get_params()
    net.fit(*iris).partial_fit(*iris)
    after = net.get_params()
    assert before.keys() == after.keys()
    for name in before:
        assert after[name] is before[name], name
    assert sizes == [6, 5]


# -- parameters without effect ---------------------------------------------------------


# Solver, parameters that do nothing beside it, and parameters that do something.
EFFECTS = {
    "adam": (
        {
            "power_t": 0.1,
            "momentum": 0.5,
            "nesterovs_momentum": False,
            "max_fun": 10,
            "validation_fraction": 0.3,
            "warmup": 0.2,
            "weight_decay": 0.1,
            "scoring": "loss",
        },
        {
            "learning_rate": "adaptive",
            "learning_rate_init": 0.01,
            "beta_1": 0.8,
            "beta_2": 0.9,
            "epsilon": 1e-4,
            "batch_size": 20,
            "shuffle": False,
            "early_stopping": True,
            "n_iter_no_change": 2,
            "tol": 0.1,
        },
    ),
    "adamw": (
        {"momentum": 0.5, "nesterovs_momentum": False, "max_fun": 10},
        {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-4, "weight_decay": 0.1},
    ),
    "sgd": (
        {
            "beta_1": 0.8,
            "beta_2": 0.9,
            "epsilon": 1e-4,
            "max_fun": 10,
            "power_t": 0.1,
            "validation_fraction": 0.3,
            "warmup": 0.2,
            "weight_decay": 0.1,
            "scoring": "loss",
        },
        {
            "learning_rate": "adaptive",
            "momentum": 0.5,
            "nesterovs_momentum": False,
            "learning_rate_init": 0.01,
            "batch_size": 20,
            "shuffle": False,
            "early_stopping": True,
            "n_iter_no_change": 2,
        },
    ),
    "lbfgs": (
        {
            "learning_rate": "adaptive",
            "learning_rate_init": 0.01,
            "power_t": 0.1,
            "momentum": 0.5,
            "nesterovs_momentum": False,
            "beta_1": 0.8,
            "beta_2": 0.9,
            "epsilon": 1e-4,
            "batch_size": 20,
            "shuffle": False,
            "early_stopping": True,
            "n_iter_no_change": 2,
            "validation_fraction": 0.3,
            "warmup": 0.2,
            "weight_decay": 0.1,
            "scoring": "loss",
        },
        {"max_fun": 10, "tol": 1e-3, "alpha": 0.1},
    ),
}


@unconverged
@pytest.mark.parametrize(
    ("solver", "name", "value"),
    [(s, *item) for s, (unused, _) in EFFECTS.items() for item in unused.items()],
)
def test_a_parameter_without_effect_is_named_once(iris, solver, name, value):
    """And it has none: the model is the same without it."""
    X, y = iris
    net = network(solver=solver, warm_start=True, **{name: value})
    with pytest.warns(UserWarning, match=f"{NO_EFFECT}: {name}=") as record:
        net.fit(X, y)
    assert sum(NO_EFFECT in str(w.message) for w in record) == 1
    assert_same_weights(net, network(solver=solver).fit(X, y))
    net.fit(X, y)  # going on, it is not said again


@unconverged
@pytest.mark.parametrize("solver", EFFECTS)
def test_several_parameters_without_effect_make_one_warning(iris, solver):
    X, y = iris
    unused = EFFECTS[solver][0]
    net = network(solver=solver, **unused)
    with pytest.warns(UserWarning, match=NO_EFFECT) as record:
        net.fit(X, y)
    assert len([w for w in record if w.category is UserWarning]) == 1
    assert all(f"{name}=" in str(record[0].message) for name in unused)


@pytest.mark.parametrize(
    "unused",
    [{"scoring": "roc_auc_ovr"}, {"weight_decay": 0.5}, {"momentum": 0.5}],
    ids=str,
)
def test_a_parameter_that_no_longer_has_an_effect_is_named_once(iris, unused):
    net = network(warm_start=True).fit(*iris)
    net.set_params(**unused)
    (name,) = unused
    with pytest.warns(UserWarning, match=f"{NO_EFFECT}: {name}="):
        net.fit(*iris)
    net.fit(*iris)


def test_dropout_without_hidden_layers_is_named(iris):
    with pytest.warns(UserWarning, match=r"dropout=0\.5 \(no hidden layers\)"):
        network(hidden_layer_sizes=(), dropout=0.5).fit(*iris)


@unconverged
@pytest.mark.parametrize(
    ("kind", "setting"), [("invscaling", {"power_t": 0.1}), ("cosine", {"warmup": 0.2})]
)
def test_lbfgs_has_no_use_for_the_settings_of_a_learning_rate(iris, kind, setting):
    (name,) = setting
    net = network(solver="lbfgs", learning_rate=kind, **setting)
    with pytest.warns(UserWarning, match=f"{name}=.* \\(solver='lbfgs'\\)"):
        net.fit(*iris)


@short
@pytest.mark.parametrize(
    ("solver", "name", "value"),
    [(s, *item) for s, (_, used) in EFFECTS.items() for item in used.items()],
)
def test_a_parameter_with_an_effect_is_not_warned_of(iris, solver, name, value):
    network(solver=solver, **{name: value}).fit(*iris)


@short
@pytest.mark.parametrize("learning_rate", ["adaptive", "invscaling"])
def test_a_learning_rate_that_adam_ignores_elsewhere_has_an_effect(iris, learning_rate):
    # No epoch meets the tolerance, so that "adaptive" lowers the rate every second one.
    parameters = {"tol": 100.0, "n_iter_no_change": 1, "max_iter": 4}
    parameters |= {"hidden_layer_sizes": (6,), "random_state": 0}
    theirs, ours = (
        [
            cls(**parameters, learning_rate=kind).fit(*iris).coefs_[0]
            for kind in ("constant", learning_rate)
        ]
        for cls in (MLPClassifier, ScratchMLPClassifier)
    )
    assert_array_equal(*theirs)
    assert not np.array_equal(*ours)


@short
@pytest.mark.parametrize("solver", EFFECTS)
def test_the_defaults_never_warn(iris, solver):
    net = ScratchMLPClassifier(solver=solver, max_iter=6).fit(*iris)
    if solver != "lbfgs":
        net.partial_fit(*iris)


@pytest.mark.parametrize(
    "parameters",
    [
        {"learning_rate": "invscaling", "power_t": 0.1},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"learning_rate": "cosine", "warmup": 0.2},
    ],
    ids=str,
)
def test_a_parameter_that_another_one_gives_an_effect_is_not_warned_of(
    iris, parameters
):
    network(**parameters).fit(*iris)


# -- bad values ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sizes", [0, -1, 2.5, "a", [[3]], [3, 0], [-1], [2.5], None, (3, "a"), np.nan]
)
def test_bad_hidden_layer_sizes(iris, sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        network(hidden_layer_sizes=sizes).fit(*iris)


@pytest.mark.parametrize(
    "parameters",
    [
        {"activation": "swish"},
        {"solver": "newton"},
        {"alpha": -1.0},
        {"batch_size": 0},
        {"learning_rate": "linear"},
        {"learning_rate_init": 0.0},
        {"power_t": -1},
        {"max_iter": 0},
        {"shuffle": "yes"},
        {"random_state": "a"},
        {"tol": -1e-4},
        {"verbose": -1},
        {"warm_start": None},
        {"momentum": 1.1},
        {"nesterovs_momentum": "yes"},
        {"early_stopping": "loss"},
        {"validation_fraction": 1.0},
        {"beta_1": 1.0},
        {"beta_2": -0.1},
        {"epsilon": 0},
        {"n_iter_no_change": 0},
        {"max_fun": 0},
        {"weight_init": "zeros"},
        {"out_activation": "tanh"},
        {"dtype": "float16"},
        {"warmup": 1.0},
    ],
    ids=str,
)
def test_bad_parameters_are_named(iris, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        network(**parameters).fit(*iris)


@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_defaults_are_valid(estimator):
    defaults = estimator().get_params()
    constraints = estimator._parameter_constraints
    assert set(defaults) == set(constraints)
    validate_parameter_constraints(constraints, defaults, estimator.__name__)


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_iter": 200.0},
        {"max_fun": 15000.0},
        {"shuffle": 1},
        {"warm_start": 0},
        {"early_stopping": 0.0},
        {"hidden_layer_sizes": 100.0},
        {"n_iter_no_change": np.array(10)},
    ],
    ids=str,
)
def test_what_equals_the_default_is_refused_if_its_type_is_wrong(iris, parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"The '{name}' parameter"):
        network(**parameters).fit(*iris)


def test_a_parameter_of_a_subclass_is_checked(iris):
    class Mine(ScratchMLPClassifier):
        _parameter_constraints = {
            **ScratchMLPClassifier._parameter_constraints,
            "mine": ["boolean"],
        }

        def __init__(self, mine=False, max_iter=2):
            super().__init__(max_iter=max_iter, tol=0, n_iter_no_change=np.inf)
            self.mine = mine

    Mine().fit(*iris)
    for wrong in {"mine": 3}, {"max_iter": 0}:
        with pytest.raises(ValueError, match=f"The '{next(iter(wrong))}' parameter"):
            Mine(**wrong).fit(*iris)


def test_a_default_that_a_subclass_does_not_allow_is_refused(iris):
    class Patient(ScratchMLPClassifier):
        _parameter_constraints = {
            **ScratchMLPClassifier._parameter_constraints,
            "max_iter": [Interval(Integral, 1000, None, closed="left")],
        }

    with pytest.raises(ValueError, match="The 'max_iter' parameter of Patient"):
        Patient().fit(*iris)
