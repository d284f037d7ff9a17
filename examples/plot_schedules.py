"""
Schedules of the learning rate
==============================

A large learning rate gets far and never settles; a small one settles too early. A
schedule begins with one and ends with the other. Here are all that there are, and one
of one's own, with what each makes of the same training.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier

# %%
# A function gets the fraction of training done, and returns a factor on the rate.


def steps(fraction):
    return 0.1 ** int(3 * fraction)


schedules = {
    "constant": {},
    "invscaling": {"learning_rate": "invscaling", "power_t": 0.25},
    "adaptive": {"learning_rate": "adaptive", "n_iter_no_change": 5},
    "reduce_on_plateau": {"learning_rate": "reduce_on_plateau"},
    "cosine": {"learning_rate": "cosine"},
    "cosine, warmup": {"learning_rate": "cosine", "warmup": 0.2},
    "one_cycle": {"learning_rate": "one_cycle"},
    "a function": {"learning_rate": steps},
}

# %%
# Each trains on 600 digits by gradient descent with momentum, from three seeds, at a
# rate that is rather large. All train equally long, whether they have settled or not.

X, y = load_digits(return_X_y=True)
X, X_val, y, y_val = train_test_split(X / 16, y, train_size=600, random_state=0)


def history(parameters, seed):
    net = ScratchMLPClassifier((40,), solver="sgd", learning_rate_init=0.2, alpha=0.1)
    net.set_params(batch_size=20, max_iter=50, n_iter_no_change=np.inf)
    net.set_params(random_state=seed, **parameters)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        return net.fit(X, y, X_val=X_val, y_val=y_val).history_


runs = {name: [history(p, seed) for seed in range(3)] for name, p in schedules.items()}
curves = {
    name: np.mean([run["val_loss"] for run in three], axis=0)
    for name, three in runs.items()
}

# %%
# The loss on other digits, mean of the seeds: of each in colour, and of the others in
# grey. The titles have the mean of the last ten epochs.

figure, axes = plt.subplots(4, 4, figsize=(11, 9), sharex=True, layout="constrained")
for i, (name, curve) in enumerate(curves.items()):
    rates, losses = axes[2 * (i // 4) : 2 * (i // 4) + 2, i % 4]
    rates.plot(runs[name][0]["learning_rate"], color="C1")
    rates.set(title=name, ylim=(-0.01, 0.21))
    losses.plot(np.transpose(list(curves.values())), color="0.8")
    losses.plot(curve, color="C0")
    losses.set(title=f"last 10: {curve[-10:].mean():.3f}", ylim=(0.15, 0.5))
for row, label in zip(axes, ["Learning rate", "Loss"] * 2, strict=True):
    row[0].set_ylabel(label)
figure.supxlabel("Epoch")
plt.show()
