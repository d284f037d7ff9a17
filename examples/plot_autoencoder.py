"""
An autoencoder in ten lines
===========================

A network that learns to give back what it gets, through a layer of a few units: what
those units make of a sample is a short code for it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPRegressor

X, y = load_digits(return_X_y=True)
X_train, X_test, _, y_test = train_test_split(X / 16, y, random_state=0)

# %%
# Digits of 64 pixels go through a layer of two units and come back. Without its layers
# of 100 units the network could do no better than principal components do.

net = ScratchMLPRegressor(
    hidden_layer_sizes=(100, 2, 100),
    activation=["relu", "identity", "relu"],
    learning_rate="cosine",
    learning_rate_init=0.005,
    max_iter=300,
    n_iter_no_change=np.inf,
    random_state=0,
).fit(X_train, X_train)
pca = PCA(2).fit(X_train)
decoded = {
    "PCA": pca.inverse_transform(pca.transform(X_test)),
    "network": net.predict(X_test),
}
scores = {}
for name, back in decoded.items():
    scores[name] = r2_score(X_test, back, multioutput="variance_weighted")
    print(f"{name:8} brings back {scores[name]:.0%} of the variance from two numbers")

# %%
# The codes of new digits, two numbers each. Digits of a kind lie together, though the
# network was never told which is which.

codes = net.hidden_activations(X_test, layer=1)
figure, ax = plt.subplots(figsize=(7, 6), layout="constrained")
for digit in range(10):
    marker = {"marker": f"${digit}$", "s": 40, "linewidths": 0.3}
    ax.scatter(*codes[y_test == digit].T, **marker)
ax.set(title="Codes of digits", xlabel="First unit", ylabel="Second unit")

# %%
# Ten of these digits above, and what the network makes of their codes below.

chosen = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
figure, axes = plt.subplots(2, 10, figsize=(8, 2.2), layout="constrained")
for row, images in zip(axes, [X_test, decoded["network"]], strict=True):
    for ax, image in zip(row, images[chosen], strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
axes[0, 0].set_ylabel("digit")
axes[1, 0].set_ylabel("back")
figure.suptitle("Digits, and what comes back")
plt.show()
