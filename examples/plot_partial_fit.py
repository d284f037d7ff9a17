"""
Growing data
============

``partial_fit`` trains one epoch on the samples that it gets, so a network learns from
digits as they come in. From a mixed stream it learns well. Where the digits come
sorted, it forgets those that it has not seen for a while, unless some are kept and
mixed in.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
X, X_test, y, y_test = train_test_split(X / 16, y, train_size=1200, random_state=0)

# %%
# Twenty digits come in at a time. The first call has to be told all classes, also those
# that it has not got. After each call the test digits are read.


def learn(order, n_old=0):
    """Share of each digit that is read after each call, and the network."""
    rng, recalls = np.random.default_rng(0), []
    net = ScratchMLPClassifier((50,), solver="sgd", batch_size=20, random_state=0)
    net.set_params(learning_rate_init=0.1)
    for start in range(0, len(order), 20):
        old = rng.permutation(order[:start:5])[:n_old]  # every fifth has been kept
        rows = np.concatenate([order[start : start + 20], old])
        net.partial_fit(X[rows], y[rows], classes=range(10))
        right = net.predict(X_test) == y_test
        recalls.append([right[y_test == digit].mean() for digit in range(10)])
    return np.transpose(recalls), net


in_order = np.argsort(y, kind="stable")
streams = {
    "mixed": learn(np.arange(len(y))),
    "sorted": learn(in_order),
    "sorted, with 100 old ones": learn(in_order, n_old=100),
}

# %%
# In the sorted stream a digit is read while it comes in, and not much longer.

figure, axes = plt.subplots(3, figsize=(7, 8), sharex=True, layout="constrained")
accuracies = {}
for ax, (name, (recalls, net)) in zip(axes, streams.items(), strict=True):
    accuracies[name] = net.score(X_test, y_test)
    image = ax.imshow(
        recalls, extent=(0, len(y), 9.5, -0.5), aspect="auto", vmin=0, vmax=1
    )
    ax.set(title=f"{name}: {accuracies[name]:.0%} are read in the end", ylabel="Digit")
    ax.set_yticks(range(10))
axes[-1].set_xlabel("Digits that have come in")
figure.colorbar(image, ax=axes, label="Share of test digits that are read", shrink=0.6)
plt.show()
