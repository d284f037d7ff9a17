"""What no multilayer perceptron can do there, `MLPClassifier` neither.

docs/ecosystem.md lists these with the reasons.
"""

import numpy as np
import pytest
import shap
from mapie.regression import ConformalizedQuantileRegressor
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sknet import ScratchMLPClassifier, ScratchMLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
CLASSIFIERS = [ScratchMLPClassifier, MLPClassifier]
SHORT = {"hidden_layer_sizes": (6,), "max_iter": 20, "random_state": 0}


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("select", [RFE, SelectFromModel])
def test_features_are_not_selected_by_coef(kind, select, iris):
    """No row of weights belongs to one feature and one output."""
    with pytest.raises(ValueError, match="importance_getter"):
        select(kind(**SHORT)).fit(*iris).transform(iris[0])
    by_weights = select(kind(**SHORT), importance_getter=by_first_layer).fit(*iris)
    assert 1 <= by_weights.get_support().sum() < 4


def by_first_layer(net):
    """The way out: an importance of one's own."""
    return np.linalg.norm(net.coefs_[0], axis=1)


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("explainer", [shap.TreeExplainer, shap.LinearExplainer])
def test_shap_has_fast_ways_for_trees_and_linear_models_only(kind, explainer, iris):
    net = kind(**SHORT).fit(*iris)
    with pytest.raises(Exception, match=r"[Mm]odel"):
        explainer(net, iris[0])


@pytest.mark.parametrize("kind", [ScratchMLPRegressor, MLPRegressor])
def test_mapie_makes_quantile_regressors_of_four_kinds_only(kind, iris):
    """It must know by which parameter an estimator is told the quantile."""
    mapie = ConformalizedQuantileRegressor(kind(**SHORT))
    with pytest.raises(ValueError, match="estimator"):
        mapie.fit(iris[0][:, :3], iris[0][:, 3])
