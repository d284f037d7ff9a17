"""
Regression: targets in their own units, outliers, and intervals
===============================================================

What ``ScratchMLPRegressor`` adds to ``MLPRegressor``: it scales the targets itself, has
losses that outliers hardly touch, and learns an interval as several quantiles at once.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknet import ScratchMLPRegressor


def network(rate=0.02, **parameters):
    parameters |= {"learning_rate": "cosine", "learning_rate_init": rate}
    parameters |= {"max_iter": 150, "n_iter_no_change": np.inf, "random_state": 0}
    net = ScratchMLPRegressor(hidden_layer_sizes=(50, 50), **parameters)
    return make_pipeline(StandardScaler(), net)


# %%
# The targets of diabetes are 25 to 346, and a network begins with predictions near 0:
# without scaling it is still worse than the mean, which has an R² of 0, when with
# scaling it has learned what there is to learn.

X, y = load_diabetes(return_X_y=True)
r2, errors, covered = {}, {}, {}
for scaling in None, "standard":
    net = network(rate=0.001, target_scaling=scaling)
    r2[scaling] = cross_val_score(net, X, y, cv=5).mean()
    print(f"target_scaling={scaling!r:10} R² {r2[scaling]:5.2f} on five folds")

# %%
# A curve whose noise grows. A tenth of the targets is spoiled: they pull squared error
# away, while Huber's loss lets no error pull harder than one of size ``delta``.

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(0, 10, 1500))
X, y = x[:, np.newaxis], np.sin(x) + (0.05 + 0.06 * x) * rng.normal(size=1500)
spoiled = y + 6 * (rng.random(1500) < 0.1)
figure, ax = plt.subplots(layout="constrained")
ax.plot(x, spoiled, ".", color="0.6", ms=2)
huber = {"loss": "huber", "delta": 0.2}
for name, style, loss in ("squared error", "C1--", {}), ("Huber", "C0-", huber):
    h = network(**loss).fit(X, spoiled).predict(X)
    errors[name] = abs(h - np.sin(x)).mean()
    ax.plot(x, h, style, label=f"{name}: {errors[name]:.2f} from the truth")
ax.plot(x, np.sin(x), "k:", label="truth")
ax.set(title="A tenth of the targets is 6 too high", xlabel="x", ylabel="y")
ax.legend(loc=(0.3, 0.47))

# %%
# Three quantiles of one network are a median and an interval that is to cover nine of
# ten new targets. Boosted trees need a model for each quantile, and here their interval
# is too narrow.

fresh = np.sort(rng.uniform(0, 10, 3000))
targets = np.sin(fresh) + (0.05 + 0.06 * fresh) * rng.normal(size=3000)
X_test, levels = fresh[:, np.newaxis], [0.05, 0.5, 0.95]
net = network(loss="quantile", quantile=levels).fit(X, y)
bands = {"network": net.predict(X_test).T, "boosted trees": []}
for level in levels:
    trees = GradientBoostingRegressor(loss="quantile", alpha=level, max_depth=4)
    bands["boosted trees"].append(trees.fit(X, y).predict(X_test))
figure, ax = plt.subplots(layout="constrained")
ax.plot(fresh, targets, ".", color="0.6", ms=2)
for (name, (low, _, high)), style in zip(bands.items(), ["C0-", "C1--"], strict=True):
    covered[name] = np.mean((low <= targets) & (targets <= high))
    ax.plot(fresh, low, style, label=f"{name}: covers {covered[name]:.1%}")
    ax.plot(fresh, high, style)
ax.set(title="90 % intervals, on new samples", xlabel="x", ylabel="y")
ax.legend(loc="upper left")
plt.show()
