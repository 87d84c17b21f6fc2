"""``reset-user`` and ``forget-user`` on a running worker: tastes go, a receipt comes."""

from __future__ import annotations

import time

import orjson
import pytest

from agents.cli.main import main
from agents.testing.live import Live


@pytest.fixture
def ask(live: Live, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("FEEDSTREAM_BROKER", live.broker)
    monkeypatch.setenv("FEEDSTREAM_REDIS", live.redis)

    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(list(args))
        captured = capsys.readouterr()
        return int(left.value.code or 0), captured.out, captured.err

    return run


def known(live: Live, user: str) -> None:
    """A viewer who liked something."""
    live.send("videos", "reset-cat", {"v": 1, "video_id": "reset-cat", "creator_id": "c", "created_ms": 0,
                                      "duration_ms": 1_000, "tags": ["cats"]})  # fmt: skip
    event = {"v": 1, "event_id": "e", "user_id": user, "session_id": "s", "video_id": "reset-cat",
             "ts_ms": int(time.time() * 1_000)}  # fmt: skip
    live.until_applied(live.send("events.like", user, event))


def test_a_reset_takes_the_tastes_and_leaves_what_was_met(live: Live, ask) -> None:
    known(live, "reset-ann")

    def shown() -> dict:
        return orjson.loads(ask("user", "show", "reset-ann", "--json")[1])

    live.until("a taste", lambda: shown()["persona"])
    code, out, _ = ask("reset-user", "reset-ann", "--json")
    sent = orjson.loads(out)
    assert (code, sent["topic"], sent["user_id"]) == (0, "events.feedback", "reset-ann")
    live.until("no taste", lambda: not shown()["persona"])
    assert shown()["met"] == 1
    assert ask("reset-user", "reset-ann")[2].startswith("tastes of reset-ann are reset: events.feedback[")


def test_who_is_forgotten_gets_a_receipt_that_is_printed(live: Live, ask) -> None:
    known(live, "gone-ann")
    code, out, _ = ask("forget-user", "gone-ann", "--wait", "--json")
    told = orjson.loads(out)
    assert (code, told["topic"], told["receipt"]["user_id"]) == (0, "users", "gone-ann")
    assert told["receipt"]["deleted"]["met"] == 1
    code, out, err = ask("forget-user", "gone-ann", "--wait")
    assert (code, err.startswith("gone-ann is to be forgotten: users[")) == (0, True)
    assert ": deleted 0 outcomes, 0 met" in out
    assert ask("user", "show", "gone-ann", "--json")[0] == 1


def test_a_receipt_that_does_not_come_is_one_sentence(live: Live, ask) -> None:
    code, out, err = ask("forget-user", "slow-ann", "--wait", "--timeout-s", "0")
    if code == 0:  # the worker was quicker than the first look
        return
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "no receipt of slow-ann came within 0 s; the order stands: see" in err


@pytest.mark.parametrize("command", ["reset-user", "forget-user"])
def test_what_is_no_id_is_not_published(live: Live, ask, command: str) -> None:
    for name in ("", "x" * 257):
        code, out, err = ask(command, name)
        assert (code, out) == (1, "")
        assert "would be refused" in err
