"""
What speaks for a digit
=======================

One more step of backpropagation, to the inputs, tells how each pixel would change the
output for a class. It is a picture, and a claim that can be tested: if the pixels that
speak most for a guess are wiped out, the guess must suffer more than from others.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet import ScratchMLPClassifier
from sknet.displays import SaliencyDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
net = ScratchMLPClassifier(
    (100,), alpha=1, learning_rate="cosine", learning_rate_init=0.01, random_state=0
)
net.set_params(max_iter=40).fit(X_train, y_train)

# %%
# One of each digit, and what in it speaks for its guess: gradient times input, by which
# blank pixels do not count.

ones = [np.flatnonzero(y_test == digit)[0] for digit in range(10)]
SaliencyDisplay.from_estimator(net, X_test[ones], kind="gradient_x_input")

# %%
# The gradient alone also tells what ink in blank places would do. Here one digit is
# asked about every class: what speaks for a 3, and what against it?

eight = X_test[[ones[8]] * 10]
SaliencyDisplay.from_estimator(net, eight, target=range(10))

# %%
# The test: pixels of all test digits are wiped out, one by one, in three orders. Most
# guesses do not outlive five of the pixels that speak for them.

guesses = net.predict(X_test)
rows = np.arange(len(X_test))
saliency = net.input_gradients(X_test) * X_test
noise = np.random.default_rng(0).random(X_test.shape)
orders = {
    "what speaks for it first": saliency,
    "the darkest first": X_test,
    "at random": np.where(X_test > 0, noise, 0),
}
figure, ax = plt.subplots(layout="constrained")
curves = {}
for (name, by), style in zip(orders.items(), ["o-", "s--", "^:"], strict=True):
    wiped, curves[name] = X_test.copy(), []
    for pixels in np.argsort(-by, axis=1)[:, :16].T:
        curves[name].append(np.mean(net.predict(wiped) == guesses))
        wiped[rows, pixels] = 0
    ax.plot(curves[name], style, label=name)
ax.set(
    title="Wiping out pixels",
    xlabel="Pixels wiped out",
    ylabel="Share of guesses that stay",
)
ax.legend()
plt.show()
