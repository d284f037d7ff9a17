"""Loads the article's data: Semeion's 1593 handwritten digits, from UCI."""

import hashlib
import io
import os
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
from sklearn.datasets import get_data_home
from sklearn.utils import Bunch

from sknet._extras import how_to_install

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/semeion/semeion.data"
SHA256 = "f43228ae3da5ea6a3c95069d53450b86166770e3b719dcc333182128fe08d4b1"

DESCR = f"""\
Semeion handwritten digits
--------------------------

:Number of instances: 1593
:Number of attributes: 256, the pixels of a 16x16 image row by row, 1.0 is ink
:Classes: 10, the digits 0 to 9
:Missing values: none
:Source: {URL}
:Licence: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/

About 80 people wrote each digit twice, once with care and once fast. The scans
were stretched to 16x16 pixels of 256 grey levels, and each pixel was set to 1
above level 127 and to 0 otherwise. Who wrote which digit is not recorded.

Made by Tactile Srl, Brescia, Italy, and given in 1994 to the Semeion Research
Center of Sciences of Communication, Rome, Italy, for machine learning research.

Cite as: Semeion Handwritten Digit [Dataset]. (1998). UCI Machine Learning
Repository. https://doi.org/10.24432/C5SC8V
"""


def fetch_semeion(
    *, data_home=None, download_if_missing=True, return_X_y=False, as_frame=False
):
    """Load the Semeion handwritten digits, downloading them the first time.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder of ``semeion.data``. By default the one that the environment
        variable ``SKNET_DATA`` names, else scikit-learn's data home. It is written
        to only by a download, so a folder that has the file may be read-only.
    download_if_missing : bool, default=True
        If False, raise an OSError when the folder does not have the file.
    return_X_y : bool, default=False
        If True, return ``(data, target)`` instead of a Bunch.
    as_frame : bool, default=False
        If True, ``data`` is a pandas DataFrame and ``target`` a Series.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        With ``data``, float64 of shape (1593, 256), each value 0 or 1; ``target``,
        the digits as int of shape (1593,); ``images``, ``data`` in the shape
        (1593, 16, 16); ``feature_names``; ``target_names``; ``frame``, data and
        target side by side if ``as_frame`` else None; and ``DESCR``, with the
        source, the licence and what to cite.
    (data, target) : tuple, if ``return_X_y``

    Raises
    ------
    OSError
        If the file is neither there nor to be had, or is truncated or altered.
    ImportError
        If a download needs pooch, or ``as_frame`` needs pandas.

    Examples
    --------
    >>> from sknet.datasets import fetch_semeion
    >>> X, y = fetch_semeion(return_X_y=True)  # doctest: +SKIP
    >>> X.shape, y[:3]  # doctest: +SKIP
    ((1593, 256), array([0, 0, 0]))
    """
    folder = data_home or os.environ.get("SKNET_DATA") or get_data_home()
    path = Path(folder).expanduser() / "semeion.data"
    if not path.exists():
        if not download_if_missing:
            raise _missing(path, "download_if_missing is False")
        _download(path)
    table = np.loadtxt(io.BytesIO(_checked_bytes(path)))
    data = np.ascontiguousarray(table[:, :256])
    target = table[:, 256:].argmax(axis=1)  # ten columns, one of them 1
    images = data.reshape(-1, 16, 16)
    feature_names = [f"pixel_{row}_{col}" for row in range(16) for col in range(16)]
    frame = None
    if as_frame:
        import pandas as pd

        data = pd.DataFrame(data, columns=feature_names)
        target = pd.Series(target, name="target")
        frame = pd.concat([data, target], axis=1)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=feature_names,
        target_names=np.arange(10),
        images=images,
        DESCR=DESCR,
    )


def _download(path):
    """Put UCI's file at `path`; pooch moves it there once complete and checked."""
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            f"Downloading Semeion needs pooch: {how_to_install('pooch', 'datasets')}; "
            f"or save {URL} as {path}."
        ) from error
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # pooch reports each download on stderr
    try:
        hooks = {"response": _stay_on_https}
        downloader = pooch.HTTPDownloader(timeout=30, hooks=hooks)
        pooch.retrieve(URL, SHA256, path.name, path.parent, downloader=downloader)
    except OSError as error:
        fault = error.strerror or type(error).__name__
        raise _missing(path, f"the download failed ({fault})") from error
    except ValueError as error:  # the hash, of which the message gives both; HTTP
        raise _missing(path, f"the download was refused ({error})") from error
    finally:
        logger.setLevel(level)


def _stay_on_https(response, **kwargs):
    """Follow no redirect to an address that anybody on the way could answer for."""
    target = urljoin(response.url, response.headers.get("location", ""))
    if response.is_redirect and not target.lower().startswith("https://"):
        raise ValueError(f"the server sends on to {target}, which is not HTTPS")


def _missing(path, reason):
    return OSError(
        f"Semeion is not at {path} and {reason}: save {URL} there, or name the "
        "folder that has it with data_home or SKNET_DATA."
    )


def _checked_bytes(path):
    """Contents of `path`; an OSError unless they are UCI's to the last byte."""
    contents = path.read_bytes()
    found = hashlib.sha256(contents).hexdigest()
    if found != SHA256:
        raise OSError(
            f"{path} is truncated or altered (its sha256 is {found}, not {SHA256}): "
            f"delete it and fetch again, or save {URL} in its place."
        )
    return contents
