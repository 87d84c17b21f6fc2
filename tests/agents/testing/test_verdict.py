"""The verdicts: each says what is wrong, and nothing where nothing is."""

from __future__ import annotations

from typing import Any

import orjson

from agents.testing.verdict import judge_feeds, judge_letters


def batch(name: str, videos: list[str], **more: Any) -> bytes:
    items = [{"video_id": video} for video in videos]
    return orjson.dumps({"batch_id": name, "user_id": "ann", "trigger": "request", "items": items} | more)


def test_whole_repeats_are_fine_and_counted() -> None:
    verdict = judge_feeds([batch("a", ["x"]), batch("b", ["y"]), batch("a", ["x"])])
    assert verdict == (2, 1, [])


def test_a_verdict_on_nothing_is_a_problem() -> None:
    assert judge_feeds([]) == (0, 0, ["no batch was published"])


def test_one_batch_id_with_two_contents_is_a_problem() -> None:
    assert judge_feeds([batch("a", ["x"]), batch("a", ["y"])]).problems == ["batch a has two contents"]


def test_a_video_served_twice_to_one_viewer_is_a_problem_and_to_two_is_none() -> None:
    assert judge_feeds([batch("a", ["x"]), batch("b", ["x"])]).problems == [
        "viewer ann was served video x by batches a and b"
    ]
    assert judge_feeds([batch("a", ["x"]), batch("b", ["x"], user_id="bob")]).problems == []


def test_a_request_answered_by_two_batches_is_a_problem() -> None:
    values = [batch("a", ["x"], request_id="r"), batch("b", ["y"], request_id="r")]
    assert judge_feeds(values).problems == ["request r was answered by batches a and b"]


def test_a_preview_serves_nothing() -> None:
    assert judge_feeds([batch("a", ["x"]), batch("b", ["x"], trigger="preview")]).problems == []


def test_many_problems_are_counted_after_the_first_ten() -> None:
    problems = judge_feeds(
        [batch("a", [str(at) for at in range(30)]), batch("b", [str(at) for at in range(30)])]
    ).problems
    assert problems[10:] == ["… and 20 more problems with feeds"]


def test_repeated_dead_letters_are_one() -> None:
    letter = {"topic": b"events.like", "partition": b"0", "offset": b"7", "cause": b"json"}
    assert judge_letters([letter, letter]) == {("events.like", "0", "7"): "json"}
