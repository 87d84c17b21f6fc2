"""Scenarios of the slate: what it does not repeat, what it brings in, and what it holds back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from agents.scenarios.scenario import scenario
from agents.scenarios.telling import Teller, send
from schemas.catalogue import Video
from schemas.control import Promotion
from schemas.lines import parse_line, write_line
from streams import limits
from streams.control.tuning import Tuning
from streams.replay import Replay
from streams.slate.fairness import exposure

__all__ = ["boredom", "caps", "creators_shares", "fatigue", "paced_campaign", "second_taste"]

_START_MS: Final = 1_760_000_000_000
_LOVED, _HIDDEN = "subject-0", "subject-7"
_OTHERS: Final = 12


class _Story(Teller):
    """Ann, who has liked eight videos of one subject, in a world where there is more of it than of a dozen others."""

    def __init__(self, seed: int, tuning: Tuning) -> None:
        rng = np.random.default_rng(seed)
        super().__init__(Replay(_START_MS + 10**10, tuning=tuning), _START_MS)
        self.subject: dict[str, str] = {}
        subjects = [_LOVED] * 200 + [f"subject-{at}" for at in range(1, _OTHERS + 1)] * 12
        for at, subject in enumerate(subjects):
            self.subject[f"v{at}"] = subject
            video = Video(
                v=1, video_id=f"v{at}", creator_id=f"{subject}-c{at % 20}", created_ms=_START_MS - 86_400_000,
                duration_ms=20_000, tags=[subject, f"{subject}-{at % 5}"],
            )  # fmt: skip
            send(self.replay, "videos", video)
        for at in range(40):
            for name in rng.choice(200 if at % 2 else len(subjects), 12, replace=False):
                self.stay(f"v{name}", f"other-{at}", like=bool(rng.random() < 0.3))
        for name in rng.choice(200, 8, replace=False):
            self.stay(f"v{name}", "ann", like=True)

    def tell(self, verb: str, video_id: str, user: str = "ann", **more: Any) -> None:
        """An event; time passes."""
        self.now_ms += 1_000
        self.does(verb, user, video_id, **{"impression_id": f"{user}.{video_id}"} | more)

    def stay(self, video_id: str, user: str = "ann", *, like: bool = False) -> None:
        """Watch to the end, and perhaps like."""
        self.tell("watch", video_id, user, watch_ms=20_000, duration_ms=20_000)
        if like:
            self.tell("like", video_id, user)

    def shown(self, limit: int, user: str = "ann") -> list[str]:
        """The next batch."""
        self.now_ms += 1_000
        return self.asks(user, limit)

    def subjects(self, video_ids: Iterable[str]) -> Counter[str]:
        """How many videos of each subject."""
        return Counter(self.subject[name] for name in video_ids)


@scenario(
    row="no repetition",
    shows="most items with one leading tag among 50, for a viewer who likes one subject",
    off={"slate.tag_cap": 50},
    on={"slate.tag_cap": 12},
    least=3.0,
    fewer=True,
    seeds=3,
)
def caps(seed: int, tuning: Tuning) -> float:
    """However much a viewer likes one thing, a feed has other things too."""
    story = _Story(seed, tuning)
    shown = [name for _ in range(5) for name in story.shown(limits.LATELY // 5)]
    return float(max(story.subjects(shown).values()))


@scenario(
    row="bubble control",
    shows="items of a second taste that nothing hinted at, among the first 80",
    off={"slate.beyond": 0.0, "slate.bored": 0.0},
    least=1.0,
    seeds=5,
)
def second_taste(seed: int, tuning: Tuning) -> float:
    """What lies beyond the known interests finds a new one."""
    story, found = _Story(seed, tuning), []
    for _ in range(8):
        found += (shown := story.shown(10))
        for at, name in enumerate(shown):
            if story.subject[name] in {_LOVED, _HIDDEN}:
                story.stay(name, like=at % 2 == 0)
            else:
                story.tell("skip", name, watch_ms=500)
    return float(story.subjects(found)[_HIDDEN])


@scenario(
    row="session pace",
    shows="share of other subjects in the 20 items after five skips in a row",
    off={"slate.bored": 0.0},
    least=0.1,
    seeds=3,
)
def boredom(seed: int, tuning: Tuning) -> float:
    """Who skips one video after the other is offered something else."""
    story = _Story(seed, tuning)
    for name in story.shown(5):
        story.tell("skip", name, watch_ms=500)
    return 1.0 - story.subjects(story.shown(20))[_LOVED] / 20


@scenario(
    row="bubble control",
    shows="items of the subject shown most, among 30 after 30 that the viewer let pass without a word",
    off={"slate.fatigue": 0.0},
    least=1.0,
    fewer=True,
    seeds=5,
)
def fatigue(seed: int, tuning: Tuning) -> float:
    """What was shown often and moved nobody is shown less."""
    story = _Story(seed, tuning)
    story.now_ms += limits.DAY_MS // 2
    for _ in range(3):
        for name in story.shown(10):
            story.tell("impression", name)
    return float(story.subjects(name for _ in range(3) for name in story.shown(10))[_LOVED])


@scenario(
    row="bubble control",
    shows="Gini coefficient of creators' exposure after 25 new viewers who like some of the first they see",
    off={"slate.creator_gini": 1.0},
    on={"slate.creator_gini": 0.3},
    least=0.02,
    fewer=True,
    seeds=3,
)
def creators_shares(seed: int, tuning: Tuning) -> float:
    """Exposure is held to a target."""
    story = _Story(seed, tuning)
    for at in range(25):
        shown = story.shown(20, f"guest-{at}")
        for place, name in enumerate(shown):
            story.tell("impression", name, f"guest-{at}")
            if place % 5 == 0:
                story.stay(name, f"guest-{at}", like=True)
    story.replay.flush()
    return exposure(story.replay.catalogue, story.now_ms + 120_000).gini


@scenario(
    row="promoted items",
    shows="share of a campaign's plan delivered by noon, of which half is due, times two",
    off={"slate.promoted": 0.0},
    least=0.9,
    seeds=3,
)
def paced_campaign(seed: int, tuning: Tuning) -> float:
    """A campaign is delivered as planned over a simulated day, however visits bunch."""
    story, rng, served = _Story(seed, tuning), np.random.default_rng(seed), 0
    begin_ms, total = story.now_ms, 60
    promotion = Promotion(v=1, video_id="v210", impressions=total, from_ms=begin_ms, to_ms=begin_ms + limits.DAY_MS)
    story.replay.line(parse_line(write_line("promotions", "campaign", promotion, begin_ms)))
    for at, when in enumerate(np.sort(rng.beta(2.0, 1.0, 60)) * limits.DAY_MS / 2):
        story.now_ms = begin_ms + int(when)
        served += "v210" in story.shown(10, f"guest-{at}")
    return 2.0 * served / total
