"""
Validation, early stopping and callbacks
========================================

A network that trains for long learns its samples by heart, mistakes included. Digits
that it does not train on tell when that begins. A callback of one's own looks on here,
and another one limits the time; callbacks need scikit-learn 1.9.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.callback import FitCallback
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier
from sknet.callbacks import TimeLimit
from sknet.displays import HistoryDisplay

# %%
# A fifth of the labels is replaced at random, as careless hands would do it; those of
# the test digits are right. Who labels carelessly has no better ones to validate on.

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, train_size=900, random_state=0)
rng = np.random.default_rng(0)
careless = rng.random(900) < 0.2
y[careless] = rng.integers(0, 10, careless.sum())
X_train, X_val, y_train, y_val = X[:600], X[600:], y[:600], y[600:]

# %%
# A callback is told of the end of every epoch, and of the end of ``fit``. This one
# looks at the test digits.


class Watch(FitCallback):
    def setup(self, estimator, context):
        self.scores = []

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            self.scores.append(estimator.score(X_test, y_test))

    def teardown(self, estimator, context):
        pass


# %%
# The same training three times: to the end; with a validation set, where ``fit`` keeps
# the weights that scored best; and with early stopping, which spares the epochs after.

watch = Watch()
net = ScratchMLPClassifier(learning_rate_init=0.003, batch_size=50, random_state=0)
net.set_params(max_iter=100, tol=0, n_iter_no_change=np.inf)
kept = clone(net).set_params(scoring="loss")
early = clone(kept).set_params(early_stopping=True, n_iter_no_change=10)
net.set_callbacks(watch, TimeLimit(60)).fit(X_train, y_train)
kept.fit(X_train, y_train, X_val=X_val, y_val=y_val)
early.fit(X_train, y_train, X_val=X_val, y_val=y_val)
nets = {"last weights": net, "best weights": kept, "early stopping": early}
scores = {name: one.score(X_test, y_test) for name, one in nets.items()}
for name, one in nets.items():
    print(
        f"{name:14} of {one.n_iter_:3} epochs: {scores[name]:.1%} of test digits right"
    )

# %%
# The validation loss is lowest at the dotted line. The test digits, which had no say in
# it, tell too that it is no use to train on for long.

figure, (top, bottom) = plt.subplots(2, sharex=True, layout="constrained")
HistoryDisplay.from_estimator(kept, ax=top, panels=["loss"])
bottom.plot(range(1, 1 + net.n_iter_), watch.scores, "C2")
bottom.axvline(kept.best_iteration_, color="k", ls=":", lw=1)
bottom.set(xlabel="Epoch", ylabel="Accuracy, test digits", ylim=(0.8, 1))
top.set_xlabel("")
plt.show()
