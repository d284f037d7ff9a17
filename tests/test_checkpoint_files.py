"""Files that Checkpoint writes, what it finds out before training, what it leaves."""

import os
import random
import subprocess
import sys
import time

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


def test_a_folder_that_is_read_only(iris, tmp_path, monkeypatch):
    def refuse(self, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(ours.Path, "touch", refuse)  # nothing is denied to root
    net = network(random_state=NoTraining())
    with pytest.raises(PermissionError):
        net.set_callbacks(Checkpoint(tmp_path / "net.joblib")).fit(*iris)


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
        assert len(left) <= 1
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
