"""Tells pytest which modules' examples need a newer scikit-learn."""

from importlib.util import find_spec

if find_spec("sklearn.callback") is None:  # before 1.9
    collect_ignore = ["sknet/callbacks.py"]
