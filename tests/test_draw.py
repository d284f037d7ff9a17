"""The page on which a visitor draws a digit, in a browser, drawn on with a mouse."""

import json
import os
import re
import runpy
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import accuracy_score

from sknet import ScratchMLPClassifier
from sknet.datasets import fetch_semeion
from sknet.export import from_json, to_json

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/draw/index.html"
TRAIN = PAGE.with_name("train.py")
HTML = PAGE.read_text("utf-8")
SCRIPT = PAGE.with_name("draw.js").read_text("utf-8")


def network_in(file):
    """The network as text, from a file of JavaScript."""
    text = file.read_text("utf-8")
    return text.removeprefix("const NETWORK = ").removesuffix(";\n")


TEXT = network_in(PAGE.with_name("weights.js"))
NETWORK = json.loads(TEXT)


def drawings(text):
    """Strokes of each digit: corners of polylines, in hundredths of the paper."""
    digits = {}
    for line in text.strip().splitlines():
        digit, strokes = line.split(": ")
        digits[int(digit)] = [
            [tuple(map(int, corner.split(","))) for corner in stroke.split()]
            for stroke in strokes.split(" / ")
        ]
    return digits


STYLES = {
    # As Semeion's writers wrote: ones with a flag, sevens with a bar, open fours.
    "Italian": drawings("""
0: 50,10 30,18 20,40 22,68 38,88 58,88 76,70 80,42 70,20 50,10
1: 30,40 48,22 58,10 58,90
2: 24,30 30,15 48,10 66,16 72,32 62,52 42,70 22,88 50,86 80,88
3: 24,18 44,10 66,16 70,32 58,44 42,48 62,52 74,68 64,86 42,90 22,82
4: 58,10 40,35 20,62 48,60 82,58 / 62,40 56,92
5: 74,12 32,12 30,30 26,46 50,42 70,52 74,70 60,86 38,90 20,82
6: 66,10 46,24 30,48 24,70 34,88 56,90 72,78 68,62 50,54 32,62
7: 22,14 50,14 76,12 62,36 50,62 42,90 / 34,50 70,48
8: 66,20 50,10 34,18 36,34 52,46 68,60 72,78 54,90 34,84 30,68 44,52 62,38 68,24
9: 70,26 54,12 34,18 28,36 42,50 60,46 70,28 70,50 66,72 58,90
"""),
    # A bare one and seven, a closed four, a two with a loop, an angular three, an eight
    # of two circles, a nine with a straight leg.
    "plain": drawings("""
0: 60,10 44,16 34,38 30,64 36,86 50,90 62,76 70,50 70,26 60,10
1: 53,10 51,35 49,60 46,90
2: 26,26 40,12 60,12 70,26 64,46 46,66 30,82 24,86 28,76 38,74 52,84 66,90 80,82
3: 24,12 72,12 46,42 64,46 74,62 68,80 50,90 24,84
4: 64,12 20,64 84,64 / 64,12 64,92
5: 34,12 32,44 52,38 72,50 74,70 58,88 26,86 / 34,12 76,12
6: 60,10 38,32 26,62 32,84 52,92 72,82 76,66 64,54 44,58 30,72
7: 20,14 78,14 60,44 46,90
8: 50,10 34,18 32,32 50,46 68,32 66,18 50,10 / 50,46 28,60 26,78 50,92 74,78 72,60 50,46
9: 70,30 56,12 36,16 28,34 40,50 60,46 70,30 / 70,14 70,92
"""),
}

# -- a browser -------------------------------------------------------------------------

FLAGS = [
    "headless",
    "no-sandbox",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "window-size=1200,900",
]


def chromedriver():
    """Path of the program that drives Chromium or Chrome, or None."""
    folder = os.environ.get("CHROMEWEBDRIVER")  # where GitHub's machines have it
    return shutil.which("chromedriver") or shutil.which("chromedriver", path=folder)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless browser of this module's own."""
    if not os.environ.get("CI"):
        pytest.importorskip("selenium")
        if chromedriver() is None:
            pytest.skip("needs Chromium or Chrome, and chromedriver")
    assert chromedriver() is not None, "CI must have a browser, and chromedriver"
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    logged = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logged)
    for flag in [*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('browser')}"]:
        options.add_argument(f"--{flag}")
    service = webdriver.ChromeService(executable_path=chromedriver())
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser):
    """The page as a visitor opens it; no test makes it fail or ask for other files."""
    browser.get(PAGE.as_uri())
    yield browser
    assert browser.get_log("browser") == []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] != "Network.requestWillBeSent":
            continue
        asking, asked = (message["params"][k] for k in ("documentURL", "request"))
        if asking == PAGE.as_uri():  # not a page of the browser's own
            assert asked["url"].startswith((PAGE.parent.as_uri(), "data:"))


def on_screen(page, strokes):
    """The strokes in pixels of the window."""
    left, top, width, height = page.execute_script(
        "const box = paper.getBoundingClientRect();"
        "return [box.left, box.top, box.width, box.height];"
    )
    return [
        [(round(left + x * width / 100), round(top + y * height / 100)) for x, y in s]
        for s in strokes
    ]


def draw(page, strokes):
    """Move the mouse along the strokes, its button down."""
    from selenium.webdriver.common.action_chains import ActionBuilder

    actions = ActionBuilder(page, duration=1)
    for first, *others in on_screen(page, strokes):
        actions.pointer_action.move_to_location(*first).pointer_down()
        for place in others:
            actions.pointer_action.move_to_location(*place)
        actions.pointer_action.pointer_up()
    actions.perform()


def touch(page, strokes):
    """Move a finger along the strokes."""

    def send(kind, *places):
        points = [{"x": x, "y": y} for x, y in places]
        event = {"type": kind, "touchPoints": points}
        page.execute_cdp_cmd("Input.dispatchTouchEvent", event)

    for first, *others in on_screen(page, strokes):
        send("touchStart", first)
        for place in others:
            send("touchMove", place)
        send("touchEnd")


def press(page, keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(page).send_keys(*keys).perform()


def state(page):
    """What the page knows."""
    return page.execute_script("return state;")


def shown(page, name):
    return page.find_element("id", name).text


def click(page, name):
    page.find_element("id", name).click()


@pytest.fixture(scope="module")
def net():
    """The page's network as an estimator."""
    return from_json(TEXT)


# -- what it reads ---------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_digits_drawn_with_the_mouse_are_recognised(page, net, style):
    """And the probabilities shown are those of ``predict_proba``."""
    read = {}
    for digit, strokes in STYLES[style].items():
        draw(page, strokes)
        read[digit] = shown(page, "guess").rstrip("?")
        found = state(page)
        expected = net.predict_proba([found["pixels"]])[0]
        assert_allclose(found["probabilities"], expected, rtol=0, atol=1e-6)
        percentages = re.findall(r"(\d+) %", shown(page, "bars"))
        assert_allclose(np.array(percentages, int) / 100, expected, rtol=0, atol=0.0051)
        click(page, "clear")
    assert sum(str(digit) == guess for digit, guess in read.items()) >= 9, read


def test_it_reads_a_finger_too(page):
    touch(page, STYLES["plain"][4])
    assert len(state(page)["strokes"]) == 2
    assert shown(page, "guess") == "4"


# -- the frame -------------------------------------------------------------------------


def reference_frame(strokes, pen=0.11, side=16, samples=4, most_stretch=2.5):
    """Ink within half a pen of a stroke; its box stretched; thresholded."""
    strokes = [np.array([(p["x"], p["y"]) for p in stroke]) for stroke in strokes]
    points = np.concatenate(strokes)
    pen *= np.ptp(points, axis=0).max()
    scale = side / (np.ptp(points, axis=0) + pen)
    scale = np.minimum(scale, most_stretch * scale.min())
    grid = (np.arange(side * samples) + 0.5) / samples
    x, y = np.meshgrid(grid, grid)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    places = (np.stack([x, y], axis=-1) - side / 2) / scale + middle
    inked = np.zeros(x.shape, dtype=bool)
    for stroke in strokes:
        for a, b in pairwise(stroke):
            along = (places - a) @ (b - a) / ((b - a) @ (b - a))
            nearest = a + np.clip(along, 0, 1)[..., np.newaxis] * (b - a)
            inked |= np.linalg.norm(places - nearest, axis=-1) <= pen / 2
    share = inked.reshape(side, samples, side, samples).mean(axis=(1, 3))
    return (share > 0.5).astype(int)


@pytest.mark.parametrize("digit", [0, 1, 4, 5])
def test_what_it_sees_is_the_drawing_stretched_to_the_frame(page, digit):
    draw(page, STYLES["Italian"][digit])
    pixels = np.reshape(state(page)["pixels"], (16, 16))
    assert_array_equal(pixels, reference_frame(state(page)["strokes"]))
    for edge in pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]:
        assert edge.any()


def test_a_digit_may_be_small_and_anywhere(page):
    seen = []
    for scale, left, top in [(1, 0, 0), (0.4, 55, 10)]:
        strokes = [
            [(left + scale * x, top + scale * y) for x, y in stroke]
            for stroke in STYLES["plain"][5]
        ]
        draw(page, strokes)
        seen.append(state(page)["pixels"])
        assert shown(page, "guess") == "5"
        click(page, "clear")
    assert np.mean(np.not_equal(*seen)) < 0.06  # a mouse moves by whole pixels


def test_a_bare_one_is_a_bar_in_the_middle_and_not_a_square(page):
    """As in Semeion, where no digit is stretched without limit."""
    draw(page, [[(70, 10), (70, 90)]])
    pixels = np.reshape(state(page)["pixels"], (16, 16))
    assert pixels[:, 7:9].mean() > 0.9
    assert not pixels[:, [0, 1, 2, 3, 12, 13, 14, 15]].any()
    assert shown(page, "guess") == "1"


# -- the network -----------------------------------------------------------------------


def test_its_network_is_sknets_for_any_pixels_and_depth(page, iris):
    """All activations that the page knows, and pixels that are neither 0 nor 1."""
    X, y = iris
    net = ScratchMLPClassifier(
        (6, 5, 4, 3), activation=["relu", "silu", "tanh", "logistic"], max_iter=3
    )
    with pytest.warns(UserWarning, match="max_iter"):
        net.fit(X, y)
    found = page.execute_script(
        "return arguments[1].map((x) => predict(arguments[0], x).probabilities);",
        json.loads(to_json(net)),
        X[:20].tolist(),
    )
    assert_allclose(found, net.predict_proba(X[:20]), rtol=0, atol=1e-12)


def test_the_weights_read_semeion(net):
    try:
        X, y = fetch_semeion(return_X_y=True, download_if_missing=False)
    except OSError as error:
        pytest.skip(f"needs the Semeion data: {error}")
    assert accuracy_score(y, net.predict(X)) > 0.99  # it has learned them


def test_they_come_from_the_best_recipe():
    recipes = {}
    text = (ROOT / "docs/recipes.md").read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, recipes)
    recipe = recipes["larger_moves"].get_params(deep=False)
    ours = runpy.run_path(str(TRAIN))["network"](300).get_params(deep=False)
    assert ours["augment"].get_params() == recipe.pop("augment").get_params()
    differing = {name for name in recipe if recipe[name] != ours[name]}
    assert differing == {"hidden_layer_sizes", "max_iter"}


def test_the_script_that_trains_them(tmp_path, monkeypatch, capsys):
    try:
        fetch_semeion(download_if_missing=False)
    except OSError as error:
        pytest.skip(f"needs the Semeion data: {error}")
    main = runpy.run_path(str(TRAIN))["main"]
    main(["--epochs", "1", "--out", str(tmp_path / "weights.js")])
    made = json.loads(network_in(tmp_path / "weights.js"))
    assert made.keys() == NETWORK.keys()
    for layer, there in zip(made["layers"], NETWORK["layers"], strict=True):
        assert np.shape(layer["weights"]) == np.shape(there["weights"])
        assert layer["activation"] == there["activation"]
    main(["--epochs", "1", "--folds", "2"])
    assert re.search(r"accuracy 0\.\d+\nsure at 0.5", capsys.readouterr().out)


# -- what it shows ---------------------------------------------------------------------


def test_a_visitor_is_told_what_to_do(page):
    assert shown(page, "verdict") == "Draw a digit, 0 to 9."
    for button in "clear", "undo":
        assert not page.find_element("id", button).is_enabled()


def test_a_dot_is_no_digit(page):
    draw(page, [[(50, 50)]])
    assert "Too small" in shown(page, "verdict")
    assert state(page)["probabilities"] is None


def test_clear_and_undo(page):
    draw(page, STYLES["Italian"][7])
    assert len(state(page)["strokes"]) == 2
    click(page, "undo")
    assert len(state(page)["strokes"]) == 1
    click(page, "clear")
    assert state(page)["strokes"] == []
    assert shown(page, "verdict") == "Draw a digit, 0 to 9."
    assert "%" not in shown(page, "bars")
    assert not page.find_element("id", "clear").is_enabled()


def test_it_is_unsure_where_no_digit_is_probable(page):
    draw(page, [[(50, 20), (20, 80)], [(50, 20), (80, 80)], [(35, 50), (65, 50)]])  # A
    assert max(state(page)["probabilities"]) < 0.6
    assert shown(page, "verdict").startswith("Unsure")
    assert shown(page, "guess").endswith("?")
    click(page, "clear")
    draw(page, STYLES["Italian"][0])
    assert max(state(page)["probabilities"]) > 0.8
    assert shown(page, "verdict").startswith("It looks like 0")


def test_it_reads_while_the_mouse_is_still_down(page):
    from selenium.webdriver.common.action_chains import ActionChains

    paper = page.find_element("id", "paper")
    chain = ActionChains(page, duration=1).move_to_element_with_offset(paper, 0, -100)
    chain.click_and_hold().move_by_offset(0, 150).perform()
    assert "%" in shown(page, "bars")
    assert shown(page, "said") == ""  # a screen reader is told at the end of a stroke
    ActionChains(page).release().perform()
    assert shown(page, "said") == shown(page, "verdict")


def test_a_stroke_may_leave_the_paper_and_end_outside(page):
    draw(page, [[(50, 50), (90, 50), (130, 60), (90, 70), (-4, 80)]])
    (stroke,) = state(page)["strokes"]
    assert [max(p["x"] for p in stroke), min(p["x"] for p in stroke)] == [1, 0]
    assert shown(page, "said") == shown(page, "verdict")
    draw(page, [[(130, 50), (130, 60)]])  # begun outside: no stroke
    assert len(state(page)["strokes"]) == 1


# -- without a mouse, without eyes -----------------------------------------------------


def test_a_digit_drawn_with_the_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    press(page, [Keys.TAB])
    assert page.switch_to.active_element.get_attribute("id") == "paper"
    press(page, [Keys.SPACE])
    assert shown(page, "said") == "Pen down."
    press(page, [Keys.ARROW_DOWN] * 12 + [Keys.SPACE])
    assert shown(page, "guess").startswith("1")
    assert shown(page, "said") == shown(page, "verdict")
    drawn = state(page)["strokes"]
    assert len(drawn) == 1
    press(page, [Keys.ARROW_LEFT] * 4)  # the pen is up: nothing is drawn
    assert state(page)["strokes"] == drawn
    press(page, [Keys.TAB])
    assert page.switch_to.active_element.get_attribute("id") == "clear"
    press(page, [Keys.SPACE])
    assert state(page)["strokes"] == []
    assert shown(page, "said") == "Cleared."


def test_keys_that_undo_and_clear(page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    draw(page, STYLES["Italian"][7])
    ActionChains(page).key_down(Keys.CONTROL).send_keys("z").key_up(
        Keys.CONTROL
    ).perform()
    assert len(state(page)["strokes"]) == 1
    press(page, [Keys.ESCAPE])
    assert state(page)["strokes"] == []


def test_what_is_drawn_is_named(page):
    """For a screen reader: what is on a canvas it cannot read."""
    draw(page, STYLES["Italian"][8])
    labels = {
        canvas.get_attribute("id"): canvas.accessible_name
        for canvas in page.find_elements("tag name", "canvas")
    }
    ink = sum(state(page)["pixels"])
    assert labels["paper"] == "Paper to draw on"
    assert f"{ink} of 256 pixels" in labels["seen"]
    assert re.search(r"[1-9]\d* of 256 units are lit", labels["hidden"])
    rows = page.find_elements("css selector", "#bars th")
    assert [row.aria_role for row in rows] == ["rowheader"] * 10
    assert page.find_element("id", "said").aria_role == "status"


def contrast(colours, a, b):
    """WCAG's ratio of the luminances of two colours."""
    light = []
    for name in a, b:
        rgb = np.array([int(colours[name][i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        light.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_the_colours_can_be_told_apart_in_light_and_dark():
    light, dark = (
        dict(re.findall(r"--(\w+): (#\w{6});", block))
        for block in re.findall(r":root \{(.*?)\}", HTML, re.DOTALL)
    )
    assert light.keys() == dark.keys()
    for colours in light, dark:
        for text in "text", "soft", "accent", "unsure":
            assert contrast(colours, text, "page") >= 4.5, text
        assert contrast(colours, "ink", "paper") >= 7
        for line in "line", "accent":
            assert contrast(colours, line, "paper") >= 3, line


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(page, scheme):
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    background = page.execute_script(
        "return getComputedStyle(document.body).backgroundColor"
    )
    brightness = np.mean([int(n) for n in re.findall(r"\d+", background)[:3]])
    assert (brightness > 128) == (scheme == "light")
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("width", [320, 390, 768, 1200])
def test_it_fits_the_screen(page, width):
    """A phone of the smallest kind, one of today, a tablet, a desktop."""
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 2, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        assert page.execute_script(
            "return document.documentElement.scrollWidth <= innerWidth"
        )
        draw(page, STYLES["Italian"][3])
        assert shown(page, "guess") == "3"
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_nothing_comes_from_elsewhere():
    """No server and no script of others (what is asked for, `page` sees)."""
    assert not re.findall(r"\w+://|\b(?:fetch|import|XMLHttpRequest)\b", HTML + SCRIPT)
    for name in re.findall(r'(?:src|href)="([^"]+)"', HTML):
        assert name == "data:," or PAGE.with_name(name).is_file()
