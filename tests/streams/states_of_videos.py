"""The states of outcomes, videos and the catalogue, ready for the laws."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import numpy as np

from schemas.catalogue import Safety
from schemas.internal import VideoState
from streams import limits
from streams.shards.changes import PAIR, ROW, SIGNALS, SOFT, SOFT_DOUBTED, Batch
from streams.shards.columns import COMMENT, IMPRESSION, LIKE, SHARE, SKIP, WATCH
from streams.shards.video_shard import VideoShard, video_key
from streams.signals.outcomes import OutcomeTable, facts
from streams.video.catalogue import Catalogue
from streams.video.daily import saved_views, views_since
from streams.video.videos import NUMBERS, decayed
from tests.streams.states import Events, State, Story, pickled, video

__all__ = ["CATALOGUE", "OUTCOMES", "OUTCOME_BYTES", "VIDEOS", "VIDEO_BYTES", "restored_videos"]

# --- outcomes --------------------------------------------------------------------------------------------------------

_KINDS = [IMPRESSION, WATCH, SKIP, SHARE, COMMENT, LIKE, LIKE + 1, LIKE + 2, LIKE + 3]


def _table() -> OutcomeTable:
    table = OutcomeTable()
    table.take(3)
    return table


def _facts(rng: random.Random) -> Events:
    return [(rng.randrange(3), rng.choice(_KINDS), rng.randint(1, limits.RING), rng.randint(0, 60)) for _ in range(60)]


def _put(table: OutcomeTable, batch: Events) -> None:
    rows, kind, ref, value = (np.array(column, dtype=np.int64) for column in zip(*batch, strict=True))
    table.apply(rows, kind.astype(np.uint8), ref.astype(np.uint64), value)


def _restored_outcomes(table: OutcomeTable) -> OutcomeTable:
    back = OutcomeTable()
    back.decode(back.take(3), table.encode(np.arange(3)))
    return back


def _flooded_outcome() -> tuple[int, int]:
    table, rng = _table(), random.Random(1)
    for _ in range(40):
        _put(table, [(0, rng.choice(_KINDS), rng.randint(1, 10**9), rng.randint(0, 10**12)) for _ in range(500)])
    return len(table.encode(np.array([0]))[0]), OUTCOME_BYTES


OUTCOME_BYTES = 47 + 17 * 46
"""Of an outcome in the store: a head, and a fact in each of its cells."""

OUTCOMES = State(
    "OutcomeTable",
    fresh=_table,
    events=_facts,
    apply=_put,
    exact=lambda table: [facts(value) for value in table.encode(np.arange(3))],
    again=_restored_outcomes,
    raw=lambda table: table.encode(np.arange(3)),
    flood=_flooded_outcome,
    cold=lambda table: facts(table.encode(np.array([0]))[0]) == [] and int(table.best_watch(np.array([0]))[0]) == -1,
    without={"inverse": "facts are kept for ever; what stands is restored, which UserShard shows"},
)

# --- videos ----------------------------------------------------------------------------------------------------------

_SOURCES = [("events.like", 0), ("events.like", 1), ("events.watch", 0)]
_T0 = 1_700_000_000_000


def _rows(rows: Iterable[tuple[int, int, int, int, int, int, tuple[int, ...]]]) -> Any:
    """ROW records of (offset, video, ts_ms, kind, n, watch_ms, signal)."""
    return np.array(list(rows), dtype=ROW)


def _pairs(pairs: Iterable[tuple[int, int, int, float, int]]) -> Any:
    """PAIR records of (offset, video, other, weight, ts_ms); whose they are, where PAIR says it, follows from when."""
    held = list(pairs)
    packed = np.zeros(len(held), dtype=PAIR)
    for at, name in enumerate(("offset", "video", "other", "weight", "ts_ms")):
        packed[name] = [pair[at] for pair in held]
    if "viewer" in (PAIR.names or ()):
        packed["viewer"] = packed["ts_ms"] % 1_000 + 1
    return packed


_VIDEO_IDS = [f"v{number}" for number in range(5)]


_DAY = limits.DAY_MS


def _changes(rng: random.Random, first: int = 0, days: int = limits.VIEW_DAYS + 10) -> Events:
    """Counted are events of the latest ``days`` up to a moment, soft signals those of ten minutes."""
    made = []
    for offset in range(first, first + 12):
        for source in _SOURCES:
            at, other, ts_ms = rng.randrange(5), rng.randrange(5), _T0 + rng.randint(0, 600_000)
            signal = tuple(rng.randint(-1, 1) for _ in SIGNALS)
            counted_ms = ts_ms - _DAY * rng.randrange(days)
            rows = [(at, counted_ms, rng.choice([LIKE, WATCH, SKIP]), 1, rng.randint(0, 9_000), (0, 0, 0, 0))]
            rows.append((at, ts_ms, rng.choice((SOFT, SOFT_DOUBTED)), 0, 0, signal))
            pairs = [(at, -1, 1.0, ts_ms)] + [(at, other, 1.0, ts_ms)] * (other != at)
            made.append((source, offset, rows, pairs))
    return made


def _change_videos(shard: VideoShard, events: Events) -> None:
    for source in dict.fromkeys(source for source, *_ in events):
        mine = sorted((event for event in events if event[0] == source), key=lambda event: event[1])
        rows = _rows((offset, *row) for _, offset, rows, _ in mine for row in rows)
        pairs = _pairs((offset, *pair) for _, offset, _, pairs in mine for pair in pairs)
        shard.apply(Batch(*source, _VIDEO_IDS, rows, pairs))


def _undone_changes(rng: random.Random) -> Story:
    # What a later day has let go of does not come back with an undo.
    before, more = _changes(rng, days=10), _changes(rng, first=12, days=10)
    undone = [
        (
            source,
            offset + 12,
            [
                (at, ts, kind, -n, -watch_ms, tuple(-one for one in signal))
                for at, ts, kind, n, watch_ms, signal in rows
            ],
            [(at, other, -weight, ts) for at, other, weight, ts in pairs],
        )
        for source, offset, rows, pairs in more
    ]
    return before, more, undone


_SINCE = range(_T0 // _DAY - limits.VIEW_DAYS - 10, _T0 // _DAY + 2)


def _counts(shard: VideoShard) -> Any:
    table = shard.table
    near = {name: sorted(table.near[row][table.near[row] != 0].tolist()) for name, row in shard.row_of.items()}
    counts = {name: table.counts[row].tolist() for name, row in shard.row_of.items()}
    rows = np.array(list(shard.row_of.values()), dtype=np.int64)
    days = dict(zip(shard.row_of, saved_views(table, rows), strict=True))
    views = {name: [views_since(days[name], day) for day in _SINCE] for name in counts}
    # A video of which everything was taken back is as one never heard of.
    return {name: (counts[name], near[name], views[name]) for name in counts if any(counts[name]) or near[name]}


def _sums(shard: VideoShard) -> dict[Any, Any]:
    table, now_ms, made = shard.table, _T0 + 700_000, {}
    for name, row in shard.row_of.items():
        for kind in ("sums", "doubted"):
            made[name, kind] = decayed(getattr(table, kind)[[row]], table.sums_ms[[row]], now_ms)[0]
        age_s = (now_ms - int(table.near_ms[row])) / 1_000.0
        fade = np.exp2(-age_s / np.array(limits.NEIGHBOUR_HALF_LIVES_S))
        made[name, "mass"] = table.near_mass[row] * fade
        for at in np.flatnonzero(table.near[row]).tolist():
            made[name, int(table.near[row, at])] = table.near_w[row, at] * fade
    return made


def restored_videos(shard: VideoShard) -> VideoShard:
    """The shard that is loaded from this one's checkpoint, its first."""
    saved = shard.checkpoint()
    back = VideoShard(0, 10**13, 100)
    back.offsets = dict(saved.offsets)
    back.load([key.removeprefix(video_key("")).decode() for key in saved.keys], saved.values)
    return back


def _video_bits(shard: VideoShard) -> Any:
    names = sorted(shard.row_of)
    rows = np.array([shard.row_of[name] for name in names], dtype=np.int64)
    return names, shard.table.pack(rows).tobytes(), saved_views(shard.table, rows), shard.offsets


def _flooded_video() -> tuple[int, int]:
    shard, rng = VideoShard(0, 10**13, 100), random.Random(1)
    for step in range(20):
        ids = ["v", *(f"x{step}-{at}" for at in range(100))]
        pairs = _pairs((step, 0, at, rng.random() + 0.1, _T0 + step) for at in range(1, 101))
        rows = _rows((step, 0, _T0 + step * 3 * _DAY, kind, 100, 0, (0, 0, 0, 0)) for kind in (LIKE, WATCH))
        shard.apply(Batch("events.like", 0, ids, rows, pairs))
    return len(shard.checkpoint().values[0]), VIDEO_BYTES


VIDEO_BYTES = NUMBERS.itemsize + 8 + 4 * limits.VIEW_DAYS + 64
"""Of a video's numbers and its views by the day in the store; its record comes on top."""

VIDEOS = State(
    "VideoShard",
    fresh=lambda: VideoShard(0, 10**13, 100),
    events=_changes,
    apply=_change_videos,
    exact=_counts,
    rounded=_sums,
    lane=lambda event: event[0],
    story=_undone_changes,
    again=restored_videos,
    raw=_video_bits,
    flood=_flooded_video,
    cold=lambda shard: shard.states() == [] and shard.checkpoint().keys == [] and shard.missing(["x"]) == ["x"],
)

# --- the catalogue ---------------------------------------------------------------------------------------------------


def _state_of(name: str, rng: random.Random) -> VideoState:
    numbers = np.zeros(1, dtype=NUMBERS)
    numbers["counts"], numbers["sums_ms"] = rng.randint(0, 99), rng.randint(0, 99)
    record = video(
        name,
        tags=[f"t{rng.randrange(9)}"],
        lang=rng.choice(["en", None]),
        safety=Safety(level=rng.randrange(3)),
        countries=rng.choice([[], ["FR"]]),
        visibility=rng.choice(["public", "unlisted"]),
    )
    return VideoState(format=1, video=record, active=rng.random() < 0.8, numbers=numbers.tobytes())


def _announcements(rng: random.Random, names: str = "abcdefgh") -> Events:
    made = []
    for _ in range(25):
        name = rng.choice(names)
        made.append((name, _state_of(name, rng) if rng.random() < 0.75 else None))
    return made


def _undone_announcements(rng: random.Random) -> Story:
    more = _announcements(rng, "klmnop")
    return _announcements(rng), more, [(name, None) for name in dict.fromkeys(name for name, _ in more)]


_SHOWN = ("counts", "hash", "creator", "lang", "tags", "countries", "content", "duration_ms", "safety", "candidate")


def _catalogued(catalogue: Catalogue) -> Any:
    columns = {
        name: [getattr(catalogue, column)[row].tolist() for column in _SHOWN] for name, row in catalogue.row_of.items()
    }
    candidates = sorted(catalogue.video_ids[row] for row in catalogue.candidates().tolist())
    return dict(sorted(columns.items())), candidates, len(catalogue)


def _flooded_catalogue() -> tuple[int, int]:
    catalogue, rng = Catalogue(), random.Random(2)
    for step in range(40):
        names = [f"v{step}-{at}" for at in range(50)]
        catalogue.take_states([(name, _state_of(name, rng)) for name in names])
        catalogue.take_states([(name, None) for name in names])
    return catalogue.high, 50


CATALOGUE = State(
    "Catalogue",
    fresh=Catalogue,
    events=_announcements,
    apply=lambda catalogue, events: catalogue.take_states(events),
    exact=_catalogued,
    lane=lambda event: event[0],
    story=_undone_announcements,
    again=pickled,
    raw=_catalogued,
    flood=_flooded_catalogue,
    cold=lambda catalogue: not len(catalogue.candidates()) and catalogue.rows(["x"]).tolist() == [-1],
)
