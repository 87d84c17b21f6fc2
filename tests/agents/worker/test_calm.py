"""Signals that come too soon are answered when the viewer's second is over, once, and not where a batch came before."""

from __future__ import annotations

import asyncio
import time

import pytest

from agents.worker import calm as of_calm
from agents.worker.calm import Calm, Signal


async def test_what_came_too_soon_is_due_a_second_after_the_one_before_and_once() -> None:
    calm, began_s = Calm(), time.monotonic()
    assert calm.take("ann")
    assert calm.take("bob")
    assert not calm.take("ann")
    calm.wait("ann", Signal(5, 50))
    calm.wait("ann", Signal(7, 70))
    assert await asyncio.wait_for(calm.due(), 5.0) == {"ann": Signal(7, 50)}, "the latest event, the first that waits"
    assert time.monotonic() - began_s >= 1.0
    assert calm.take("ann")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(calm.due(), 0.05)


async def test_nothing_waits_for_whoever_got_a_batch_or_is_gone() -> None:
    calm = Calm()
    for user in ("ann", "bob", "cid"):
        calm.take(user)
        calm.wait(user, Signal(1, 1))
    calm.answered("ann", "cid")
    assert (await asyncio.wait_for(calm.due(), 5.0)).keys() == {"bob"}


async def test_whoever_is_answered_as_soon_as_he_waits_disturbs_nobody() -> None:
    calm = Calm()
    due = asyncio.create_task(calm.due())
    await asyncio.sleep(0)
    for user in ("ann", "bob"):
        calm.take(user)
        calm.wait(user, Signal(1, 1))
        if user == "ann":
            calm.answered("ann")
            await asyncio.sleep(0.01)
    assert (await asyncio.wait_for(due, 5.0)).keys() == {"bob"}


async def test_what_is_hidden_is_answered_at_once_and_begins_a_new_second() -> None:
    now_s = 0.0
    calm = Calm(lambda: now_s)
    assert calm.take("ann")
    now_s = 0.9
    assert calm.take("ann", at_once=True)
    now_s = 1.5
    assert not calm.take("ann")
    now_s = 2.0
    assert calm.take("ann")


async def test_more_than_may_wait_are_left_to_their_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_calm, "_WAITING", 2)
    now_s = 0.0
    calm = Calm(lambda: now_s)
    for user in ("ann", "bob", "cid"):
        calm.take(user)
        calm.wait(user, Signal(1, 1))
    now_s = 2.0
    assert (await calm.due()).keys() == {"ann", "bob"}
