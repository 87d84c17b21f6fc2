"""``feedstream why`` against a running deployment says what the worker does, and of a past batch what it did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.cli.main import main
from agents.embedded import Embedded
from agents.testing.live import Live
from agents.testing.servers import RealKafka, RealRedis
from tests.agents.worker.test_feeds_live import answer, ask, event, ids, known_videos, video, watch

pytestmark = pytest.mark.timeout(180)


def run(live: Live, capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FEEDSTREAM_REDIS", live.redis)
        patch.setenv("FEEDSTREAM_BROKER", live.broker)
        with pytest.raises(SystemExit) as left:
            main(list(args))
    said = capsys.readouterr()
    assert said.out, f"{' '.join(args)} said nothing but: {said.err}"
    return int(left.value.code or 0), said.out


def announced(live: Live) -> Live:
    """Fifty videos by twenty creators, known to the worker."""
    for at in range(50):
        live.send("videos", f"y{at}", video(f"y{at}", f"yc{at % 20}", ("tea", "toys", "tram")[at % 3]))
    wanted = {f"y{at}" for at in range(50)}
    live.until("all candidates", lambda: wanted <= known_videos(live))
    return live


def test_each_answer_is_what_the_worker_does(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """On a world of its own: others' bad records and bursts are in the log, too."""
    with Embedded() as both, Live(both.broker, both.redis, tmp_path, snapshot_s="0.5") as live:
        live.start()
        _answers(announced(live), capsys, tmp_path)


@pytest.mark.kafka
@pytest.mark.redis
def test_it_is_so_on_real_servers(
    fresh_kafka: RealKafka, redis_server: RealRedis, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with Live(f"kafka://{fresh_kafka.bootstrap}", redis_server.url, tmp_path, snapshot_s="0.5") as live:
        assert run(live, capsys, "topics", "apply")[0] == 0
        live.start()
        _answers(announced(live), capsys, tmp_path)


def _answers(world: Live, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def why(name: str, *more: str) -> Any:
        return orjson.loads(run(world, capsys, "why", "wendy", name, "--json", *more)[1])

    world.send("users", "wendy", {"v": 1, "user_id": "wendy", "interests": ["tea"]})
    first = world.batch("wendy", trigger="first")
    seen = next(name for name in ids(first) if name.startswith("y"))
    maker = f"yc{(int(seen[1:]) + 1) % 20}"
    block = event("wendy", "x", "b", kind="block", target=maker)
    del block["video_id"]
    places = [watch(world, "wendy", seen), world.send("events.feedback", "wendy", block)]
    world.until_applied(*places)
    world.send("videos", "ymine", video("ymine", "wendy", "tea"))
    world.send("videos", "ygone", video("ygone", "yc1", "tea", recommendable=False))
    world.until("the record", lambda: why("ygone")["code"] != "unknown")
    served = next(name for name in ids(first) if name != seen)
    theirs = next(f"y{at}" for at in range(50) if f"yc{at % 20}" == maker and f"y{at}" not in ids(first))
    world.until("the viewer's own", lambda: why("ymine")["code"] == "own")
    assert why(seen)["code"] == "met"
    assert (why(served)["code"], why(served)["numbers"]["ago"] >= 0) == ("served", True)
    assert (why(theirs)["code"], why(theirs)["numbers"]) == ("hidden", {"by": "block", "name": maker})
    assert why("ygone")["code"] == "not_recommendable"
    assert run(world, capsys, "why", "wendy", "nobody", "--json")[0] == 1
    before = {name: why(name, "--limit", "5") for name in (f"y{at}" for at in range(0, 50, 7))}
    batch = answer(world, "wendy", "second", limit=5)
    shown = [name for name, found in before.items() if found["code"] == "shown"]
    assert set(shown) == set(before) & set(ids(batch))
    _then(world, capsys, tmp_path, batch, served)


def _then(world: Live, capsys: pytest.CaptureFixture[str], folder: Path, batch: Any, served: str) -> None:
    """The same of the batch that has gone out, from the exported log."""
    topics = [
        *(f"events.{verb}" for verb in ("watch", "like", "feedback")),
        "users",
        "videos",
        "feed.requests",
        "feeds",
    ]
    world.until("the batch in feeds", lambda: world.batches("wendy", batch_id=batch["batch_id"]))
    ask(world, "wendy", "later", limit=5)
    world.batch("wendy", request_id="wendy.later")
    code, out = run(world, capsys, "tail", *topics, "--json", "--from-start", "--until-end")
    assert code == 0
    log = folder / "log.jsonl"
    log.write_text(out)
    past = ["--log", str(log), "--batch", batch["batch_id"], "--json"]
    for item in batch["items"]:
        found = orjson.loads(run(world, capsys, "why", "wendy", item["video_id"], *past)[1])
        assert found["batch"]["item"] == item
        assert found["code"] in {"shown", "outranked"}, "what was learnt may differ, what may be shown does not"
    found = orjson.loads(run(world, capsys, "why", "wendy", served, *past)[1])
    assert (found["code"], found["batch"]["item"]) == ("served", None)
