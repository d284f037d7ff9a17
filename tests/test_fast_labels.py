"""Labels that can be nothing else take a short way, to the same classes and codes."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.fixes import parse_version
from sklearn.utils.multiclass import type_of_target

from sknet._sklearn.labels import encode, learn_labels

COLUMNS = {
    "two": np.array([3, -1, 3, -1] * 5),
    "three": np.array([2, 0, 1] * 5, dtype=np.uint8),
    "one": np.full(8, 7),
    "bools": np.array([True, False] * 5),
    "strings": np.array(["b", "a", "long"] * 5),
    "far apart": np.array([-(2**62), 2**62, 0] * 4),
    "nearly all different": np.arange(20),
}


@pytest.mark.parametrize("y", COLUMNS.values(), ids=COLUMNS)
def test_classes_and_codes_are_those_of_scikit_learn(y):
    labels, reference = learn_labels(y), LabelEncoder().fit(y)
    assert labels.kind == ("multiclass" if y[0] == 7 else type_of_target(y))
    assert_array_equal(labels.classes, reference.classes_)
    assert labels.classes.dtype == reference.classes_.dtype
    codes = encode(y, labels.kind, labels.classes)
    assert_array_equal(codes, reference.transform(y))
    assert codes.dtype == np.intp


@pytest.mark.parametrize("unseen", [-5, 1, 9])
def test_labels_below_between_and_above_the_classes_are_unseen(unseen):
    classes, y = np.array([0, 2, 4]), np.array([0, 4, unseen])
    with pytest.raises(ValueError, match=rf"labels \[{unseen}\] that are not among"):
        encode(y, "multiclass", classes)


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="scikit-learn 1.8 began to warn",
)
def test_integers_that_are_nearly_all_different_are_warned_of():
    with pytest.warns(UserWarning, match="unique classes is greater than 50%"):
        learn_labels(np.arange(30))
