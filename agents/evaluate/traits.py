"""Traits: what a log says of its viewers and videos, to slice figures by and to say how alike a list is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from math import log2
from typing import NamedTuple

import msgspec
import numpy as np

from agents.evaluate.judge import Judged, liked
from schemas.catalogue import User, Video
from schemas.codec import BadRecord, decode
from schemas.events import Ctx
from schemas.lines import Line

__all__ = ["Traits", "novelty", "spread", "traits_of"]


class _Context(msgspec.Struct):
    ctx: Ctx | None = None


class Traits(NamedTuple):
    """Of viewers language, country and latest device; of videos their tags, and how many likes they got in all."""

    lang: dict[str, str]
    country: dict[str, str]
    device: dict[str, str]
    tags: dict[str, frozenset[str]]
    likes: Counter[str]

    def slices(self, judged: Sequence[Judged]) -> dict[str, list[Judged]]:
        """Previews by language, country and device of their viewers, where the log says any."""
        made: dict[str, list[Judged]] = {}
        for name, held in (("language", self.lang), ("country", self.country), ("device", self.device)):
            for one in judged if held else ():
                made.setdefault(f"{name}: {held.get(one.user_id, 'unknown')}", []).append(one)
        return dict(sorted(made.items()))


def traits_of(lines: Iterable[Line]) -> Traits:
    """Traits of a log's viewers and videos; records that cannot be read are left out."""
    made = Traits({}, {}, {}, {}, Counter())
    for line in lines:
        key = line.key or ""
        if (video := liked(line)) is not None:
            made.likes[video] += 1
        if line.topic in {"users", "videos"}:
            try:
                record = decode(line.topic, line.key_bytes, line.value_bytes, 2**52)
            except BadRecord:
                continue
            if isinstance(record, User):
                made.lang.update({key: record.lang} if record.lang else {})
                made.country.update({key: record.country} if record.country else {})
            elif isinstance(record, Video):
                made.tags[key] = frozenset((*record.tags, *([record.category] if record.category else [])))
        elif line.topic.startswith("events.") and b'"ctx"' in bytes(line.value):
            ctx = msgspec.json.decode(line.value, type=_Context).ctx
            if ctx is not None and ctx.device:
                made.device[key] = ctx.device
    return made


def spread(judged: Sequence[Judged], traits: Traits) -> float:
    """Intra-list distance: how little two videos of a top ten share of their tags (1 less Jaccard), mean over lists;
    nan where no video has tags.
    """
    found = []
    for one in judged:
        tags = [held for video in one.top if (held := traits.tags.get(video))]
        pairs = [(a, b) for at, a in enumerate(tags) for b in tags[:at]]
        if pairs:
            found.append(float(np.mean([1.0 - len(a & b) / len(a | b) for a, b in pairs])))
    return float(np.mean(found)) if found else float("nan")


def novelty(judged: Sequence[Judged], traits: Traits) -> float:
    """How surprising what stands in a top ten is: mean of -log2 of each video's share of all likes, in bits."""
    total = sum(traits.likes.values()) + len(traits.likes)
    found = [-log2((traits.likes[video] + 1) / max(total, 1)) for one in judged for video in one.top]
    return float(np.mean(found)) if found else float("nan")
