"""``feedstream doctor``: a line a check, exit 1 only where something failed, and no password in what it says."""

from __future__ import annotations

import pytest
import redis

from agents.embedded import Embedded

CHECKS = ["versions", "partitioner", "broker", "topics", "producers", "redis", "durable", "layout", "room", "clock",
          "memory", "lag"]  # fmt: skip


def test_a_sound_deployment_is_ok_check_by_check(ground: Embedded, ask) -> None:
    done = ask("doctor", "--json")
    assert (done.code, done.err) == (0, "")
    assert [one["check"] for one in done.json["checks"]] == CHECKS
    assert {one["verdict"] for one in done.json["checks"] if one["check"] != "memory"} == {"ok"}
    lines = ask("doctor").out.splitlines()
    assert [line.split()[:2] for line in lines] == [[one["verdict"], one["check"]] for one in done.json["checks"]]


def test_one_failure_is_exit_1_with_what_to_do_and_the_other_checks_go_on(ground: Embedded, ask) -> None:
    redis.Redis.from_url(ground.redis).config_set("appendonly", "no")
    done = ask("doctor")
    assert done.code == 1
    (said,) = [line for line in done.out.splitlines() if line.startswith("failed")]
    assert said.split()[1] == "durable"
    assert "appendonly is no" in said
    assert "CONFIG SET appendonly yes" in said
    assert len(done.out.splitlines()) == len(CHECKS)


def test_what_cannot_be_looked_at_is_said_and_no_password_is_shown(
    ask, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FEEDSTREAM_BROKER", "embedded://")
    monkeypatch.setenv("FEEDSTREAM_REDIS", f"redis://:geheim@127.0.0.1:{unused_port}/0")
    done = ask("doctor", "--json")
    assert done.code == 1
    told = {one["check"]: one for one in done.json["checks"]}
    assert told["broker"]["do"].startswith("start `feedstream up`")
    assert told["redis"]["verdict"] == "failed"
    assert told["lag"] == {
        "check": "lag", "verdict": "warning", "found": "not looked at, since Kafka does not answer",
        "do": "put Kafka right first",
    }  # fmt: skip
    assert "geheim" not in done.out + done.err
