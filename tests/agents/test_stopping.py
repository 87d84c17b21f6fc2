"""Ctrl-C and SIGTERM as something to look at: nothing is raised, a rest is cut short, all is as before afterwards."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from agents.stopping import stopping

BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("how", BOTH)
def test_a_signal_asks_and_raises_nothing(how: signal.Signals) -> None:
    before = [signal.getsignal(one) for one in BOTH]
    with stopping() as stop:
        assert not stop.asked
        signal.raise_signal(how)
        assert stop.asked
        stop.rest(60.0)
    assert [signal.getsignal(one) for one in BOTH] == before


def test_a_rest_is_cut_short_by_a_signal_and_takes_its_time_otherwise() -> None:
    with stopping() as stop:
        began_s = time.monotonic()
        stop.rest(0.25)
        assert time.monotonic() - began_s >= 0.25
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
        stop.rest(60.0)
        assert time.monotonic() - began_s < 30.0


def test_handlers_come_back_after_an_error_too() -> None:
    before = [signal.getsignal(one) for one in BOTH]
    with pytest.raises(ValueError, match="work"), stopping():
        raise ValueError("work")
    assert [signal.getsignal(one) for one in BOTH] == before


def test_off_the_main_thread_nobody_asks_and_handlers_stay_as_they_are() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def work() -> tuple[bool, bool]:
        with stopping() as stop:
            return stop.asked, signal.getsignal(signal.SIGTERM) is before

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == (False, True)
