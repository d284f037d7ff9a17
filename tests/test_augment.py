"""Augmentation: the maps that are drawn, and SciPy's interpolation under the same maps.

Interpolation is exact on an image whose pixels are their own positions, so that its
inner pixels tell which map has been drawn, however the draws are made.
"""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage, stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

from sknet.augment import RandomAffine, RandomShift

ALL = {"rotation": 8, "scale": 0.08, "shear": 0.1, "shift": 1.5}
AUGMENTATIONS = [RandomShift((16, 16), 2), RandomAffine((16, 16), **ALL)]
RNGS = [np.random.RandomState, np.random.default_rng]


def random_batch(n_samples=20, shape=(16, 16), dtype=np.float64):
    X = np.random.default_rng(0).random((n_samples, *shape), dtype=dtype)
    X = X.reshape(n_samples, -1)
    X.flags.writeable = False
    return X


def drawn_maps(parameters, rng, n_samples, shape=(21, 21), kind=RandomAffine):
    """The matrices (n_samples, 2, 2) and shifts (n_samples, 2) of q = M p + t."""
    height, width = shape
    positions = np.stack(np.indices(shape), axis=-1).astype(float)
    positions -= (np.array(shape) - 1) / 2
    X = np.tile(positions.ravel(), (n_samples, 1))
    Q = kind((*shape, 2), **parameters)(X, rng).reshape(n_samples, *shape, 2)
    row, column = height // 2, width // 2
    origin = Q[:, row, column]
    down, right = Q[:, row + 1, column] - origin, Q[:, row, column + 1] - origin
    inverse = np.stack([down, right], axis=-1)
    matrix = np.linalg.inv(inverse)
    # q = M p + t where q is the position of the pixel and p is what it shows.
    shift = positions[row, column] - (matrix @ origin[..., None])[..., 0]
    return matrix, shift


def drawn_values(parameters, rng, n_samples=1000):
    """The values behind the maps, of matrices s R(φ) K(k), as the class has them."""
    matrix, shift = drawn_maps(parameters, rng, n_samples)
    (a, b), (c, d) = matrix.transpose(1, 2, 0)
    return {
        "rotation": np.degrees(np.arctan2(-b, d)),
        "scale": np.sqrt(a * d - b * c) - 1,
        "shear": (a * b + c * d) / (b * b + d * d),
        "shift": shift[:, 0],
        "shift of columns": shift[:, 1],
    }


def image_moved(image, down, right):
    """Reference by slicing of what RandomShift, of up to 6 pixels, does to an image."""
    height, width = image.shape
    return np.pad(image, 6)[6 - down :, 6 - right :][:height, :width]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(16, 16), (5, 8), (4, 3, 2), (1, 1)])
@pytest.mark.parametrize("make_rng", RNGS)
def test_without_half_widths_nothing_moves(shape, dtype, make_rng):
    X = random_batch(shape=shape, dtype=dtype)
    assert_array_equal(RandomAffine(shape)(X, make_rng(0)), X)
    assert_array_equal(RandomShift(shape, shift=0)(X, make_rng(0)), X)


@pytest.mark.parametrize("make_rng", RNGS)
@pytest.mark.parametrize("shift", [1, 2, 3])
def test_shifts_are_whole_and_all_are_equally_probable(shift, make_rng):
    _, moves = drawn_maps({"shift": shift}, make_rng(0), 2000, (9, 9), RandomShift)
    assert_allclose(moves, np.rint(moves), atol=1e-12)
    cells, counts = np.unique(np.rint(moves), axis=0, return_counts=True)
    whole = np.arange(-shift, shift + 1)
    assert_array_equal(cells, [(i, j) for i in whole for j in whole])
    assert stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("shape", [(16, 16), (5, 8)])
def test_random_shift_is_a_slice_of_each_image(shape):
    n_samples = 60
    # More than the image at times, so that nothing is left of it.
    X, parameters = random_batch(n_samples, shape), {"shift": 6}
    _, moves = drawn_maps(
        parameters, np.random.RandomState(3), n_samples, kind=RandomShift
    )
    assert np.abs(moves).max() > 5
    moved = RandomShift(shape, **parameters)(X, np.random.RandomState(3))
    for x, result, (down, right) in zip(X, moved, np.rint(moves), strict=True):
        expected = image_moved(x.reshape(shape), int(down), int(right))
        assert_array_equal(result.reshape(shape), expected)


@pytest.mark.parametrize(
    "parameters",
    [{"rotation": 45}, {"scale": 0.5}, {"shear": 0.6}, {"shift": 3.0}, ALL],
    ids=["rotation", "scale", "shear", "shift", "all"],
)
@pytest.mark.parametrize("shape", [(16, 16), (9, 14)])
def test_random_affine_is_that_of_scipy(shape, parameters):
    n_samples = 40
    X = random_batch(n_samples, shape)
    moved = RandomAffine(shape, **parameters)(X, np.random.RandomState(1))
    maps = drawn_maps(parameters, np.random.RandomState(1), n_samples)
    centre = (np.array(shape) - 1) / 2
    for x, result, matrix, shift in zip(X, moved, *maps, strict=True):
        inverse = np.linalg.inv(matrix)
        expected = ndimage.affine_transform(
            x.reshape(shape),
            inverse,
            offset=centre - inverse @ (centre + shift),
            order=1,
            mode="grid-constant",
        )
        assert_allclose(result.reshape(shape), expected, atol=1e-10)


@pytest.mark.parametrize("make_rng", RNGS)
def test_each_value_is_uniform_between_its_half_widths(make_rng):
    values = drawn_values(ALL, make_rng(0))
    for name, value in values.items():
        half_width = ALL[name.split()[0]]
        uniform = stats.uniform(-half_width, 2 * half_width)
        assert stats.kstest(value, uniform.cdf).pvalue > 0.01, name
        assert np.abs(value).max() <= half_width * (1 + 1e-9)
    # Independent of one another, and of the image before.
    correlations = stats.spearmanr(np.array(list(values.values())).T).statistic
    assert np.abs(correlations - np.eye(len(values))).max() < 0.15
    for name, value in values.items():
        assert abs(stats.spearmanr(value[1:], value[:-1]).statistic) < 0.15, name


@pytest.mark.parametrize("name", ALL)
def test_a_parameter_moves_only_what_is_its_own(name):
    values = drawn_values({name: ALL[name]}, np.random.RandomState(0), n_samples=50)
    for other, value in values.items():
        if other.startswith(name):
            assert len(np.unique(value.round(9))) == 50
        else:
            assert_allclose(value, 0, atol=1e-9)


class Highest:
    """A generator whose every draw is the upper end of the interval."""

    def uniform(self, low, high, size):
        return np.full(size, float(high))


def test_rotation_is_anticlockwise_about_the_centre():
    X = random_batch(shape=(6, 6))
    moved = RandomAffine((6, 6), rotation=90)(X, Highest())
    expected = np.rot90(X.reshape(-1, 6, 6), axes=(1, 2))
    assert_allclose(moved.reshape(-1, 6, 6), expected, atol=1e-12)


def test_scale_above_one_makes_images_larger():
    X = np.zeros((1, 9, 9))
    X[0, 3:6, 3:6] = 1.0
    X = X.reshape(1, -1)
    assert RandomAffine((9, 9), scale=0.5)(X, Highest()).sum() > 1.5 * X.sum()


def test_shear_moves_what_is_below_the_centre_to_the_right():
    X = np.zeros((1, 5, 5))
    X[0, :, 2] = 1.0
    moved = RandomAffine((5, 5), shear=0.999999)(X.reshape(1, -1), Highest())
    assert_allclose(moved.reshape(5, 5), np.eye(5), atol=1e-5)


def test_shift_moves_down_and_to_the_right():
    X = random_batch(shape=(5, 4))
    moved = RandomAffine((5, 4), shift=1)(X, Highest()).reshape(-1, 5, 4)
    assert_array_equal(moved[:, 1:, 1:], X.reshape(-1, 5, 4)[:, :-1, :-1])
    assert not moved[:, 0].any()
    assert not moved[:, :, 0].any()


def test_half_a_pixel_mixes_an_image_with_the_0_outside():
    moved = RandomAffine((1, 3), shift=0.5)(np.array([[4.0, 8.0, 16.0]]), Highest())
    # Half of each pixel comes from the row above, which is outside.
    assert_allclose(moved, [[1.0, 3.0, 6.0]])


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_identical_images_do_not_stay_so(augment):
    n_samples = 6
    X = np.tile(random_batch(1), (n_samples, 1))
    rng = np.random.RandomState(0)
    moved = np.vstack([augment(X, rng), augment(X, rng)])
    n_different = len(np.unique(moved, axis=0))
    # Few images, as two of 25 whole shifts may be the same.
    assert n_different == 12 if isinstance(augment, RandomAffine) else n_different > 6


@pytest.mark.parametrize("augment", AUGMENTATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make_rng", RNGS)
def test_result_is_new_and_of_the_same_kind(augment, dtype, make_rng):
    X = random_batch(dtype=dtype)  # read-only
    before = X.copy()
    moved = augment(X, make_rng(0))
    assert moved.shape == X.shape
    assert moved.dtype == dtype
    assert moved.flags.c_contiguous
    assert moved.flags.writeable
    assert not np.shares_memory(moved, X)
    assert_array_equal(X, before)


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_float32_is_float64_to_rounding(augment):
    X = random_batch(dtype=np.float32)
    moved = augment(X, np.random.RandomState(0))
    reference = augment(X.astype(np.float64), np.random.RandomState(0))
    assert_allclose(moved, reference, atol=1e-5)


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_batch_may_be_a_view(augment):
    X = random_batch()
    X1 = np.vstack([np.ones(len(X)), X.T])
    moved = augment(X1[1:].T, np.random.RandomState(0))
    assert_array_equal(moved, augment(X, np.random.RandomState(0)))


@pytest.mark.parametrize("augment", AUGMENTATIONS)
@pytest.mark.parametrize("make_rng", RNGS)
def test_same_seed_same_result(augment, make_rng):
    X = random_batch()
    moved = augment(X, make_rng(5))
    assert_array_equal(augment(X, make_rng(5)), moved)
    assert not np.array_equal(augment(X, make_rng(6)), moved)


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_pixels_stay_between_0_and_the_brightest(augment):
    X = random_batch(200)
    moved = augment(X, np.random.RandomState(0))
    assert moved.min() >= 0
    assert (moved.max(axis=1) <= X.max(axis=1) + 1e-12).all()


@pytest.mark.parametrize("kind", [RandomShift, RandomAffine])
def test_a_shift_loses_what_leaves_the_image_and_adds_nothing(kind):
    augment = kind((16, 16), shift=3)
    X = random_batch(200)
    sums = augment(X, np.random.RandomState(0)).sum(axis=1)
    assert (sums <= X.sum(axis=1) + 1e-9).all()
    inner = np.zeros((200, 16, 16))
    inner[:, 3:-3, 3:-3] = X.reshape(200, 16, 16)[:, 3:-3, 3:-3]
    inner = inner.reshape(200, -1)
    moved = augment(inner, np.random.RandomState(0))
    assert_allclose(moved.sum(axis=1), inner.sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("augment", [RandomShift((4, 3), 99), RandomAffine((4, 3))])
def test_far_outside_all_is_0(augment):
    X = random_batch(shape=(4, 3))
    moved = clone(augment).set_params(shift=99)(X, Highest())
    assert_array_equal(moved, np.zeros_like(X))


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_empty_batch(augment):
    moved = augment(np.empty((0, 256), np.float32), np.random.RandomState(0))
    assert moved.shape == (0, 256)
    assert moved.dtype == np.float32


def test_channels_of_an_image_move_together():
    X = random_batch(shape=(6, 5, 3))
    moved = RandomAffine((6, 5, 3), **ALL)(X, np.random.RandomState(0))
    moved = moved.reshape(-1, 6, 5, 3)
    for channel in range(3):
        x = X.reshape(-1, 6, 5, 3)[..., channel].reshape(len(X), -1)
        alone = RandomAffine((6, 5), **ALL)(x, np.random.RandomState(0))
        assert_array_equal(moved[..., channel], alone.reshape(-1, 6, 5))


@pytest.mark.parametrize("augment", AUGMENTATIONS)
def test_pickle_and_clone_do_the_same(augment):
    X = random_batch()
    expected = augment(X, np.random.RandomState(0))
    for copy in (pickle.loads(pickle.dumps(augment)), clone(augment)):
        assert copy.get_params() == augment.get_params()
        assert_array_equal(copy(X, np.random.RandomState(0)), expected)


def test_parameters_and_repr():
    augment = RandomAffine((16, 16), rotation=8)
    assert augment.get_params() == {
        "image_shape": (16, 16),
        "rotation": 8,
        "scale": 0.0,
        "shear": 0.0,
        "shift": 0.0,
    }
    assert repr(augment) == "RandomAffine(image_shape=(16, 16), rotation=8)"
    assert augment.set_params(shear=0.1).shear == 0.1
    assert RandomShift((16, 16)).get_params() == {"image_shape": (16, 16), "shift": 1}


class Augmented(ClassifierMixin, BaseEstimator):
    """The least estimator with an augmentation."""

    def __init__(self, augment):
        self.augment = augment

    def fit(self, X, y):
        X = self.augment(X, np.random.RandomState(0))
        self.model_ = KNeighborsClassifier(1).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)


def test_grid_search_reaches_its_parameters():
    # A lone bright pixel in one of two corners, which a large shift pushes out.
    X, y = np.zeros((40, 16)), np.arange(40) % 2
    X[np.arange(40), 15 * y] = 1.0
    X += 0.01 * np.random.RandomState(0).random_sample(X.shape)
    search = GridSearchCV(
        Augmented(RandomAffine((4, 4))), {"augment__shift": [0, 400.0]}, cv=2
    ).fit(X, y)
    assert search.best_params_ == {"augment__shift": 0}
    near, far = search.cv_results_["mean_test_score"]
    assert near == 1.0 > far


@pytest.mark.parametrize(
    ("kind", "parameter", "value"),
    [
        (RandomShift, "shift", -1),
        (RandomShift, "shift", 0.5),
        (RandomShift, "image_shape", 256),
        (RandomAffine, "image_shape", None),
        (RandomAffine, "scale", 1),
        *((RandomAffine, name, value) for name in ALL for value in (-0.1, np.nan)),
        *((RandomAffine, name, value) for name in ALL for value in (np.inf, "1")),
    ],
)
def test_values_out_of_range_are_refused(kind, parameter, value):
    augment = kind((16, 16)).set_params(**{parameter: value})
    message = f"The '{parameter}' parameter of {kind.__name__} must be .* Got {value!r}"
    with pytest.raises(ValueError, match=message):
        augment(random_batch(), np.random.RandomState(0))


@pytest.mark.parametrize("kind", [RandomShift, RandomAffine])
@pytest.mark.parametrize(
    ("image_shape", "X", "message"),
    [
        ((8, 8), random_batch(), r"shape \(20, 256\).*\(8, 8\) .* 64 features: set"),
        ((16, 16), random_batch()[0], r"shape \(256,\), .* 256 features: set"),
        ((256,), random_batch(), r"image_shape=\(256,\) must .*: give"),
        ((4, 4, 4, 4), random_batch(), r"image_shape=\(4, 4, 4, 4\) must .*: give"),
        ((16, 16), random_batch().astype(int), "not a ndarray of int64: convert"),
        ((16, 16), random_batch().tolist(), "not a list of objects: convert"),
    ],
    ids=["width", "1-D", "one number", "four numbers", "int", "list"],
)
def test_other_images_are_refused(kind, image_shape, X, message):
    with pytest.raises(ValueError, match=message):
        kind(image_shape)(X, np.random.RandomState(0))
