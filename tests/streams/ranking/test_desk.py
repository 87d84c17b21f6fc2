"""The desk: what was served, when more is due, and a preview that leaves no trace."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from schemas.events import Ctx
from schemas.feeds import FeedRequest
from streams import limits
from streams.arrays.hashing import hash64
from streams.ranking.desk import Desk, feed_key
from streams.ranking.ranking import Model, rank
from streams.shards.user_shard import UserShard
from streams.slate.slate import PROMOTED
from streams.viewer.wishes import KINDS, NOTHING, put
from tests.streams.states_of_viewers import known, slate_of


@pytest.fixture
def desk() -> Desk:
    return Desk(UserShard(0, known(), learn=False), "token", refill_at=2)


def ask(**more: object) -> FeedRequest:
    return FeedRequest(**({"v": 1, "request_id": "r", "user_id": "ann", "ts_ms": 5_000, "limit": 4} | more))


def answer(desk: Desk, request: FeedRequest):
    ranked = rank(known(), desk._shard.viewers, desk.request(request), Model())
    return desk.batch(request, ranked, {"events.like": {"0": 12}}, "m-1")


def test_a_batch_says_whose_it_is_why_and_as_of_what(desk):
    batch = answer(desk, ask())
    assert (batch.user_id, batch.request_id, batch.trigger, batch.seq, batch.ts_ms) == ("ann", "r", "request", 1, 5_000)
    assert (batch.as_of, batch.model) == ({"events.like": {"0": 12}}, "m-1")
    assert [item.position for item in batch.items] == [0, 1, 2, 3]
    assert all(item.source and item.reasons for item in batch.items)


def test_a_batch_says_under_which_arms_it_was_made_and_how_likely_what_was_drawn_was(desk):
    arms = {"now": {"weight": 1e-6}, "chance": {"weight": 1e6, "settings": {"explore.uniform": 1.0}}}
    desk._steering.take("experiment.x", {"salt": "s", "arms": arms, "from_ms": 5_000})
    early = answer(desk, ask(purpose="preview", ts_ms=4_999))
    assert early.arms == {}
    batch = answer(desk, ask())
    assert batch.arms == {"x": "chance"}
    drawn = [item for item in batch.items if item.source == "chance"]
    assert len(drawn) >= 2, "what stands beside its like wherever it is put is not shown"
    assert {item.propensity for item in drawn} == {1 / len(known().candidates())}


def test_nothing_is_served_twice_and_no_batch_id_is_used_twice(desk):
    batches = [answer(desk, ask(request_id=f"r{at}", limit=3)) for at in range(9)]
    shown = [item.video_id for batch in batches for item in batch.items]
    assert len(shown) == len(set(shown)) > 6, "at last only neighbours of one kind are left"
    assert [batch.seq for batch in batches] == list(range(1, 10))
    assert len({batch.batch_id for batch in batches}) == 9
    assert answer(desk, ask(request_id="r9")).items == [], "nothing is left, which is an answer too"


def test_a_preview_changes_nothing(desk):
    answer(desk, ask())
    before = desk.encode(0)
    first, second = (answer(desk, ask(purpose="preview")) for _ in range(2))
    assert desk.encode(0) == before
    assert first == second
    assert (first.trigger, first.seq) == ("preview", 1)
    following = answer(desk, ask(request_id="next"))
    other = Desk(UserShard(0, known(), learn=False), "token", refill_at=2)
    answer(other, ask())
    assert answer(other, ask(request_id="next")) == following


def test_another_owner_of_the_shard_never_reuses_a_batch_id(desk):
    other = Desk(UserShard(0, known(), learn=False), "another token")
    assert answer(desk, ask()).batch_id != answer(other, ask()).batch_id


def test_a_request_says_whose_country_which_candidates_and_what_not(desk):
    asked = desk.request(ask(candidates=["v1", "v2"], exclude=["v2"], limit=20, ctx=Ctx(country="FR")))
    assert (asked.country, asked.limit, asked.pure) == (hash64("FR"), 20, False)
    assert asked.candidates is not None
    assert asked.exclude is not None
    assert (asked.candidates.tolist(), asked.exclude.tolist()) == ([hash64("v1"), hash64("v2")], [hash64("v2")])
    plain = desk.request(ask())
    assert (plain.candidates, plain.exclude, plain.country) == (None, None, 0)


def test_the_next_batch_is_due_once_as_the_viewer_nears_the_end(desk):
    row = desk._shard.viewers.rows(["ann"])[0]
    desk.made(row, slate_of([3, 4, 5, 6, 7, 8]), {}, "m", "signal", 0)
    names = known().hash[[3, 4, 5, 6, 7, 8]].tolist()
    assert desk.engaged([row, row], names[:2]) == [], "four are left"
    assert desk.engaged([row], [names[3]]) == [row], "two are left"
    assert desk.engaged([row], [names[3]]) == [], "said once"
    assert desk.engaged([row], [names[1]]) == [], "going back asks for nothing"
    assert desk.engaged([row], [12_345]) == [], "what was not served tells nothing"
    assert desk.engaged([row], [names[5]]) == [row]


def test_what_is_left_when_the_next_batch_follows_is_still_within_reach_of_a_delta(desk):
    row = desk._shard.viewers.rows(["ann"])[0]
    names = known().hash
    desk.made(row, slate_of([3, 4, 5, 6]), {}, "m", "request", 0)
    assert desk.engaged([row], [int(names[4])]) == [row]
    desk.made(row, slate_of([7, 8, 9, 10]), {}, "m", "near_end", 0)
    following = [int(names[at]) for at in (5, 6, 7, 8, 9, 10)]
    assert desk.unseen(row) == following
    assert desk.own(row, 0, 20).unseen == 6
    assert desk.latest(row)[int(names[7])] == 0, "places of the latest batch are its own"
    delta = desk.withdraw(row, {int(names[at]): f"v{at}" for at in (5, 8)}, 0, {}, "hidden")
    assert delta is not None
    assert delta.removed == ["v5", "v8"]
    assert desk.own(row, 0, 20).lately[-4:, :-1].tolist() == known().marks[[6, 7, 9, 10]].tolist()
    back = Desk(desk._shard, "token", refill_at=2)
    back.decode(row, desk.encode(row))
    assert back.unseen(row) == desk.unseen(row) == [int(names[at]) for at in (6, 7, 9, 10)]
    assert back.engaged([row], [int(names[6])]) == [], "three are left"
    assert back.engaged([row], [int(names[7])]) == [row], "two are left"
    desk.made(row, slate_of([0, 1]), {}, "m", "signal", 0)
    assert desk.unseen(row) == [int(names[at]) for at in (0, 1)], "what is changed by a signal replaces what was left"


def test_an_empty_batch_leaves_the_places_of_the_one_before(desk):
    row = desk._shard.viewers.rows(["ann"])[0]
    desk.made(row, slate_of([3, 4]), {}, "m", "signal", 0)
    desk.made(row, slate_of([]), {}, "m", "signal", 0)
    assert desk.engaged([row], [int(known().hash[4])]) == [row]


def test_the_next_batch_knows_what_the_last_ones_ended_with(desk):
    row = desk._shard.viewers.rows(["ann"])[0]
    desk.made(row, slate_of([0, 1]), {}, "m", "signal", 0)
    desk.made(row, slate_of([2])._replace(sources=["promoted"]), {}, "m", "signal", 0)
    lately = desk.own(row, 0, 20).lately
    assert lately[:, :-1].tolist() == known().marks[[0, 1, 2]].tolist()
    assert lately[:, PROMOTED].tolist() == [0, 0, 1]


def test_so_much_of_what_was_served_last_is_kept_and_the_oldest_falls_out(desk):
    row = desk._shard.viewers.rows(["ann"])[0]
    for _ in range(limits.LATELY // 10):
        desk.made(row, slate_of([*range(11)]), {}, "m", "signal", 0)
    assert len(desk.own(row, 0, 20).lately) == limits.LATELY
    assert desk.own(row, 0, 20).lately[-11:, :-1].tolist() == known().marks[range(11)].tolist()


@pytest.mark.parametrize("earlier", [0, 3, 50])
def test_what_is_withdrawn_was_not_served_last(desk, earlier):
    row = desk._shard.viewers.rows(["ann"])[0]
    for at in range(earlier):
        desk.made(row, slate_of([at % 12]), {}, "m", "signal", 0)
    before = desk.own(row, 0, 20).lately
    desk.made(row, slate_of([3, 4, 5, 6]), {}, "m", "signal", 0)
    desk.withdraw(row, {int(known().hash[at]): f"v{at}" for at in (4, 6)}, 0, {}, "hidden")
    after = np.concatenate((before[:, :-1], known().marks[[3, 5]]))
    full = max(0, earlier + 4 - limits.LATELY)
    assert desk.own(row, 0, 20).lately[:, :-1].tolist() == after[full:].tolist()


def test_a_ledger_of_the_format_before_is_read(desk):
    row = desk._shard.viewers.rows(["ann"])[0]
    answer(desk, ask())
    new = msgspec.msgpack.decode(desk.encode(row))
    old = {name: new[name] for name in ("seq", "served", "tail", "reach")} | {"format": 1, "last_creator": 7 << 32 | 9}
    desk.decode(row, msgspec.msgpack.encode(old))
    assert desk.own(row, 0, 20).lately.tolist() == [[9, 0, 0, 0, 0]]
    assert desk.unseen(row) == new["tail"]
    assert msgspec.msgpack.decode(desk.encode(row))["format"] == 3


def test_the_served_ledger_is_bounded_and_the_oldest_falls_out(desk):
    row = desk._shard.viewers.rows(["ann"])[0]
    desk._shard.viewers.served[row] = np.arange(1, limits.SERVED + 1, dtype=np.uint64)
    desk.made(row, slate_of([2, 3]), {}, "m", "signal", 0)
    served = desk._shard.viewers.served[row]
    assert len(served) == limits.SERVED
    assert served[:1].tolist() == [3]
    assert served[-2:].tolist() == known().hash[[2, 3]].tolist()


def test_a_ledger_that_left_memory_is_gone_until_it_is_loaded(desk):
    row = desk._shard.viewers.rows(["ann"])[0]
    answer(desk, ask())
    value = desk.encode(row)
    desk.forget([row])
    assert desk.engaged([row], [int(known().hash[0])]) == []
    desk.decode(row, value)
    assert desk.encode(row) == value


def test_a_ledger_of_another_format_is_refused(desk):
    row = desk._shard.viewers.rows(["ann"])[0]
    value = msgspec.msgpack.encode(msgspec.msgpack.decode(desk.encode(row)) | {"format": 9})
    with pytest.raises(ValueError, match="a feed row has format 9"):
        desk.decode(row, value)
    assert feed_key("ann") == b"f:ann"


def test_what_is_withdrawn_is_said_once_and_only_what_was_not_seen(desk):
    served = [item.video_id for item in answer(desk, ask(limit=6)).items]
    names = {int(hash64(name)): name for name in served}
    desk.engaged([0], [int(hash64(served[1]))])
    assert desk.unseen(0) == [int(hash64(name)) for name in served[2:]]
    assert desk.holders([int(hash64(served[0]))]) == [], "seen already"
    assert desk.holders([int(hash64(served[4]))]) == [0]
    some = {name: text for name, text in names.items() if text in {served[0], served[2], served[4]}}
    delta = desk.withdraw(0, some, 9_000, {"events.feedback": {"0": 1}}, "taken_down")
    assert (delta.removed, delta.seq, delta.user_id, delta.reason) == ([served[2], served[4]], 1, "ann", "taken_down")
    assert desk.withdraw(0, some, 9_000, {}, "taken_down") is None
    assert desk.unseen(0) == [int(hash64(served[at])) for at in (3, 5)]
    back = Desk(desk._shard, "token", refill_at=2)
    back.decode(0, desk.encode(0))
    assert back.unseen(0) == desk.unseen(0), "places hold after a restart too"
    assert desk.engaged([0], [int(hash64(served[3]))]) == [0], "one is left, which is near the end"


def test_what_a_viewer_hides_is_withdrawn_from_what_was_sent(desk):
    served = [item.video_id for item in answer(desk, ask(limit=8)).items]
    assert desk.hidden(0) == {}
    maker = known().creator[known().row_of[served[3]]]
    desk._shard.viewers.hidden[0] = put(NOTHING, [(KINDS["block"], int(maker), 2)])
    theirs = [name for name in served if known().creator[known().row_of[name]] == maker]
    assert list(desk.hidden(0).values()) == theirs
