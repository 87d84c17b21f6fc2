"""Scenarios of the signals: what a viewer's doing is taken to mean, and what it must not be taken for."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from agents.evaluate.judge import delayed
from agents.scenarios.scenario import scenario
from agents.scenarios.telling import Teller, send
from agents.world.world import World
from schemas.catalogue import Video
from schemas.events import EVENTS
from schemas.lines import parse_line
from streams.control.tuning import Tuning
from streams.learning.watch_quality import WatchQuality
from streams.ranking.tilt import HEADS
from streams.replay import Replay
from streams.signals.watching import quality

__all__ = ["Story", "failing_playback", "fair_watch_times", "gestures", "harsh_comments", "late_labels",
           "unbelievable_watch_times"]  # fmt: skip

_T0: Final = 1_760_000_000_000
_SENT_MS: Final = _T0 + 365 * 86_400_000
_SUBJECTS: Final = ("cats", "dogs", "cars", "food")
_EACH: Final = 24


class Story(Teller):
    """One viewer before a hundred videos of four subjects, told event by event."""

    def __init__(self, tuning: Tuning) -> None:
        super().__init__(Replay(_SENT_MS, tuning=tuning), _T0)
        for subject in _SUBJECTS:
            for at in range(_EACH):
                name = f"{subject}-{at}"
                video = Video(v=1, video_id=name, creator_id=f"by-{name}", created_ms=_T0, duration_ms=30_000,
                              tags=[subject])  # fmt: skip
                send(self.replay, "videos", video)

    def tell(self, verb: str, video_id: str, after_ms: int = 0, **more: Any) -> None:
        """The viewer does something, so long after the event before; an impression begins a new showing."""
        self.now_ms += after_ms
        self.does(verb, "ann", video_id, **{"impression_id": f"i-{video_id}"} | more)

    def show(self, video_id: str, watch_ms: int, after_ms: int | None = None, **more: Any) -> None:
        """A showing and how long it was watched; ``after_ms`` is how long it really took."""
        self.tell("impression", video_id, 500)
        took_ms = watch_ms if after_ms is None else after_ms
        self.tell("watch", video_id, took_ms, watch_ms=watch_ms, duration_ms=30_000, **more)

    def share(self, subject: str) -> float:
        """Share of a preview of ten that is about ``subject``."""
        shown = self.asks("ann", 10, purpose="preview")
        return float(np.mean([name.startswith(subject) for name in shown]))


def _some(seed: int, count: int, first: int = 0) -> list[int]:
    """Numbers of videos in an order of the seed's own, those from ``first`` on."""
    found: list[int] = (first + np.random.default_rng(seed).permutation(_EACH - first)[:count]).tolist()
    return found


@scenario(
    row="watch quality, fair across durations",
    shows="rank correlation of the quality of a watch and the video's length, absolute",
    off={"signals.fair": False},
    least=0.2,
    fewer=True,
)
def fair_watch_times(seed: int, tuning: Tuning) -> float:
    """Of longer videos more is watched, and a smaller share; what is usual is learnt from the first half."""
    rng, count = np.random.default_rng(seed), 60_000
    duration_ms = np.exp(rng.uniform(np.log(4_000), np.log(300_000), count)).astype(np.int64)
    watch_ms = 20 * duration_ms**0.6 * np.exp(rng.normal(0, 1, count))
    watch_ms = np.minimum(watch_ms, duration_ms * np.where(rng.random(count) < 0.1, 2.0, 1.0)).astype(np.int64)
    half = slice(0, count // 2), slice(count // 2, count)
    usual = WatchQuality().learn_many(watch_ms[half[0]], duration_ms[half[0]]).usual()
    label = quality(usual, watch_ms[half[1]], duration_ms[half[1]], tuning.signals.fair)
    return abs(_rank_correlation(label, duration_ms[half[1]]))


def _rank_correlation(one: Any, other: Any) -> float:
    """Spearman's, for values without many ties."""
    one, other = (np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (one, other))
    return float(np.corrcoef(one, other)[0, 1])


@scenario(
    row="skip",
    shows="share of the preview that keeps to the taste after a dozen playback errors on it",
    off={"signals.excuse": False},
    least=0.1,
)
def failing_playback(seed: int, tuning: Tuning) -> float:
    """A viewer of cats, and a little of dogs, whose player fails on cats is still a viewer of cats."""
    story = Story(tuning)
    for at in range(4):
        for subject, watch_ms in (("cats", 30_000), ("dogs", 20_000), ("cars", 3_000)):
            story.show(f"{subject}-{at}", watch_ms)
    for at in _some(seed, 8, first=4):
        story.show(f"cats-{at}", 700, end_reason="error")
        story.tell("skip", f"cats-{at}", watch_ms=700)
    return story.share("cats")


@scenario(
    row="micro-actions",
    shows="share of the preview about what was paused, enlarged and asked about",
    off={"signals.gesture": 0.0},
    least=0.1,
)
def gestures(seed: int, tuning: Tuning) -> float:
    """Videos of all subjects are watched alike, and of one of them the comments are opened."""
    story, rng = Story(tuning), np.random.default_rng(seed)
    for at in range(5):
        for subject in rng.permutation(_SUBJECTS).tolist():
            story.show(f"{subject}-{at}", 12_000)
            if subject == "food":
                for kind in ("pause", "fullscreen", "comments_open"):
                    story.tell("action", f"{subject}-{at}", kind=kind)
    return story.share("food")


@scenario(
    row="micro-actions",
    shows="share of the preview about what was only commented in anger",
    off={"signals.harsh": True},
    least=0.1,
    fewer=True,
)
def harsh_comments(seed: int, tuning: Tuning) -> float:
    """Of cats more is watched than of all others, and those of cars make the viewer angry."""
    story, rng = Story(tuning), np.random.default_rng(seed)
    for at in range(5):
        for subject in rng.permutation(_SUBJECTS).tolist():
            story.show(f"{subject}-{at}", 20_000 if subject == "cats" else 12_000)
            if subject == "cars":
                story.tell("comment", f"{subject}-{at}", comment_id=f"c{at}", sentiment=-0.9)
    return story.share("cars")


@scenario(
    row="definitions",
    shows="share of the preview about what is said to have been watched for a minute within a second",
    off={"signals.slack_s": 1e6},
    least=0.1,
    fewer=True,
)
def unbelievable_watch_times(seed: int, tuning: Tuning) -> float:
    """A viewer watches cats; a broken player tells a minute of every car that is swiped away."""
    story, rng = Story(tuning), np.random.default_rng(seed)
    for at in range(5):
        for subject in rng.permutation(["cats", "cars"]).tolist():
            story.show(f"{subject}-{at}", 20_000 if subject == "cats" else 60_000, 20_000 if subject == "cats" else 900)
    return story.share("cars")


@scenario(
    row="delayed labels",
    shows="how far long views, likes, saves and comments are predicted from how many there are, per hundred views",
    off={"signals.correct": False},
    least=2.0,
    fewer=True,
    seeds=3,
)
def late_labels(seed: int, tuning: Tuning) -> float:
    """What viewers do comes eleven minutes late, when the example of it is learnt already."""
    world, replay = World(seed, viewers=30, videos=300), Replay(_SENT_MS, learn_rows=64, tuning=tuning)
    lines = [parse_line(line) for line in world.log(480, previews=False)]
    for number, line in enumerate(delayed(lines, 660_000, EVENTS.keys() - {"events.impression"})):
        replay.line(line)
        if number % 24 == 0:
            replay.flush()
    replay.flush()
    held, rows = replay.learner.join.table.__dict__, np.array(list(replay.learner.join.row_of.values()), dtype=np.int64)
    guess = replay.learner.heads.probabilities(held["x"][rows].astype(np.float64)).mean(axis=0)
    wrong = [
        abs(guess[list(HEADS).index(head)] - ((held["bits"][rows] & HEADS[head]) > 0).mean())
        for head in ("long_view", "like", "save", "comment")
    ]
    return 100.0 * float(np.mean(wrong))
