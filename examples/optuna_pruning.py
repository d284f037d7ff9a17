"""Search with Optuna, where a callback ends the fits that promise little.

After each epoch the callback reports the accuracy on a validation set, and Optuna says
whether the trial is worth going on.  Needs Optuna, and scikit-learn 1.9 or later.
"""

import numpy as np
import optuna
from sklearn.callback import FitCallback
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier

EPOCHS = 30


class Pruning(FitCallback):
    """Stops the fit of a trial that is worse than others were at the same epoch."""

    def __init__(self, trial):
        self.trial = trial

    def setup(self, estimator, context):
        """Nothing to prepare."""

    def on_fit_task_end(self, estimator, context):
        """True stops training after the epoch."""
        if context.parent is None:  # the end of the fit, not of an epoch
            return False
        scores = estimator.validation_scores_
        self.trial.report(scores[-1], step=len(scores))
        return self.trial.should_prune()

    def teardown(self, estimator, context):
        """Nothing to clear away."""


X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
X_train, X_val, y_train, y_val = train_test_split(X_train, y_train, random_state=0)


def fitted(trial):
    """The network of a trial, perhaps not trained to the end."""
    net = ScratchMLPClassifier(
        hidden_layer_sizes=(trial.suggest_int("units", 10, 100, log=True),),
        learning_rate_init=trial.suggest_float("rate", 1e-4, 0.1, log=True),
        alpha=trial.suggest_float("alpha", 1e-6, 1e-1, log=True),
        max_iter=EPOCHS,
        tol=0,
        n_iter_no_change=np.inf,  # only the callback ends training early
        random_state=0,
    )
    net.set_callbacks(Pruning(trial))
    return net.fit(X_train, y_train, X_val=X_val, y_val=y_val)


def objective(trial):
    """Best accuracy on the validation set."""
    net = fitted(trial)
    if net.n_iter_ < EPOCHS:
        raise optuna.TrialPruned
    return net.best_validation_score_


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    direction="maximize",
    sampler=optuna.samplers.TPESampler(seed=0),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=3),
)
study.optimize(objective, n_trials=20)

pruned = [t for t in study.trials if t.state is optuna.trial.TrialState.PRUNED]
epochs = sum(len(t.intermediate_values) for t in study.trials)
print(f"{len(pruned)} of {len(study.trials)} trials were pruned:")
print(f"{epochs} epochs instead of {EPOCHS * len(study.trials)}.")
print(f"Best: {study.best_params}")
best = fitted(optuna.trial.FixedTrial(study.best_params))
print(f"It recognises {100 * best.score(X_test, y_test):.1f}% of new digits.")
