"""PyTorch as a contender: an eager loop as short and as fast as its users write it.

Runs in PyTorch's own environment, which needs neither scikit-learn nor sknet.
"""

from contextlib import nullcontext
from time import perf_counter

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from benchmarks.tasks import Training

ALPHA = 1e-4  # the default of both estimators
ACTIVATIONS = {"relu": nn.ReLU, "logistic": nn.Sigmoid}


def half_squared_error(h, y):
    """Summed over the targets, as the estimators' gradient is."""
    return 0.5 * y.shape[1] * mse_loss(h, y)


class Dense:
    """Samples in a tensor that shares the memory of the array."""

    def __init__(self, X, dtype=None):
        self.X = torch.from_numpy(X.astype(dtype or X.dtype, copy=False))
        self.n_features, self.dtype = X.shape[1], self.X.dtype

    def first_layer(self, n_units):
        return nn.Linear(self.n_features, n_units)

    def rows(self, chosen):
        return (self.X[chosen],)


class SparseLayer(nn.EmbeddingBag):
    """A linear layer for sparse samples: the weighted sum of its columns' vectors."""

    def __init__(self, n_features, n_units):
        super().__init__(n_features, n_units, mode="sum")
        self.bias = nn.Parameter(torch.zeros(n_units))
        nn.init.uniform_(self.weight, -0.01, 0.01)

    def forward(self, sample):
        columns, offsets, values = sample
        return super().forward(columns, offsets, per_sample_weights=values) + self.bias


class Sparse:
    """Samples in the three arrays of a CSR matrix."""

    def __init__(self, X):
        parts = (X.indptr.astype(np.int64), X.indices.astype(np.int64), X.data)
        self.indptr, self.indices, self.data = map(torch.from_numpy, parts)
        self.n_features, self.dtype = X.shape[1], self.data.dtype

    def first_layer(self, n_units):
        return SparseLayer(self.n_features, n_units)

    def rows(self, chosen):
        starts = self.indptr[chosen]
        lengths = self.indptr[chosen + 1] - starts
        offsets = lengths.cumsum(0) - lengths
        where = torch.repeat_interleave(starts - offsets, lengths)
        where += torch.arange(len(where))
        return ((self.indices[where], offsets, self.data[where]),)


class Torch:
    """The contender: see ``peers.Estimator``."""

    def model(self, samples, task):
        layers, n_in = [], None
        for n_out in task.hidden:
            first = n_in is None
            layers.append(
                samples.first_layer(n_out) if first else nn.Linear(n_in, n_out)
            )
            layers.append(ACTIVATIONS[task.activation]())
            n_in = n_out
        layers.append(nn.Linear(n_in, task.outputs))
        return nn.Sequential(*layers).to(samples.dtype)

    def training(self, task, data):
        def run():
            start = perf_counter()
            self.fit(data.X, data.y, task)
            return perf_counter() - start

        return run

    def fit(self, X, y, task):
        samples = Dense(X, task.dtype) if isinstance(X, np.ndarray) else Sparse(X)
        if task.targets:
            y = y.reshape(len(y), -1).astype(task.dtype or X.dtype, copy=False)
        y = torch.from_numpy(y)
        loss_of = half_squared_error if task.targets else cross_entropy
        model = self.model(samples, task)
        # The estimators' penalty, on the biases as well, which costs least.
        optimizer = torch.optim.Adam(
            model.parameters(), weight_decay=ALPHA / task.batch_size, fused=True
        )
        losses = []
        for _ in range(task.epochs):
            total = torch.zeros((), dtype=samples.dtype)
            for chosen in torch.randperm(len(y)).split(task.batch_size):
                optimizer.zero_grad()
                loss = loss_of(model(*samples.rows(chosen)), y[chosen])
                loss.backward()
                optimizer.step()
                total.add_(loss.detach(), alpha=len(chosen))
            losses.append(total.item() / len(y))  # the estimators keep them too
        return model, losses

    def prediction(self, task, data):
        few = Training(task.hidden, epochs=1)
        model, _ = self.fit(data.X[:500], data.y[:500], few)
        X = data.X[: task.rows]

        def run():
            start = perf_counter()
            for _ in range(task.calls):
                with torch.inference_mode():
                    model(torch.from_numpy(X)).softmax(1).numpy()
            return perf_counter() - start

        return run

    def threads(self, n):
        torch.set_num_threads(n)
        return nullcontext()

    def version(self):
        return torch.__version__


PEERS = {"PyTorch": Torch()}
