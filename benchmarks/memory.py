"""Peak memory of a piece of work within a process."""

import contextlib
import ctypes
import gc
import sys
import threading
from pathlib import Path

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
SECONDS_BETWEEN_SAMPLES = 0.002


def release_freed():
    """Give freed memory back, so that what is allocated next counts in full."""
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only
        if trim is not None:
            trim(0)


def status(field):
    """Bytes that the kernel reports; None where it does not."""
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None


def resident_peak():
    """Largest resident set so far.

    Linux's VmHWM is the ru_maxrss of this program alone: the latter also counts the
    process that started it.
    """
    high_water = status("VmHWM")
    if high_water is not None:
        return high_water
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class PeakMemory:
    """Context that measures its body.

    Attributes
    ----------
    bytes : dict
        ``before``, resident at the start; ``peak``, the most above that; and
        ``anonymous``, the part of the peak that is not pages of files (None where the
        kernel does not tell).  A memory map's pages are resident while there is room,
        but cost nobody anything.
    """

    def __enter__(self):
        self._over, self._sampled = threading.Event(), threading.Event()
        self._anonymous_peak = 0
        self._sampler = threading.Thread(target=self._sample)
        self._sampler.start()
        self._sampled.wait()  # the thread's own memory is not to count
        # Lower the high-water mark to the present; where that cannot be done it stays
        # that of all that went before.
        with contextlib.suppress(OSError):
            CLEAR_REFS.write_text("5")
        self._before = status("VmRSS") or resident_peak()
        self._anonymous_before = self._anonymous_peak = status("RssAnon")
        return self

    def _sample(self):
        while not self._over.wait(SECONDS_BETWEEN_SAMPLES):
            anonymous = status("RssAnon")
            if anonymous is not None:
                self._anonymous_peak = max(self._anonymous_peak, anonymous)
            self._sampled.set()

    def __exit__(self, *exception):
        self._over.set()
        self._sampler.join()
        anonymous = None
        if self._anonymous_before is not None:
            anonymous = self._anonymous_peak - self._anonymous_before
        self.bytes = {
            "before": self._before,
            "peak": resident_peak() - self._before,
            "anonymous": anonymous,
        }
