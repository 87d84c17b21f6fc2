"""``feedstream why --log``: a past batch is explained as of then, by what the log itself says it reflected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from agents.cli.main import main
from agents.errors import Stop
from agents.testing.load import load
from agents.why.past import why_in
from schemas.codec import decode, encode
from schemas.feeds import FeedBatch
from schemas.lines import Line, parse_line
from streams.replay import Replay

FAR_MS = 2**53


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    made = load(np.random.default_rng(5), 1_500, viewers=30, videos=80, asking=0.5)
    return [parse_line(text) for text in made.lines]


@pytest.fixture(scope="module")
def batches(lines: list[Line]) -> list[FeedBatch]:
    """What a replay makes of the lines, previews and short ones aside."""
    made = list(Replay(FAR_MS).run(lines))
    return [batch for batch in made if batch.trigger == "request" and len(batch.items) > 3]


def why(capsys: pytest.CaptureFixture[str], *args: str | Path) -> tuple[int, Any]:
    with pytest.raises(SystemExit) as left:
        main(["why", *(str(arg) for arg in args), "--json"])
    captured = capsys.readouterr()
    assert captured.out.count("\n") == (1 if captured.out else 0)
    return int(left.value.code or 0), orjson.loads(captured.out) if captured.out else captured.err


def test_what_a_replay_made_is_explained_as_it_was_made(lines: list[Line], batches: list[FeedBatch]) -> None:
    batch = batches[-1]
    for item in batch.items[::3]:
        then = why_in(Replay(FAR_MS), lines, batch.user_id, item.video_id, batch.batch_id)
        assert then.batch == batch
        assert (then.why.code, then.why.numbers["position"]) == ("shown", item.position)
        assert (then.why.numbers["score"], then.why.reasons) == (item.score, item.reasons)
        assert (then.why.source, then.why.model) == (item.source, batch.model)


def exported(lines: list[Line], batches: list[FeedBatch], then: FeedBatch) -> list[Line]:
    """The log as ``tail`` would hand it out: topic by topic, with offsets and times of sending, ``feeds`` in it."""
    offsets: dict[str, int] = {}
    placed: list[Line] = []
    for line in lines:
        offset = offsets[line.topic] = offsets.get(line.topic, -1) + 1
        placed.append(_sent(line, offset, len(placed) + 1))
        if line.topic == "feed.requests":
            request = decode(line.topic, line.key_bytes, line.value_bytes, FAR_MS)
            for batch in batches:
                if batch.request_id == request.request_id:  # type: ignore[union-attr]  # it is one
                    text = b'{"topic":"feeds","key":"%b","value":%b}' % (batch.user_id.encode(), encode(batch))
                    placed.append(_sent(parse_line(text), len(placed), len(placed) + 1))
    return sorted(placed, key=lambda line: line.topic)


def _sent(line: Line, offset: int, timestamp_ms: int) -> Line:
    return Line(topic=line.topic, key=line.key, value=line.value, ts_ms=line.ts_ms, partition=0, offset=offset,
                timestamp_ms=timestamp_ms)  # fmt: skip


def test_a_recorded_batch_is_explained_by_what_it_says_it_reflected(
    lines: list[Line], batches: list[FeedBatch]
) -> None:
    users = [batch.user_id for batch in batches]
    user = max(set(users), key=users.count)
    mine = [batch for batch in batches if batch.user_id == user]
    assert len(mine) > 2
    first, batch = mine[0], mine[-1]
    log = exported(lines, batches, batch)
    for item in batch.items[::4]:
        then = why_in(Replay(FAR_MS), log, user, item.video_id, batch.batch_id)
        assert (then.why.code, then.why.numbers["position"]) == ("shown", item.position)
        assert then.why.numbers["score"] == pytest.approx(item.score)
    served = first.items[0].video_id
    then = why_in(Replay(FAR_MS), log, user, served, batch.batch_id)
    assert then.why.code in {"served", "met"}
    assert (then.why.numbers["seq"], then.why.numbers["position"]) == (first.seq, 0)
    assert served not in {item.video_id for item in batch.items}


def test_a_batch_of_somebody_else_or_of_nobody_is_one_sentence(lines: list[Line], batches: list[FeedBatch]) -> None:
    batch = batches[-1]
    for log in (lines, exported(lines, batches, batch)):
        with pytest.raises(Stop, match=f"batch {batch.batch_id} was made for viewer"):
            why_in(Replay(FAR_MS), log, "somebody", "v", batch.batch_id)
    with pytest.raises(Stop, match=r"the log makes no batch 9-9.*feedstream tail"):
        why_in(Replay(FAR_MS), lines[:300], "somebody", "v", "9-9")


EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "first.jsonl"


def test_the_example_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert why(capsys, "ada", "cat-1", "--log", EXAMPLE)[1]["code"] == "met"
    code, found = why(capsys, "ada", "cat-3", "--log", EXAMPLE, "--batch", "1-510a26fa403120dc")
    assert (code, found["code"], found["batch"]["item"]["reasons"][0]) == (0, "shown", "tag:cats")
    code, found = why(capsys, "ada", "cat-3", "--log", EXAMPLE)
    assert (found["code"], found["numbers"]["seq"]) == ("served", 1)
    before = why(capsys, "ada", "cat-3", "--log", EXAMPLE, "--at-ms", "1700000009000")[1]
    assert (before["code"], before["reasons"][0]) == ("shown", "tag:cats"), "picked at sign-up, nothing met yet"
    assert before["now_ms"] == 1_700_000_009_000


def test_an_unknown_video_is_exit_1_and_a_wrong_question_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = why(capsys, "ada", "nobody", "--log", EXAMPLE)
    assert (code, found["code"]) == (1, "unknown")
    assert why(capsys, "ada", "cat-1", "--batch", "1-1")[0] == 2
    code, said = why(capsys, "ada", "cat-1", "--log", EXAMPLE, "--batch", "1-1")
    assert code == 1
    assert said.startswith("feedstream: the log makes no batch 1-1")


def test_people_read_a_sentence_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["why", "ben", "cat-1", "--log", str(EXAMPLE), "--limit", "2"])
    said = capsys.readouterr().out
    assert said.startswith(("shown: ", "outranked: "))
    assert "part of the score" in said
    assert "usual" in said
