"""The hub: what it holds is bounded, and who falls behind is cut off and nobody else."""

from __future__ import annotations

import pytest

from agents.gateway.hub import Hub, Listener
from agents.latest import Latest
from agents.settings import Settings
from agents.worker.replica import Message
from schemas.codec import encode
from schemas.feeds import FeedBatch
from schemas.trends import Trend
from streams import limits


def batch(seq: int, user: str = "ann") -> FeedBatch:
    return FeedBatch(
        v=1, batch_id=f"{seq}-x", user_id=user, seq=seq, ts_ms=seq, trigger="signal", as_of={}, model="m", items=[]
    )


@pytest.fixture
def hub(mock_broker):
    made = Hub(Settings.from_env({}, broker=f"kafka://{mock_broker}", redis="redis://127.0.0.1:1/0"))
    yield made
    made.producer.close()


def news(record: FeedBatch | Trend, topic: str) -> Message:
    key = record.user_id if isinstance(record, FeedBatch) else record.id
    return Message(topic, 0, 0, key.encode(), encode(record), record.ts_ms)


def test_who_does_not_read_is_cut_off_and_the_others_are_not(hub):
    slow, quick = hub.listen("ann"), hub.listen("ann")
    assert slow is not None
    assert quick is not None
    for seq in range(limits.STREAM_BACKLOG + 1):
        hub._take_feeds([news(batch(seq), "feeds")])
        quick.waiting.get_nowait()
    assert (slow.cut, quick.cut) == (True, False)
    hub.leave("ann", slow)
    hub.leave("ann", quick)
    assert hub._listeners == {}


def test_one_stream_more_than_there_is_room_for_is_not_opened(hub):
    opened = [hub.listen(f"u{at}") for at in range(limits.STREAMS)]
    assert all(isinstance(one, Listener) for one in opened)
    assert hub.listen("late") is None
    hub.leave("u0", opened[0])
    assert hub.listen("late") is not None


def test_trends_are_kept_up_to_their_bound_the_latest_of_each(hub):
    for at in range(limits.TRENDS_KEPT + 1):
        for state in ("rising", "cooling"):
            trend = Trend(v=1, trend_id=f"t{at}{state}", kind="tag", id=f"tag{at}", state=state, ts_ms=at)
            hub._take_broadcasts([news(trend, "trends")])
    assert len(hub.trends) == limits.TRENDS_KEPT
    assert ("tag", "tag0") not in hub.trends
    assert {one.state for one in hub.trends.values()} == {"cooling"}


def test_what_is_no_feed_is_skipped(hub):
    hub._take_feeds([Message("feeds", 0, 0, b"ann", b"no JSON", 0), news(batch(1), "feeds")])
    assert hub.slates.slate("ann").batch.seq == 1


def test_of_a_mapping_that_is_full_the_oldest_falls_out():
    held: Latest[int, int] = Latest(limits.GONE)
    for at in range(limits.GONE + 5):
        held[at] = at
    assert (len(held), 4 in held, 5 in held) == (limits.GONE, False, True)


def test_slates_are_kept_of_so_many_viewers(hub):
    for at in range(limits.SLATES + 1):
        hub.slates.take(batch(1, f"u{at}"))
    assert (len(hub.slates), hub.slates.slate("u0")) == (limits.SLATES, None)
