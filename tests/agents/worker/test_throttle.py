"""Signals that come too soon are answered when the viewer's second is over, once, and not where a batch came before."""

from __future__ import annotations

import asyncio
import time

import pytest

from agents.worker import throttle as of_throttle
from agents.worker.throttle import Signal, Throttle


async def test_what_came_too_soon_is_due_a_second_after_the_one_before_and_once() -> None:
    throttle, began_s = Throttle(), time.monotonic()
    assert throttle.take("ann")
    assert throttle.take("bob")
    assert not throttle.take("ann")
    throttle.wait("ann", Signal(5, 50))
    throttle.wait("ann", Signal(7, 70))
    assert await asyncio.wait_for(throttle.due(), 5.0) == {"ann": Signal(7, 50)}, (
        "the latest event, the first that waits"
    )
    assert time.monotonic() - began_s >= 1.0
    assert throttle.take("ann")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(throttle.due(), 0.05)


async def test_nothing_waits_for_whoever_got_a_batch_or_is_gone() -> None:
    throttle = Throttle()
    for user in ("ann", "bob", "cid"):
        throttle.take(user)
        throttle.wait(user, Signal(1, 1))
    throttle.answered("ann", "cid")
    assert (await asyncio.wait_for(throttle.due(), 5.0)).keys() == {"bob"}


async def test_whoever_is_answered_as_soon_as_he_waits_disturbs_nobody() -> None:
    throttle = Throttle()
    due = asyncio.create_task(throttle.due())
    await asyncio.sleep(0)
    for user in ("ann", "bob"):
        throttle.take(user)
        throttle.wait(user, Signal(1, 1))
        if user == "ann":
            throttle.answered("ann")
            await asyncio.sleep(0.01)
    assert (await asyncio.wait_for(due, 5.0)).keys() == {"bob"}


async def test_what_is_hidden_is_answered_at_once_and_begins_a_new_second() -> None:
    now_s = 0.0
    throttle = Throttle(lambda: now_s)
    assert throttle.take("ann")
    now_s = 0.9
    assert throttle.take("ann", at_once=True)
    now_s = 1.5
    assert not throttle.take("ann")
    now_s = 2.0
    assert throttle.take("ann")


async def test_more_than_may_wait_are_left_to_their_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_throttle, "_WAITING", 2)
    now_s = 0.0
    throttle = Throttle(lambda: now_s)
    for user in ("ann", "bob", "cid"):
        throttle.take(user)
        throttle.wait(user, Signal(1, 1))
    now_s = 2.0
    assert (await throttle.due()).keys() == {"ann", "bob"}
