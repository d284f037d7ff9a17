"""
Is the gradient right?
======================

Backpropagation with a mistake in it often still learns, only worse. Differences of the
cost know nothing of backpropagation: where both agree, the gradient is right. First the
best step for such a difference, then two mistakes that it finds.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from sknet.activations import ACTIVATIONS
from sknet.backprop import Objective
from sknet.gradient_check import check_objective, numerical_gradient
from sknet.losses import LOSSES, ClassTargets
from sknet.network import Network, count_parameters, prepend_ones

X, y = load_digits(return_X_y=True)
batch = prepend_ones(X[:100] / 16), ClassTargets(y, n_outputs=10)[:100]
theta = np.random.default_rng(0).uniform(-1, 1, count_parameters([64, 10, 10]))
network = Network([64, 10, 10], ACTIVATIONS["logistic"], theta)
objective = Objective(network, LOSSES["logistic"], alpha=1.0)
grad = objective.value_and_grad(*batch)[1].copy()

# %%
# A central difference errs by the square of its step, and by rounding, which grows as
# the step shrinks. A difference to one side errs by the step itself.

figure, ax = plt.subplots(layout="constrained")
steps = np.logspace(-10, 0, 21)
some = np.random.default_rng(1).choice(len(theta), 50, replace=False)
errors = {}
for name, stencil in ("central", {1: 0.5, -1: -0.5}), ("to one side", {1: 1, 0: -1}):
    errors[name] = []
    for h in steps:
        quotients = numerical_gradient(
            lambda: objective.value_and_grad(*batch)[0], theta, some, h, stencil
        )
        errors[name].append(abs(quotients - grad[some]).max() / abs(grad).max())
    ax.loglog(steps, errors[name], "o-" if name == "central" else "s--", label=name)
ax.set(title="Errors of differences", xlabel="Step h", ylabel="Largest relative error")
ax.legend(title="Difference")

# %%
# Now the mistakes. The article prints its last layer's gradient without the penalty's
# part, and it is easily forgotten that biases, the weights of input 0, are not
# penalised. The check tells where the error is largest: layer, and (unit, input). On an
# estimator it is ``check_gradients(net, X, y)``.


class PenaltyForgotten(Objective):
    def penalise(self, grad, n_samples):
        before, last = grad.copy(), network.weights[-1].size
        penalty = super().penalise(grad, n_samples)
        grad[-last:] = before[-last:]
        return penalty


class BiasesPenalised(Objective):
    def penalise(self, grad, n_samples):
        biases = network.biases
        grad[biases] += self.penalty_rate(n_samples) * theta[biases]
        return super().penalise(grad, n_samples)


found = {}
for kind in Objective, PenaltyForgotten, BiasesPenalised:
    found[kind.__name__] = check_objective(kind(network, objective.loss, 1.0), *batch)
figure, ax = plt.subplots(figsize=(6.4, 2.6), layout="constrained")
sizes = [check.max_relative_error for check in found.values()]
bars = ax.barh(list(found), sizes, color=["C0", "C1", "C1"])
where = [f" layer {check.layer}, weight {check.weight}" for check in found.values()]
ax.bar_label(bars, where)
ax.set(xscale="log", xlim=(1e-12, 1e4), xlabel="Largest relative error")
ax.set_title("What the check finds")
ax.invert_yaxis()
plt.show()
