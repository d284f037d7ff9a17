"""
What hidden units learn
=======================

A hidden unit weighs the pixels of a digit. Drawn as images, the weights tell what it
looks for, and its activations tell in which digits it finds that. Together they make
the digits easier to tell apart than their pixels do, which is measured here.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier
from sknet.displays import ActivationsDisplay, NetworkDisplay, WeightsDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)

# %%
# The penalty, ``alpha``, makes weights small where pixels are of no use, such as those
# at the edges, and so the images clear.

net = ScratchMLPClassifier(
    (12,), "tanh", alpha=1, learning_rate_init=0.01, max_iter=100, random_state=0
)
net.fit(X_train, y_train)
print(f"{net.score(X_test, y_test):.1%} of new digits are read")
WeightsDisplay.from_estimator(net)

# %%
# How strongly each unit answers to each digit, on average over new digits. A unit of
# tanh answers from -1 to 1.

activations = net.hidden_activations(X_test)
answers = np.array([activations[y_test == digit].mean(axis=0) for digit in range(10)])
figure, ax = plt.subplots(layout="constrained")
image = ax.imshow(answers, cmap="PuOr_r", vmin=-1, vmax=1)
ax.set(xlabel="Unit", ylabel="Digit", xticks=range(12), yticks=range(10))
for (digit, unit), answer in np.ndenumerate(answers.round(1) + 0):
    style = {"ha": "center", "va": "center", "fontsize": 8}
    ax.text(unit, digit, answer, color="w" if abs(answer) > 0.6 else "k", **style)
ax.set_title("Mean activation")
figure.colorbar(image, ax=ax, shrink=0.8)

# %%
# One digit on its way through the network: a unit is filled by its answer, with stripes
# where that is negative, and a line is as thick as what flows along it.

NetworkDisplay.from_estimator(net, X_test[0], max_units=12)

# %%
# All new digits on their way. Many answers are near -1 or 1, where tanh is flat, but no
# unit answers all digits alike: none is saturated, and none is dead.

display = ActivationsDisplay.from_estimator(net, X_test, y_test)

# %%
# A simple reader takes a digit for the one whose mean is nearest. It reads more digits
# by the activations of these few units than by all the pixels.

accuracies = {}
hidden = net.hidden_activations(X_train)
for name, train, test in ("pixels", X_train, X_test), ("units", hidden, activations):
    means = [train[y_train == digit].mean(axis=0) for digit in range(10)]
    accuracies[name] = np.mean(cdist(test, means).argmin(axis=1) == y_test)
    print(f"nearest mean of {test.shape[1]} {name}: {accuracies[name]:.1%} are read")
plt.show()
