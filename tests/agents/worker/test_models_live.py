"""Models while everything runs, each role in a process of its own: learnt, swapped, frozen, rolled back, outlived."""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from agents.embedded import Embedded
from agents.testing.live import Live, Worker
from streams.learning.snapshots import decode_snapshot

pytestmark = pytest.mark.timeout(240)
VIDEOS = 40


def now_ms() -> int:
    return int(time.time() * 1_000)


class Roles:
    """Three processes, and viewers who like things so that there is something to learn."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.workers: dict[str, Worker] = {role: live.spawn(role) for role in ("users", "videos", "learner")}
        live.until("three ready workers", lambda: all(one.logged("ready") for one in self.workers.values()))
        for at in range(VIDEOS):
            value: dict[str, Any] = {
                "v": 1, "video_id": f"m{at}", "creator_id": f"c{at % 9}", "created_ms": now_ms(), "duration_ms": 9_000,
                "tags": ["cats" if at % 2 else "cars"],
            }  # fmt: skip
            live.send("videos", f"m{at}", value)
        self._likes = itertools.count()
        self._asked = itertools.count()

    def like(self) -> None:
        """Two viewers like another video each."""
        at = next(self._likes)
        for user, video in ((f"fan{at // VIDEOS}", f"m{at % VIDEOS}"), (f"foe{at // VIDEOS}", f"m{at * 7 % VIDEOS}")):
            value = {
                "v": 1, "event_id": f"{user}.{video}", "user_id": user, "session_id": "s", "video_id": video,
                "ts_ms": now_ms(),
            }  # fmt: skip
            self.live.send("events.like", user, value)

    def model(self) -> str:
        """The model that a feed is ranked with now."""
        name = f"look.{next(self._asked)}"
        request = {"v": 1, "request_id": name, "user_id": "looker", "ts_ms": now_ms(), "purpose": "preview"}
        self.live.send("feed.requests", "looker", request)
        found: str = self.live.batch("looker", request_id=name)["model"]
        return found

    def version(self) -> int:
        """The version of that model; 0 before anything was learnt."""
        name = self.model()
        return 0 if name == "prior" else int(name.rpartition("-")[2])

    def published(self) -> list[int]:
        """Versions of the ranker, in the order they went out."""
        found = [message.value() for message in self.live.records("models") if message.key() == b"ranker"]
        return [decode_snapshot(value).version for value in found]

    def control(self, key: str, value: Any) -> None:
        record = None if value is None else {"v": 1, "key": key, "value": value}
        self.live.send("control", key, record)

    def await_newer(self, than: int) -> int:
        """Act until a version newer than ``than`` is out."""

        def newer() -> bool:
            self.like()
            return max(self.published(), default=0) > than

        self.live.until(f"a version after {than}", newer)
        return max(self.published())

    def await_stillness(self, still_s: float = 1.5) -> int:
        """Act until nothing was published for a while; returns how many versions are out."""
        seen, since_s = -1, time.monotonic()

        def still() -> bool:
            nonlocal seen, since_s
            self.like()
            if len(self.published()) != seen:
                seen, since_s = len(self.published()), time.monotonic()
            return time.monotonic() - since_s > still_s

        self.live.until("no new version", still)
        return seen


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roles]:
    with (
        Embedded() as both,
        Live(both.broker, both.redis, tmp_path_factory.mktemp("models"), snapshot_s="0.4") as live,
    ):
        yield Roles(live)


def test_what_is_learnt_is_swapped_into_feeds_while_they_run(roles: Roles) -> None:
    assert roles.model() == "prior"
    version = roles.await_newer(0)
    roles.live.until("the new model in feeds", lambda: roles.version() >= version)
    roles.live.until("another one", lambda: roles.version() >= roles.await_newer(version) - 1)


def test_a_frozen_learner_publishes_nothing_new_until_it_is_let_go(roles: Roles) -> None:
    roles.await_newer(0)
    roles.control("models.freeze", True)
    count = roles.await_stillness()
    newest = roles.published()[-1]
    roles.live.until("the newest model in feeds", lambda: roles.model() == f"ranker-{newest}")
    assert len(roles.published()) == count
    roles.control("models.freeze", None)
    roles.await_newer(newest)


@pytest.mark.parametrize("name", ["{}", "ranker-{}"])
def test_a_rolled_back_version_is_served_until_the_record_is_taken_back(roles: Roles, name: str) -> None:
    wanted = roles.await_newer(0)
    roles.await_newer(wanted)
    roles.control("models.rollback", name.format(wanted))
    roles.live.until("the old version", lambda: roles.published()[-1] == wanted)
    roles.live.until("the old model in feeds", lambda: roles.model() == f"ranker-{wanted}")
    roles.await_stillness()
    assert roles.model() == f"ranker-{wanted}"
    roles.control("models.rollback", None)
    roles.await_newer(max(roles.published()))


def test_feeds_survive_a_dead_learner(roles: Roles) -> None:
    newest = roles.await_newer(0)
    roles.live.stop(roles.workers["learner"], signal.SIGKILL)
    roles.like()
    roles.live.until("the last model in feeds", lambda: roles.version() >= newest)
    request = {"v": 1, "request_id": "after", "user_id": "fan0", "ts_ms": now_ms()}
    roles.live.send("feed.requests", "fan0", request)
    assert roles.live.batch("fan0", request_id="after")["trigger"] == "request"
