"""The displays draw what they are given, where they are told to."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sknet import ScratchMLPClassifier
from sknet.displays import CurveDisplay, DigitsDisplay

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")  # no windows
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:200], y[:200]


@pytest.fixture(scope="module")
def pipeline(digits):
    network = ScratchMLPClassifier((5,), tol=0.1, random_state=0)
    return make_pipeline(MinMaxScaler(), network).fit(*digits)


def drawn_images(axes):
    return [np.asarray(image.get_array()) for image in axes.images]


def words(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("values", [[3.0, 1.0, 2.0], np.geomspace(1, 1e-3, 50), [7]])
def test_the_curve_has_the_values_against_iterations_from_1(ax, values):
    display = CurveDisplay(values, name="Accuracy")
    assert display.plot(ax=ax) is display
    (line,) = ax.lines
    assert display.line_ is line
    np.testing.assert_array_equal(line.get_ydata(), values)
    np.testing.assert_array_equal(line.get_xdata(), range(1, len(values) + 1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Iteration", "Accuracy")


@pytest.mark.parametrize("classifier", [ScratchMLPClassifier, MLPClassifier])
def test_the_curve_of_an_estimator_is_its_cost(ax, digits, classifier):
    network = classifier((5,), tol=0.1, random_state=0).fit(*digits)
    display = CurveDisplay.from_estimator(network, ax=ax)
    np.testing.assert_array_equal(display.line_.get_ydata(), network.loss_curve_)
    assert ax.get_ylabel() == "Cost"


def test_two_curves_fit_in_one_axes(ax):
    CurveDisplay([1, 2]).plot(ax=ax)
    CurveDisplay([3, 4, 5]).plot(ax=ax)
    assert [len(line.get_xdata()) for line in ax.lines] == [2, 3]


@pytest.mark.parametrize("shape", [(3, 16), (3, 4, 4), (3, 2, 8)])
def test_images_are_drawn_pixel_for_pixel_in_their_order(ax, shape):
    images = np.random.RandomState(0).uniform(size=shape)
    display = DigitsDisplay.from_predictions(images, [1, 2, 3], [1, 2, 3], ax=ax)
    assert list(ax.images) == display.images_
    height, width = shape[1:] if len(shape) == 3 else (4, 4)
    for image, drawn in zip(images, drawn_images(ax), strict=True):
        np.testing.assert_array_equal(drawn, image.reshape(height, width))


def test_images_stand_side_by_side_within_the_limits(ax):
    DigitsDisplay.from_predictions(np.zeros((4, 6, 3)), range(4), range(4), ax=ax)
    extents = np.array([image.get_extent() for image in ax.images])
    left, right, bottom, top = extents.T
    assert (right[:-1] < left[1:]).all()
    np.testing.assert_allclose((top - bottom) / (right - left), 2)  # 6 to 3 pixels
    assert ax.get_xlim()[0] < left.min()
    assert right.max() < ax.get_xlim()[1]
    assert ax.get_ylim()[0] < bottom.min()
    assert top.max() < ax.get_ylim()[1]


def test_labels_stand_below_their_images_and_wrong_ones_are_red(ax):
    y_true, y_pred = np.array(["a", "b", "c"]), np.array(["a", "c", "c"])
    display = DigitsDisplay.from_predictions(np.ones((3, 4)), y_true, y_pred, ax=ax)
    assert list(ax.texts) == display.texts_
    assert words(ax) == [
        "Actual: a\nGuess: a",
        "Actual: b\nGuess: c",
        "Actual: c\nGuess: c",
    ]
    reds = [to_rgb(text.get_color()) == (1, 0, 0) for text in display.texts_]
    assert reds == [False, True, False]
    for image, text in zip(ax.images, display.texts_, strict=True):
        left, right, bottom, _ = image.get_extent()
        x, y = text.get_position()
        assert left < x < right
        assert y < bottom


def test_the_digits_of_an_estimator_have_its_guesses(ax, digits, pipeline):
    X, y = digits[0][:5], digits[1][:5]
    DigitsDisplay.from_estimator(pipeline, X, y, ax=ax)
    guesses = pipeline.predict(X)
    assert words(ax) == [
        f"Actual: {a}\nGuess: {g}" for a, g in zip(y, guesses, strict=True)
    ]
    np.testing.assert_array_equal(drawn_images(ax), X.reshape(5, 8, 8))


def test_frames_and_series_are_drawn_in_their_order(ax, digits, pipeline):
    pd = pytest.importorskip("pandas")
    rows = [7, 3, 5]
    X, y = pd.DataFrame(digits[0]).iloc[rows], pd.Series(digits[1]).iloc[rows]
    DigitsDisplay.from_predictions(X, y, y, ax=ax)
    np.testing.assert_array_equal(drawn_images(ax), digits[0][rows].reshape(3, 8, 8))
    assert words(ax) == [f"Actual: {d}\nGuess: {d}" for d in digits[1][rows]]


@pytest.mark.parametrize(
    "display",
    [CurveDisplay([1, 2, 3]), DigitsDisplay(np.eye(4), range(4), range(4))],
    ids=["curve", "digits"],
)
def test_axes_are_the_given_ones_or_new_ones(ax, display):
    display.plot(ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert plt.get_fignums() == []
    display.plot()
    assert display.ax_ is not ax
    assert display.figure_ is plt.gcf()


@pytest.mark.parametrize("shape", [(2, 5), (4,), (2, 2, 2, 2)])
def test_pixels_that_make_no_square_image_are_refused(ax, shape):
    with pytest.raises(ValueError, match="reshape them"):
        DigitsDisplay(np.ones(shape), [1, 2], [1, 2]).plot(ax=ax)


def test_every_image_needs_its_labels(ax):
    with pytest.raises(ValueError, match="shorter"):
        DigitsDisplay(np.ones((3, 4)), [1, 2], [1, 2, 3]).plot(ax=ax)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        CurveDisplay([1, 2]).plot()
