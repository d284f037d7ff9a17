"""A user's script with every kind of parameter value, for type checkers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import sknet
from sknet import (
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    check_gradients,
    tabular_pipeline,
)

X: NDArray[np.float64] = np.zeros((10, 3))
y: NDArray[np.int64] = np.arange(10) % 2


def sine(z: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.sin(z))


def cosine(z: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.cos(z))


net = ScratchMLPClassifier(5)
net = ScratchMLPClassifier((5, 3), "relu", solver="adamw", dtype=np.float32)
net = ScratchMLPClassifier([5, 3], [(sine, cosine), "gelu"], dropout=[0.1, 0.2])
net = ScratchMLPClassifier(
    np.array([5, 3]), (sine, cosine), n_iter_no_change=np.inf, batch_size=32
)
net = ScratchMLPClassifier(
    learning_rate=lambda fraction: 1 - fraction,
    class_weight={0: 1.0, 1: 2.0},
    augment=lambda X, rng: X + rng.normal(size=X.shape),
    scoring=lambda estimator, X, y: 0.5,
    random_state=np.random.RandomState(0),
    dtype="float64",
)
loss: float = net.fit(X, y).loss_
labels: NDArray[Any] = net.predict(X)
proba: NDArray[Any] = net.fit(X, y, X_val=X, y_val=y).predict_proba(X)
print(proba.shape, net.partial_fit(X, y, classes=[0, 1]).coefs_[0].shape)
print(net.score(X, y), net.loss_, net.history_["loss"], net.classes_, net.n_iter_)
print(check_gradients(net, X, y).max_relative_error, net.set_params(alpha=1.0).alpha)


def error(h: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.cosh(h - y) - 1)


def slope(h: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.sinh(h - y))


numbers = ScratchMLPRegressor("huber", (5, 3), "tanh", delta=2.0)
numbers = ScratchMLPRegressor((error, slope), hidden_layer_sizes=5)
numbers = ScratchMLPRegressor(
    loss="quantile", quantile=[0.05, 0.5, 0.95], target_scaling="standard"
)
estimates: NDArray[Any] = numbers.fit(X, y, X_val=X, y_val=y).predict(X)
gradients: NDArray[Any] = net.input_gradients(X, 1, "predict_proba")
words: str = net.summary()
print(gradients.shape, numbers.input_gradients(X, target=2).shape)
r2: float = numbers.partial_fit(X, y).score(X, y)
print(numbers.target_mean_, numbers.target_scale_, numbers.coefs_[0].shape)
table = tabular_pipeline("regressor", min_frequency=10).fit(X, y)
print(sknet.__version__)
