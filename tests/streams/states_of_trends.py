"""The states of trends behind the face of ``states``."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from schemas.trends import Trend
from streams import limits
from streams.control.tuning import DEFAULT
from streams.trends.rising import Rising
from streams.trends.surge import SHORT, Flow, part_of
from streams.trends.trends import Reading, Trends
from tests.streams.states import Events, State, Story, pickled

__all__ = ["RISING", "TRENDS", "reading_of"]

_T0 = 1_700_000_000_000

# --- what whoever ranks knows ----------------------------------------------------------------------------------------


def _told(name: str, state: Any, ts_ms: int, kind: Any = "video") -> Trend:
    return Trend(v=1, trend_id="t", kind=kind, id=name, state=state, ts_ms=ts_ms)


def _records(rng: random.Random) -> Events:
    states = ("rising", "cooling", "falling")
    kinds = ("video", "tag", "sound")
    return [
        _told(f"n{rng.randrange(6)}", rng.choice(states), _T0 + rng.randrange(9), rng.choice(kinds)) for _ in range(40)
    ]


def _take(rising: Rising, events: Events) -> None:
    for trend in events:
        rising.take(trend)


def _ended(rng: random.Random) -> Story:
    more = [_told(f"new{at}", "rising", _T0 + at) for at in range(5)]
    return _records(rng), more, [_told(one.id, "cooling", one.ts_ms + 10) for one in more]


def _flooded() -> tuple[int, int]:
    rising = Rising()
    _take(rising, [_told(f"n{at}", "rising", _T0 + at) for at in range(2 * limits.RISING)])
    return len(rising), limits.RISING


def _known(rising: Rising) -> Any:
    return rising.videos(_T0 + 100).tolist(), rising.words(_T0 + 100).tolist()


RISING = State(
    "Rising",
    fresh=Rising,
    events=_records,
    apply=_take,
    exact=_known,
    again=pickled,
    raw=_known,
    flood=_flooded,
    cold=lambda rising: not len(rising.videos(0)) and not len(rising.words(0)),
    story=_ended,
)

# --- what is watched -------------------------------------------------------------------------------------------------


def reading_of(late: dict[int, float], day: float = 300.0) -> Reading:
    """Items by number with so many likes of late, ``day`` each over the day; everything else is calm."""
    numbers = np.array(sorted(late), dtype=np.int64)
    amounts = np.array([late[at] for at in numbers.tolist()])
    flow = Flow(amounts, np.full(len(numbers), day), (1_000.0, 1_000.0 / part_of(SHORT)), part_of(SHORT))
    return Reading(numbers, flow, "n{}".format, lambda name: int(name[1:]))


def _looks(rng: random.Random, first: int = 0) -> Events:
    made: Events = []
    for step in range(first, first + 30):
        made.append((_T0 + step * 10_000, {at: rng.choice((1.0, 1.0, 8.0, 40.0)) for at in range(6)}))
    return made


def _look(trends: Trends, events: Events) -> None:
    for now_ms, late in events:
        trends.look(reading_of(late), now_ms, DEFAULT.trends)


def _over(rng: random.Random) -> Story:
    calm = [(_T0 + step * 10_000, dict.fromkeys(range(6), 1.0)) for step in range(3)]
    high = [(_T0 + step * 10_000, {0: 60.0, 1: 1.0}) for step in range(3, 6)]
    return calm, high, [(_T0 + step * 10_000, {0: 1.0}) for step in range(6, 8)]


def _flooded_trends() -> tuple[int, int]:
    trends = Trends("video")
    for step in range(4):
        late = dict.fromkeys(range(step, 4 * limits.WATCHED, 2), 20.0 + step)
        trends.look(reading_of(late), _T0 + step * 10_000, DEFAULT.trends)
    return len(trends), limits.WATCHED


def _stored_trends(trends: Trends) -> Trends:
    back = Trends("video")
    back.decode(trends.encode())
    return back


TRENDS = State(
    "Trends",
    fresh=lambda: Trends("video"),
    events=_looks,
    apply=_look,
    exact=Trends.encode,
    meant=Trends.rising,
    again=_stored_trends,
    raw=Trends.encode,
    flood=_flooded_trends,
    cold=lambda trends: trends.look(reading_of({}), _T0, DEFAULT.trends) == [] and trends.rising() == [],
    lane=lambda _: "time",
    story=_over,
    without={"idempotent": "looks are made one after the other, in event time"},
)
