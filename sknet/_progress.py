"""What a fit prints: nothing, a progress bar, or a line for each epoch."""

import multiprocessing
import threading
from contextlib import suppress
from time import perf_counter


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
    progress : Silence, Bar or Lines
    """
    in_worker = (
        multiprocessing.current_process().name != "MainProcess"
        or threading.current_thread() is not threading.main_thread()
    )
    if not verbose or in_worker:
        return Silence()
    if verbose > 1:
        return Lines()
    for bar in RichBar, TqdmBar:
        with suppress(ImportError):
            return bar(n_epochs)
    return LastLine()


class Silence:
    """Shows nothing."""

    def epoch(self, number, facts):
        """Show an epoch: its number and a dict of what is known of it."""

    def say(self, message):
        """Show why training ends."""

    def close(self):
        """Training has ended."""


class Lines(Silence):
    """A line for each epoch, that of ``MLPClassifier`` with more facts appended."""

    def epoch(self, number, facts):
        """Print the epoch's line."""
        print(f"Iteration {number}, {_in_words(facts, digits=8)}")

    def say(self, message):
        """Print why training ends."""
        print(message)


class LastLine(Silence):
    """One line at the end, where no library for progress bars is installed."""

    def __init__(self):
        self._start = perf_counter()
        self._last = None

    def epoch(self, number, facts):
        """Remember the epoch."""
        self._last = number, facts

    def close(self):
        """Print the last epoch's line and the time that all took."""
        if self._last is not None:
            number, facts = self._last
            seconds = perf_counter() - self._start
            print(f"{number} epochs in {seconds:.1f} s, {_in_words(facts)}")


class RichBar(Silence):
    """Progress bar of rich."""

    def __init__(self, n_epochs):
        from rich.errors import LiveError
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TextColumn("{task.description}"),
        )
        self._task = self._progress.add_task("", total=n_epochs)
        with suppress(LiveError):  # rich < 14.1 shows one display at a time
            self._progress.start()

    def epoch(self, number, facts):
        """Move the bar."""
        self._progress.update(
            self._task, completed=number, description=_in_short(facts)
        )

    def close(self):
        """Leave the bar as it is."""
        self._progress.stop()


class TqdmBar(Silence):
    """Progress bar of tqdm."""

    def __init__(self, n_epochs):
        from tqdm import tqdm

        self._bar = tqdm(total=n_epochs, unit="epoch")

    def epoch(self, number, facts):
        """Move the bar."""
        self._bar.set_postfix_str(_in_short(facts), refresh=False)
        self._bar.update(number - self._bar.n)

    def close(self):
        """Leave the bar as it is."""
        self._bar.close()


def _in_short(facts):
    """What there is room for beside a bar in 80 columns."""
    essential = "loss", "validation score"
    return _in_words({name: facts[name] for name in essential if name in facts})


def _in_words(facts, digits=4):
    words = []
    for name, value in facts.items():
        exact = f".{digits}f" if name == "loss" else ".4g"
        words.append(f"{name} = {value:{exact}}")
    return ", ".join(words)
