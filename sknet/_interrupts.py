"""Holds Ctrl-C back while a step, or other work that must not be cut, is under way."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

try:  # the same without enums: held_back takes 2 µs instead of 8, twice in every epoch
    from _signal import getsignal
    from _signal import signal as handle
except ImportError:
    from signal import getsignal
    from signal import signal as handle


class InterruptedAfterStep(KeyboardInterrupt):
    """Ctrl-C that was held back until a step, and with it theta, was complete.

    Any other ``KeyboardInterrupt`` may have come in the middle of one.
    """


class held_back:
    """Context that holds SIGINT back until ``deliver`` is called, or to its own end.

    It is then handed to the handler that it was meant for, Python's own or that of
    the program.  A handler that does not raise lets things go on.

    Pressed again while it is held back, Ctrl-C does not wait: an augmentation may take
    its time, or never return.

    Only the main thread hears Ctrl-C; elsewhere, and where SIGINT is ignored, ends the
    process or is handled outside Python, this does nothing.

    Raises
    ------
    InterruptedAfterStep
        Where the handler raises ``KeyboardInterrupt``, as Python's own does.

    Examples
    --------
    >>> try:
    ...     with held_back():
    ...         signal.raise_signal(signal.SIGINT)
    ...         print("done")
    ... except InterruptedAfterStep:
    ...     print("then interrupted")
    done
    then interrupted
    """

    _handler: Callable[[int, FrameType | None], Any] | None = None
    _pressed: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> "held_back":
        handler = getsignal(signal.SIGINT)
        in_main_thread = threading.current_thread() is threading.main_thread()
        # SIG_DFL and SIG_IGN are numbers, a handler outside Python is None.
        if in_main_thread and callable(handler):
            self._handler = handler
            handle(signal.SIGINT, self._press)
        return self

    def _press(self, signum: int, frame: FrameType | None) -> None:
        if self._pressed:
            assert self._handler is not None
            self._handler(signum, frame)
        self._pressed = signum, frame

    def deliver(self) -> None:
        """Let a Ctrl-C that is held back take its effect now."""
        if self._pressed and self._handler:
            pressed, self._pressed = self._pressed, None
            try:
                self._handler(*pressed)
            except KeyboardInterrupt as interrupt:
                raise InterruptedAfterStep from interrupt

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._handler:
            handle(signal.SIGINT, self._handler)
        if error is None:
            self.deliver()
