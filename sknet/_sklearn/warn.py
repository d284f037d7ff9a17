"""Warns at the user's line, past the frames of libraries."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

# A warning is about the call that led into these, not about a line of theirs.
LIBRARIES = frozenset({"sknet", "sklearn", "numpy", "scipy", "joblib", "contextlib"})
_told_in_searches: set[str] = set()


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called into sknet, perhaps through scikit-learn."""
    warnings.warn(message, category, stacklevel=1 + len(_frames_of_libraries()))


def not_yet_told(topics: list[str]) -> list[str]:
    """Those of the topics that this process's searches have not warned of yet.

    Outside a search these are all: there, how often to show a warning is for the
    filters of :mod:`warnings` to decide.
    """
    modules = [frame.f_globals.get("__name__", "") for frame in _frames_of_libraries()]
    if not any(name.startswith("sklearn.model_selection") for name in modules):
        return topics
    untold = [topic for topic in topics if topic not in _told_in_searches]
    _told_in_searches.update(untold)
    return untold


def _frames_of_libraries() -> list[FrameType]:
    """The caller's frame and those above it, up to the user's, which is left out."""
    frames = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _library_of(frame) in LIBRARIES:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _library_of(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]
