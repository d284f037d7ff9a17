"""`fetch_semeion` on a small file of known contents, and on Semeion where it is."""

import hashlib
import logging
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from logging.handlers import BufferingHandler

import numpy as np
import pytest

from sknet import datasets
from sknet.datasets import fetch_semeion

# UCI's description: how often each digit occurs, 0 to 9.
CLASS_COUNTS = [161, 162, 159, 159, 161, 159, 161, 158, 155, 158]
UCI_URL = datasets.URL  # the tests put a local one in its place


@pytest.fixture(scope="module")
def semeion():
    """The real data from SKNET_DATA or the data home; never from the network."""
    try:
        return fetch_semeion(download_if_missing=False)
    except OSError as error:
        pytest.skip(f"needs the Semeion data: {error}")


@pytest.fixture
def sample(monkeypatch):
    """Pixels, digits and contents of a small file that passes for UCI's."""
    rng = np.random.RandomState(0)
    pixels = rng.randint(2, size=(12, 256))
    digits = np.r_[np.arange(10)[::-1], 3, 3]
    lines = [
        " ".join([f"{v:.4f}" for v in row] + [str(int(k == digit)) for k in range(10)])
        for row, digit in zip(pixels, digits, strict=True)
    ]
    contents = "".join(line + " \r\n" for line in lines).encode()
    monkeypatch.setattr(datasets, "SHA256", hashlib.sha256(contents).hexdigest())
    return pixels, digits, contents


@pytest.fixture(autouse=True)
def _no_network(monkeypatch, request, tmp_path):
    """No test reaches UCI, nor writes to the data home of whoever runs it."""
    if "semeion" in request.fixturenames:
        request.getfixturevalue("semeion")  # looks in the real folders, once
    monkeypatch.delenv("SKNET_DATA", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "scikit_learn_data"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setattr(datasets, "URL", f"http://127.0.0.1:{port}/semeion.data")


@pytest.fixture
def serve(monkeypatch):
    """A function that serves `body` at `URL`, and lists the requests it gets.

    `during` is called when half of it has been sent.
    """
    servers = []

    def start(body, length=None, location=None, during=lambda: None):
        requests = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self.path)
                self.send_response(302 if location else 200)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(length or len(body)))
                self.end_headers()
                half = len(body) // 2
                self.wfile.write(body[:half])
                during()
                with suppress(OSError):  # nobody listens any longer
                    self.wfile.write(body[half:])

            def log_message(self, *args):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        url = f"http://127.0.0.1:{server.server_port}/semeion.data"
        monkeypatch.setattr(datasets, "URL", url)
        return requests

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_semeion_is_as_uci_describes_it(semeion):
    assert semeion.data.shape == (1593, 256)
    assert semeion.data.dtype == np.float64
    assert semeion.data.flags.c_contiguous
    assert set(np.unique(semeion.data)) == {0.0, 1.0}
    assert semeion.target.shape == (1593,)
    assert np.issubdtype(semeion.target.dtype, np.integer)
    assert np.bincount(semeion.target).tolist() == CLASS_COUNTS
    assert semeion.images.shape == (1593, 16, 16)
    np.testing.assert_array_equal(semeion.images.reshape(1593, 256), semeion.data)


def test_first_semeion_image_is_a_zero_that_can_be_read(semeion):
    # Rows in order, ink as 1: the sixth row of the first digit, from the file.
    assert semeion.target[0] == 0
    row = "".join(" #"[int(pixel)] for pixel in semeion.images[0, 5])
    assert row == "   ### ##### ## "


def test_the_file_is_read_exactly(sample, tmp_path):
    pixels, digits, contents = sample
    (tmp_path / "semeion.data").write_bytes(contents)
    bunch = fetch_semeion(data_home=tmp_path)
    np.testing.assert_array_equal(bunch.data, pixels)
    np.testing.assert_array_equal(bunch.target, digits)
    assert bunch.images[4, 2, 7] == pixels[4, 2 * 16 + 7]
    assert len(bunch.feature_names) == 256
    assert bunch.feature_names[2 * 16 + 7] == "pixel_2_7"
    assert list(bunch.target_names) == list(range(10))
    assert bunch.frame is None


def test_description_names_source_licence_and_citation(sample, tmp_path):
    (tmp_path / "semeion.data").write_bytes(sample[2])
    text = fetch_semeion(data_home=tmp_path).DESCR
    assert UCI_URL.startswith("https://archive.ics.uci.edu/")
    assert UCI_URL in text
    assert "CC BY 4.0" in text
    assert "https://doi.org/10.24432/C5SC8V" in text


def test_return_X_y(sample, tmp_path):
    pixels, digits, contents = sample
    (tmp_path / "semeion.data").write_bytes(contents)
    X, y = fetch_semeion(data_home=str(tmp_path), return_X_y=True)
    assert isinstance(X, np.ndarray)
    np.testing.assert_array_equal(X, pixels)
    np.testing.assert_array_equal(y, digits)


def test_as_frame(sample, tmp_path):
    pd = pytest.importorskip("pandas")
    pixels, digits, contents = sample
    (tmp_path / "semeion.data").write_bytes(contents)
    bunch = fetch_semeion(data_home=tmp_path, as_frame=True)
    assert isinstance(bunch.data, pd.DataFrame)
    assert list(bunch.data.columns) == bunch.feature_names
    assert isinstance(bunch.target, pd.Series)
    assert bunch.target.name == "target"
    np.testing.assert_array_equal(bunch.target, digits)
    assert list(bunch.frame.columns) == [*bunch.feature_names, "target"]
    np.testing.assert_array_equal(bunch.frame, np.c_[pixels, digits])
    assert isinstance(bunch.images, np.ndarray)
    X, y = fetch_semeion(data_home=tmp_path, as_frame=True, return_X_y=True)
    pd.testing.assert_frame_equal(X, bunch.data)
    pd.testing.assert_series_equal(y, bunch.target)


def test_environment_variable_names_the_folder(sample, tmp_path, monkeypatch):
    (tmp_path / "semeion.data").write_bytes(sample[2])
    monkeypatch.setenv("SKNET_DATA", str(tmp_path))
    assert fetch_semeion().data.shape == (12, 256)
    # The folder may be read-only, and scikit-learn's home isn't even made.
    assert [path.name for path in tmp_path.iterdir()] == ["semeion.data"]


def test_data_home_wins_over_the_environment(sample, tmp_path, monkeypatch):
    (tmp_path / "semeion.data").write_bytes(sample[2])
    monkeypatch.setenv("SKNET_DATA", str(tmp_path / "elsewhere"))
    assert fetch_semeion(data_home=tmp_path).data.shape == (12, 256)
    with pytest.raises(OSError, match="elsewhere"):
        fetch_semeion(download_if_missing=False)
    assert not (tmp_path / "elsewhere").exists()


def test_scikit_learn_data_home_is_the_default(sample, tmp_path):
    home = tmp_path / "scikit_learn_data"
    home.mkdir()
    (home / "semeion.data").write_bytes(sample[2])
    assert fetch_semeion(download_if_missing=False).data.shape == (12, 256)


def test_a_file_already_there_needs_no_pooch(sample, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    (tmp_path / "semeion.data").write_bytes(sample[2])
    assert fetch_semeion(data_home=tmp_path).data.shape == (12, 256)


def test_without_pooch_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match="pip install pooch"):
        fetch_semeion(data_home=tmp_path)


def test_missing_and_not_to_be_downloaded(tmp_path):
    with pytest.raises(OSError, match="download_if_missing is False") as caught:
        fetch_semeion(data_home=tmp_path, download_if_missing=False)
    assert datasets.URL in str(caught.value)
    assert str(tmp_path / "semeion.data") in str(caught.value)


def test_offline_the_error_names_url_and_place(tmp_path):
    pytest.importorskip("pooch")
    with pytest.raises(OSError, match="download failed") as caught:
        fetch_semeion(data_home=tmp_path)
    assert datasets.URL in str(caught.value)
    assert str(tmp_path / "semeion.data") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda contents: contents[:-700],
        lambda contents: contents.replace(b"1.0000", b"0.0000", 1),
        lambda contents: contents.replace(b"\r\n", b"\n"),
        lambda contents: b"",
    ],
    ids=["truncated", "altered", "line ends", "empty"],
)
def test_a_damaged_file_is_refused_and_left(sample, tmp_path, damage, monkeypatch):
    monkeypatch.setattr(np, "loadtxt", None)  # nothing of it is parsed
    path = tmp_path / "semeion.data"
    path.write_bytes(damage(sample[2]))
    before = path.read_bytes()
    with pytest.raises(OSError, match="truncated or altered") as caught:
        fetch_semeion(data_home=tmp_path)
    message = str(caught.value)
    assert str(path) in message
    assert hashlib.sha256(before).hexdigest() in message
    assert datasets.SHA256 in message
    assert "delete it" in message
    assert path.read_bytes() == before


def test_a_download_is_kept_and_not_repeated(sample, tmp_path, serve):
    pytest.importorskip("pooch")
    pixels, digits, contents = sample
    requests = serve(contents)
    home = tmp_path / "made" / "for it"
    X, y = fetch_semeion(data_home=home, return_X_y=True)
    np.testing.assert_array_equal(X, pixels)
    np.testing.assert_array_equal(y, digits)
    assert [path.name for path in home.iterdir()] == ["semeion.data"]
    assert (home / "semeion.data").read_bytes() == contents
    fetch_semeion(data_home=home)
    assert requests == ["/semeion.data"]


def test_pooch_is_quiet_and_then_as_before(sample, tmp_path, serve):
    logger = pytest.importorskip("pooch").get_logger()
    before = logger.level
    heard = BufferingHandler(capacity=100)
    logger.addHandler(heard)
    logger.setLevel("INFO")
    serve(sample[2])
    try:
        fetch_semeion(data_home=tmp_path)
        assert heard.buffer == []
        assert logger.level == logging.INFO
    finally:
        logger.removeHandler(heard)
        logger.setLevel(before)


def test_an_altered_download_is_not_kept(sample, tmp_path, serve):
    pytest.importorskip("pooch")
    body = b"<html>Sign in to this network</html>"
    serve(body)
    with pytest.raises(OSError, match="download was refused") as caught:
        fetch_semeion(data_home=tmp_path)
    assert hashlib.sha256(body).hexdigest() in str(caught.value)
    assert datasets.SHA256 in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_off_download_is_not_kept(sample, tmp_path, serve):
    pytest.importorskip("pooch")
    contents = sample[2]
    serve(contents[: len(contents) // 2], length=len(contents))
    with pytest.raises(OSError, match="Semeion is not at"):
        fetch_semeion(data_home=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_download_is_not_kept(sample, tmp_path, monkeypatch):
    pooch = pytest.importorskip("pooch")

    def interrupted(self, url, output_file, pooch):
        with open(output_file, "wb") as file:
            file.write(sample[2][:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_semeion(data_home=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "location", ["/elsewhere", "http://127.0.0.1:9/x", "ftp://127.0.0.1/x", "file:///x"]
)
def test_a_redirect_that_leaves_https_is_not_followed(
    location, sample, tmp_path, serve
):
    pytest.importorskip("pooch")
    requests = serve(sample[2], location=location)
    with pytest.raises(OSError, match=r"refused \(.* not HTTPS\)"):
        fetch_semeion(data_home=tmp_path)
    assert requests == ["/semeion.data"]
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_to_https_is_followed(sample, tmp_path, serve):
    """Here to where nobody listens."""
    pytest.importorskip("pooch")
    serve(sample[2], location="https://127.0.0.1:9/semeion.data")
    with pytest.raises(OSError, match=r"failed \(ConnectionError\)"):
        fetch_semeion(data_home=tmp_path)


def test_a_redirect_to_another_place_on_the_same_server_stays_on_https():
    requests = pytest.importorskip("requests")
    response = requests.Response()
    response.status_code, response.url = 301, "https://example.org/a"
    response.headers["Location"] = "/b"
    datasets._stay_on_https(response)
    response.url = "http://example.org/a"
    with pytest.raises(ValueError, match=r"http://example\.org/b, which is not"):
        datasets._stay_on_https(response)


FETCH = """
import sys
from sknet import datasets
datasets.URL, datasets.SHA256, home = sys.argv[1:]
datasets.fetch_semeion(data_home=home)
"""


def test_a_download_that_is_killed_leaves_no_file_of_that_name(sample, tmp_path, serve):
    pytest.importorskip("pooch")
    half_sent, go_on = threading.Event(), threading.Event()

    def during():
        half_sent.set()
        assert go_on.wait(60)

    serve(sample[2], during=during)
    arguments = [datasets.URL, datasets.SHA256, tmp_path]
    with subprocess.Popen([sys.executable, "-c", FETCH, *arguments]) as process:
        assert half_sent.wait(60)
        process.kill()
    go_on.set()
    assert not (tmp_path / "semeion.data").exists()
    assert fetch_semeion(data_home=tmp_path).data.shape == (12, 256)


def test_a_broken_off_download_leaves_a_whole_file_in_place(sample, tmp_path, serve):
    """Another process has been faster."""
    pytest.importorskip("pooch")
    path, contents = tmp_path / "semeion.data", sample[2]
    half = contents[: len(contents) // 2]
    serve(half, length=len(contents), during=lambda: path.write_bytes(contents))
    with pytest.raises(OSError, match="download"):
        fetch_semeion(data_home=tmp_path)
    assert path.read_bytes() == contents
    assert [path.name for path in tmp_path.iterdir()] == ["semeion.data"]


def test_a_disk_that_is_full_is_named(sample, tmp_path, monkeypatch):
    pooch = pytest.importorskip("pooch")

    def full(self, url, output_file, pooch):
        raise OSError(28, "No space left on device", output_file)

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", full)
    with pytest.raises(OSError, match="No space left on device"):
        fetch_semeion(data_home=tmp_path)
    assert list(tmp_path.iterdir()) == []
