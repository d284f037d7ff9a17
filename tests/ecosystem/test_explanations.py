"""SHAP and LIME: which features a prediction is due to."""

import numpy as np
import pytest
import shap
from lime.lime_tabular import LimeTabularExplainer

from support import network, regressor


@pytest.fixture(scope="module")
def one_counts():
    """The third of four features decides y, alone."""
    X = np.random.default_rng(0).normal(size=(300, 4))
    return X, (X[:, 2] > 0).astype(int)


def test_shap_values_add_up_to_the_prediction(one_counts):
    X, y = one_counts
    net = network(max_iter=50).fit(X, y)
    explanation = shap.Explainer(net.predict_proba, X[:50])(X[:20])
    total = explanation.base_values + explanation.values.sum(axis=1)
    np.testing.assert_allclose(total, net.predict_proba(X[:20]), atol=1e-6)
    importance = abs(explanation.values[:, :, 1]).mean(axis=0)
    assert importance.argmax() == 2


def test_kernel_shap_of_a_linear_network_is_its_weights_times_the_features():
    """phi_i = w_i (x_i - mean x_i) is Shapley's value for a linear function."""
    X = np.random.default_rng(0).normal(size=(100, 3))
    net = regressor(hidden_layer_sizes=(), max_iter=100)
    net.fit(X, X @ [1.0, -2.0, 3.0] + 4)
    values = shap.KernelExplainer(net.predict, X).shap_values(X[:5], silent=True)
    weights = net.coefs_[0].ravel()
    np.testing.assert_allclose(values, (X[:5] - X.mean(axis=0)) * weights, atol=1e-6)


def test_lime_names_the_feature_that_decides(one_counts):
    X, y = one_counts
    net = network(max_iter=50).fit(X, y)
    explainer = LimeTabularExplainer(X, discretize_continuous=False, random_state=0)
    explanation = explainer.explain_instance(X[0], net.predict_proba, num_features=4)
    feature, weight = explanation.local_exp[1][0]  # the most important one first
    assert feature == 2
    assert weight > 0
    assert explanation.predict_proba == pytest.approx(net.predict_proba(X[:1])[0])
