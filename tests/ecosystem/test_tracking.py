"""Optuna searches and prunes; MLflow keeps what was found."""

import re
import runpy
import sys
from pathlib import Path

import mlflow
import numpy as np
import optuna
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import ScratchMLPClassifier
from support import assert_same_weights, network, regressor

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
def test_the_example_prunes_and_finds_a_good_network(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["optuna_pruning.py"])
    names = runpy.run_path(str(EXAMPLES / "optuna_pruning.py"), run_name="__main__")
    study = names["study"]
    states = [trial.state for trial in study.trials]
    assert states.count(optuna.trial.TrialState.PRUNED) >= 2
    assert states.count(optuna.trial.TrialState.COMPLETE) >= 2
    for trial in study.trials:
        epochs = list(trial.intermediate_values)
        assert epochs == list(range(1, len(epochs) + 1))
        if trial.state is optuna.trial.TrialState.PRUNED:
            assert len(epochs) < names["EPOCHS"]
    printed = capsys.readouterr().out
    (accuracy,) = re.findall(r"([\d.]+)% of new digits", printed)
    assert float(accuracy) > 90


@pytest.fixture
def tracked(tmp_path, monkeypatch):
    """MLflow with its records in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs.db'}")
    mlflow.set_experiment("networks")
    yield tmp_path
    mlflow.sklearn.autolog(disable=True)


@pytest.mark.parametrize("make", [network, regressor])
def test_mlflow_loads_the_network_that_it_saved(iris, tracked, make):
    """It uses skops, which asks for the names of types that are not scikit-learn's."""
    X, y = iris
    net = make().fit(X, y)
    settings = {"pip_requirements": ["sknet-mlp"]}  # else it takes a minute to find out
    name = f"{type(net).__module__}.{type(net).__name__}"
    with pytest.raises(mlflow.MlflowException, match=f"skops_trusted_types.*{name}"):
        mlflow.sklearn.save_model(net, tracked / "refused", **settings)
    mlflow.sklearn.save_model(
        net, tracked / "net", skops_trusted_types=[name], **settings
    )
    loaded = mlflow.sklearn.load_model(str(tracked / "net"))
    assert_same_weights(loaded, net)
    served = mlflow.pyfunc.load_model(str(tracked / "net"))
    np.testing.assert_array_equal(served.predict(X), net.predict(X))


def test_mlflow_logs_a_pipeline_by_itself(iris, tracked):
    X, y = iris
    mlflow.sklearn.autolog()
    with mlflow.start_run() as run:
        piped = make_pipeline(StandardScaler(), network(max_iter=7)).fit(X, y)
    logged = mlflow.get_run(run.info.run_id).data
    assert logged.params["scratchmlpclassifier__max_iter"] == "7"
    assert logged.metrics["training_score"] == pytest.approx(piped.score(X, y))
    (model,) = mlflow.search_logged_models(output_format="list")
    loaded = mlflow.sklearn.load_model(model.model_uri)
    np.testing.assert_array_equal(loaded.predict_proba(X), piped.predict_proba(X))
    assert isinstance(loaded[-1], ScratchMLPClassifier)
