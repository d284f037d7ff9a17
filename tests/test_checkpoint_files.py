"""Files that Checkpoint writes, what it finds out before training, what it leaves."""

import errno
import os
import pickle
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sknet import ScratchMLPClassifier

pytest.importorskip("sklearn.callback", reason="callbacks came with scikit-learn 1.9")

from sknet import callbacks as ours
from sknet.callbacks import Checkpoint, TimeLimit

ENDLESS = {"tol": 0, "n_iter_no_change": np.inf}


def network(**parameters):
    settings = {"max_iter": 5, "random_state": 0, **ENDLESS, **parameters}
    return ScratchMLPClassifier((3,), **settings)


class NoTraining(np.random.RandomState):
    """Fails at the first shuffle."""

    def shuffle(self, x):
        raise AssertionError("training has begun")


class Moving(Checkpoint):
    """Goes to another working directory in the midst of training."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        os.chdir(self.path.stem)
        super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)
        os.chdir("..")


def test_the_working_directory_may_change(iris, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net").mkdir()
    network().set_callbacks(Moving("net.joblib")).fit(*iris)
    assert os.listdir("net") == []
    assert joblib.load("net.joblib").n_iter_ == 5


class Copied(Checkpoint):
    """Is copied in the midst of training, and the copy told of its end."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        for other in deepcopy(self), pickle.loads(pickle.dumps(self)):
            other.teardown(estimator, context.parent or context)
            with pytest.raises(BlockingIOError, match="Another fit is writing"):
                other.setup(estimator, context)
        super().on_fit_task_end(estimator, context, fitted_estimator=fitted_estimator)


def test_a_copy_does_not_let_go_of_the_lock(iris, tmp_path):
    path = tmp_path / "net.joblib"
    network().set_callbacks(Copied(path)).fit(*iris)
    assert joblib.load(path).n_iter_ == 5
    assert os.listdir(tmp_path) == ["net.joblib"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_replaced(iris, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="a device, a pipe or a socket"):
        network().set_callbacks(Checkpoint(path)).fit(*iris)
    assert path.is_fifo()


@pytest.mark.parametrize("every", [1, 2, 5, 7, 10])
@pytest.mark.parametrize("end", ["max_iter", "patience", "TimeLimit"])
def test_the_last_epoch_is_always_written(every, end, iris, tmp_path):
    path = tmp_path / "net.joblib"
    net = network(early_stopping=end == "patience", max_iter=50)
    callbacks = [Checkpoint(path, every)]
    if end == "patience":
        net.set_params(n_iter_no_change=3, tol=1.0)
    if end == "TimeLimit":
        callbacks.append(TimeLimit(0))
    net.set_callbacks(*callbacks).fit(*iris)
    assert joblib.load(path).n_iter_ == net.n_iter_
    assert os.listdir(tmp_path) == ["net.joblib"]


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", IsADirectoryError),
        (".", IsADirectoryError),
        ("folder", IsADirectoryError),
        ("a" * 300, OSError),
        ("nowhere/net", FileNotFoundError),
        ("nu\0ll", ValueError),
    ],
)
def test_paths_that_cannot_be_written_to(path, error, iris, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    net = network(random_state=NoTraining())
    with pytest.raises(error):
        net.set_callbacks(Checkpoint(path)).fit(*iris)
    assert os.listdir(tmp_path) == ["folder"]


def test_a_long_name_can_be_written(iris, tmp_path):
    path = tmp_path / ("é" * 120)  # 240 bytes: a file system allows 255
    network().set_callbacks(Checkpoint(path)).fit(*iris)
    assert joblib.load(path).n_iter_ == 5


@pytest.mark.parametrize(
    "parameters",
    [
        {"augment": lambda X, rng: X},
        {"activation": (lambda z: z, lambda a: np.ones_like(a))},
        {"learning_rate": lambda fraction: 1.0},
    ],
    ids=lambda parameters: next(iter(parameters)),
)
def test_parameters_that_cannot_be_pickled(parameters, iris, tmp_path):
    net = network(random_state=NoTraining(), **parameters)
    net.set_callbacks(Checkpoint(tmp_path / "net.joblib"))
    with pytest.raises(TypeError, match=f"cannot write {next(iter(parameters))}="):
        net.fit(*iris)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("exists", [False, True])
def test_a_symbolic_link_is_followed(exists, iris, tmp_path):
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    if exists:
        (folder / "net").write_bytes(b"old")
    link.symlink_to(folder / "net")
    network().set_callbacks(Checkpoint(link)).fit(*iris)
    assert link.is_symlink()
    assert joblib.load(folder / "net").n_iter_ == 5
    assert os.listdir(folder) == ["net"]


# -- what fails in the midst of training -----------------------------------------------


class Once(np.random.RandomState):
    """Calls a function at the third shuffle, that of the third epoch."""

    def __init__(self, function):
        super().__init__(0)
        self.function, self.left = function, 3

    def __reduce__(self):
        return np.random.RandomState, (0,)

    def shuffle(self, x):
        super().shuffle(x)
        self.left -= 1
        if self.left == 0:
            self.function()


def assert_cut_short_and_goes_on(path, iris, begin, end, error):
    """The third epoch cannot be written; training goes on from the second, bit for bit.

    ``begin`` makes writing fail, ``end`` lets it succeed again.
    """
    net = network(random_state=Once(begin)).set_callbacks(Checkpoint(path))
    try:
        with pytest.raises(error, match=r"could not write epoch 3 .* go on") as raised:
            net.fit(*iris)
    finally:
        end()
    assert joblib.load(path).n_iter_ == 2
    left = [name for name in os.listdir(path.parent) if not name.endswith("-lock")]
    assert left == [path.name]
    assert net.n_iter_ == 3  # in memory nothing is lost, either
    resumed = joblib.load(path).set_params(warm_start=True)
    resumed.set_callbacks(Checkpoint(path)).fit(*iris)
    expected = network(random_state=np.random.RandomState(0)).fit(*iris)
    for W, expected_W in zip(resumed.coefs_, expected.coefs_, strict=True):
        assert_array_equal(W, expected_W)
    assert os.listdir(path.parent) == [path.name]
    return raised.value


def test_a_file_that_may_not_grow_so_large(iris, tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    error = assert_cut_short_and_goes_on(
        tmp_path / "net.joblib",
        iris,
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard)),
        lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)),
        OSError,
    )
    assert error.errno == errno.EFBIG


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 128 KiB."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    options = ["-t", "tmpfs", "-o", "size=128k", "tmpfs", tmp_path]
    if not mount or subprocess.run([mount, *options], capture_output=True).returncode:
        pytest.skip("needs the right to mount a file system")
    yield tmp_path
    subprocess.run([unmount, tmp_path], check=True)


def test_a_disk_that_is_full(iris, small_disk, tmp_path_factory):
    folder = small_disk / "checkpoints"
    folder.mkdir()
    other = small_disk / "other"

    def fill():
        with suppress(OSError), open(other, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    path = folder / "net.joblib"
    error = assert_cut_short_and_goes_on(path, iris, fill, other.unlink, OSError)
    assert error.errno == errno.ENOSPC


@contextmanager
def not_as_root():
    """Root may write everywhere: be somebody else."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder_of_mine():
    """A folder that belongs to whoever ``not_as_root`` makes us."""
    if not hasattr(os, "seteuid"):
        pytest.skip("needs permissions of POSIX")
    folder = Path(tempfile.mkdtemp())
    if not os.geteuid():
        os.chown(folder, 65534, 65534)
    with not_as_root():
        if not os.access(folder.parent, os.X_OK, effective_ids=True):
            pytest.skip("needs a folder for temporary files that all may enter")
        yield folder
    shutil.rmtree(folder)


def test_a_folder_that_is_read_only(iris, folder_of_mine):
    folder_of_mine.chmod(0o555)
    net = network(random_state=NoTraining())
    with pytest.raises(PermissionError, match="cannot write into the folder"):
        net.set_callbacks(Checkpoint(folder_of_mine / "net.joblib")).fit(*iris)
    assert os.listdir(folder_of_mine) == []
    folder_of_mine.chmod(0o755)


def test_a_folder_that_becomes_read_only(iris, folder_of_mine):
    assert_cut_short_and_goes_on(
        folder_of_mine / "net.joblib",
        iris,
        lambda: folder_of_mine.chmod(0o555),
        lambda: folder_of_mine.chmod(0o755),
        PermissionError,
    )


KILLED = """
import sys
import numpy as np
from sklearn.datasets import load_iris
from sknet import ScratchMLPClassifier
from sknet.callbacks import Checkpoint
net = ScratchMLPClassifier((3000,), max_iter=10**6, tol=0, n_iter_no_change=np.inf)
print("begins", flush=True)
net.set_callbacks(Checkpoint(sys.argv[1])).fit(*load_iris(return_X_y=True))
"""


def test_kills_leave_one_temporary_file_at_most(iris, tmp_path):
    path, beside = tmp_path / "net[1].joblib", tmp_path / ".net[1].joblib.mine"
    beside.touch()
    for seed in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        time.sleep(0.2 + 0.3 * random.Random(seed).random())
        process.kill()
        process.communicate()
        left = set(os.listdir(tmp_path)) - {path.name, beside.name}
        assert len({name for name in left if not name.endswith("-lock")}) <= 1
    assert joblib.load(path).n_iter_ >= 1  # whole, whenever it was killed
    network().set_callbacks(Checkpoint(path)).fit(*iris)
    assert set(os.listdir(tmp_path)) == {path.name, beside.name}


def test_what_an_earlier_process_left_is_swept(iris, tmp_path):
    path = tmp_path / "net.joblib"
    left = ours._new_beside(path)
    other = ours._new_beside(tmp_path / "net.joblib2")
    for file in left, other:
        file.touch()
    network().set_callbacks(Checkpoint(path)).fit(*iris)
    assert not left.exists()
    assert other.exists()


@pytest.mark.parametrize("kind", [Checkpoint, TimeLimit])
@pytest.mark.parametrize("of", ["pipeline", "search"])
def test_callbacks_belong_on_the_network(kind, of, iris, tmp_path):
    callback = kind(tmp_path / "net") if kind is Checkpoint else kind(1)
    net = network(random_state=None)
    model = make_pipeline(net) if of == "pipeline" else GridSearchCV(net, {}, cv=2)
    name = type(model).__name__
    with pytest.raises(
        TypeError, match=f"{kind.__name__} must be set .* not on {name}"
    ):
        model.set_callbacks(callback).fit(*iris)


def test_the_last_epoch_can_be_gone_on_from(iris, tmp_path):
    path = tmp_path / "net.joblib"

    net = network().set_callbacks(Checkpoint(path, every=10)).fit(*iris)
    resumed = joblib.load(path).set_params(warm_start=True, max_iter=8)
    expected = network(max_iter=8).fit(*iris)
    assert_array_equal(resumed.fit(*iris).coefs_[0], expected.coefs_[0])
    assert net.n_iter_ == 5
