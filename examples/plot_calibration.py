"""
Can probabilities be trusted?
=============================

A network that has learned its samples by heart is too sure of itself: of the guesses
that it calls 95 % certain, fewer are right. Label smoothing, made against that, may
overdo it. Temperature scaling divides the raw outputs by one number, which is chosen on
samples held out, and changes no guess.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier

# %%
# Noise makes the digits hard enough for doubt. (Before scikit-learn 1.8, which brought
# temperature scaling, ``method="sigmoid"`` does much the same.)

X, y = load_digits(return_X_y=True)
X = X / 16 + np.random.default_rng(0).normal(scale=0.3, size=X.shape)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, train_size=600, stratify=y, random_state=0
)
net = ScratchMLPClassifier(learning_rate_init=0.005, batch_size=50, random_state=0)
net.set_params(max_iter=100, tol=0, n_iter_no_change=np.inf)
smoothed = clone(net).set_params(label_smoothing=0.1)
version = tuple(map(int, sklearn.__version__.split(".")[:2]))
method = "temperature" if version >= (1, 8) else "sigmoid"
scaled = CalibratedClassifierCV(net, method=method, cv=3, ensemble=False)

# %%
# A reliability curve compares how sure the guesses were, in groups of equal size, with
# how many of them were right. Below the diagonal a network is too sure, above it not
# sure enough.

figure, ax = plt.subplots(figsize=(6.4, 6), layout="constrained")
gaps, losses = {}, {}
models = {"network": net, "label smoothing": smoothed, f"{method} scaling": scaled}
for (name, model), marker in zip(models.items(), "os^", strict=True):
    proba = model.fit(X_train, y_train).predict_proba(X_test)
    sure, right = proba.max(axis=1), proba.argmax(axis=1) == y_test
    gaps[name] = sure.mean() - right.mean()
    losses[name] = log_loss(y_test, proba)
    label = f"{name}: {right.mean():.0%} right, log loss {losses[name]:.2f}"
    CalibrationDisplay.from_predictions(
        right, sure, n_bins=8, strategy="quantile", name=label, marker=marker, ax=ax
    )
    print(f"{name:20} sure {sure.mean():.1%}, right {right.mean():.1%}")
ax.set(xlabel="Mean probability of the guesses", ylabel="Share that is right")
ax.set_title("Guesses for digits in noise")
plt.show()
