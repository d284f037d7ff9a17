"""What a fit prints: nothing, a progress bar, or a line for each epoch."""

import multiprocessing
import sys
import threading
from contextlib import suppress
from math import isnan, nan
from time import perf_counter

IN_WORDS = {
    "val_loss": "validation loss",
    "val_score": "validation score",
    "learning_rate": "learning rate",
    "grad_norm": "gradient norm",
}


def progress(verbose, n_epochs):
    """What shows the progress of one fit.

    Parameters
    ----------
    verbose : bool or int
        0 is silent, 1 a progress bar, 2 and more a line for each epoch.  In the
        workers of a search nothing is shown whatever it is: their lines would mix.
    n_epochs : int
        Most epochs there will be.

    Returns
    -------
    progress : Silence
        Or one of those below that show something.
    """
    in_worker = (
        multiprocessing.current_process().name != "MainProcess"
        or threading.current_thread() is not threading.main_thread()
    )
    if not verbose or in_worker:
        return Silence()
    if verbose > 1:
        return Lines()
    if not threading.main_thread().is_alive():  # bars have threads: none begins now
        return LastLine()
    for bar in RichBar, TqdmBar:
        # Not installed, no stream to write to, no threads left: training matters more.
        with suppress(Exception):
            return bar(n_epochs)
    return LastLine()


class Silence:
    """Shows nothing."""

    def epoch(self, number, cost, facts):
        """Show an epoch: its number, cost, and what ``history_`` has of it."""

    def say(self, message):
        """Show why training ends."""

    def close(self):
        """Training has ended."""


class Lines(Silence):
    """A line for each epoch, that of ``MLPClassifier`` with more facts appended."""

    def epoch(self, number, cost, facts):
        """Print the epoch's line."""
        details = _in_words(facts, IN_WORDS)
        print(f"Iteration {number}, loss = {cost:.8f}{details}")

    def say(self, message):
        """Print why training ends."""
        print(message)


class LastLine(Silence):
    """One line at the end, where no library for progress bars is installed."""

    def __init__(self):
        self._start = perf_counter()
        self._last = None

    def epoch(self, number, cost, facts):
        """Remember the epoch."""
        self._last = number, cost, facts

    def close(self):
        """Print the last epoch's line and the time that all took."""
        if self._last is not None:
            number, *facts = self._last
            seconds = perf_counter() - self._start
            print(f"{number} epochs in {seconds:.1f} s, {_in_short(*facts)}")


class RichBar(Silence):
    """Progress bar of rich."""

    def __init__(self, n_epochs):
        from rich import get_console
        from rich.errors import LiveError
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        if get_console().is_jupyter:  # there rich shows nothing without
            import ipywidgets  # noqa: F401
        self._progress = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.description}"),
        )
        self._task = self._progress.add_task("", total=n_epochs)
        try:
            self._progress.start()
        except LiveError:  # rich < 14.1 shows one display at a time
            pass
        except BaseException:
            self._progress.stop()
            raise

    def epoch(self, number, cost, facts):
        """Move the bar."""
        self._progress.update(
            self._task, completed=number, description=_in_short(cost, facts)
        )

    def close(self):
        """Leave the bar as it is."""
        self._progress.stop()


class TqdmBar(Silence):
    """Progress bar of tqdm."""

    def __init__(self, n_epochs):
        from tqdm import tqdm

        if sys.stderr is None:  # a bar that fails to begin fails again when deleted
            raise OSError("there is no stream for the bar")
        self._bar = tqdm(total=n_epochs, unit="epoch")

    def epoch(self, number, cost, facts):
        """Move the bar."""
        self._bar.set_postfix_str(_in_short(cost, facts), refresh=False)
        self._bar.update(number - self._bar.n)

    def close(self):
        """Leave the bar as it is."""
        self._bar.close()


def _in_short(cost, facts):
    """What there is room for beside a bar in 80 columns."""
    return f"loss = {cost:.4f}{_in_words(facts, ['val_score'])}"


def _in_words(facts, names):
    """Those of the facts that are there; "lbfgs" has no learning rate."""
    return "".join(
        f", {IN_WORDS[name]} = {facts[name]:.4g}"
        for name in names
        if not isnan(facts.get(name, nan))
    )
