"""The learner: equal rows make equal bytes; what a shard tells it arrives in its models and leaves in snapshots."""

from __future__ import annotations

import random
from copy import deepcopy

import msgspec
import numpy as np
import pytest

from streams import limits
from streams.arrays.hashing import hash_all
from streams.learning.gate import refusal
from streams.learning.learner import Learner
from streams.learning.snapshots import arrays_of
from streams.learning.training import Rows, Training, decode_training, encode_training
from streams.ranking.features import FEATURES
from streams.ranking.tilt import HEADS
from streams.signals.objective import LIKED, POSITIVE, SEEN
from tests.streams.states_of_learning import training_rows
from tests.streams.states_of_viewers import known


def taught(frames: int, seed: int = 1, learn_rows: int = 16) -> Learner:
    learner, rng = Learner(learn_rows), random.Random(seed)
    for _ in range(frames):
        learner.learn(training_rows(rng))
    return learner


def test_equal_rows_make_equal_bytes_and_equal_snapshots():
    one, other = taught(6), taught(6)
    assert one.to_bytes() == other.to_bytes()
    assert one.snapshots(5) == other.snapshots(5)
    assert one.to_bytes() != taught(6, seed=2).to_bytes()


def test_heads_learn_so_many_rows_at_once_and_lose_none():
    small, large = taught(12, learn_rows=1), taught(12, learn_rows=10**9)
    assert small.heads.metrics["like"].count > 0
    assert large.heads.metrics["like"].count == 0
    assert sum(len(x) for x, *_ in large._waiting["closed"]) == small.heads.metrics["like"].count


def test_snapshots_hold_the_weights_and_only_the_vectors_that_changed():
    learner = taught(4)
    first = {made.model: made for made in learner.snapshots(7)}
    assert {"heads", "ranker", "quality", "drift", "crowds", "after:0", "factors:0", "lift:0", "terms:0"} == set(first)
    assert arrays_of(first["ranker"])["weights"].tolist() == learner.ranker.weights.tolist()
    assert first["ranker"].feature_names == list(FEATURES)
    assert arrays_of(first["factors:0"])["names"].tolist() == list(learner.factors.table.row_of)
    assert arrays_of(first["lift:0"])["names"].tolist() == list(learner.lift.table.row_of)
    again = learner.snapshots(8)
    assert [made.model for made in again] == ["heads", "ranker", "quality", "drift"], "no vector changed since"
    assert {made.version for made in again} == {2}


def test_vectors_are_cut_into_bounded_chunks(monkeypatch):
    monkeypatch.setattr(limits, "FACTOR_CHUNK", 10)
    learner = taught(4)
    chunks = [arrays_of(made)["names"] for made in learner.snapshots(7) if made.model.startswith("factors:")]
    assert max(map(len, chunks)) == 10
    assert np.concatenate(chunks).tolist() == list(learner.factors.table.row_of)


def test_vectors_and_lifts_reach_a_catalogue_of_the_same_process_once():
    learner, catalogue = taught(4), deepcopy(known())
    learner.place(catalogue)
    row, name = catalogue.row_of["v3"], int(hash_all(["v3"])[0])
    vectors, lift = learner.factors.table, learner.lift.table
    assert catalogue.factors[row].tolist() == learner.factors.vectors[vectors.row_of[name]].tolist()
    assert catalogue.lift[row].tolist() == lift.sums[lift.row_of[name]].tolist()
    assert catalogue.lift_ms[row] == lift.at_ms[lift.row_of[name]] > 0
    assert not vectors.fresh
    assert not lift.fresh


def test_its_figures_are_named_by_head_and_pass_their_own_gate():
    learner = taught(12)
    metrics = learner.metrics()
    assert {f"{head}_{what}" for head in ("long_view", "like", "share", "skip")
            for what in ("log_loss", "auc", "calibration")} <= set(metrics)  # fmt: skip
    first = learner.snapshots(1)
    assert [refusal(made, made, 0.0) for made in first] == [None] * len(first)


def test_a_state_made_for_other_features_is_refused(monkeypatch):
    value = taught(2).to_bytes()
    fewer = Learner(16)
    monkeypatch.setattr("streams.learning.learner.FEATURES", FEATURES[:-1])
    with pytest.raises(ValueError, match="other features"):
        fewer.restore(value)


MINUTE_MS = 60_000


def told(names: list[str], ts_ms: int, bits: int, watch_ms: int = -1, opened: bool = False) -> Rows:
    """A frame: what became of pairs, which it may open, too."""
    training, pairs = Training(4), hash_all(names)
    times = np.full(len(names), ts_ms)
    if opened:
        x = np.zeros((len(names), len(FEATURES)), np.float16)
        training.add(opened_pair=pairs, opened_ms=times, opened_x=x, opened_w=np.ones(len(names), np.float32))
    watch = {"label_watch_ms": np.full(len(names), watch_ms), "label_duration_ms": np.full(len(names), 20_000)}
    training.add(label_pair=pairs, label_ms=times, label_bits=np.full(len(names), bits, np.uint16), **watch)
    return training.drain()


def test_the_watches_of_examples_that_close_say_what_is_usual():
    learner, catalogue = Learner(16), deepcopy(known())
    for at in range(40):
        learner.learn(told([f"p{at}"], MINUTE_MS, SEEN, 100 * at, opened=True))
        learner.learn(told([f"p{at}"], 2 * MINUTE_MS, SEEN, 500 * at))
    learner.learn(told(["in vain"], MINUTE_MS, SEEN, opened=True))
    learner.place(catalogue)
    assert catalogue.usual.seen.sum() == 0, "a watch may still grow"
    learner.learn(told(["later"], 20 * MINUTE_MS, SEEN))
    learner.place(catalogue)
    assert catalogue.usual.seen.sum() == 40
    assert catalogue.usual.points.max() == pytest.approx(500 * 39)
    assert arrays_of(learner.snapshots(1)[2])["seen"].sum() == 40


def test_what_was_watched_in_vain_is_not_learnt():
    learner = Learner(1)
    learner.learn(told(["p"], MINUTE_MS, SEEN, opened=True))
    learner.learn(told(["p"], 2 * MINUTE_MS, 0))
    learner.learn(told(["later"], 20 * MINUTE_MS, SEEN))
    assert learner.heads.metrics["like"].count == 0
    assert not learner.join.row_of


def test_likes_that_come_late_weigh_as_much_as_those_in_time():
    """One in ten is liked; where that becomes known after the example was learnt, it ends up as likely."""
    ends = []
    for late_ms in (0, 15 * MINUTE_MS):
        learner, liked = Learner(64), SEEN | LIKED | POSITIVE
        for at in range(160):
            now_ms, names = at * MINUTE_MS, [f"p{at}.{number}" for number in range(10)]
            learner.learn(told(names, now_ms, SEEN, opened=True))
            behind = at - late_ms // MINUTE_MS
            if behind >= 0:
                learner.learn(told([f"p{behind}.0"], now_ms, liked))
        x = np.zeros((1, len(FEATURES)))
        ends.append(learner.heads.probabilities(x)[0, list(HEADS).index("like")])
    assert ends[1] == pytest.approx(ends[0], abs=0.02)
    assert ends[0] > 0.045


def test_a_frame_of_before_watches_were_told_is_read():
    rows = told(["p", "q"], 5, SEEN, 7_000)
    frame = msgspec.msgpack.decode(encode_training(0, 0, rows))
    del frame["label_watch_ms"], frame["label_duration_ms"]
    back = decode_training(msgspec.msgpack.encode(frame))
    assert back is not None
    assert back.label_watch_ms.tolist() == [-1, -1]
    assert back.label_duration_ms.tolist() == [-1, -1]


def test_a_frame_of_before_its_viewers_were_told_apart_is_learnt_and_says_nothing_of_drift():
    rows = training_rows(random.Random(1), 40)
    frame = msgspec.msgpack.decode(encode_training(0, 0, rows))
    del frame["group_who"]
    back = decode_training(msgspec.msgpack.encode(frame))
    assert back is not None
    assert len(back.group_w) == 20
    assert back.group_who.tolist() == [0] * 20
    learner = Learner()
    learner.learn(back)
    assert learner.ranker.groups == 20
