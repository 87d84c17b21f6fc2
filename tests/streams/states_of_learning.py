"""The states of learning, ready for the laws: a model forgets nothing, but it is bounded and comes back bit by bit."""

from __future__ import annotations

import random
from typing import Any
from unittest import mock

import numpy as np

from streams import limits
from streams.arrays.hashing import hash_all
from streams.learning.drift import TasteDrift
from streams.learning.heads import Heads
from streams.learning.join import ExampleJoin
from streams.learning.learner import Learner
from streams.learning.progressive import Progressive
from streams.learning.ranker import SoftmaxRanker
from streams.learning.snapshots import pack
from streams.learning.training import Rows, Training, decode_training, encode_training
from streams.learning.watch_quality import WatchQuality
from streams.ranking.features import FEATURES
from tests.streams.states import Events, State
from tests.streams.states_of_items import MODEL as _MODEL
from tests.streams.states_of_items import OF_ITEMS, model, restored

__all__ = ["LEARNING", "training_rows"]

_T0 = 1_700_000_000_000
_WIDE = len(FEATURES)
_NAMES = ["a", "b", "c"]


def training_rows(rng: random.Random, count: int = 20, negatives: int = 4) -> Rows:
    """A frame of ``count`` examples, all labelled, and half as many groups."""
    draw, training = np.random.default_rng(rng.randrange(2**32)), Training(negatives)
    names = hash_all(f"p{at}" for at in draw.integers(0, 200, count).tolist())
    times = _T0 + draw.integers(0, 3_600_000, count)
    x = draw.normal(size=(count, _WIDE)).astype(np.float16)
    training.add(opened_pair=names, opened_ms=times, opened_x=x, opened_w=np.ones(count, np.float32))
    bits = draw.integers(0, 8_192, count).astype(np.uint16) | 1
    watch = {"label_watch_ms": draw.integers(-1, 60_000, count), "label_duration_ms": draw.integers(0, 90_000, count)}
    training.add(label_pair=names, label_ms=times + 1_000, label_bits=bits, **watch)
    groups = count // 2
    ids = hash_all(f"v{at}" for at in draw.integers(0, 30, groups * (6 + negatives)).tolist()).reshape(groups, -1)
    training.add(
        group_w=np.ones(groups, np.float32),
        group_x=draw.normal(size=(groups, 1 + negatives, _WIDE)).astype(np.float16),
        group_o=draw.normal(size=(groups, 1 + negatives)).astype(np.float16),
        group_ms=times[:groups],
        group_taste=draw.normal(size=(groups, limits.DIM)).astype(np.float16),
        group_share=np.ones(groups, np.float32),
        group_who=np.arange(groups, dtype=np.uint16),
        group_tags=draw.integers(0, 9, (groups, 3)).astype(np.uint64),
        group_crowds=draw.integers(0, 4, (groups, 2)).astype(np.uint64),
        emb_recent=ids[:, :5],
        emb_positive=ids[:, 5],
        emb_negatives=ids[:, 6:],
    )
    training.add(
        term_name=hash_all(f"t{at}" for at in draw.integers(0, 9, groups).tolist()),
        term_tags=np.resize(ids, (groups, limits.VIDEO_TAGS)),
        term_w=np.ones(groups, np.float32),
        term_ms=times[:groups],
    )
    return training.drain()


# --- training rows on their way ---------------------------------------------------------------------------------------


def _columns_of(rows: Rows) -> Any:
    return {name: (getattr(rows, name).shape, getattr(rows, name).tobytes()) for name in rows.__struct_fields__}


def _add_rows(training: Training, frames: Events) -> None:
    for rows in frames:
        for part in ("opened", "label", "group", "emb", "term", "gone"):
            names = [name for name in rows.__struct_fields__ if name.startswith(part)]
            training.add(**{name: getattr(rows, name) for name in names})


def _peeked(training: Training) -> Rows:
    """What is waiting, left as it was."""
    rows = training.drain()
    _add_rows(training, [rows])
    return rows


def _sent(training: Training) -> Training:
    rows = decode_training(encode_training(0, 0, _peeked(training)))
    assert rows is not None
    back = Training(4)
    _add_rows(back, [rows])
    return back


def _flooded_training() -> tuple[int, int]:
    training, bound = Training(4), 50
    with mock.patch.object(limits, "OPEN_FEATURES", bound):
        for step in range(20):
            names = hash_all(f"{step}-{at}" for at in range(20))
            training.remember(names, np.zeros((20, _WIDE), np.float16))
    assert training.recall(int(hash_all(["19-19"])[0])) is not None
    return sum(training.recall(int(name)) is not None for name in hash_all(f"{s}-{a}" for s in range(20)
                                                                           for a in range(20))), bound  # fmt: skip


TRAINING = State(
    "Training",
    fresh=lambda: Training(4),
    events=lambda rng: [training_rows(rng) for _ in range(4)],
    apply=_add_rows,
    exact=lambda training: _columns_of(_peeked(training)),
    again=_sent,
    raw=lambda training: _columns_of(_peeked(training)),
    flood=_flooded_training,
    cold=lambda training: not training and len(training.drain().group_w) == 0 and training.recall(7) is None,
    without={
        "idempotent": "rows are a message, not a state: the shard sends each once, the join forgives repeats",
        "commutative": "order is kept, as the learner must see it",
        "inverse": "what was sent is sent",
    },
)

# --- the join ---------------------------------------------------------------------------------------------------------


def _examples(rng: random.Random) -> Events:
    made: Events = []
    for pair in rng.sample(range(1, 60), 12):
        made.append(("opened", pair, _T0 + rng.randint(0, 999), 0))
        made += [
            ("label", pair, _T0 + rng.randint(1_000, 9_999), rng.randrange(2_048)) for _ in range(rng.randint(0, 3))
        ]
    rng.shuffle(made)
    return sorted(made, key=lambda event: event[0] == "label")


def _join(join: ExampleJoin, events: Events) -> None:
    opened = [event for event in events if event[0] == "opened"]
    names, times, _ = (np.array([event[at] for event in opened], dtype=np.int64) for at in (1, 2, 3))
    x = np.full((len(opened), 3), 2.0) * names[:, None]
    join.opened(names.astype(np.uint64), times, x, np.ones(len(opened), np.float32))
    labels = [event for event in events if event[0] == "label"]
    names, times, bits = (np.array([event[at] for event in labels], dtype=np.int64) for at in (1, 2, 3))
    join.labels(names.astype(np.uint64), times, bits.astype(np.uint16), times - _T0, np.full(len(names), 20_000))


def _held(join: ExampleJoin) -> Any:
    columns = ("opened_ms", "seen_ms", "x", "weight", "bits", "learnt", "watch_ms", "duration_ms", "stage")
    rows = {pair: [join.table.__dict__[name][row].tolist() for name in columns] for pair, row in join.row_of.items()}
    return dict(sorted(rows.items())), join.watermark_ms


def _flooded_join() -> tuple[int, int]:
    join, bound = ExampleJoin(3, 1_000), 40
    with mock.patch.object(limits, "JOINED", bound):
        for step in range(10):
            _join(join, [("opened", step * 30 + at + 1, _T0, 0) for at in range(30)])
            join.close()
    assert join.overflows == 300 - bound
    return len(join.row_of), bound


JOIN = State(
    "ExampleJoin",
    fresh=lambda: ExampleJoin(3, 1_000),
    events=_examples,
    apply=_join,
    exact=_held,
    lane=lambda event: event[1],
    again=restored(lambda: ExampleJoin(3, 1_000)),
    raw=_held,
    flood=_flooded_join,
    cold=lambda join: not len(join.close().x),
    without={"inverse": "an example that closed is corrected, not unlearnt"},
)

# --- models -----------------------------------------------------------------------------------------------------------


def _teach_heads(heads: Heads, events: Events) -> None:
    x, bits = (np.array([event[at] for event in events]) for at in (0, 1))
    heads.learn_many(x.astype(np.float32), bits.astype(np.uint16))


def _rows(rng: random.Random, count: int = 30) -> Events:
    return [([rng.gauss(0, 1) for _ in _NAMES], rng.randrange(2_048)) for _ in range(count)]


def _flooded_heads() -> tuple[int, int]:
    heads, rng = Heads(_NAMES), random.Random(1)
    _teach_heads(heads, _rows(rng, 1))
    bound = len(pack(heads.state()))
    for _ in range(5):
        _teach_heads(heads, _rows(rng, 5_000))
    return len(pack(heads.state())), bound + 8


HEADS = model(
    "Heads",
    lambda: Heads(_NAMES),
    events=_rows,
    apply=_teach_heads,
    flood=_flooded_heads,
    cold=lambda heads: bool((abs(heads.probabilities(np.zeros((1, 3)))[0] - _START) < 0.01).all()),
    without=_MODEL | {"associative": "rows learnt at once share one step, so replay cuts them the same"},
)


_START = [0.27, 0.076, 0.007, 0.011, 0.03, 0.018, 0.03, 0.5, 0.5, 0.27, 0.007]


def _groups(rng: random.Random, count: int = 12) -> Events:
    return np.random.default_rng(rng.randrange(2**32)).normal(size=(count, 5, 3)).tolist()


def _flooded_ranker() -> tuple[int, int]:
    ranker = SoftmaxRanker(np.zeros(3)).learn_many(_groups(random.Random(1), 2_000))
    return len(pack(ranker.state())), len(pack(SoftmaxRanker(np.zeros(3)).state()))


RANKER = model(
    "SoftmaxRanker",
    lambda: SoftmaxRanker(np.zeros(3)),
    events=_groups,
    apply=lambda ranker, events: ranker.learn_many(events, chunk=1),
    flood=_flooded_ranker,
    cold=lambda ranker: ranker.score(np.ones((2, 3))).tolist() == [0.0, 0.0],
)


def _learner_again(learner: Learner) -> Learner:
    back = Learner(learn_rows=16)
    back.restore(learner.to_bytes())
    return back


def _flooded_learner() -> tuple[int, int]:
    learner, rng = Learner(learn_rows=16), random.Random(1)
    learner.factors.table.most = learner.lift.table.most = 20
    with mock.patch.object(limits, "JOINED", 30):
        sizes = []
        for _ in range(30):
            learner.learn(training_rows(rng))
            sizes.append(len(learner.to_bytes()))
    return max(sizes[15:]), max(sizes[:15]) + 5_000


LEARNER = State(
    "Learner",
    fresh=lambda: Learner(learn_rows=16),
    events=lambda rng: [training_rows(rng, 12) for _ in range(3)],
    apply=lambda learner, frames: [learner.learn(rows) for rows in frames],
    exact=lambda learner: learner.to_bytes(),
    again=_learner_again,
    raw=lambda learner: learner.to_bytes(),
    flood=_flooded_learner,
    cold=lambda learner: learner.seen == 0 and bool(np.isfinite(learner.model().weights).all()),
    without=_MODEL,
)


def _judged(progressive: Progressive, events: Events) -> None:
    p, y, w = (np.array([event[at] for event in events], dtype=np.float64) for at in range(3))
    progressive.add(p, y > 0, w)


def _flooded_judge() -> tuple[int, int]:
    judge = Progressive()
    for _ in range(3):
        judge.add(np.full(limits.JUDGED, 0.5), np.zeros(limits.JUDGED, bool), np.ones(limits.JUDGED))
    return len(judge.state()["p"]), limits.JUDGED


PROGRESSIVE = State(
    "Progressive",
    fresh=Progressive,
    events=lambda rng: [(rng.choice([0.1, 0.5, rng.random()]), rng.randrange(2), rng.random()) for _ in range(40)],
    apply=_judged,
    exact=lambda judge: judge.count,
    rounded=lambda judge: {"loss": judge.log_loss(), "auc": judge.auc(), "calibration": judge.calibration()},
    again=restored(Progressive),
    raw=lambda judge: pack(judge.state()),
    flood=_flooded_judge,
    cold=lambda judge: all(np.isnan([judge.log_loss(), judge.auc(), judge.calibration()])),
    without={"idempotent": "each prediction counts", "inverse": "a prediction stays made"},
)


def _flooded_quality() -> tuple[int, int]:
    usual, rng = WatchQuality(), random.Random(1)
    for _ in range(20):
        _watch(usual, _watches(rng, 2_000))
    return len(usual.state()["bins"]), limits.DURATIONS * limits.USUAL_BINS


def _watches(rng: random.Random, count: int = 40) -> Events:
    return [(rng.randint(-1, 90_000), rng.choice([0, 9_000, 20_000, 60_000])) for _ in range(count)]


def _watch(usual: WatchQuality, events: Events) -> None:
    usual.learn_many(*(np.array([event[at] for event in events]) for at in (0, 1)))


QUALITY = model(
    "WatchQuality",
    WatchQuality,
    events=_watches,
    apply=_watch,
    flood=_flooded_quality,
    cold=lambda usual: usual.predict_one({"watch_ms": 4_000, "duration_ms": 8_000}) == 0.5,
)


def _likes(rng: random.Random, count: int = 40) -> Events:
    return [(rng.gauss(0.3, 1.0), _T0 + rng.randint(0, 9_999), rng.randint(0, 60)) for _ in range(count)]


def _note(drift: TasteDrift, events: Events) -> None:
    drift.update_many(*(np.array([event[at] for event in events]) for at in range(3)))


def _flooded_drift() -> tuple[int, int]:
    drift, rng = TasteDrift(), random.Random(1)
    _note(drift, _likes(rng, 60))
    bound = len(pack(drift.state()))
    _note(drift, _likes(rng, 5_000))
    return len(pack(drift.state())), bound


DRIFT = model(
    "TasteDrift",
    TasteDrift,
    events=_likes,
    apply=_note,
    flood=_flooded_drift,
    cold=lambda drift: drift.since_ms == 0 and not drift.update(-1.0).drift_detected,
)

LEARNING = (TRAINING, JOIN, HEADS, RANKER, *OF_ITEMS, QUALITY, DRIFT, LEARNER, PROGRESSIVE)
