"""Ctrl-C is held back, handed over, and left alone where it is somebody else's."""

import signal
import threading

import pytest

from diglot.interrupt import InterruptGuard


def test_held_back_until_asked() -> None:
    with InterruptGuard() as guard:
        signal.raise_signal(signal.SIGINT)
        done = True
        with pytest.raises(KeyboardInterrupt):
            guard.check()
        guard.check()  # once is enough
    assert done
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_is_raised_at_once() -> None:
    with InterruptGuard():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_an_error_inside_leaves_the_handler_as_it_was() -> None:
    with pytest.raises(ZeroDivisionError), InterruptGuard():
        _ = 1 / 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_programs_own_handler_stays() -> None:
    calls = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: calls.append(number))
    try:
        with InterruptGuard():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert calls == [signal.SIGINT]


def test_other_threads_have_no_signals() -> None:
    entered = []

    def work() -> None:
        with InterruptGuard() as guard:
            guard.check()
            entered.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert entered
