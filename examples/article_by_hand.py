"""
The article by hand
===================

Handwritten digits, learnt by the equations of the article alone: first in plain Python,
a loop for every sum, as slowly as it can be read; then by driving sknet's ``Network``,
``Objective`` and ``SGD`` by hand.  Both are the same mathematics, and so they give the
same costs.  (``docs/equations.md`` derives them, and links each to its line in sknet.)

Only numbers and lists are used at first: ``thetas[l][i][j]`` is the weight with which
unit ``i`` of a layer reads input ``j``, and input 0 is the constant 1, so that
``thetas[l][i][0]`` is the unit's bias.
"""

from math import exp, log
from time import perf_counter

# %%
# The network
# -----------
# A unit weighs its inputs, adds them up and squeezes the sum between 0 and 1:
#
#     g(z) = 1 / (1 + exp(-z))


def g(z):
    """The sigmoid."""
    return 1 / (1 + exp(-z))


# %%
# A layer's activations are h = g(theta x), where a 1 is prepended to x for the bias.


def predict(thetas, x):
    """Activations of all layers for one sample, each with its 1 in front."""
    activations = [[1.0, *x]]
    for theta in thetas:
        z = []
        for row in theta:
            z_i = 0.0
            for weight, a in zip(row, activations[-1], strict=True):
                z_i += weight * a
            z.append(z_i)
        activations.append([1.0, *map(g, z)])
    return activations


# %%
# The cost
# --------
# m samples, of which sample i should give t_ij at output j and gives h_ij:
#
#     J = -1/m sum_i sum_j [ t_ij log h_ij + (1 - t_ij) log(1 - h_ij) ]
#     + lambda / (2 m) sum theta^2
#
# The last sum is over all weights but the biases: large weights cost something.


def article_cost(thetas, X, T, lambda_):
    """J of the article."""
    m, J = len(X), 0.0
    for x, t in zip(X, T, strict=True):
        h = predict(thetas, x)[-1][1:]
        for t_j, h_j in zip(t, h, strict=True):
            J -= (t_j * log(h_j) + (1 - t_j) * log(1 - h_j)) / m
    for theta in thetas:
        for _bias, *weights in theta:
            for weight in weights:
                J += lambda_ / (2 * m) * weight**2
    return J


# %%
# Its gradient
# ------------
# Backpropagation.  At the outputs the derivative of a sample's cost by z is
#
#     delta = h - t
#
# and a weight's part in it is delta_i a_j, with a_j what the weight was multiplied by.
# On its way back to the layer below, delta flows through the weights and through
# g' = g (1 - g):
#
#     delta_j  <-  (sum_i theta_ij delta_i) a_j (1 - a_j)
#
# The sums over all samples are the article's Delta.  The gradient is
#
#     Delta / m + lambda / m theta
#
# where theta counts as 0 for a bias.  (The article leaves the second term out in the
# output layer.  The gradient of its J has it there, too.)


def article_gradient(thetas, X, T, lambda_):
    """Derivative of J with respect to every weight, in lists like ``thetas``."""
    m = len(X)
    grads = [[[0.0] * len(row) for row in theta] for theta in thetas]
    for x, t in zip(X, T, strict=True):
        activations = predict(thetas, x)
        delta = [h_j - t_j for h_j, t_j in zip(activations[-1][1:], t, strict=True)]
        for layer in reversed(range(len(thetas))):
            for i, delta_i in enumerate(delta):
                for j, a_j in enumerate(activations[layer]):
                    grads[layer][i][j] += delta_i * a_j / m
            below = []
            for j, a_j in enumerate(activations[layer]):
                back = 0.0
                for i, delta_i in enumerate(delta):
                    back += thetas[layer][i][j] * delta_i
                below.append(back * a_j * (1 - a_j))
            delta = below[1:]  # the constant 1 has no unit below it
    for theta, grad in zip(thetas, grads, strict=True):
        for row, grad_row in zip(theta, grad, strict=True):
            for j in range(1, len(row)):  # not for the bias, j = 0
                grad_row[j] += lambda_ / m * row[j]
    return grads


# %%
# Learning
# --------
# Batch gradient descent: again and again, theta <- theta - rate * gradient.


def descend(thetas, X, T, lambda_, rate, n_epochs):
    """Change ``thetas`` in place; return J before each of the steps."""
    costs = []
    for _ in range(n_epochs):
        costs.append(article_cost(thetas, X, T, lambda_))
        grads = article_gradient(thetas, X, T, lambda_)
        for theta, grad in zip(thetas, grads, strict=True):
            for row, grad_row in zip(theta, grad, strict=True):
                for j, slope in enumerate(grad_row):
                    row[j] -= rate * slope
    return costs


# %%
# The same by sknet
# -----------------
# ``Network`` holds all weights in one vector and predicts, ``Objective`` knows J and
# its gradient, and ``SGD`` makes the step.  Samples are columns under a row of ones.


def descend_by_sknet(thetas, X, T, lambda_, rate, n_epochs):
    """What :func:`descend` returns, and the network that has learnt."""
    import numpy as np

    from sknet.activations import ACTIVATIONS
    from sknet.backprop import Objective
    from sknet.losses import LOSSES
    from sknet.network import Network, prepend_ones
    from sknet.optimizers import SGD

    theta = np.concatenate([np.ravel(layer) for layer in thetas])
    n_units = [len(thetas[0][0]) - 1, *map(len, thetas)]
    network = Network(n_units, ACTIVATIONS["logistic"], theta)
    objective = Objective(network, LOSSES["logistic"], alpha=lambda_)
    sgd = SGD()
    sgd.init(theta)

    X1, Y = prepend_ones(np.array(X)), np.array(T).T
    costs = []
    for _ in range(n_epochs):
        cost, grad = objective.value_and_grad(X1, Y)
        costs.append(cost)
        sgd.step(theta, grad, learning_rate=rate)
    return costs, network


# %%
# Both on handwritten digits
# --------------------------


def main():
    """Learn 100 digits by the loops and by sknet, then all of them by sknet."""
    import numpy as np
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X, T = X / 16, np.eye(10)[y]
    rng = np.random.RandomState(0)
    # The article's random weights, in [-1, 1]: 64 pixels, 15 hidden units, 10 outputs.
    thetas = [rng.uniform(-1, 1, (15, 65)), rng.uniform(-1, 1, (10, 16))]
    settings = {"lambda_": 0.1, "rate": 1.0}

    few = X[:100].tolist(), T[:100].tolist()
    start = perf_counter()
    by_loops = descend([t.tolist() for t in thetas], *few, **settings, n_epochs=10)
    middle = perf_counter()
    by_sknet, _ = descend_by_sknet(thetas, *few, **settings, n_epochs=10)
    end = perf_counter()
    print("epoch  J by loops  J by sknet")
    for epoch, costs in enumerate(zip(by_loops, by_sknet, strict=True)):
        print(f"{epoch:5}  {costs[0]:10.6f}  {costs[1]:10.6f}")
    print(f"{middle - start:.2f} s by loops, {end - middle:.4f} s by sknet")

    costs, network = descend_by_sknet(
        thetas, X[:1500], T[:1500], **settings, n_epochs=500
    )
    guesses = network.predict(X[1500:]).argmax(axis=0)
    print(
        f"500 epochs on 1500 digits: J falls from {costs[0]:.2f} to {costs[-1]:.2f}; "
        f"{(guesses == y[1500:]).mean():.0%} of 297 others are read rightly."
    )


if __name__ == "__main__":
    main()
