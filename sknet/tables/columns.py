"""Which columns of a table hold numbers, which categories; and both made uniform."""

from __future__ import annotations

from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.fixes import parse_version

SINCE_1_9 = parse_version(sklearn.__version__) >= parse_version("1.9")
# What a column of objects may hold that is neither a number nor a category.
KINDS_OF_OBJECTS = {
    "M": (date, time, timedelta, np.datetime64, np.timedelta64),
    "c": (complex, np.complexfloating),
}


def number_columns(X: Any) -> list[Any]:
    """Columns of a table that hold numbers.

    Parameters
    ----------
    X : data frame of pandas or polars, or ndarray, of shape (n_samples, n_features)

    Returns
    -------
    columns : list of str or int
        Names, or positions where not all names are strings, and for polars 2 with a
        scikit-learn before 1.9.

    Raises
    ------
    ValueError
        For a column of dates or times.
    """
    return _columns(X, numbers=True)


def category_columns(X: Any) -> list[Any]:
    """Columns of a table that hold anything but numbers: strings, booleans, ...

    Parameters
    ----------
    X : data frame of pandas or polars, or ndarray, of shape (n_samples, n_features)

    Returns
    -------
    columns : list of str or int
        As of :func:`number_columns`.
    """
    return _columns(X, numbers=False)


def _columns(X: Any, *, numbers: bool) -> list[Any]:
    if sparse.issparse(X):
        raise ValueError(
            f"X of shape {X.shape} is sparse, which a table is not: pass X.toarray(), "
            "or give it to a network without tabular_pipeline."
        )
    if len(X.shape) != 2:
        raise ValueError(
            f"X of shape {X.shape} is no table of rows and columns: pass a data frame "
            "or an array of 2 dimensions, X.reshape(-1, 1) or X.to_frame() if it is "
            "one column."
        )
    names = list(getattr(X, "columns", range(X.shape[1])))
    chosen = [j for j, name in enumerate(names) if _is_number(X, j, name) == numbers]
    if _has_known_names(X) and all(isinstance(name, str) for name in names):
        return [names[j] for j in chosen]
    return chosen


def _has_known_names(X: Any) -> bool:
    """Whether scikit-learn finds columns by name: not those of polars 2 before 1.9."""
    return any(hasattr(X, a) for a in ("iloc", "__dataframe__")) or SINCE_1_9


def _is_number(X: Any, j: int, name: Any) -> bool:
    """Whether a column is one of numbers; dates and complex numbers are refused."""
    column = X.iloc[:, j] if hasattr(X, "iloc") else X[:, j]
    dtype = column.dtype
    if hasattr(dtype, "is_temporal"):  # of polars
        kind = "f" if dtype.is_numeric() else "M" if dtype.is_temporal() else "O"
    else:
        kind = "M" if hasattr(dtype, "freq") else dtype.kind  # periods of pandas
    known = []
    if dtype == np.dtype(object):
        known = [value for value in column if not _is_missing(value)]
        for word, types in KINDS_OF_OBJECTS.items():
            if any(isinstance(value, types) for value in known):
                kind = word
    if kind in "mM":
        raise ValueError(
            f"column {name!r} holds dates or times ({dtype}): turn them into numbers "
            "or categories first, a year and a month say"
        )
    if kind == "c":
        raise ValueError(
            f"column {name!r} holds complex numbers ({dtype}): make two columns of "
            "their real and imaginary parts"
        )
    return (bool(known) and all(map(_is_real, known))) or kind in "iuf"


def _is_real(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA neither is nor is not itself
        return True
    except ValueError:  # an array
        return False


def as_numbers(X: Any) -> Any:
    """Columns of numbers, with NaN where one is missing.

    Only where some are objects, as pandas makes them of numbers and None, is anything
    changed: all is float64 then.

    Parameters
    ----------
    X : data frame or ndarray of shape (n_samples, n_features)

    Returns
    -------
    X_out : data frame or ndarray of shape (n_samples, n_features)

    Raises
    ------
    ValueError
        For an object that is no number, or beyond the largest float.
    """
    if not _has_known_names(X):  # or FunctionTransformer would ask for x0, x1, ...
        X = np.asarray(X)
    dtypes = X.dtypes if hasattr(X, "iloc") else [getattr(X, "dtype", None)]
    if not any(dtype == np.dtype(object) for dtype in dtypes if dtype is not None):
        return X
    values = np.asarray(X, dtype=object)
    out = [np.nan if _is_missing(value) else _number(value) for value in values.flat]
    numbers = np.array(out, dtype=np.float64).reshape(values.shape)
    if hasattr(X, "iloc"):  # its names are looked for by the next step
        return type(X)(numbers, index=X.index, columns=X.columns)
    return numbers


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"a column of numbers has a value of type {type(value).__name__} that is "
            f"no float ({error}): give it as one, or None where it is missing."
        ) from None


def as_text(X: Any) -> NDArray[Any]:
    """Categories as strings, None where one is missing.

    So every kind of category can be sorted, and every kind of missing value (None, NaN,
    NaT, pandas.NA) is the same one.

    Parameters
    ----------
    X : data frame or array-like of shape (n_samples, n_features)

    Returns
    -------
    X_out : ndarray of object, of shape (n_samples, n_features)
    """
    values = np.asarray(X, dtype=object)
    out = [None if _is_missing(value) else str(value) for value in values.flat]
    return np.array(out, dtype=object).reshape(values.shape)
