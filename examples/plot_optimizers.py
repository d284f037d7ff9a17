"""
Optimizers on one surface
=========================

The cost of a network of two weights can be drawn. Features of very different scales
make it a long ravine, steep across and almost level along. Momentum and Adam were made
for ravines; with scaled data there is none.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from sknet.optimizers import SGD, Adam

# %%
# The network is one sigmoid of z = w · x. Labels are drawn with probabilities.

rng = np.random.default_rng(0)
X = rng.normal(size=(200, 2)) * [4.0, 0.2]
y = (rng.random(200) < expit(X @ [0.5, 4.0])).astype(float)
START = np.array([2.0, -3.0])


def cost_and_grad(w, X):
    losses = np.logaddexp(0, X @ w) - y * (X @ w)
    return losses.mean(), X.T @ (expit(X @ w) - y) / len(X)


def descend(optimizer, rate, scale):
    """Weights and costs before each step, with features divided by their scale."""
    theta, path, costs = START * scale, [], []
    optimizer.init(theta)
    for _ in range(400):
        cost, grad = cost_and_grad(theta, X / scale)
        path.append(theta / scale)
        costs.append(cost)
        optimizer.step(theta, grad, rate)
    return np.array(path), np.array(costs) - minimum.fun


# %%
# The goal is a cost within 0.001 of the minimum, for good. Each optimizer runs with the
# learning rate, of thirty, that takes it there in the fewest steps.


def n_steps(race):
    return 1 + np.flatnonzero(race[1] > 1e-3).max()


minimum = minimize(cost_and_grad, START, X, jac=True, tol=1e-12)
races = {}
for name, scale, optimizer, settings in [
    ("Gradient descent", 1, SGD, {}),
    ("Momentum", 1, SGD, {"momentum": 0.9}),
    ("Nesterov", 1, SGD, {"momentum": 0.9, "nesterov": True}),
    ("Adam", 1, Adam, {}),
    ("Scaled data", X.std(axis=0), SGD, {}),
]:
    rates = np.geomspace(0.01, 30, 30)
    tries = (descend(optimizer(**settings), rate, scale) for rate in rates)
    races[name] = min(tries, key=n_steps)

# %%
# The star is the minimum. "Scaled data" is plain gradient descent once more.
w = np.stack(np.meshgrid(np.linspace(-1, 2.5, 90), np.linspace(-4, 11, 90)))
J = np.apply_along_axis(lambda w: cost_and_grad(w, X)[0], 0, w)
axes = plt.subplots(2, 3, figsize=(11, 7), layout="constrained")[1]
for i, (name, race) in enumerate(races.items()):
    ax, style = axes.flat[i], {"color": f"C{i}", "ls": ["-", "--", "-.", ":", "-"][i]}
    ax.contour(*w, J, np.geomspace(0.41, 4, 14), cmap="viridis", linewidths=0.7)
    ax.plot(*race[0].T, marker=".", **style)
    ax.plot(*minimum.x, "*", color="gold", mec="k", ms=16)
    ax.set(title=f"{name}: {n_steps(race)} steps", xlabel="Weight 0", ylabel="Weight 1")
    axes[1, 2].loglog(range(1, 401), race[1], label=name, lw=1.5 + i // 4, **style)
axes[1, 2].set(title="Cost above the minimum", xlabel="Step", ylim=1e-5)
axes[1, 2].legend(fontsize="x-small")
plt.show()
