"""The cost against the article's J, and its gradient against formulas and differences.

The references are written by SciPy or, in ``examples/article_by_hand.py``, with plain
loops, and share nothing with the code that they test.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize, sparse
from scipy.special import expit, log_expit, log_softmax, softmax

from sknet import ScratchMLPClassifier, _blas
from sknet._blas import laid_out_both_ways
from sknet.activations import ACTIVATIONS
from sknet.backprop import Objective
from sknet.gradient_check import numerical_gradient
from sknet.losses import LOSSES
from sknet.network import Network, count_parameters, prepend_ones

N_SAMPLES = 7


def example(name):
    """Module of one of the examples, which are no package."""
    path = Path(__file__).parents[1] / "examples" / f"{name}.py"
    spec = spec_from_file_location(name, path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


article = example("article_by_hand")


def random_objective(
    n_units, activation="tanh", loss="softmax", *, dtype=float, transposed=False, **kw
):
    theta = np.random.RandomState(0).uniform(-1, 1, count_parameters(n_units))
    network = Network(n_units, ACTIVATIONS[activation], theta.astype(dtype), transposed)
    return Objective(network, LOSSES[loss], **kw)


def random_data(n_inputs, n_outputs, loss="softmax", n_samples=N_SAMPLES):
    """Samples as rows, targets as columns, and weights with a mean other than 1."""
    rng = np.random.RandomState(1)
    X = rng.normal(size=(n_samples, n_inputs))
    if loss == "softmax":
        Y = np.eye(n_outputs)[:, rng.randint(n_outputs, size=n_samples)]
    else:
        Y = rng.randint(2, size=(n_outputs, n_samples)).astype(float)
    return X, Y, rng.uniform(0.5, 4, n_samples)


# -- against the article ---------------------------------------------------------------


@pytest.mark.parametrize("n_units", [[3, 2], [3, 4, 2], [3, 4, 5, 2]], ids=str)
@pytest.mark.parametrize("lambda_", [0.0, 0.7])
def test_cost_and_gradient_are_the_articles(n_units, lambda_):
    objective = random_objective(n_units, "logistic", "logistic", alpha=lambda_)
    X, Y, _ = random_data(3, 2, "logistic")
    cost, grad = objective.value_and_grad(prepend_ones(X), Y)
    thetas = [W.tolist() for W in objective.network.weights]
    expected = article.article_cost(thetas, X, Y.T, lambda_)
    assert cost == pytest.approx(expected, rel=1e-12)
    expected = article.article_gradient(thetas, X.tolist(), Y.T, lambda_)
    assert_allclose(grad, np.concatenate([np.ravel(W) for W in expected]), rtol=1e-10)


def test_descent_by_hand_and_by_sknet_have_the_same_costs():
    X, Y, _ = random_data(3, 2, "logistic")
    thetas = [W.tolist() for W in random_objective([3, 4, 2]).network.weights]
    settings = {"lambda_": 0.7, "rate": 0.5, "n_epochs": 20}
    by_sknet, network = article.descend_by_sknet(thetas, X, Y.T, **settings)
    by_hand = article.descend(thetas, X, Y.T, **settings)
    assert_allclose(by_sknet, by_hand, rtol=1e-12)
    for W, theta in zip(network.weights, thetas, strict=True):
        assert_allclose(W, theta, rtol=1e-10)
    assert by_hand[-1] < 0.9 * by_hand[0]


@pytest.mark.parametrize("n_hidden", [4, 20_000])  # theta may be worked on in blocks
def test_the_penalty_pulls_at_all_weights_but_the_biases(n_hidden):
    X, Y, _ = random_data(3, 2)
    X1, alpha = prepend_ones(X), 5.0
    plain = random_objective([3, n_hidden, 2])
    penalised = random_objective([3, n_hidden, 2], alpha=alpha)
    cost, grad = penalised.value_and_grad(X1, Y)
    plain_cost, plain_grad = plain.value_and_grad(X1, Y)
    squares = 0.0
    for pull, W in zip(
        plain.network.unflatten(grad - plain_grad), plain.network.weights, strict=True
    ):
        assert_array_equal(pull[:, 0], 0)
        assert_allclose(pull[:, 1:], alpha / N_SAMPLES * W[:, 1:], atol=1e-12)
        squares += (W[:, 1:] ** 2).sum()
    assert cost - plain_cost == pytest.approx(alpha / (2 * N_SAMPLES) * squares)


# -- against differences ---------------------------------------------------------------


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize(
    ("loss", "n_outputs"), [("softmax", 3), ("logistic", 3), ("logistic", 1)]
)
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("hidden", [[], [4], [4, 3], [4, 3, 3]], ids=str)
def test_gradient_agrees_with_differences(
    activation, loss, n_outputs, alpha, weighted, hidden
):
    X, Y, sample_weight = random_data(2, n_outputs, loss)
    if not weighted:
        sample_weight = None
    objective = random_objective(
        [2, *hidden, n_outputs],
        activation,
        loss,
        alpha=alpha,
        mean_weight=sample_weight.mean() if weighted else 1.0,
    )
    X1, network = prepend_ones(X), objective.network
    grad = objective.value_and_grad(X1, Y, sample_weight)[1].copy()
    numerical = numerical_gradient(
        lambda: objective.value_and_grad(X1, Y, sample_weight)[0], network.theta
    )
    for ours, differences in zip(
        network.unflatten(grad), network.unflatten(numerical), strict=True
    ):
        assert np.abs(ours - differences).max() < 1e-7 * np.abs(differences).max()


class _Checked(Exception):
    """Ends a fit of which nothing but its beginning is wanted."""


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("weighted", [False, True])
def test_lbfgs_is_handed_a_cost_and_its_gradient(monkeypatch, kind, alpha, weighted):
    def check(fun, x0, *args, jac, **options):
        assert jac is True
        error = optimize.check_grad(
            lambda x: fun(x)[0], lambda x: np.array(fun(x)[1]), x0
        )
        assert error < 1e-6 * np.linalg.norm(fun(x0)[1])
        raise _Checked

    monkeypatch.setattr("sknet._sklearn.run.minimize", check)
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(12, 3)), np.arange(12) % (2 if kind == "binary" else 3)
    if kind == "multilabel":
        y = np.array([y > 0, y < 2]).T.astype(int)
    mlp = ScratchMLPClassifier(
        (4,), "tanh", solver="lbfgs", alpha=alpha, random_state=0
    )
    with pytest.raises(_Checked):
        mlp.fit(X, y, rng.uniform(0, 3, 12) if weighted else None)


# -- samples, weights and batches ------------------------------------------------------


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("n_hidden", [5, 20_000])  # theta may be worked on in blocks
def test_cost_is_the_weighted_mean_loss_plus_the_penalty(loss, alpha, n_hidden):
    X, Y, w = random_data(3, 4, loss)
    objective = random_objective(
        [3, n_hidden, 4], "tanh", loss, alpha=alpha, mean_weight=w.mean()
    )
    first, last = objective.network.weights
    hidden = np.tanh(X @ first[:, 1:].T + first[:, 0])
    z = (hidden @ last[:, 1:].T + last[:, 0]).T
    if loss == "softmax":
        losses = -(Y * log_softmax(z, axis=0)).sum(axis=0)
    else:
        losses = -(Y * log_expit(z) + (1 - Y) * log_expit(-z)).sum(axis=0)
    squares = (first[:, 1:] ** 2).sum() + (last[:, 1:] ** 2).sum()
    expected = (w @ losses + alpha / 2 * squares) / w.sum()
    cost, _ = objective.value_and_grad(prepend_ones(X), Y, w)
    assert isinstance(cost, float)
    assert cost == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("loss", "link"), [("softmax", softmax), ("logistic", expit)])
def test_gradient_of_a_linear_model_is_residual_times_input(loss, link):
    X, Y, w = random_data(3, 4, loss)
    objective = random_objective([3, 4], "relu", loss, mean_weight=w.mean())
    (W,) = objective.network.weights
    X1 = np.vstack([np.ones(N_SAMPLES), X.T])
    h = link(W @ X1, axis=0) if loss == "softmax" else link(W @ X1)
    _, grad = objective.value_and_grad(X1, Y, w)
    assert_allclose(
        objective.network.unflatten(grad)[0], (w * (h - Y)) @ X1.T / w.sum(), rtol=1e-12
    )


def test_batches_of_any_size_share_an_objective():
    """The short last batch of an epoch is followed by a whole one."""
    X, Y, w = random_data(3, 2)
    X1 = prepend_ones(X)
    shared = random_objective([3, 4, 4, 2], alpha=0.5, mean_weight=2.0)
    for n in [5, 2, 5, 1, 7, 2]:
        fresh = random_objective([3, 4, 4, 2], alpha=0.5, mean_weight=2.0)
        cost, grad = shared.value_and_grad(X1[:, :n], Y[:, :n], w[:n])
        expected_cost, expected_grad = fresh.value_and_grad(X1[:, :n], Y[:, :n], w[:n])
        assert cost == expected_cost
        assert_array_equal(grad, expected_grad)


def test_batches_add_up_to_the_whole():
    """A sample counts the same whatever batch it is in, the short last one included."""
    X, Y, w = random_data(3, 2)
    X1 = prepend_ones(X)
    objective = random_objective([3, 4, 2], mean_weight=w.mean())
    cost, grad = objective.value_and_grad(X1, Y, w)
    total, total_grad = 0.0, np.zeros_like(grad)
    whole_grad = grad.copy()
    for start in range(0, N_SAMPLES, 3):
        batch = slice(start, start + 3)
        part, grad = objective.value_and_grad(X1[:, batch], Y[:, batch], w[batch])
        share = len(w[batch]) / N_SAMPLES
        total += share * part
        total_grad += share * grad
    assert total == pytest.approx(cost, rel=1e-12)
    assert_allclose(total_grad, whole_grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_a_whole_weight_repeats_a_sample_and_0_removes_it(alpha):
    X, Y, _ = random_data(3, 2)
    w = np.array([0, 1, 2, 3, 0, 1, 1])
    weighted = random_objective([3, 4, 2], alpha=alpha, mean_weight=w.mean())
    cost, grad = weighted.value_and_grad(prepend_ones(X), Y, w)
    repeated = random_objective([3, 4, 2], alpha=alpha)
    expected_cost, expected_grad = repeated.value_and_grad(
        prepend_ones(X.repeat(w, axis=0)), Y.repeat(w, axis=1)
    )
    assert cost == pytest.approx(expected_cost, rel=1e-12)
    assert_allclose(grad, expected_grad, rtol=1e-10, atol=1e-14)


def test_the_unit_of_the_weights_does_not_matter():
    X, Y, w = random_data(3, 2)
    results = [
        random_objective([3, 4, 2], mean_weight=unit * w.mean()).value_and_grad(
            prepend_ones(X), Y, unit * w
        )
        for unit in (1, 1000)
    ]
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-12)
    assert_allclose(results[0][1], results[1][1], rtol=1e-10)


def test_a_batch_without_weight_has_the_penalty_alone():
    """Dividing by the batch's own weights would be a division by zero."""
    X, Y, _ = random_data(3, 2)
    objective = random_objective([3, 2], alpha=2.0, mean_weight=0.5)
    cost, grad = objective.value_and_grad(prepend_ones(X), Y, np.zeros(N_SAMPLES))
    (W,) = objective.network.weights
    m = 0.5 * N_SAMPLES
    assert cost == pytest.approx((W[:, 1:] ** 2).sum() / m, rel=1e-12)
    (pull,) = objective.network.unflatten(grad)
    assert_allclose(pull[:, 1:], 2.0 / m * W[:, 1:], rtol=1e-12)
    assert_array_equal(pull[:, 0], 0)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_samples_have_the_same_cost_and_gradient(container, transposed):
    X, Y, w = random_data(3, 2)
    X[X < 0] = 0
    dense = random_objective([3, 4, 2], alpha=0.5, transposed=transposed)
    thin = random_objective([3, 4, 2], alpha=0.5, transposed=transposed)
    cost, grad = dense.value_and_grad(prepend_ones(X), Y, w)
    thin_cost, thin_grad = thin.value_and_grad(prepend_ones(container(X)), Y, w)
    assert thin_cost == pytest.approx(cost, rel=1e-12)
    assert_allclose(thin_grad, grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_float32_gives_the_same_to_its_precision(activation, loss):
    X, Y, w = random_data(3, 2, loss)
    settings = {"alpha": 0.5, "mean_weight": w.mean()}
    wide = random_objective([3, 4, 2], activation, loss, **settings)
    narrow = random_objective([3, 4, 2], activation, loss, dtype=np.float32, **settings)
    cost, grad = wide.value_and_grad(prepend_ones(X), Y, w)
    narrow_cost, narrow_grad = narrow.value_and_grad(
        prepend_ones(X, np.float32), Y.astype(np.float32), w
    )
    assert narrow_grad.dtype == np.float32
    assert narrow_cost == pytest.approx(cost, rel=1e-5)
    assert_allclose(narrow_grad, grad, rtol=0, atol=1e-5 * np.abs(grad).max())


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_data_and_theta_are_only_read(activation, loss):
    X, Y, w = random_data(3, 2, loss)
    objective = random_objective([3, 4, 2], activation, loss, alpha=0.5)
    given = [prepend_ones(X), Y, w, objective.network.theta]
    before = [array.copy() for array in given]
    objective.value_and_grad(*given[:3])
    for array, copy in zip(given, before, strict=True):
        assert_array_equal(array, copy)


# -- many samples ----------------------------------------------------------------------


@pytest.mark.parametrize("n_units", [[256, 30, 3], [64, 100, 3]], ids=str)
@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("in_blocks", [False, True])
def test_the_gradient_of_many_samples_is_the_mean_of_theirs(
    monkeypatch, n_units, order, dtype, in_blocks
):
    """Some products are made in blocks of samples, the last of which is short."""
    monkeypatch.setattr(_blas, "_small_products_are_faster", lambda: in_blocks)
    n_samples = 700
    X, Y, w = random_data(n_units[0], 3, n_samples=n_samples)
    X1 = np.asarray(prepend_ones(X), order=order, dtype=dtype)
    objective = random_objective(n_units, dtype=dtype, mean_weight=w.mean())
    cost, grad = objective.value_and_grad(X1, Y.astype(dtype), w.astype(dtype))
    single = random_objective(n_units, mean_weight=w.mean())
    expected, expected_grad = 0.0, np.zeros(len(grad))
    for i in range(n_samples):
        one = slice(i, i + 1)
        part, part_grad = single.value_and_grad(prepend_ones(X[one]), Y[:, one], w[one])
        expected += part / n_samples
        expected_grad += part_grad / n_samples
    tolerance = 1e-4 if dtype == np.float32 else 1e-11
    assert_allclose(cost, expected, rtol=tolerance)
    assert_allclose(grad, expected_grad, atol=tolerance * np.abs(grad).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_batch_laid_out_both_ways_has_the_same_cost_and_gradient(dtype):
    X, Y, _ = random_data(5, 3)
    X1, Y = prepend_ones(X, dtype), Y.astype(dtype)
    objective = random_objective([5, 4, 3], dtype=dtype)
    cost, grad = objective.value_and_grad(X1, Y)
    grad = grad.copy()
    other_cost, other_grad = objective.value_and_grad(laid_out_both_ways(X1), Y)
    eps = np.finfo(dtype).eps
    assert_allclose(other_cost, cost, rtol=10 * eps)
    assert_allclose(other_grad, grad, rtol=0, atol=10 * eps * np.abs(grad).max())
