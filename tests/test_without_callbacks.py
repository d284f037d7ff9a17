"""Before scikit-learn 1.9 there are no callbacks, and nothing else is missing."""

import subprocess
import sys

SCRIPT = """
import sys
import sklearn.compose, sklearn.model_selection  # what scikit-learn 1.9 itself needs
sys.modules["sklearn.callback"] = None  # as before 1.9: the import fails

import warnings
import numpy as np
from sknet import ScratchMLPClassifier

net = ScratchMLPClassifier((3,), max_iter=2, tol=0, n_iter_no_change=np.inf)
assert not hasattr(net, "set_callbacks")
X, y = np.eye(6), [0, 1, 2] * 2
assert net.fit(X, y).n_iter_ == 2
assert net.partial_fit(X, y).n_iter_ == 1
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it has not converged
    assert net.set_params(solver="lbfgs").fit(X, y).n_iter_ == 2
import sknet.callbacks
"""


def test_fits_without_set_callbacks_and_says_what_sknet_callbacks_needs():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    last = run.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: sknet.callbacks needs scikit-learn 1.9 or ")
