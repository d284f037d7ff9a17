"""Ctrl-C is held back while it must be, and always reaches the one it was meant for."""

import signal
import threading

import pytest

from sknet._interrupts import InterruptedAfterStep, held_back


@pytest.fixture(autouse=True)
def _python_handles_ctrl_c():
    """As in a program that was just started, whoever runs the tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press():
    signal.raise_signal(signal.SIGINT)


def test_without_ctrl_c_nothing_happens():
    with held_back() as ctrl_c:
        ctrl_c.deliver()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def hold_and(*actions):
    with held_back():
        for action in actions:
            action()


def test_it_waits_for_the_end():
    done = []
    with pytest.raises(InterruptedAfterStep):
        hold_and(press, lambda: done.append(True))
    assert done
    with pytest.raises(KeyboardInterrupt):  # and is heard as before
        press()


def test_it_waits_for_each_delivery_and_comes_once():
    with held_back() as ctrl_c:
        for _ in range(2):
            press()
            with pytest.raises(InterruptedAfterStep):
                ctrl_c.deliver()
            ctrl_c.deliver()


def test_pressed_again_it_does_not_wait():
    done = []
    with pytest.raises(KeyboardInterrupt) as interrupt:
        hold_and(press, press, lambda: done.append(True))
    assert not done
    assert type(interrupt.value) is KeyboardInterrupt
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_is_not_replaced():
    with pytest.raises(ZeroDivisionError):
        hold_and(press, lambda: 1 / 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_programs_own_hears_every_press():
    heard = []

    def handler(signum, frame):
        heard.append(signum)

    signal.signal(signal.SIGINT, handler)
    with held_back() as ctrl_c:
        press()
        assert heard == []
        ctrl_c.deliver()
        assert heard == [signal.SIGINT]
        press()
        press()
    assert heard == [signal.SIGINT] * 3
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_where_python_does_not_handle_it_nothing_is_changed(handler):
    signal.signal(signal.SIGINT, handler)
    with held_back():
        assert signal.getsignal(signal.SIGINT) is handler
    assert signal.getsignal(signal.SIGINT) is handler


def test_outside_the_main_thread_nothing_is_changed():
    handlers = []

    def hold():
        with held_back():
            handlers.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=hold)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler]
