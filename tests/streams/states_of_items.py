"""The states of what models keep of each video, ready for the laws."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from streams import limits
from streams.learning.embedding import ItemFactors
from streams.learning.item_table import ItemTable
from streams.learning.lift import ItemLift
from streams.learning.likes import CrowdLikes
from streams.learning.segments import Segments
from streams.learning.snapshots import pack
from streams.learning.terms import TermTags
from tests.streams.states import Events, State

__all__ = ["MODEL", "OF_ITEMS", "model", "restored"]

_T0 = 1_700_000_000_000
MODEL = {
    "idempotent": "a row seen twice is learnt twice; who sends it once is the join",
    "commutative": "later rows start from what earlier ones taught",
    "inverse": "a step back is no step not taken",
}
"""Why a model breaks the laws of sums."""


def restored(fresh: Callable[[], Any]) -> Callable[[Any], Any]:
    """What makes another one from the ``state`` of one."""

    def again(one: Any) -> Any:
        back = fresh()
        back.restore(one.state())
        return back

    return again


def model(name: str, fresh: Callable[[], Any], **rest: Any) -> State:
    """The state of a model that is all in its ``state``: equal bytes, or another model."""

    def packed(one: Any) -> bytes:
        return pack(one.state())

    return State(name, fresh=fresh, exact=packed, again=restored(fresh), raw=packed, **({"without": MODEL} | rest))


def _followed(rng: random.Random) -> Events:
    return [([rng.randint(0, 40) for _ in range(3)], rng.randint(1, 40), [rng.randint(1, 40) for _ in range(4)])
            for _ in range(15)]  # fmt: skip


def _teach_factors(factors: ItemFactors, events: Events) -> None:
    recent, positive, negatives = (np.array([event[at] for event in events], dtype=np.uint64) for at in range(3))
    factors.learn_many(recent, positive, negatives, chunk=1)


def _flooded_factors() -> tuple[int, int]:
    factors = ItemFactors(max_items=10)
    for seed in range(20):
        _teach_factors(factors, _followed(random.Random(seed)))
    return len(factors.table), 10


FACTORS = model(
    "ItemFactors",
    ItemFactors,
    events=_followed,
    apply=_teach_factors,
    flood=_flooded_factors,
    cold=lambda factors: factors.predict_one({"recent": [1], "item": 2}) == 0.0 and not len(factors.table),
)


def _expected(rng: random.Random) -> Events:
    return [([rng.randint(1, 40) for _ in range(5)], _T0 + rng.randint(0, 3_600_000)) for _ in range(15)]


def _teach_lift(lift: ItemLift, events: Events) -> None:
    for items, ms in events:
        lift.learn_many(np.array([items], np.uint64), np.full((1, 5), 0.2), np.ones(1), np.array([ms]))


def _flooded_lift() -> tuple[int, int]:
    lift = ItemLift(max_items=10)
    for seed in range(20):
        _teach_lift(lift, _expected(random.Random(seed)))
    return len(lift.table), 10


LIFT = model(
    "ItemLift",
    ItemLift,
    events=_expected,
    apply=_teach_lift,
    flood=_flooded_lift,
    cold=lambda lift: lift.predict_one({"item": 2, "ms": _T0}) == 0.0 and not len(lift.table),
    without=MODEL | {"commutative": "rows come in order of arrival; what they hold is equal to rounding"},
)


def _items(rng: random.Random) -> Events:
    return [[rng.randint(0, 40) for _ in range(4)] for _ in range(10)]


def _name_items(table: ItemTable, events: Events) -> None:
    for names in events:
        table.mark(table.rows_for(np.array(names, np.uint64))[1])


def _flooded_items() -> tuple[int, int]:
    table = ItemTable({}, 10)
    for seed in range(20):
        _name_items(table, _items(random.Random(seed)))
    return table.high, 10


ITEMS = model(
    "ItemTable",
    lambda: ItemTable({}, 1_000),
    events=_items,
    apply=_name_items,
    flood=_flooded_items,
    cold=lambda table: not len(table) and not table.row_of,
    without=MODEL | {"idempotent": "who was touched last is what it keeps"},
)


def _followed_terms(rng: random.Random) -> Events:
    return [
        (rng.randint(1, 40), [rng.randint(0, 30) for _ in range(8)], _T0 + rng.randint(0, 3_600_000)) for _ in range(15)
    ]


def _teach_terms(learnt: TermTags, events: Events) -> None:
    for name, tags, ms in events:
        learnt.learn_many(
            np.array([name], np.uint64), np.array([tags], np.uint64), np.ones(1, np.float32), np.array([ms])
        )


def _flooded_terms() -> tuple[int, int]:
    learnt = TermTags(max_items=10)
    for seed in range(20):
        _teach_terms(learnt, _followed_terms(random.Random(seed)))
    return len(learnt.table), 10


TERMS = model(
    "TermTags",
    TermTags,
    events=_followed_terms,
    apply=_teach_terms,
    flood=_flooded_terms,
    cold=lambda learnt: learnt.predict_one({"term": 2, "tag": 1}) == 0.0 and not len(learnt.table),
)


# --- crowds -----------------------------------------------------------------------------------------------------------


def _tastes(rng: random.Random) -> Events:
    def unit(at: int) -> list[float]:
        return [float(at == place) + rng.gauss(0, 0.05) for place in range(limits.DIM)]

    return [(unit(rng.randrange(5)), rng.random(), [rng.randrange(6), rng.randrange(6)]) for _ in range(20)]


def _gather(segments: Segments, events: Events) -> None:
    tastes, weights, tags = (np.array([event[at] for event in events]) for at in range(3))
    segments.learn_many(tastes.astype(np.float32), weights, tags.astype(np.uint64))


def _flooded_segments() -> tuple[int, int]:
    segments, rng = Segments(most=4), np.random.default_rng(1)
    _gather(segments, [(taste, 1.0, [at]) for at, taste in enumerate(rng.normal(size=(400, limits.DIM)).tolist())])
    return len(pack(segments.state())), len(pack(Segments(most=4).state()))


SEGMENTS = model(
    "Segments",
    Segments,
    events=_tastes,
    apply=_gather,
    flood=_flooded_segments,
    cold=lambda segments: segments.predict_many(np.ones((1, limits.DIM))).tolist() == [-1],
)


def _liked(rng: random.Random) -> Events:
    return [([rng.randint(0, 5), rng.randint(0, 5)], rng.randint(1, 40), _T0 + rng.randint(0, 3_600_000))
            for _ in range(15)]  # fmt: skip


def _like(likes: CrowdLikes, events: Events) -> None:
    for crowds, video, ms in events:
        likes.learn_many(np.array([crowds], np.uint64), np.array([video], np.uint64), np.ones(1), np.array([ms]))


def _flooded_likes() -> tuple[int, int]:
    likes = CrowdLikes(max_crowds=10)
    for at in range(60):
        _like(likes, [([at + 1], 7, _T0)])
    return len(likes.table), 10


LIKES = model(
    "CrowdLikes",
    CrowdLikes,
    events=_liked,
    apply=_like,
    flood=_flooded_likes,
    cold=lambda likes: likes.predict_one({"crowd": 1, "item": 2}) == 0.0 and not len(likes.table),
)

OF_ITEMS = (ITEMS, FACTORS, LIFT, TERMS, SEGMENTS, LIKES)
