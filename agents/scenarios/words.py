"""Scenarios of words: what is asked for, opened by hand, wanted less of, and what untagged videos are taken for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from agents.scenarios.scenario import scenario
from agents.scenarios.telling import Teller, before
from agents.world.words import MOODS, Wordy, wordy
from agents.world.world import World
from streams.control.tuning import Tuning

__all__ = [
    "asked_in_chinese", "asked_in_english", "healing_found_by_relaxing", "less_of_it", "more_of_it", "opened_tag",
    "refined_request", "tags_inferred", "untagged_videos", "words_no_lexicon_knows",
]  # fmt: skip

_SLANG = len(MOODS) - 1
"""The mood that no lexicon knows; those before it are known."""


class _Story(Teller):
    """A small world with words before a fresh replay; viewers ask, and time passes when it is told to."""

    def __init__(self, seed: int, tuning: Tuning, viewers: int = 12, videos: int = 240, untagged: float = 0.0) -> None:
        self.world = World(seed, viewers=viewers, videos=videos)
        self.words: Wordy = wordy(self.world, seed, untagged)
        super().__init__(before(self.world, tuning).replay, self.world.start_ms)

    def ask(self, viewer: int, query: str | None = None, limit: int = 20, among: Sequence[str] = ()) -> list[str]:
        """Videos of one batch, asked for in words or not, and from a few or all."""
        found = self.asks(self.world.tastes.user_ids[viewer], limit, query=query, candidates=list(among))
        self.now_ms += 20_000
        return found

    def act(self, viewer: int, kind: str, target: str) -> None:
        """The viewer opens something by hand."""
        self.does("action", self.world.tastes.user_ids[viewer], kind=kind, target=target)

    def like(self, viewer: int, video_id: str) -> None:
        """The viewer likes a video."""
        self.does("like", self.world.tastes.user_ids[viewer], video_id)

    def share(self, videos: list[str], mood: int) -> float:
        """Share of videos that are of a mood."""
        return float(np.mean([self.words.mood[name] == mood for name in videos])) if videos else 0.0

    def tagged(self, videos: list[str], tag: str) -> float:
        """Share of videos with a tag."""
        records, row_of = self.world.videos.records, self.world.videos.row_of
        return float(np.mean([tag in records[row_of[name]].tags for name in videos])) if videos else 0.0


def _matching(seed: int, tuning: Tuning, language: int) -> float:
    story = _Story(seed, tuning)
    found = [story.share(story.ask(mood, MOODS[mood].asked[language]), mood) for mood in range(_SLANG)]
    return float(np.mean(found))


@scenario(
    row="requests in words",
    shows="share of 20 places that are of the mood asked for in English, half of which is tagged in Chinese",
    off={"words.query": 0.0},
    least=0.4,
    seeds=3,
)
def asked_in_english(seed: int, tuning: Tuning) -> float:
    """Who asks for something relaxing after work finds 治愈系, and so on."""
    return _matching(seed, tuning, 0)


@scenario(
    row="requests in words",
    shows="share of 20 places that are of the mood asked for in Chinese, half of which is tagged in English",
    off={"words.query": 0.0},
    least=0.4,
    seeds=3,
)
def asked_in_chinese(seed: int, tuning: Tuning) -> float:
    """放松 finds mood:healing, and so on."""
    return _matching(seed, tuning, 1)


@scenario(
    row="requests in words",
    shows='share of 20 places asked for as "relaxing" that are tagged 治愈系 alone, against without the lexicon',
    off={"words.lexicon": 0.0},
    least=0.2,
    seeds=3,
)
def healing_found_by_relaxing(seed: int, tuning: Tuning) -> float:
    """治愈系 is found by "relaxing", which no caption says."""
    story = _Story(seed, tuning)
    return story.tagged(story.ask(0, "relaxing"), "治愈系")


@scenario(
    row="requests in words",
    shows="share of 20 videos nobody liked that are of a mood asked for by a word that only likes of others explain",
    off={"words.learned": 0.0},
    least=0.15,
    seeds=6,
)
def words_no_lexicon_knows(seed: int, tuning: Tuning) -> float:
    """Viewers like this and that, then ask for "glimmerish" and like what is of one mood; another viewer asks."""
    story = _Story(seed, tuning)
    liked: dict[str, None] = {}
    for viewer in range(5):
        liked |= dict.fromkeys(story.ask(viewer, limit=10))
    for viewer, name in zip(itertools.cycle(range(5)), list(liked), strict=False):
        story.like(viewer, name)
    for viewer in range(5):
        found = [name for name in story.ask(viewer, "glimmerish", limit=40) if story.words.mood[name] == _SLANG][:5]
        liked |= dict.fromkeys(found)
        for name in found:
            story.like(viewer, name)
    others = [name for name in story.words.mood if name not in liked]
    return story.share(story.ask(10, "glimmerish", among=others), _SLANG)


@scenario(
    row="requests in words",
    shows="share of 10 places that are of the mood of a first request and the subject of the next one",
    off={"words.carry": 0.0},
    least=0.1,
    seeds=5,
)
def refined_request(seed: int, tuning: Tuning) -> float:
    """Who asks for "cooking" after "make me laugh" gets what is both first."""
    story = _Story(seed, tuning, videos=600)
    story.ask(0, MOODS[1].asked[0])
    return story.share(story.ask(0, "cooking", limit=10), 1)


@scenario(
    row="requests in words",
    shows="share of 20 places with a tag that the viewer loves and has asked less of",
    off={"words.more": 0.0},
    least=0.2,
    fewer=True,
    seeds=3,
)
def less_of_it(seed: int, tuning: Tuning) -> float:
    """Who likes a subject asks for less of it: the batch after the answer has less."""
    story = _Story(seed, tuning)
    found = []
    for viewer, subject in enumerate(("cars", "science", "music")):
        _loves(story, viewer, subject)
        story.now_ms += 3_600_000
        story.ask(viewer, f"less {subject} please", limit=5)
        found.append(story.tagged(story.ask(viewer), subject))
    return float(np.mean(found))


@scenario(
    row="requests in words",
    shows="share of 20 places with a tag that the viewer asked more of an hour ago",
    off={"words.more": 0.0},
    least=0.1,
    seeds=3,
)
def more_of_it(seed: int, tuning: Tuning) -> float:
    """更多运动类: more of a subject, also in later batches."""
    story = _Story(seed, tuning)
    story.ask(0, "更多动物", limit=5)
    story.now_ms += 3_600_000
    return story.tagged(story.ask(0), "animals")


@scenario(
    row="exploring by hand",
    shows="share of 20 places with the tag that the viewer has just opened",
    off={"words.invite": 0.0},
    least=0.2,
    seeds=3,
)
def opened_tag(seed: int, tuning: Tuning) -> float:
    """Each of four viewers opens a tag, and asks for a batch."""
    story = _Story(seed, tuning)
    found = []
    for viewer, tag in enumerate(("cars", "science", "music", "travel")):
        story.act(viewer, "tag_open", tag)
        found.append(story.tagged(story.ask(viewer), tag))
    return float(np.mean(found))


@scenario(
    row="content",
    shows="share of 20 untagged videos asked for by a subject whose hidden tags have it",
    off={"words.inferred": 0.0},
    least=0.3,
    seeds=3,
)
def tags_inferred(seed: int, tuning: Tuning) -> float:
    """Half of the videos have no tags; of those alone a subject is asked for."""
    story = _Story(seed, tuning, untagged=0.5)
    bare = story.words.hidden
    found = []
    for viewer, subject in enumerate(("cars", "science", "music", "travel")):
        got = story.ask(viewer, subject, limit=10, among=list(bare))
        found.append(np.mean([subject in bare[name] for name in got]))
    return float(np.mean(found))


@scenario(
    row="content",
    shows="share of 10 untagged videos, in an ordinary batch, whose hidden tags have the subject that the viewer likes",
    off={"words.inferred": 0.0},
    least=0.05,
    seeds=5,
)
def untagged_videos(seed: int, tuning: Tuning) -> float:
    """Half of the videos have no tags; they are ranked for viewers who liked some that have."""
    story = _Story(seed, tuning, untagged=0.5)
    bare = story.words.hidden
    found = []
    for viewer, subject in enumerate(("cars", "science", "music", "travel")):
        _loves(story, viewer, subject, most=3)
        got = story.ask(viewer, limit=10, among=list(bare))
        found.append(np.mean([subject in bare[name] for name in got]))
    return float(np.mean(found))


def _loves(story: _Story, viewer: int, subject: str, most: int = 8) -> None:
    """The viewer likes some videos of a subject, and passes others by."""
    for record in [record for record in story.world.videos.records if subject in record.tags[:1]][:most]:
        story.like(viewer, record.video_id)
