"""The displays draw what they are given, where they are told to, for all to see."""

import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sknet import ScratchMLPClassifier, ScratchMLPRegressor, tabular_pipeline
from sknet.displays import (
    ActivationsDisplay,
    HistoryDisplay,
    NetworkDisplay,
    PredictionsDisplay,
    SaliencyDisplay,
    WeightsDisplay,
    layer_statistics,
)
from support import ENDLESS, flat, network, regressor, short, unconverged

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")  # no windows
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.text import Text  # noqa: E402


@pytest.fixture(autouse=True)
def _close_figures():
    plt.close("all")  # those of other modules
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


@pytest.fixture(scope="module")
def images(digits):
    X, y = digits
    return X[:300] / 16, y[:300]


@pytest.fixture(scope="module")
def validated(images):
    """A network of 64-12-8-10 units that was validated as it learned."""
    X, y = images
    settings = {
        "hidden_layer_sizes": (12, 8),
        "max_iter": 12,
        "learning_rate": "cosine",
    }
    net = network(**settings)
    return net.fit(X[:200], y[:200], X_val=X[200:], y_val=y[200:])


@pytest.fixture(scope="module")
def of_table():
    """A regressor of a table whose columns have names, in a pipeline."""
    pytest.importorskip("pandas")
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    scaler = StandardScaler().set_output(transform="pandas")
    net = regressor(target_scaling="standard", max_iter=10)
    return make_pipeline(scaler, net).fit(X, y), X, y


def words(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def arrays(images):
    return [np.asarray(image.get_array()) for image in images]


def legend_of(ax):
    legend = ax.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


# -- what all of them do ---------------------------------------------------------------

# Each display of a fitted estimator, X and y.
DISPLAYS = {
    "history": lambda net, X, y, **ax: HistoryDisplay.from_estimator(net, **ax),
    "weights": lambda net, X, y, **ax: WeightsDisplay.from_estimator(net, **ax),
    "predictions": lambda net, X, y, **ax: PredictionsDisplay.from_estimator(
        net, X, y, **ax
    ),
    "mistakes": lambda net, X, y, **ax: PredictionsDisplay.from_estimator(
        net, X, y, kind="errors", **ax
    ),
    "activations": lambda net, X, y, **ax: ActivationsDisplay.from_estimator(
        net, X, y, **ax
    ),
    "network": lambda net, X, y, **ax: NetworkDisplay.from_estimator(net, **ax),
    "sample": lambda net, X, y, **ax: NetworkDisplay.from_estimator(net, X[:1], **ax),
    "saliency": lambda net, X, y, **ax: SaliencyDisplay.from_estimator(
        net, X[:7], **ax
    ),
}
# As few things as there may be.
SMALL = {
    "one unit": lambda net, X, y: WeightsDisplay.from_estimator(net, n_units=1),
    "one guess": lambda net, X, y: PredictionsDisplay.from_estimator(
        net, X, y, n_images=1
    ),
    "one mistake": lambda net, X, y: PredictionsDisplay.from_estimator(
        net, X, y, n_images=1, kind="errors"
    ),
    "one saliency": lambda net, X, y: SaliencyDisplay.from_estimator(net, X[:1]),
}
for_each_display = pytest.mark.parametrize("name", DISPLAYS)


@for_each_display
def test_axes_are_the_given_ones_or_new_ones(validated, images, ax, name):
    draw = DISPLAYS[name]
    display = draw(validated, *images, ax=ax)
    assert display.figure_ is ax.figure
    if hasattr(display, "axes_"):  # several share the place of the one
        assert display.ax_ is display.axes_.ravel()[0]
        assert all(one.figure is ax.figure for one in display.axes_.ravel())
        assert not ax.axison
    else:
        assert display.ax_ is ax
    assert plt.get_fignums() == []
    display = draw(validated, *images)
    assert display.figure_ is plt.gcf()
    assert display.ax_.figure is display.figure_


@for_each_display
def test_without_a_fit_there_is_nothing_to_draw(images, name):
    net = ScratchMLPClassifier()
    search = GridSearchCV(make_pipeline(StandardScaler(), net), {})
    for estimator in net, make_pipeline(StandardScaler(), net), search:
        with pytest.raises(NotFittedError):
            DISPLAYS[name](estimator, *images)


@for_each_display
def test_without_matplotlib_the_error_says_what_to_install(
    validated, images, monkeypatch, name
):
    for module in [m for m in sys.modules if m.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match="Pictures need matplotlib: pip install"):
        DISPLAYS[name](validated, *images)


def test_matplotlib_is_not_imported_before_something_is_drawn():
    import subprocess

    command = "import sknet.displays, sys; print('matplotlib' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def luminance(colour):
    """Relative, as the guidelines for web content define it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def texts_of(figure):
    """Texts that are seen, ticks and titles too, with their boxes in pixels."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    found = []
    for ax in figure.axes:
        hidden = set()
        if not ax.axison:
            hidden |= set(ax.xaxis.findobj(Text)) | set(ax.yaxis.findobj(Text))
        for axis in ax.xaxis, ax.yaxis:  # ticks outside the limits are not drawn
            low, high = sorted(axis.get_view_interval())
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if not low <= tick.get_loc() <= high:
                    hidden |= {tick.label1, tick.label2}
        for text in ax.findobj(Text):
            if text not in hidden and text.get_visible() and text.get_text().strip():
                found.append((text, text.get_window_extent(renderer)))
    return found


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("name", [*DISPLAYS, *SMALL, "folds", "table"])
def test_pictures_are_readable_at_their_size_on_light_and_dark(
    validated, images, of_table, name, style
):
    with plt.style.context(style):
        if name == "table":
            pipeline, X, _ = of_table
            display = SaliencyDisplay.from_estimator(pipeline, X.iloc[:1])
        elif name == "folds":
            net = network(early_stopping=True, learning_rate="cosine")
            results = cross_validate(net, *images, cv=3, return_estimator=True)
            display = HistoryDisplay.from_cv_results(results)
        else:
            display = (DISPLAYS | SMALL)[name](validated, *images)
        texts = texts_of(display.figure_)
        paper = display.figure_.get_facecolor()
    assert texts
    whole = display.figure_.bbox
    for text, box in texts:
        assert contrast(text.get_color(), paper) > 4.5, text
        assert text.get_fontsize() >= 8, text
        inside = [
            *(box.x0 >= whole.x0 - 1, box.x1 <= whole.x1 + 1),
            *(box.y0 >= whole.y0 - 1, box.y1 <= whole.y1 + 1),
        ]
        assert all(inside), text
    for i, (text, box) in enumerate(texts):
        for other, its_box in texts[:i]:
            assert not box.shrunk(0.95, 0.95).overlaps(its_box), (text, other)
    for ax in display.figure_.axes:
        for line in ax.lines:
            assert contrast(line.get_color(), ax.get_facecolor()) >= 3, line


@for_each_display
def test_pictures_say_what_they_show(validated, images, name):
    display = DISPLAYS[name](validated, *images)
    titles = [ax.get_title() for ax in display.figure_.axes]
    assert any(titles) or name == "predictions"
    for ax in display.figure_.axes:
        if ax.axison and not hasattr(ax, "_colorbar"):
            shared = ax.get_shared_x_axes().get_siblings(ax)
            assert any(one.get_xlabel() for one in shared)
    if name in ("weights", "saliency"):
        assert display.colorbar_.ax.get_ylabel()


# -- print without colour --------------------------------------------------------------


def grey(ax, corners):
    """Lightness of the pixels between two corners, in data units, without the edge."""
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    lightness = np.asarray(canvas.buffer_rgba())[::-1, :, :3] @ [0.299, 0.587, 0.114]
    (x, *_, right), (y, *_, top) = np.sort(ax.transData.transform(corners), axis=0).T
    edge = 0.2 * (right - x), 0.2 * (top - y)
    across = slice(int(x + edge[0]), int(right - edge[0]))
    return lightness[int(y + edge[1]) : int(top - edge[1]), across] / 255


def signs_as_tiles(ax):
    signs = np.repeat([[1.0, -1.0]], 64, axis=0)
    images = WeightsDisplay(signs).plot(ax).images_
    boxes = [np.reshape(image.get_extent(), (2, 2)).T for image in images]
    return dict(zip("+-", boxes, strict=True))


def signs_as_a_heat_map(ax):
    WeightsDisplay([[1.0, -1.0]]).plot(ax)
    return {"+": [(-0.5, -0.5), (0.5, 0.5)], "-": [(-0.5, 0.5), (0.5, 1.5)]}


def signs_as_saliency(ax):
    signs = np.repeat([[1.0], [-1.0]], 64, axis=1)
    images = SaliencyDisplay(signs, np.zeros((2, 64))).plot(ax).images_
    boxes = [np.reshape(image.get_extent(), (2, 2)).T for image in images]
    return dict(zip("+-", boxes, strict=True))


def signs_of_features(ax):
    SaliencyDisplay([[1.0, -1.0], [1.0, -1.0]], np.zeros((2, 2))).plot(ax)
    return {"+": [(-0.5, -0.5), (0.5, 1.5)], "-": [(0.5, -0.5), (1.5, 1.5)]}


def signs_of_units(ax):
    names = ["input", "hidden 0", "output"]
    layers = [
        SimpleNamespace(name=name, n_units=2, activation="tanh", n_parameters=6)
        for name in names
    ]
    activations = [np.zeros(2), np.array([1.0, -1.0]), np.zeros(2)]
    display = NetworkDisplay(layers, [np.eye(2)] * 2, activations).plot(ax)
    boxes = [
        path.get_extents().get_points() for path in display.circles_[1].get_paths()
    ]
    return dict(zip("+-", boxes, strict=True))


SIGNS = [
    signs_as_tiles,
    signs_as_a_heat_map,
    signs_as_saliency,
    signs_of_features,
    signs_of_units,
]


@pytest.mark.parametrize(
    "style", ["default", "dark_background", {"image.origin": "lower"}], ids=str
)
@pytest.mark.parametrize("draw", SIGNS, ids=lambda draw: draw.__name__)
def test_signs_are_told_without_colour(draw, style):
    with plt.style.context(style):
        ax = plt.figure(figsize=(5, 4), layout="constrained").subplots()
        box = draw(ax)
        assert np.ptp(grey(ax, box["+"])) < 0.01
        assert np.ptp(grey(ax, box["-"])) > 0.4
        for bar in ax.figure.axes[1:]:  # it tells which of them is which
            (low, _), (_, high) = bar.get_ylim(), bar.get_ylim()
            assert np.ptp(grey(bar, [(0, 0.8 * high), (1, high)])) < 0.1
            assert np.ptp(grey(bar, [(0, 0.8 * low), (1, low)])) > 0.4


def test_the_larger_a_negative_number_the_plainer_are_its_stripes(ax):
    SaliencyDisplay([[-1.0, -0.5, -0.1, 0.0]] * 2, np.zeros((2, 4))).plot(ax)
    spans = [np.ptp(grey(ax, [(i - 0.5, 0), (i + 0.5, 1)])) for i in range(4)]
    assert (np.diff(spans) < 0).all()
    assert spans[-1] == 0


def test_curves_of_several_networks_differ_by_more_than_colour(ax):
    histories = {str(i): {"loss": range(1, 81)} for i in range(8)}
    display = HistoryDisplay(histories).plot(ax)
    lines = [display.lines_[name, "loss"] for name in histories]
    marks = [line.get_marker() for line in lines]
    assert len(set(marks[:6])) == 6
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 8
    assert "*" not in marks  # the best epoch's
    in_legend = display.ax_.get_legend().get_lines()
    assert [line.get_marker() for line in in_legend] == marks
    starts = {line.get_markevery()[0] for line in lines}
    assert len(starts) == 8  # not one on the other, where curves meet


# -- networks in other estimators ------------------------------------------------------


def wrapped(X, y):
    """Estimators with one network inside."""
    net = network(max_iter=3, hidden_layer_sizes=(12,))
    pipeline = make_pipeline(MinMaxScaler(), net)
    yield net.fit(X, y)
    yield pipeline.fit(X, y)
    yield make_pipeline(MinMaxScaler(), pipeline).fit(X, y)
    yield GridSearchCV(pipeline, {}, cv=2).fit(X, y)
    yield make_pipeline(MinMaxScaler(), GridSearchCV(net, {}, cv=2)).fit(X, y)
    yield FrozenEstimator(net)
    yield CalibratedClassifierCV(FrozenEstimator(net)).fit(X, y)
    yield CalibratedClassifierCV(net, ensemble=False, cv=2).fit(X, y)


@for_each_display
def test_networks_are_found_in_what_they_are_wrapped_in(images, name):
    for estimator in wrapped(*images):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of few samples
            DISPLAYS[name](estimator, *images, ax=Figure().subplots())


def test_regressors_are_found_too(iris):
    X, y = iris
    net = regressor()
    for estimator in (
        TransformedTargetRegressor(net, transformer=StandardScaler()).fit(X, y),
        MultiOutputRegressor(net).fit(X, y[:, np.newaxis]),
    ):
        display = WeightsDisplay.from_estimator(estimator, ax=Figure().subplots())
        assert len(display.units_) == 6


def test_names_of_features_go_through_a_pipeline_in_a_pipeline():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"age": range(20), "sex": ["f", "m"] * 10})
    for n_knots, names in (None, []), (3, ["age_0", "age_1"]):
        candidates = [{"estimator__max_iter": 1, "n_knots": n_knots}]
        model = tabular_pipeline(candidates=candidates).fit(X, X["sex"])
        display = SaliencyDisplay.from_estimator(model, X[:2])
        assert display.feature_names == ["age", "sex_f", "sex_m", *names]


NEED_OURS = ["activations", "network", "sample", "saliency"]


@short
@pytest.mark.parametrize("name", NEED_OURS)
def test_networks_of_others_are_refused_where_ours_are_needed(images, name):
    net = MLPClassifier((5,), max_iter=2).fit(*images)
    with pytest.raises(TypeError, match="MLPClassifier is not a network of sknet"):
        DISPLAYS[name](net, *images)


@pytest.mark.parametrize("name", ["history", "weights", *NEED_OURS])
def test_what_has_no_network_is_refused(images, name):
    for estimator, message in (
        (RandomForestClassifier(3).fit(*images), "has none inside|has 3|no network"),
        (LogisticRegression().fit(*images), "LogisticRegression is no network"),
        ("net", "'net' is not an estimator"),
        (
            make_pipeline(MinMaxScaler(), LogisticRegression()).fit(*images),
            "LogisticRegression is no network",
        ),
    ):
        with pytest.raises(TypeError, match=message):
            DISPLAYS[name](estimator, *images)


@pytest.mark.parametrize("name", ["weights", *NEED_OURS])
def test_of_several_networks_one_must_be_chosen(images, name):
    net = network(max_iter=1)
    voting = VotingClassifier([("a", net), ("b", net)]).fit(*images)
    bagging = BaggingClassifier(net, n_estimators=2).fit(*images)
    for estimator in voting, bagging:
        with pytest.raises(ValueError, match="has 2 networks inside: pass one"):
            DISPLAYS[name](estimator, *images)


@pytest.mark.parametrize("bad", [0, -1, 2.5, "all"])
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("weights", "n_units"),
        ("weights", "n_columns"),
        ("network", "max_units"),
        ("predictions", "n_images"),
        ("predictions", "n_columns"),
        ("saliency", "n_columns"),
    ],
)
def test_numbers_of_things_to_draw(validated, images, name, number, bad):
    with pytest.raises(ValueError, match=f"{number}={bad!r} must be a whole number"):
        DISPLAYS[name](validated, *images, **{number: bad})


@pytest.mark.parametrize("name", ["weights", "predictions", "sample", "saliency"])
def test_a_word_that_is_no_shape(validated, images, name):
    with pytest.raises(ValueError, match="image_shape='square' must be 'auto'"):
        DISPLAYS[name](validated, *images, image_shape="square")


def test_regressors_have_one_response(of_table):
    model, X, _ = of_table
    with pytest.raises(ValueError, match="response_method='predict' is for classif"):
        SaliencyDisplay.from_estimator(model, X, response_method="predict")


# -- history ---------------------------------------------------------------------------


def test_curves_have_the_history_against_epochs_from_1(validated, ax):
    display = HistoryDisplay.from_estimator(validated, ax=ax)
    loss, score, rate = display.axes_
    drawn = {quantity: line for (_, quantity), line in display.lines_.items()}
    assert set(drawn) == {"loss", "val_loss", "val_score", "learning_rate"}
    for quantity, line in drawn.items():
        assert_array_equal(line.get_ydata(), validated.history_[quantity])
        assert_array_equal(line.get_xdata(), range(1, 13))
    assert drawn["loss"] in loss.lines
    assert drawn["val_loss"] in loss.lines
    assert drawn["val_score"] in score.lines
    assert drawn["learning_rate"] in rate.lines
    assert "accuracy" in score.get_ylabel()
    assert "nats" in loss.get_ylabel()
    assert rate.get_xlabel() == "Epoch"
    assert loss.get_title() == "Training of ScratchMLPClassifier, 12 epochs"


def test_training_and_validation_differ_by_more_than_colour(validated, ax):
    display = HistoryDisplay.from_estimator(validated, ax=ax)
    lines = {q: line.get_linestyle() for (_, q), line in display.lines_.items()}
    assert (lines["loss"], lines["val_loss"], lines["val_score"]) == ("-", "--", "--")
    assert legend_of(display.ax_)[:2] == ["training", "validation"]


def test_the_best_epoch_is_marked(validated, ax):
    display = HistoryDisplay.from_estimator(validated, ax=ax)
    best = validated.best_iteration_
    assert f"best epoch: {best}" in legend_of(display.ax_)
    for axes in display.axes_:
        (vertical,) = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert set(vertical.get_xdata()) == {best}
    for axes, quantity in zip(display.axes_, ["val_loss", "val_score"], strict=False):
        (star,) = [line for line in axes.lines if line.get_marker() == "*"]
        (point,) = star.get_xydata()
        assert_array_equal(point, [best, validated.history_[quantity][best - 1]])


def test_without_validation_there_is_the_loss_alone(iris, ax):
    net = network().fit(*iris)
    display = HistoryDisplay.from_estimator(net, ax=ax)
    assert set(display.lines_) == {("ScratchMLPClassifier", "loss")}
    assert display.ax_ is ax
    assert legend_of(ax) == []


def test_panels_are_those_asked_for(validated, iris, ax):
    display = HistoryDisplay.from_estimator(validated, panels=["cost"], ax=ax)
    (line,) = display.lines_.values()
    assert_array_equal(line.get_ydata(), validated.loss_curve_)
    assert "penalty" in ax.get_ylabel()
    net = network().fit(*iris)
    for panels, message in (
        (["score"], "no values of score"),
        (["accuracy"], "some of cost, loss, score, learning_rate"),
        ([], "must be some of"),
    ):
        with pytest.raises(ValueError, match=message):
            HistoryDisplay.from_estimator(net, panels=panels)


def test_several_networks_are_overlaid_with_their_names(iris, validated, ax):
    other = network().fit(*iris)
    networks = {"first": validated, "second": other}
    display = HistoryDisplay.from_estimator(networks, ax=ax)
    for name, net in networks.items():
        line = display.lines_[name, "loss"]
        assert_array_equal(line.get_ydata(), net.history_["loss"])
    first, second = (display.lines_[name, "loss"] for name in networks)
    assert first.get_color() != second.get_color()
    assert first.get_color() == display.lines_["first", "val_loss"].get_color()
    assert {"first", "second", "training", "validation", "best epoch"} == set(
        legend_of(display.ax_)
    )
    by_list = HistoryDisplay.from_estimator([validated, other])
    assert {name for name, _ in by_list.lines_} == {"model 0", "model 1"}
    voting = VotingClassifier([("a", network()), ("b", network())]).fit(*iris)
    found = {name for name, _ in HistoryDisplay.from_estimator(voting).lines_}
    assert found == {"VotingClassifier 0", "VotingClassifier 1"}


def test_folds_are_drawn_with_their_mean(iris, ax):
    X, y = iris
    settings = {"early_stopping": True, "max_iter": 60, "tol": 1e-3}
    net = network(**settings, n_iter_no_change=3)
    pipeline = make_pipeline(StandardScaler(), net)
    results = cross_validate(pipeline, X, y, cv=3, return_estimator=True)
    display = HistoryDisplay.from_cv_results(results, ax=ax)
    histories = [fold[-1].history_ for fold in results["estimator"]]
    n_epochs = min(len(history["loss"]) for history in histories)
    assert len({len(history["loss"]) for history in histories}) > 1
    for quantity in "loss", "val_loss", "val_score":
        for i, history in enumerate(histories):
            line = display.lines_[f"fold {i}", quantity]
            assert_array_equal(line.get_ydata(), history[quantity])
        mean = display.lines_["mean", quantity]
        expected = np.mean([history[quantity][:n_epochs] for history in histories], 0)
        assert_allclose(mean.get_ydata(), expected)
        assert mean.get_linewidth() > 2 * line.get_linewidth()
    assert "mean of the folds" in legend_of(display.ax_)
    assert "3 folds" in display.ax_.get_title()


def test_folds_need_their_estimators(iris):
    results = cross_validate(network(), *iris, cv=2)
    with pytest.raises(ValueError, match="return_estimator=True"):
        HistoryDisplay.from_cv_results(results)


@short
@pytest.mark.parametrize("cls", [MLPClassifier, MLPRegressor])
def test_the_history_of_scikit_learns_networks_is_their_cost(iris, ax, cls):
    settings = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0}
    net = cls(early_stopping=True, **settings).fit(*iris)
    display = HistoryDisplay.from_estimator(net, ax=ax)
    drawn = {quantity: line for (_, quantity), line in display.lines_.items()}
    assert_array_equal(drawn["cost"].get_ydata(), net.loss_curve_)
    assert_array_equal(drawn["val_score"].get_ydata(), net.validation_scores_)
    best = int(np.argmax(net.validation_scores_)) + 1
    assert f"best epoch: {best}" in legend_of(display.ax_)


@unconverged
def test_lbfgs_has_iterations_and_no_learning_rate(iris, ax):
    net = network("lbfgs").fit(*iris, X_val=iris[0], y_val=iris[1])
    display = HistoryDisplay.from_estimator(net, ax=ax)
    assert len(display.axes_) == 2
    assert display.axes_[-1].get_xlabel() == "Iteration"
    with pytest.raises(ValueError, match="no values of learning_rate"):
        HistoryDisplay.from_estimator(net, panels=["learning_rate"])


@short
def test_what_has_no_history(iris):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        net = MLPClassifier((5,), solver="lbfgs", max_iter=5).fit(*iris)
    with pytest.raises(ValueError, match="solver='lbfgs' has recorded nothing"):
        HistoryDisplay.from_estimator(net)
    X, y = iris
    net = network(class_weight={0: 0, 1: 0, 2: 1})
    net.partial_fit(X[:50], y[:50], classes=[0, 1, 2])
    with pytest.raises(ValueError, match="nothing has been recorded yet"):
        HistoryDisplay.from_estimator(net)


def test_gaps_in_validation_stay_gaps(iris, ax):
    X, y = iris
    net = network(warm_start=True).fit(X, y)
    net.fit(X, y, X_val=X, y_val=y)
    display = HistoryDisplay.from_estimator(net, ax=ax)
    drawn = display.lines_["ScratchMLPClassifier", "val_loss"].get_ydata()
    assert_array_equal(np.isnan(drawn), np.repeat([True, False], 6))


@pytest.mark.parametrize("span", [50, 5000])
def test_losses_of_a_wide_range_have_a_logarithmic_scale(ax, span):
    history = {"loss": np.geomspace(span, 1, 20), "learning_rate": [1] * 19 + [1e-9]}
    display = HistoryDisplay({"net": history}).plot(ax=ax)
    scales = [one.get_yscale() for one in display.axes_]
    assert scales == ["log" if span > 100 else "linear", "linear"]


def test_each_panel_in_axes_of_its_own(validated):
    figure = Figure()
    axes = figure.subplots(1, 3)
    display = HistoryDisplay.from_estimator(validated, ax=axes)
    assert list(display.axes_) == list(axes)
    assert [one.get_xlabel() for one in axes] == ["Epoch"] * 3
    with pytest.raises(ValueError, match="ax has 2 axes for 3 panels"):
        HistoryDisplay.from_estimator(validated, ax=axes[:2])
    with pytest.raises(ValueError, match="no place in a grid"):
        HistoryDisplay.from_estimator(validated, ax=figure.add_axes([0, 0, 1, 1]))


# -- weights ---------------------------------------------------------------------------


def test_units_are_images_of_their_weights_the_largest_norm_first(validated, ax):
    display = WeightsDisplay.from_estimator(validated, ax=ax)
    weights = validated.coefs_[0].T
    norms = np.linalg.norm(weights, axis=1)
    assert sorted(display.units_) == list(range(12))
    assert (np.diff(norms[display.units_]) <= 0).all()
    for unit, drawn in zip(display.units_, arrays(display.images_), strict=True):
        assert_array_equal(drawn, weights[unit].reshape(8, 8))
    assert words(ax) == [f"unit {unit}" for unit in display.units_]
    limits = {image.get_clim() for image in display.images_}
    assert limits == {(-np.abs(weights).max(), np.abs(weights).max())}


def test_only_so_many_units_are_drawn(validated, ax):
    display = WeightsDisplay.from_estimator(validated, ax=ax, n_units=5)
    norms = np.linalg.norm(validated.coefs_[0], axis=0)
    assert_array_equal(display.units_, np.argsort(-norms)[:5])
    assert len(ax.images) == 5
    assert ": 5 of 12," in ax.get_title()


def test_weights_of_features_with_names_are_a_heat_map(of_table, ax):
    pipeline, X, _ = of_table
    display = WeightsDisplay.from_estimator(pipeline, ax=ax)
    (drawn,) = arrays(display.images_)
    assert_array_equal(drawn, pipeline[-1].coefs_[0].T[display.units_])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list(X.columns)
    units = [int(tick.get_text()) for tick in ax.get_yticklabels()]
    assert units == list(display.units_)


@pytest.mark.parametrize(
    ("n_features", "names", "are_images"),
    [
        (64, None, True),
        (64, [f"x{i}" for i in range(64)], True),
        (64, [f"pixel_{i}" for i in range(64)], True),
        (64, [f"income_{i}" for i in range(64)], False),
        (63, None, False),
        (36, None, False),
    ],
)
def test_what_is_taken_for_an_image(ax, n_features, names, are_images):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, n_features)), np.arange(40) % 2
    if names is not None:
        X = pytest.importorskip("pandas").DataFrame(X, columns=names)
    net = make_pipeline(StandardScaler(), network(max_iter=1)).fit(X, y)
    display = WeightsDisplay.from_estimator(net, ax=ax)
    assert (len(display.images_) == 6) == are_images


def test_images_need_not_be_square(ax):
    weights = np.arange(24.0).reshape(12, 2)
    display = WeightsDisplay(weights, image_shape=(3, 4)).plot(ax)
    assert_array_equal(display.units_, [1, 0])
    assert_array_equal(arrays(display.images_)[0], weights[:, 1].reshape(3, 4))
    with pytest.raises(ValueError, match="give their image_shape"):
        WeightsDisplay(weights, image_shape=(5, 2)).plot()
    heat = WeightsDisplay(np.ones((64, 2)), image_shape=None).plot()
    assert arrays(heat.images_)[0].shape == (2, 64)


@pytest.mark.parametrize("layer", [1, 2, -1])
def test_weights_of_other_layers(validated, ax, layer):
    display = WeightsDisplay.from_estimator(validated, layer=layer, ax=ax)
    (drawn,) = arrays(display.images_)
    assert_array_equal(drawn, validated.coefs_[layer].T[display.units_])
    with pytest.raises(ValueError, match="layer=3 is not one of the 3 layers"):
        WeightsDisplay.from_estimator(validated, layer=3)


# -- predictions -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 16), (3, 4, 4), (3, 2, 8)])
def test_images_are_drawn_pixel_for_pixel_in_their_order(ax, shape):
    images = np.random.RandomState(0).uniform(size=shape)
    display = PredictionsDisplay.from_predictions(images, [1, 2, 3], [1, 2, 3], ax=ax)
    assert list(ax.images) == display.images_
    height, width = shape[1:] if len(shape) == 3 else (4, 4)
    for image, drawn in zip(images, arrays(ax.images), strict=True):
        assert_array_equal(drawn, image.reshape(height, width))


def test_the_grid_wraps_and_tiles_do_not_touch(ax):
    y = range(7)
    display = PredictionsDisplay(np.zeros((7, 6, 3)), y, y).plot(ax, n_columns=3)
    extents = np.array([image.get_extent() for image in display.images_])
    left, right, bottom, top = extents.T
    assert_allclose((top - bottom) / (right - left), 2)  # 6 to 3 pixels
    assert_allclose(left[3:], left[:-3])
    for row in range(3):
        here = slice(3 * row, 3 * row + 3)
        assert len(set(top[here])) == 1
        assert (right[here][:-1] < left[here][1:]).all()
    assert (bottom[:-3] > top[3:]).all()
    assert ax.get_xlim()[0] < left.min()
    assert right.max() < ax.get_xlim()[1]
    assert ax.get_ylim()[0] < bottom.min()
    assert top.max() < ax.get_ylim()[1]


def test_labels_stand_below_their_images_with_probabilities(ax):
    y_true, y_pred = np.array(["a", "b", "c", "c"]), np.array(["a", "c", "c", "c"])
    display = PredictionsDisplay.from_predictions(
        np.ones((4, 4)), y_true, y_pred, proba=[1.0, 0.612, 0.9999, 0.004], ax=ax
    )
    assert list(ax.texts) == display.texts_
    assert words(ax) == [
        "Actual: a\nGuess: a (100%)",
        "Actual: b\nGuess: c (61%)",
        "Actual: c\nGuess: c (>99%)",
        "Actual: c\nGuess: c (<1%)",
    ]
    for image, text in zip(ax.images, display.texts_, strict=True):
        left, right, bottom, _ = image.get_extent()
        x, y = text.get_position()
        assert left < x < right
        assert y < bottom


def test_wrong_guesses_are_marked_by_more_than_colour(ax):
    display = PredictionsDisplay(np.ones((3, 4)), list("abc"), list("acc"))
    right, wrong, right_too = display.plot(ax).texts_
    assert wrong.get_bbox_patch() is not None
    assert wrong.get_fontweight() == "bold"
    for text in right, right_too:
        assert text.get_bbox_patch() is None
        assert text.get_fontweight() == "normal"


def test_predictions_of_an_estimator_have_its_guesses(images, validated, ax):
    X, y = images
    pipeline = make_pipeline(MinMaxScaler(), network()).fit(X, y)
    display = PredictionsDisplay.from_estimator(pipeline, X, y, ax=ax, n_images=8)
    guesses, proba = pipeline.predict(X), pipeline.predict_proba(X)
    assert_array_equal(display.indices_, range(8))
    for i, text in enumerate(words(ax)):
        percent = f"{100 * proba[i].max():.0f}%"
        assert text == f"Actual: {y[i]}\nGuess: {guesses[i]} ({percent})"
    assert_array_equal(arrays(ax.images), X[:8].reshape(8, 8, 8))


def test_any_classifier_will_do(images, ax):
    X, y = images
    forest = RandomForestClassifier(5, random_state=0).fit(X[:100], y[:100])
    PredictionsDisplay.from_estimator(forest, X, y, n_images=2, ax=ax)
    assert len(ax.images) == 2

    class Guesser(LogisticRegression):
        predict_proba = property()  # hasattr says no

    guesser = Guesser().fit(X, y)
    PredictionsDisplay.from_estimator(guesser, X, y, n_images=1, ax=ax)
    assert words(ax)[-1] == f"Actual: {y[0]}\nGuess: {guesser.predict(X[:1])[0]}"


def test_the_probability_is_that_of_the_guess(images, ax):
    X, y = images

    class Contrary(LogisticRegression):
        def predict(self, X):
            return self.classes_[self.predict_proba(X).argmin(axis=1)]

    contrary = Contrary().fit(X, y)
    PredictionsDisplay.from_estimator(contrary, X, y, n_images=3, ax=ax)
    assert all(text.endswith("(<1%)") for text in words(ax))


def test_mistakes_are_all_wrong_and_the_surest_come_first(images, validated, ax):
    X, y = images
    guesses, proba = validated.predict(X), validated.predict_proba(X).max(axis=1)
    wrong = guesses != y
    assert 4 < wrong.sum() < 200
    display = PredictionsDisplay.from_estimator(
        validated, X, y, kind="errors", n_images=4, ax=ax
    )
    chosen = display.indices_
    assert wrong[chosen].all()
    assert_array_equal(np.sort(proba[wrong])[::-1][:4], proba[chosen])
    assert_array_equal(arrays(ax.images), X[chosen].reshape(4, 8, 8))
    assert f"{wrong.sum()} of 300 guesses are wrong" in ax.get_title()


def test_without_mistakes_the_picture_says_so(ax):
    y = [1, 2, 3]
    PredictionsDisplay.from_predictions(np.ones((3, 4)), y, y, kind="errors", ax=ax)
    assert len(ax.images) == 0
    assert ax.get_title() == "0 of 3 guesses are wrong"


def test_frames_and_series_are_drawn_in_their_order(ax, images):
    pd = pytest.importorskip("pandas")
    rows = [7, 3, 5]
    X, y = pd.DataFrame(images[0]).iloc[rows], pd.Series(images[1]).iloc[rows]
    PredictionsDisplay.from_predictions(X, y, y, ax=ax)
    assert_array_equal(arrays(ax.images), images[0][rows].reshape(3, 8, 8))
    assert words(ax) == [f"Actual: {d}\nGuess: {d}" for d in images[1][rows]]


@pytest.mark.parametrize("shape", [(2, 5), (4,), (2, 2, 2, 2)])
def test_pixels_that_make_no_square_image_are_refused(shape):
    with pytest.raises(ValueError, match="reshape them"):
        PredictionsDisplay(np.ones(shape), [1, 2], [1, 2]).plot()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2, 3], [1, 2]), "y_true has 3 entries for 2 images"),
        (([1, 2], [1]), "y_pred has 1 entries for 2 images"),
        (([1, 2], [1, 2], [0.5]), "proba has 1 entries for 2 images"),
    ],
)
def test_every_image_needs_its_labels(arguments, message):
    with pytest.raises(ValueError, match=message):
        PredictionsDisplay(np.ones((2, 4)), *arguments).plot()


def test_what_cannot_be_drawn_as_labels(multilabel, iris):
    with pytest.raises(ValueError, match="kind='wrong' must be one of first, errors"):
        PredictionsDisplay.from_predictions([[1]], [1], [1], kind="wrong")
    with pytest.raises(ValueError, match="multilabel targets cannot be drawn"):
        PredictionsDisplay.from_estimator(network().fit(*multilabel), *multilabel)
    with pytest.raises(TypeError, match="PredictionErrorDisplay"):
        PredictionsDisplay.from_estimator(regressor().fit(*iris), *iris)


# -- activations -----------------------------------------------------------------------


def test_dead_and_saturated_units_are_counted(iris):
    X, y = iris
    for activation, dead, saturated in (("relu", -1e3, None), ("logistic", 1e3, 5.0)):
        net = network(activation=activation).fit(X, y)
        net.coefs_[0][...] *= 0.01
        net.intercepts_[0][...] = 0.1
        assert layer_statistics(net, X)[0][-3:-1] == (0, 0)
        net.intercepts_[0][:2] = dead
        if saturated is not None:
            net.intercepts_[0][2:5] = saturated
        counted = layer_statistics(net, X)[0]
        assert counted.n_dead == 2
        assert counted.n_saturated == (0 if saturated is None else 3)
        # Whatever goes into dead units has no gradient.
        before = net.predict_proba(X)
        net.coefs_[0][:, :2] += 1e-4
        assert_array_equal(net.predict_proba(X), before)


def test_units_that_differ_between_samples_are_not_saturated(iris):
    net = network(activation="logistic").fit(*iris)
    net.coefs_[0][...] *= 50 / np.abs(net.coefs_[0]).max(axis=0)
    X = np.vstack([iris[0], -iris[0]])
    saturated = layer_statistics(net, X)[0].n_saturated
    assert saturated > 0
    a = net.hidden_activations(X, 0)
    flat_parts = (a * (1 - a) < 0.05 / 4).mean(axis=0)
    dead = (a * (1 - a) == 0).all(axis=0)
    assert saturated == ((flat_parts >= 0.9) & ~dead).sum()


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "softplus"])
def test_statistics_are_those_of_the_activations(images, activation):
    X, y = images
    net = network(hidden_layer_sizes=(9, 7), activation=activation).fit(X, y)
    statistics = layer_statistics(net, X)
    for layer in 0, 1:
        a = net.hidden_activations(X, layer)
        of_layer = statistics[layer]
        assert of_layer.layer == f"hidden {layer}"
        assert of_layer.activation == activation
        assert of_layer.n_units == a.shape[1]
        assert of_layer.mean == pytest.approx(a.mean())
        assert of_layer.std == pytest.approx(a.std())
        assert np.isnan(of_layer.gradient_rms)
    raw = net.decision_function(X)
    assert statistics[-1].mean == pytest.approx(raw.mean())


@pytest.mark.parametrize("activation", ["tanh", "silu"])
def test_gradients_are_the_derivatives_of_each_samples_loss(iris, activation):
    X, y = iris
    net = network(hidden_layer_sizes=(5, 4), activation=activation).fit(X, y)
    statistics = layer_statistics(net, X, y)

    def losses():
        return -net.predict_log_proba(X)[np.arange(len(y)), y]

    assert losses().mean() == pytest.approx(log_loss(y, net.predict_proba(X)))
    for biases, of_layer in zip(net.intercepts_, statistics, strict=True):
        slopes = []
        for unit in range(len(biases)):  # a view: a bias adds to z
            biases[unit] += 1e-5
            above = losses()
            biases[unit] -= 2e-5
            slopes.append((above - losses()) / 2e-5)
            biases[unit] += 1e-5
        rms = np.sqrt(np.mean(np.square(slopes)))
        assert of_layer.gradient_rms == pytest.approx(rms, rel=1e-6)


def test_activations_that_overflow(iris):
    net = regressor(activation="identity").fit(*iris)
    net.coefs_ = [1e200 * W for W in net.coefs_]
    with pytest.raises(ValueError, match="overflow float64"):
        layer_statistics(net, iris[0])


def test_histograms_have_all_values_and_the_counts(images, validated):
    X, y = images
    display = ActivationsDisplay.from_estimator(validated, X, y)
    assert display.axes_.shape == (2, 3)
    assert display.statistics_ == layer_statistics(validated, X, y)
    for ax, statistics in zip(display.axes_[0], display.statistics_, strict=True):
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(1)
        if statistics.layer != "output":
            dead, saturated = statistics.n_dead, statistics.n_saturated
            assert f"{dead} dead, {saturated} saturated" in ax.get_title()
        assert f"{statistics.n_units} units" in ax.get_title()
    limits = {ax.get_xlim() for ax in display.axes_[1]}
    assert len(limits) == 1  # where gradients vanish, histograms move
    for ax, statistics in zip(display.axes_[1], display.statistics_, strict=True):
        assert set(ax.lines[0].get_xdata()) == {statistics.gradient_rms}
        assert f"{statistics.gradient_rms:.2g}" in ax.get_title()
    display = ActivationsDisplay.from_estimator(validated, X)
    assert display.axes_.shape == (1, 3)


def test_activations_of_regressors_and_frames(of_table):
    pipeline, X, y = of_table
    display = ActivationsDisplay.from_estimator(pipeline, X, y)
    assert display.axes_.shape == (2, 2)
    net = regressor(hidden_layer_sizes=()).fit(X, y)
    (output,) = layer_statistics(net, X, y)
    assert output.gradient_rms == pytest.approx(
        np.sqrt(np.mean((net.predict(X) - y) ** 2))
    )


# -- network ---------------------------------------------------------------------------


def test_every_unit_and_weight_of_a_small_network_is_drawn(iris, ax):
    net = network(hidden_layer_sizes=(5, 3)).fit(*iris)
    display = NetworkDisplay.from_estimator(net, ax=ax)
    sizes = [4, 5, 3, 3]
    assert [list(units) for units in display.units_] == [list(range(n)) for n in sizes]
    assert [len(circles.get_paths()) for circles in display.circles_] == sizes
    for lines, W in zip(display.lines_, net.coefs_, strict=True):
        widths = lines.get_linewidths()
        assert_allclose(widths / np.max(widths), np.abs(W).ravel() / np.abs(W).max())
        solid = np.array([pattern[1] is None for pattern in lines.get_linestyles()])
        assert_array_equal(solid, W.ravel() >= 0)
        assert len(set(map(tuple, lines.get_colors()[solid][:, :3]))) <= 1
    assert ax.get_title() == f"4-5-3-3, {flat(net).size:,} parameters"
    below = [text for text in words(ax) if "units" in text]
    names = ["input", "hidden 0", "hidden 1", "output"]
    assert [text.split("\n")[0] for text in below] == names
    for text, W in zip(below[1:], net.coefs_, strict=True):
        assert f"{W.size + W.shape[1]:,} parameters" in text
    assert legend_of(ax) == ["weight > 0", "weight < 0"]


def test_of_a_large_layer_the_units_of_the_largest_weights_are_drawn(validated, ax):
    display = NetworkDisplay.from_estimator(validated, max_units=4, ax=ax)
    assert [len(units) for units in display.units_] == [4, 4, 4, 4]
    outgoing = np.abs(validated.coefs_[0]).max(axis=1)
    assert set(display.units_[0]) == set(np.argsort(-outgoing)[:4])
    assert {"+ 60", "+ 8", "+ 4", "+ 6"} == {w for w in words(ax) if w[0] == "+"}


def test_a_sample_flows_through(iris, ax):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])
    net = network(activation="tanh", max_iter=40).fit(X, names[y])
    display = NetworkDisplay.from_estimator(net, X[77], ax=ax)
    hidden, proba = net.hidden_activations(X[77:78])[0], net.predict_proba(X[77:78])[0]
    for lines, a, W in zip(display.lines_, [X[77], hidden], net.coefs_, strict=True):
        flow = (a[:, np.newaxis] * W).ravel()
        assert_allclose(
            lines.get_linewidths() / np.max(lines.get_linewidths()),
            np.abs(flow) / np.abs(flow).max(),
        )
    for circles, a in zip(display.circles_, [X[77], hidden, proba], strict=True):
        assert_allclose(circles.get_array(), a / np.abs(a).max())
    texts = {text.get_text(): text for text in ax.texts}
    for name, p in zip(names, proba, strict=True):
        percent = ">99%" if p >= 0.995 else "<1%" if p < 0.005 else f"{100 * p:.0f}%"
        bold = texts[f"{name}: {percent}"].get_fontweight() == "bold"
        assert bold == (p == proba.max())


def test_an_image_stands_for_the_inputs(images, validated, ax):
    X, _ = images
    display = NetworkDisplay.from_estimator(validated, X[5], ax=ax)
    (image,) = ax.images
    assert_array_equal(image.get_array(), X[5].reshape(8, 8))
    total = (X[5] @ validated.coefs_[0])[display.units_[1]]
    widths = display.lines_[0].get_linewidths()
    expected = (
        np.abs(total) / np.abs(X[5] @ validated.coefs_[0])[display.units_[1]].max()
    )
    assert_allclose(widths / np.max(widths), expected)


def test_two_classes_and_labels(iris, multilabel):
    X, y = iris
    net = network(max_iter=40).fit(X, y > 0)
    for i in 0, 149:
        display = NetworkDisplay.from_estimator(net, X[i : i + 1])
        (text,) = [t for t in display.ax_.texts if t.get_text().startswith("True: ")]
        assert (text.get_fontweight() == "bold") == (net.predict(X[i : i + 1])[0])
    X, y = multilabel
    net = network(max_iter=40).fit(X, y)
    display = NetworkDisplay.from_estimator(net, X[0])
    named = [t for t in display.ax_.texts if ": " in t.get_text()]
    bold = [t.get_fontweight() == "bold" for t in named]
    assert_array_equal(bold, net.predict(X[:1])[0])


def test_a_network_without_hidden_layers(iris, ax):
    net = network(hidden_layer_sizes=()).fit(*iris)
    display = NetworkDisplay.from_estimator(net, iris[0][0], ax=ax)
    assert [len(units) for units in display.units_] == [4, 3]
    assert len(layer_statistics(net, *iris)) == 1


def test_a_frame_of_one_row_and_an_estimate(of_table, ax):
    pipeline, X, _ = of_table
    display = NetworkDisplay.from_estimator(pipeline, X.iloc[[3]], ax=ax)
    assert f"{pipeline.predict(X.iloc[[3]])[0]:.3g}" in words(ax)
    scaled = pipeline[:-1].transform(X.iloc[[3]]).to_numpy()[0]
    assert_allclose(
        display.circles_[0].get_array(),
        (scaled / np.abs(scaled).max())[display.units_[0]],
    )
    with pytest.raises(ValueError, match="pass a single one, such as X"):
        NetworkDisplay.from_estimator(pipeline, X)


# -- saliency --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gradient", "gradient_x_input"])
@pytest.mark.parametrize("method", [None, "predict_log_proba"])
def test_images_of_gradients(images, validated, ax, kind, method):
    X = images[0][:6]
    display = SaliencyDisplay.from_estimator(
        validated, X, target=3, kind=kind, response_method=method, ax=ax
    )
    gradients = validated.input_gradients(X, 3, method or "decision_function")
    expected = gradients * X if kind == "gradient_x_input" else gradients
    assert_allclose(arrays(display.images_), expected.reshape(6, 8, 8))
    limits = {image.get_clim() for image in display.images_}
    assert_allclose(list(limits), [[-np.abs(expected).max(), np.abs(expected).max()]])
    label = display.colorbar_.ax.get_ylabel()
    assert ("log probability" if method else "logit") in label
    assert label.startswith("Input × ") == (kind == "gradient_x_input")
    assert len(display.texts_) == 6
    assert all(text.get_text().startswith("For 3 (") for text in display.texts_)


def test_the_predicted_class_is_explained(images, validated, ax):
    X = images[0][:6]
    display = SaliencyDisplay.from_estimator(validated, X, ax=ax)
    assert_allclose(
        arrays(display.images_), validated.input_gradients(X).reshape(6, 8, 8)
    )
    classes = [text.get_text().split()[1] for text in display.texts_]
    assert classes == list(map(str, validated.predict(X)))


def test_images_each_on_its_own_scale(images, validated, ax):
    X = images[0][:6]
    display = SaliencyDisplay.from_estimator(validated, X, relative=True, ax=ax)
    drawn = np.array(arrays(display.images_))
    assert_allclose(np.abs(drawn).max(axis=(1, 2)), 1)
    assert "relative" in display.colorbar_.ax.get_ylabel()


def test_the_outline_is_that_of_the_sample(images, validated, ax):
    X = images[0][:1]
    SaliencyDisplay.from_estimator(validated, X, ax=ax)
    (contour,) = [c for c in ax.collections if hasattr(c, "get_level")] or [
        c for c in ax.collections if type(c).__name__ == "QuadContourSet"
    ]
    (path,) = contour.get_paths()
    ink, half = X.reshape(8, 8), X.max() / 2
    for x, y in path.vertices:  # where the ink begins, to an eighth of a pixel
        column, row = 8 * x, -8 * y
        around = ink[
            max(0, int(row - 0.2)) : int(row + 0.2) + 1,
            max(0, int(column - 0.2)) : int(column + 0.2) + 1,
        ]
        assert around.min() <= half <= around.max()


def test_one_sample_of_a_table_is_bars(of_table, ax):
    pipeline, X, _ = of_table
    display = SaliencyDisplay.from_estimator(pipeline, X.iloc[[3]], ax=ax)
    net, scaled = pipeline[-1], pipeline[:-1].transform(X.iloc[[3]])
    gradient = net.input_gradients(scaled)[0]
    order = np.argsort(-np.abs(gradient))
    assert_allclose([bar.get_width() for bar in display.bars_], gradient[order])
    names = [tick.get_text().split(" = ")[0] for tick in ax.get_yticklabels()]
    assert names == list(X.columns[order])
    assert ax.get_title() == f"Estimate: {pipeline.predict(X.iloc[[3]])[0]:.3g}"


def test_several_samples_of_a_table_are_a_heat_map(of_table, ax):
    pipeline, X, _ = of_table
    display = SaliencyDisplay.from_estimator(pipeline, X.iloc[:5], ax=ax)
    scaled = pipeline[:-1].transform(X.iloc[:5])
    (drawn,) = arrays(display.images_)
    assert_allclose(drawn, pipeline[-1].input_gradients(scaled))
    assert display.bars_ is None


def test_what_is_no_image_though_it_has_as_many_features(images, validated):
    X = images[0]
    display = SaliencyDisplay.from_estimator(validated, X[:1], image_shape=None)
    assert len(display.bars_) == 20  # the features of the largest gradients
    display = NetworkDisplay.from_estimator(validated, X[0], image_shape=None)
    assert not display.ax_.images
    assert len(display.units_[0]) == 10
    display = WeightsDisplay.from_estimator(validated, image_shape=None)
    assert_array_equal(
        arrays(display.images_)[0], validated.coefs_[0].T[display.units_]
    )


def test_scaled_digits_are_outlined_as_they_were(images, ax):
    X, y = images
    pipeline = make_pipeline(StandardScaler(), network()).fit(X, y)
    display = SaliencyDisplay.from_estimator(pipeline, X[:2], ax=ax)
    assert_array_equal(display.images, X[:2])
    assert_array_equal(display.X, pipeline[0].transform(X[:2]))


def test_what_saliency_refuses(images, validated, iris):
    X = images[0][:2]
    with pytest.raises(ValueError, match="kind='grad' must be one of"):
        SaliencyDisplay.from_estimator(validated, X, kind="grad")
    with pytest.raises(ValueError, match="name one of classes_"):
        SaliencyDisplay.from_estimator(validated, X, target=99)
    net = ScratchMLPRegressor(hidden_layer_sizes=(3,), max_iter=2, **ENDLESS)
    net.fit(iris[0], np.column_stack([iris[1]] * 2))
    with pytest.raises(ValueError, match="one of the 2 outputs"):
        SaliencyDisplay.from_estimator(net, iris[0])


@pytest.mark.parametrize(
    ("display", "rows"),
    [
        (ActivationsDisplay, 1),
        (HistoryDisplay, 0),
        (NetworkDisplay, 0),
        (PredictionsDisplay, 2),
        (SaliencyDisplay, 1),
        (WeightsDisplay, 0),
    ],
)
@pytest.mark.parametrize("ax", [3, "ax", [None, None]])
def test_what_are_no_axes(display, rows, ax, iris):
    X, y = iris
    net = network().fit(X, y)
    with pytest.raises((TypeError, ValueError), match=r"^ax(=| has)"):
        display.from_estimator(net, *(X[:4], y[:4])[:rows], ax=ax)


@pytest.mark.parametrize("shape", [(-1, -4), (-2, -2)])
def test_an_image_has_no_negative_side(shape):
    with pytest.raises(ValueError, match="not rows of shape"):
        PredictionsDisplay(np.zeros((1, 4)), [0], [0], image_shape=shape).plot()


@pytest.mark.parametrize("layer", ["a", None, 0.5])
def test_a_layer_is_a_number(layer, iris):
    with pytest.raises(ValueError, match="is not one of the 2 layers"):
        WeightsDisplay.from_estimator(network().fit(*iris), layer=layer)


def test_columns_are_counted():
    with pytest.raises(ValueError, match="n_columns='two' must be a whole number"):
        PredictionsDisplay(np.zeros((1, 4)), [0], [0]).plot(n_columns="two")
