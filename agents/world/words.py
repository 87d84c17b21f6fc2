"""Words of the synthetic world: moods, captions and what people type, so that requests in words can be judged.

A video's mood is hidden from nobody but the caption: none names it. Half of the captions are Chinese, and so are the
tags of those. Drawn from a generator of its own, so a world without words stays what it was.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from agents.world.world import World
from schemas.catalogue import Video

__all__ = ["MOODS", "Mood", "Wordy", "worded_videos", "wordy"]


class Mood(NamedTuple):
    """How producers tag a mood in English and Chinese, what their captions say, and how viewers ask for it."""

    tags: tuple[str, str]
    captions: tuple[tuple[str, ...], tuple[str, ...]]
    asked: tuple[str, str]


MOODS: Final = (
    Mood(
        ("mood:healing", "治愈系"),
        (
            ("rain on the window tonight", "tea by the fire", "slow waves"),
            ("窗外的雨声", "炉火边的一杯茶", "慢慢的海浪"),
        ),
        ("something relaxing after work", "想看放松一点的"),
    ),
    Mood(
        ("funny", "搞笑"),
        (("he did not see that coming", "wait for it", "my uncle again"), ("他完全没料到", "等到最后", "又是我叔叔")),
        ("make me laugh", "来点好笑的"),
    ),
    Mood(
        ("mood:exciting", "热血"),
        (("full speed downhill", "last second of the final", "no way back"), ("全速下坡", "决赛最后一秒", "没有退路")),
        ("thrilling", "刺激的视频"),
    ),
    Mood(
        ("mood:sad", "催泪"),
        (("the last letter", "we said goodbye here", "an empty chair"), ("最后一封信", "我们在这里告别", "一把空椅子")),
        ("heartbreaking", "想看伤感的"),
    ),
    Mood(
        ("lumecore", "流萤风"),
        (("seven lamps", "glass and light", "the blue hour"), ("七盏灯", "玻璃与光", "蓝调时刻")),
        ("glimmerish", "萤萤子"),
    ),
)
"""The last one has names that no lexicon knows, and is asked for by words that nobody tags with."""


class Wordy(NamedTuple):
    """The ``mood`` (place in ``MOODS``) of every video by id, and the videos whose tags were ``hidden``, with them."""

    mood: dict[str, int]
    hidden: dict[str, list[str]]


def wordy(world: World, seed: int, untagged: float = 0.0, moods: Sequence[Mood] = MOODS) -> Wordy:
    """Give every video of the world a mood: a tag, and a caption that does not name it; in place.

    A share of ``untagged`` of the videos loses its tags and category. Before the world is announced.
    """
    rng = np.random.default_rng([seed, len(world.videos)])
    found = Wordy({}, {})
    for at, video in enumerate(world.videos.records):
        mood, chinese, bare = int(rng.integers(len(moods))), int(rng.random() < 0.5), rng.random() < untagged
        says = moods[mood].captions[chinese]
        found.mood[video.video_id] = mood
        tags = [*video.tags, moods[mood].tags[chinese]]
        if bare:
            found.hidden[video.video_id] = tags
        world.videos.records[at] = msgspec.structs.replace(
            video,
            caption=says[int(rng.integers(len(says)))],
            tags=[] if bare else tags,
            category=None if bare else video.category,
        )
    return found


def worded_videos(seed: int, count: int) -> list[Video]:
    """Videos of a world with words, made just now, for whoever wants no more of it."""
    world = World(seed, viewers=1, videos=count, start_ms=int(time.time() * 1_000))
    wordy(world, seed)
    return world.videos.records
