"""The states of viewers and what they were served, and of names and hashes, ready for the laws."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import numpy as np

from schemas.events import EVENTS
from streams import limits
from streams.arrays.index import HashIndex
from streams.arrays.statehash import ExactHash
from streams.ranking.desk import Desk
from streams.ranking.ranking import Ranked
from streams.shards.columns import columns, merge
from streams.shards.keys import split_outcome_key
from streams.shards.user_shard import UserShard
from streams.shards.video_shard import VideoShard
from streams.signals.outcomes import facts
from streams.video.catalogue import Catalogue
from streams.video.videos import decayed
from streams.viewer.following import followed
from tests.streams.states import Events, State, Story, pickled, video
from tests.streams.states_of_videos import restored_videos

__all__ = ["DESK", "EXACT_HASH", "HASH_INDEX", "USERS", "Users", "felt", "fold", "known", "made_event", "rows_of"]

_LATEST_MS = 100_000
_REACTIONS = ("like", "save", "follow", "comment")


@cache
def known() -> Catalogue:
    """Twelve videos, shared and read only: three tags, two sounds, three creators, lengths from 7 s to 40 s."""
    shard = VideoShard(0, 10**13, 100)
    records = [
        video(f"v{at}", creator_id=f"c{at % 3}", tags=[f"t{at % 3}", f"t{at % 2}"], sound_id=f"s{at % 2}",
              duration_ms=(7_000, 18_000, 40_000)[at % 3])
        for at in range(12)
    ]  # fmt: skip
    shard.apply_videos([(record.video_id, record) for record in records])
    catalogue = Catalogue()
    catalogue.take_states(shard.states())
    return catalogue


class Users:
    """A user shard, the video shard its changes go to, and how far each topic was read."""

    def __init__(self) -> None:
        self.shard = UserShard(0, known(), negatives=4, learn=False)
        self.videos = VideoShard(0, 10**13, 100)


def made_event(verb: str, user: str, name: str, ts_ms: int, **more: Any) -> Any:
    """(topic, event) with ids made up."""
    base = {"v": 1, "event_id": "e", "user_id": user, "session_id": "s", "video_id": name, "ts_ms": ts_ms}
    return f"events.{verb}", EVENTS[f"events.{verb}"](**(base | more))


def _event(rng: random.Random, verbs: tuple[str, ...]) -> Any:
    verb, more = rng.choice(verbs), {}
    if rng.random() < 0.7:
        more["impression_id"] = f"i{rng.randrange(5)}"
    if verb == "watch":
        more |= {"watch_ms": rng.randint(0, 50_000), "duration_ms": rng.choice([0, 0, 9_000])}
        more |= {"loops": rng.choice([None, 0.5, 2.0]), "end_reason": rng.choice([None, "error"])}
    elif verb == "skip":
        more["watch_ms"] = rng.randint(0, 2_000)
    elif verb == "feedback":
        more["kind"] = rng.choice(["not_interested", "report", "more_like_this", "mute", "hide_sound", "hide_tag"])
        if rng.random() < 0.1:
            more["kind"] = "reset"
    elif verb == "share":
        more["event_id"] = f"e{rng.randrange(6)}"
    if verb == "comment":
        more |= {"comment_id": f"c{rng.randrange(5)}", "sentiment": rng.choice([None, -0.9, 0.9])}
    if verb in {*_REACTIONS, "feedback"}:
        more["op"] = rng.choice(["add", "add", "remove"])
    user, name, ts_ms = f"u{rng.randrange(3)}", f"v{rng.randrange(12)}", rng.randint(1, 60) * 1_000
    if verb == "action":
        more |= _ACTIONS[ts_ms // 1_000 % len(_ACTIONS)]
    return made_event(verb, user, name, ts_ms, **more)


_ACTIONS = ({"kind": "pause"}, {"kind": "tag_open"}, {"kind": "sound_open", "target": "s9"}) + tuple(
    {"kind": "search", "query": query} for query in ("cats", "less cats", "more cats", "更多运动类")
)
_VERBS = (
    "impression", "watch", "watch", "like", "like", "share", "skip", "comment", "follow", "save", "feedback", "action",
)  # fmt: skip


def _log(rng: random.Random) -> Events:
    return [_event(rng, _VERBS) for _ in range(80)]


def fold(users: Users, events: Events) -> None:
    """One batch of several topics, then the second hop."""
    parts, offsets = [], []
    for topic in dict.fromkeys(topic for topic, _ in events):
        mine = [event for name, event in events if name == topic]
        start = users.shard.offsets.get(topic, 0)
        parts.append(columns(topic, mine, range(start, start + len(mine))))
        offsets.append(start + len(mine))
    users.shard.apply(merge(parts), *offsets)
    for batch in users.shard.changes.drain(0):
        users.videos.apply(batch)


def _undone(rng: random.Random) -> Story:
    """Reactions, each undone after later events, on pairs that were met without any."""
    before = [_event(rng, ("impression", "watch", "skip", "like")) for _ in range(40)]
    pairs = sorted({(event.user_id, event.video_id) for _, event in before})
    verbs, more, undone = ("save", "follow", "comment", "feedback"), [], []
    for at, (user, name) in enumerate(rng.sample(pairs, min(8, len(pairs)))):
        verb, extra = rng.choice(verbs), {}
        if verb == "comment":
            extra = {"comment_id": f"new{at}"}
        elif verb == "feedback":
            extra = {"kind": rng.choice(["not_interested", "report", "more_like_this"])}
        more.append(made_event(verb, user, name, 61_000 + at, **extra))
        undone.append(made_event(verb, user, name, 71_000 + at, op="remove", **extra))
    rng.shuffle(undone)
    return before, more, undone


def rows_of(users: Users) -> dict[str, int]:
    """Rows of viewers by id, in order of id."""
    return dict(sorted(users.shard.viewers.row_of.items()))


_PERSONA = (("tags", "tag_w"), ("creators", "creator_w"), ("sounds", "sound_w"))


def _slots(users: Users, row: int, names: str, weights: str, least: float = 0.0) -> dict[int, float]:
    """Name to weight of a viewer's slots; what cancelled to less than ``least`` is no taste."""
    viewers = users.shard.viewers
    weight = getattr(viewers, weights)[row]
    first = weight[:, 0] if weight.ndim == 2 else weight
    held = zip(getattr(viewers, names)[row].tolist(), first.tolist(), strict=True)
    return {name: weight for name, weight in held if name and abs(weight) > least}


def _meant(users: Users) -> Any:
    """What integers say: what stands, what was met, whose persona has what, and every count."""
    held, viewers = users.shard.outcomes, users.shard.viewers
    outcomes = np.array(sorted(held.row_of.values(), key=lambda row: (
        viewers.user_ids[int(held.viewer[row])], int(held.video[row]))), dtype=np.int64)  # fmt: skip
    per_viewer = {
        user: [
            sorted(viewers.met[row].tolist()),
            int(viewers.positives[row]),
            sorted(viewers.recent[row].tolist()),
            int(viewers.reset_ms[row]),
            sorted(viewers.hidden[row].tolist()),
            viewers.asks[row],
            int(viewers.asked_ms[row]),
            sorted(followed(known(), viewers.follows[row])),
            *(sorted(_slots(users, row, names, weights, least=1e-3)) for names, weights in _PERSONA),
        ]
        for user, row in rows_of(users).items()
    }
    counts = {name: users.videos.table.counts[row].tolist() for name, row in sorted(users.videos.row_of.items())}
    return held.bits[outcomes].tolist(), per_viewer, counts


def _exactly(users: Users) -> Any:
    """The same with every fact of every outcome."""
    shard = users.shard
    rows = np.array(list(shard.outcomes.row_of.values()), dtype=np.int64)
    held = zip(shard.outcomes.row_of, map(facts, shard.outcomes.encode(rows)), strict=True)
    return sorted(held), _meant(users)


def felt(users: Users) -> dict[Any, Any]:
    """What decays, all as of one later moment; which part is doubted depends on what came first."""
    viewers, made = users.shard.viewers, {}
    for user, row in rows_of(users).items():
        viewers.advance(np.array([row]), np.array([_LATEST_MS]))
        for name in ("fast", "slow", "negative", "mass", "duration_sum", "duration_mass"):
            made[user, name] = getattr(viewers, name)[row].copy()
        for names, weights in _PERSONA:
            made |= {(user, name): weight for name, weight in _slots(users, row, names, weights).items()}
    table = users.videos.table
    for name, row in sorted(users.videos.row_of.items()):
        made[name] = decayed(table.sums[[row]] + table.doubted[[row]], table.sums_ms[[row]], _LATEST_MS)[0]
    return made


def _stored(users: Users) -> dict[bytes, bytes]:
    shard = users.shard
    shard._dirty_viewers.update(shard.viewers.row_of.values())
    shard._dirty_outcomes.update(shard.outcomes.row_of.values())
    saved = shard.checkpoint()
    return dict(sorted(zip(saved.keys, saved.values, strict=True)))


def _loaded(users: Users) -> Users:
    stored, back = _stored(users), Users()
    wanted = [split_outcome_key(key) for key in stored if key.startswith(b"o:")]
    hashes = {int(known().hash[row]): name for name, row in known().row_of.items()}
    touched = [made_event("action", user, hashes[name], 0, kind="pause")[1] for user, name in wanted]
    missing = back.shard.missing(columns("events.action", touched, range(len(touched))))
    back.shard.load(missing, list(map(stored.get, missing.keys())))
    back.shard.offsets, back.videos = dict(users.shard.offsets), restored_videos(users.videos)
    return back


def _flooded_viewer() -> tuple[int, int]:
    users = Users()
    for step in range(20):
        names = [f"x{step}-{at}" for at in range(500)]
        fold(users, [made_event("like", "u", name, 1_000 + step) for name in names])
    assert len(users.shard.outcomes) == limits.OUTCOMES
    return max(len(value) for key, value in _stored(users).items() if key.startswith(b"v:")), VIEWER_BYTES


VIEWER_BYTES = 4_096 + 8 * limits.MET
"""Of a viewer in the store: the row, and 8 bytes for each video met."""

USERS = State(
    "UserShard",
    fresh=Users,
    events=_log,
    apply=fold,
    exact=_exactly,
    rounded=felt,
    story=_undone,
    meant=_meant,
    again=_loaded,
    raw=_stored,
    flood=_flooded_viewer,
    cold=lambda users: users.shard.dirty == 0 and users.shard.checkpoint().keys == [] and not users.shard.changes,
)


# --- what was served --------------------------------------------------------------------------------------------------


class Counter:
    """A desk and its shard, with three viewers."""

    def __init__(self) -> None:
        self.shard = UserShard(0, known(), negatives=4, learn=False)
        self.shard.viewers.rows(["u0", "u1", "u2"])
        self.desk = Desk(self.shard, "token")


def _served(rng: random.Random) -> Events:
    """Batches of five videos, each followed by engagement with some of it."""
    made: Events = []
    for _ in range(12):
        user, rows = rng.randrange(3), rng.sample(range(12), 5)
        made.append(("serve", user, rows))
        made += [("engage", user, [rng.randrange(12)]) for _ in range(rng.randint(0, 3))]
    return made


def slate_of(rows: list[int]) -> Ranked:
    """A slate of catalogue rows."""
    count = len(rows)
    return Ranked(
        np.array(rows, dtype=np.int64),
        np.zeros(count),
        ["popular"] * count,
        [["popular"]] * count,
        np.empty((count, 0)),
    )


def _serve(counter: Counter, events: Events) -> None:
    """Engagement between two batches is noted at once."""
    waiting: tuple[list[int], list[int]] = ([], [])
    for kind, user, rows in events:
        if kind == "engage":
            waiting[0].append(user)
            waiting[1].append(int(known().hash[rows[0]]))
        else:
            counter.desk.engaged(*waiting)
            waiting = ([], [])
            counter.desk.made(user, slate_of(rows), {}, "m", "near_end", 0)
    counter.desk.engaged(*waiting)


def _ledgers(counter: Counter) -> list[bytes]:
    return [counter.desk.encode(row) for row in range(3)]


def _reopened(counter: Counter) -> Counter:
    back = Counter()
    for row, value in enumerate(_ledgers(counter)):
        back.desk.decode(row, value)
    return back


def _flooded_desk() -> tuple[int, int]:
    counter, rng = Counter(), random.Random(1)
    _serve(counter, [("serve", 0, rng.sample(range(12), 10)) for _ in range(limits.SERVED // 5)])
    return len(counter.desk.encode(0)), LEDGER_BYTES


LEDGER_BYTES = 8 * limits.SERVED + 20 * limits.LATELY + 2_048
"""Of what a viewer was served, in the store: 8 bytes a video, 20 more of the latest, and places of the latest batch."""

DESK = State(
    "Desk",
    fresh=Counter,
    events=_served,
    apply=_serve,
    exact=_ledgers,
    lane=lambda event: event[1],
    again=_reopened,
    raw=_ledgers,
    flood=_flooded_desk,
    cold=lambda counter: not counter.desk.served_before(0) and counter.desk.engaged([0], [1]) == [],
    without={"idempotent": "a batch is served once: it has its own seq", "inverse": "what was shown was shown"},
)

# --- names and hashes -------------------------------------------------------------------------------------------------


def _hashed(rng: random.Random) -> Events:
    table = [("counts", f"v{rng.randrange(9)}", [rng.randrange(9) for _ in range(9)]) for _ in range(10)]
    return table + [("met", f"u{at}", [rng.randint(1, 2**60) for _ in range(rng.randint(0, 4))]) for at in range(10)]


def _hash(exact: ExactHash, events: Events) -> None:
    for kind, name, numbers in events:
        if kind == "counts":
            exact.counts(name, numbers)
        else:
            exact.met(name, np.array(numbers, dtype=np.uint64))


def _flooded_hash() -> tuple[int, int]:
    exact = ExactHash()
    for seed in range(50):
        _hash(exact, _hashed(random.Random(seed)))
    return len(exact.hexdigest()), 64


EXACT_HASH = State(
    "ExactHash",
    fresh=ExactHash,
    events=_hashed,
    apply=_hash,
    exact=ExactHash.hexdigest,
    again=pickled,
    raw=ExactHash.hexdigest,
    flood=_flooded_hash,
    cold=lambda exact: exact.hexdigest() == "0" * 64,
    without={"idempotent": "a row that is there twice must show", "inverse": "rows are summed as they are at last"},
)


def _names(rng: random.Random) -> Events:
    return rng.sample(range(8, 8 * 200, 8), 60)


def _index(index: HashIndex, events: Events) -> None:
    """Negative numbers drop; names that are held are not put again."""
    put = np.array(list(dict.fromkeys(name for name in events if name > 0)), dtype=np.uint64)
    put = put[index.find(put) < 0]
    index.put(put, (put // np.uint64(8)).astype(np.int64))
    index.drop(np.array([-name for name in events if name < 0], dtype=np.uint64))


def _undone_names(rng: random.Random) -> Story:
    names = _names(rng)
    return names[:30], names[30:], [-name for name in names[30:]]


def _flooded_index() -> tuple[int, int]:
    index = HashIndex(capacity=64)
    for step in range(500):
        names = np.arange(1 + step * 20, 21 + step * 20, dtype=np.uint64)
        index.put(names, np.arange(20))
        index.drop(names)
    return len(index._rows), 256


HASH_INDEX = State(
    "HashIndex",
    fresh=lambda: HashIndex(capacity=8),
    events=_names,
    apply=_index,
    exact=lambda index: (len(index), index.find(np.arange(8 * 210, dtype=np.uint64)).tolist()),
    story=_undone_names,
    again=pickled,
    raw=lambda index: index.find(np.arange(8 * 210, dtype=np.uint64)).tolist(),
    flood=_flooded_index,
    cold=lambda index: index.find(np.arange(9, dtype=np.uint64)).tolist() == [-1] * 9,
)
