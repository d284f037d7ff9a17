"""PyTorch as a contender: an eager loop as short and as fast as its users write it.

Runs in PyTorch's own environment, which needs neither scikit-learn nor sknet.
"""

from contextlib import nullcontext
from time import perf_counter

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.tasks import N_CLASSES, Training

ALPHA = 1e-4  # the default of both estimators
ACTIVATIONS = {"relu": nn.ReLU, "logistic": nn.Sigmoid}


class Dense:
    """Samples in a tensor that shares the memory of the array."""

    def __init__(self, X):
        self.X = torch.from_numpy(X)
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
