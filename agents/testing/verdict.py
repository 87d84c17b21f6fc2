"""Verdicts: what must hold of feeds and dead letters after anything has happened, each as plain sentences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from agents.judge.counts import shortened

__all__ = ["FeedVerdict", "judge_feeds", "judge_letters"]


class FeedVerdict(NamedTuple):
    """``batches`` different ones, ``repeats`` whole repeats, and ``problems`` as sentences."""

    batches: int
    repeats: int
    problems: list[str]


def judge_feeds(values: Iterable[bytes]) -> FeedVerdict:
    """Feed batches as they stand in the topic: there are some, one content a batch id, one answer a request, nothing
    served twice.
    """
    content: dict[str, bytes] = {}
    served: dict[str, dict[str, str]] = defaultdict(dict)
    answered: dict[str, str] = {}
    repeats = 0
    problems: list[str] = []
    for value in values:
        batch = orjson.loads(value)
        name, user = batch["batch_id"], batch["user_id"]
        if name in content:
            repeats += 1
            if content[name] != value:
                problems.append(f"batch {name} has two contents")
            continue
        content[name] = value
        request = batch.get("request_id")
        if request is not None and answered.setdefault(request, name) != name:
            problems.append(f"request {request} was answered by batches {answered[request]} and {name}")
        if batch["trigger"] == "preview":
            continue
        for item in batch["items"]:
            first = served[user].setdefault(item["video_id"], name)
            if first != name:
                problems.append(f"viewer {user} was served video {item['video_id']} by batches {first} and {name}")
    if not content:
        problems.append("no batch was published")
    return FeedVerdict(len(content), repeats, shortened(problems, "feeds"))


def judge_letters(headers: Iterable[Mapping[str, bytes]]) -> dict[tuple[str, str, str], str]:
    """Dead letters by where they came from (topic, partition, offset), repeats dropped; the value is the cause."""
    return {
        (one["topic"].decode(), one["partition"].decode(), one["offset"].decode()): one["cause"].decode()
        for one in headers
    }
