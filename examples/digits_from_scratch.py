# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Handwritten digits, from scratch
#
# The article *Deep Learning from Scratch With Python* as a notebook. A network of 256
# inputs, hidden layers of 30 and 20 units and 10 outputs learns to read handwritten
# digits, in three steps:
#
# 1. thirty lines of NumPy, beside the equations that they compute;
# 2. the same training by `ScratchMLPClassifier`, which gives the same numbers;
# 3. what the estimator adds.
#
# Still slower, with a loop for every sum, is `article_by_hand.py`, in the same folder.
# The notebook is made from the script of the same name:
#
# ```sh
# jupytext --to ipynb --execute digits_from_scratch.py
# ```

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sknet.datasets import fetch_semeion

# %% [markdown]
# ## The data
#
# Semeion has 1593 digits of 16×16 pixels, 0 or 1, one digit in each row of `X`. A
# quarter of each digit is kept for the test. `T` holds the targets $t_{ij}$: a column
# for each of the ten outputs, 1 in that of the digit and 0 elsewhere.

# %%
try:
    X, y = fetch_semeion(return_X_y=True)
    rate = 2  # of learning; at twice as much the cost goes up at some steps
except (OSError, ImportError) as error:
    print(f"Using scikit-learn's 8x8 digits instead of Semeion: {error}")
    X, y = load_digits(return_X_y=True)
    X, rate = X / 16, 1

X_dev, X_test, y_dev, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)
T_dev = np.eye(10)[y_dev]
side = int(np.sqrt(X.shape[1]))
print(f"{len(X_dev)} digits to learn from, {len(X_test)} to test, {side}x{side} pixels")


# %%
def show(rows, titles):
    """Draw digits side by side."""
    size = 1.3 * len(rows), 1.8
    _, axes = plt.subplots(1, len(rows), figsize=size, squeeze=False)
    for ax, row, title in zip(axes[0], rows, titles, strict=True):
        ax.imshow(row.reshape(side, side), cmap="gray_r")
        ax.set_title(title, fontsize="medium")
        ax.set_axis_off()


show(X_dev[:8], y_dev[:8])

# %% [markdown]
# ## The network
#
# A unit weighs its inputs $x$, adds them up and squeezes the sum between 0 and 1 with
# the sigmoid:
#
# $$h_\theta(x) = g(\theta^T x), \qquad g(z) = \frac{1}{1 + e^{-z}}$$
#
# A 1 is put before the inputs, so that the unit's bias is a weight like the others.
# Row $i$ of `theta` has the weights of unit $i$ of a layer, its bias first.


# %%
def g(z):
    """The sigmoid."""
    return 1 / (1 + np.exp(-z))


def with_ones(A):
    """A with a column of ones in front."""
    return np.column_stack([np.ones(len(A)), A])


def activations(thetas, X):
    """What each layer puts out, the input X first; a row for each sample."""
    layers = [X]
    for theta in thetas:
        layers.append(g(with_ones(layers[-1]) @ theta.T))
    return layers


# %% [markdown]
# ## The cost
#
# $$J(\theta) = -\frac{1}{m} \sum_{i=1}^{m} \sum_{j} \left[ t_{ij} \log h_{ij} +
#   (1 - t_{ij}) \log (1 - h_{ij}) \right] + \frac{\lambda}{2m} \sum_k \theta_k^2$$
#
# $m$ is the number of samples. The last sum, over all weights but the biases, makes
# large weights expensive.


# %%
def cost(thetas, X, T, lambda_):
    """J."""
    h = activations(thetas, X)[-1]
    loss = -np.sum(T * np.log(h) + (1 - T) * np.log(1 - h))
    penalty = lambda_ / 2 * sum(np.sum(theta[:, 1:] ** 2) for theta in thetas)
    return (loss + penalty) / len(X)


# %% [markdown]
# ## Its gradient, by backpropagation
#
# At the outputs, the derivative of a sample's cost by $z$ is
#
# $$\delta = h - t$$
#
# On its way back, $\delta$ flows through the weights and through the sigmoid of the
# layer below, whose derivative is $g' = g (1 - g)$ and whose activations are $a$:
#
# $$\delta_j \leftarrow \Big( \sum_i \theta_{ij} \delta_i \Big) \, a_j (1 - a_j)$$
#
# A weight's derivative is the $\delta$ of its unit times what it was multiplied by,
# summed over the samples to $\Delta$, with its share of the penalty:
#
# $$\frac{\partial J}{\partial \theta} = \frac{1}{m} \Delta + \frac{\lambda}{m} \theta$$
#
# where $\theta$ counts as 0 for a bias. (The article leaves the second term out in the
# output layer; the gradient of its $J$ has it in every layer.)


# %%
def gradient(thetas, X, T, lambda_):
    """Derivatives of J, in arrays shaped like thetas."""
    layers = activations(thetas, X)
    delta = layers[-1] - T
    grads = []
    for theta, A in zip(thetas[::-1], layers[-2::-1], strict=True):
        penalised = theta.copy()
        penalised[:, 0] = 0
        grads.insert(0, (delta.T @ with_ones(A) + lambda_ * penalised) / len(X))
        delta = delta @ theta[:, 1:] * A * (1 - A)
    return grads


# %% [markdown]
# ## Is it right?
#
# A derivative is a slope, and slopes can be measured: move one weight a little up and
# a little down, and see how the cost changes. A mistake in `gradient`, a missing
# factor or a forgotten term, shows at once. Weights start anywhere between −1 and 1.

# %%
rng = np.random.RandomState(0)
start = [
    rng.uniform(-1, 1, (n_units, 1 + n_inputs))
    for n_inputs, n_units in [(X.shape[1], 30), (30, 20), (20, 10)]
]
few = X_dev[:50], T_dev[:50], 1.0


def slope(thetas, layer, i, j, step=1e-5):
    """Derivative of J by one weight, measured."""
    costs = []
    for move in step, -step:
        moved = [theta.copy() for theta in thetas]
        moved[layer][i, j] += move
        costs.append(cost(moved, *few))
    return (costs[0] - costs[1]) / (2 * step)


grads = gradient(start, *few)
worst = 0.0
for _ in range(100):
    layer = rng.randint(3)
    i, j = (rng.randint(n) for n in start[layer].shape)
    worst = max(worst, abs(slope(start, layer, i, j) - grads[layer][i, j]))
print(f"100 slopes agree with the gradient to 1e-8: {worst < 1e-8}")

# %% [markdown]
# ## Learning
#
# Gradient descent: 500 times, subtract the gradient. Cost and accuracy on the test
# digits are kept at each step. The guess is the digit whose output is the largest.


# %%
def guesses(thetas, X):
    return activations(thetas, X)[-1].argmax(axis=1)


thetas = [theta.copy() for theta in start]
costs, accuracies = [], []
for _ in range(500):
    costs.append(cost(thetas, X_dev, T_dev, 1.0))
    for theta, grad in zip(thetas, gradient(thetas, X_dev, T_dev, 1.0), strict=True):
        theta -= rate * grad
    accuracies.append(np.mean(guesses(thetas, X_test) == y_test))
print(f"Cost: {costs[0]:.2f} at first, {costs[-1]:.2f} at last")
print(f"Accuracy on {len(X_test)} test digits: {accuracies[-1]:.3f}")

# %%
_, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for ax, values, label in zip(
    axes, (costs, accuracies), ("Cost J", "Accuracy on the test digits"), strict=True
):
    ax.plot(range(1, 501), values)
    ax.set(title=label, xlabel="Iteration", ylabel=label.split()[0])

# %%
show(
    X_test[:5],
    [
        f"Actual: {actual}\nGuess: {guess}"
        for actual, guess in zip(y_test[:5], guesses(thetas, X_test[:5]), strict=True)
    ],
)

# %% [markdown]
# ## The same by `ScratchMLPClassifier`
#
# Sigmoids everywhere, plain steps down the gradient, all samples at once: with these
# parameters, and from the same weights, the estimator makes the same 500 steps. What
# is called `theta` above it keeps in scikit-learn's way, as `coefs_` and
# `intercepts_`.

# %%
from sknet import ScratchMLPClassifier

network = ScratchMLPClassifier(
    hidden_layer_sizes=(30, 20),
    activation="logistic",
    out_activation="logistic",
    alpha=1.0,  # lambda
    solver="sgd",
    momentum=0,
    learning_rate_init=rate,
    batch_size=len(X_dev),
    shuffle=False,
    max_iter=500,
    tol=0,
    n_iter_no_change=np.inf,  # all 500, whatever the cost does
)
network.fit(
    X_dev,
    y_dev,
    coef_init=[theta[:, 1:].T for theta in start],
    intercept_init=[theta[:, 0] for theta in start],
)
difference = np.max(np.abs(np.subtract(network.loss_curve_, costs)))
print(f"500 costs agree to 1e-10: {difference < 1e-10}")
same = np.array_equal(network.predict(X_test), guesses(thetas, X_test))
print(f"The same guesses: {same}")

# %% [markdown]
# ## What the estimator adds
#
# Its gradient is checked in a line, for any activation, loss and penalty, on your own
# data:

# %%
from sknet import check_gradients

check = check_gradients(network, X_dev[:20], y_dev[:20])
print(f"Right to 1e-6: {check.max_relative_error < 1e-6}")

# %% [markdown]
# Without those parameters it is `MLPClassifier`'s twin, with relu, softmax and Adam in
# mini-batches, and it goes wherever scikit-learn takes a classifier, such as a
# cross-validation:

# %%
from sklearn.model_selection import cross_val_score

scores = cross_val_score(
    ScratchMLPClassifier(learning_rate_init=0.01, random_state=0), X_dev, y_dev, cv=5
)
print(f"Accuracy in five folds: {scores.mean():.3f}")

# %% [markdown]
# And it can be better than the article's network. This is recipe A of
# `docs/recipes.md`: a wide layer, units left out at random, softened targets, a
# learning rate that falls to 0, and digits that are moved, turned and slanted a little
# each time that they are seen.

# %%
from sknet.augment import RandomAffine

recipe = ScratchMLPClassifier(
    (512,),
    weight_init="he",
    solver="adamw",
    weight_decay=0.01,
    alpha=0,
    learning_rate="cosine",
    learning_rate_init=0.005,
    batch_size=64,
    max_iter=100,
    n_iter_no_change=np.inf,
    augment=RandomAffine((side, side), rotation=8, scale=0.08, shear=0.1, shift=1),
    input_dropout=0.1,
    dropout=0.2,
    label_smoothing=0.1,
    dtype="float32",
    random_state=0,
)
recipe.fit(X_dev, y_dev)
print(f"Accuracy on {len(X_test)} test digits: {recipe.score(X_test, y_test):.3f}")

# %% [markdown]
# The test digits that it misreads are those that people may misread, too. Here they
# are, the one that it was surest of first:

# %%
probabilities = recipe.predict_proba(X_test)
read_as = recipe.classes_[probabilities.argmax(axis=1)]
wrong = np.flatnonzero(read_as != y_test)
wrong = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:6]
show(X_test[wrong], [f"Actual: {y_test[row]}\nGuess: {read_as[row]}" for row in wrong])

# %% [markdown]
# From here: `plot_digits.py` has a pipeline, a grid search and a saved model;
# `docs/recipes.md` says what each ingredient of the recipe is worth;
# `docs/equations.md` derives every formula; and on the page `docs/draw/index.html`
# such a network reads what you draw.
