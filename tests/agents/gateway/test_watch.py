"""The watch: what it saw is kept as curves up to a bound, and what does not answer is a sentence."""

from __future__ import annotations

import asyncio

import pytest

from agents.gateway import hub as of_hub
from agents.gateway import watch as of_watch
from agents.gateway.history import History
from agents.gateway.hub import Hub
from agents.gateway.operating import Operating
from agents.gateway.watch import Watch
from agents.gateway.workers import WANTED, Asked, samples
from agents.producer import RecordProducer
from agents.settings import Settings
from agents.spans import Span
from agents.store import Store
from agents.tails import latest_spans
from streams import limits
from tests.agents.gateway.test_workers import PAGE


def settings(bootstrap: str, **more: str) -> Settings:
    return Settings.from_env({}, broker=f"kafka://{bootstrap}", redis="redis://127.0.0.1:1/0", **more)


def said(address: str, page: str) -> Asked:
    return Asked(address, samples(page, *WANTED))


def watch(bootstrap: str) -> Watch:
    told = settings(bootstrap)
    return Watch(told, Store(told.store_url, told.namespace))


def test_the_oldest_looks_fall_out_and_curves_stay_in_order() -> None:
    held = History()
    for at in range(limits.HISTORY + 10):
        held.add(at, {"a": float(at)})
    at_ms, series = held.since(-1)
    assert at_ms == list(range(10, limits.HISTORY + 10))
    assert series == {"a": [float(at) for at in at_ms]}
    assert held.since(limits.HISTORY + 8) == ([limits.HISTORY + 9], {"a": [float(limits.HISTORY + 9)]})


def test_a_curve_has_gaps_where_nothing_was_said_and_is_left_out_where_it_has_no_value() -> None:
    held = History()
    held.add(1, {"lag:a": 1.0, "flow:a": None})
    held.add(2, {"flow:a": 2.0})
    assert held.since(0) == ([1, 2], {"lag:a": [1.0, None], "flow:a": [None, 2.0]})
    assert held.since(0, "lag:") == ([1, 2], {"lag:a": [1.0, None]})
    assert held.since(1) == ([2], {"flow:a": [2.0]})


def test_curves_beyond_the_bound_are_not_drawn() -> None:
    held = History()
    held.add(1, {f"c{at}": 1.0 for at in range(limits.HISTORY_SERIES + 5)})
    assert len(held.since(0)[1]) == limits.HISTORY_SERIES


def test_the_ends_of_a_log_are_shared_evenly_up_to_the_bound() -> None:
    most = limits.READOUT_RECORDS
    spans = {("a", 0): Span(0, 10 * most), ("a", 1): Span(5, 5), ("b", 0): Span(7, 17), ("b", 1): Span(0, most)}
    found = latest_spans(spans, most)
    assert sum(span.high - span.low for span in found.values()) == most
    assert (found["a", 1], found["b", 0]) == (Span(5, 5), Span(7, 17))
    assert found["a", 0].high - found["a", 0].low == found["b", 1].high - found["b", 1].low
    assert latest_spans(spans, 10**9) == spans


async def test_records_a_second_follow_from_where_topics_ended_and_a_redis_that_is_down_is_said(
    mock_broker: str,
) -> None:
    watching = watch(mock_broker)
    with RecordProducer(mock_broker, client_id="test") as producer:
        for topic in ("events.like", "events.skip"):
            producer.send(topic, b"k", b"{}")
    await watching._look_once()
    assert watching.latest().flow == {}
    with RecordProducer(mock_broker, client_id="test") as producer:
        for at in range(29):
            producer.send("events.like", f"k{at}".encode(), b"{}")
    await watching._look_once()
    look = watching.latest()
    assert look.flow["events.like"] > 0.0
    assert look.flow["events.skip"] == 0.0
    assert sum(span.high for (topic, _), span in look.spans.items() if topic == "events.like") == 30
    assert look.problems[0].startswith("Redis does not answer, so lag is not known")
    at_ms, series = watching.history.since(0)
    assert [value is not None for value in series["flow:events.like"]] == [False, True]
    assert len(at_ms) == 2
    await watching.closed()


async def test_a_kafka_that_is_down_is_said_and_nothing_else_breaks(
    unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_watch, "_PATIENCE_S", 0.3)
    watching = watch(f"127.0.0.1:{unused_port}")
    await watching._look_once()
    look = watching.latest()
    assert look.problems[0].startswith("Kafka does not answer")
    assert (look.spans, look.lags, look.flow) == ({}, [], {})
    await watching.closed()


async def test_latency_is_told_of_the_last_minute_only(mock_broker: str) -> None:
    watching = watch(mock_broker)
    curves: dict[str, float | None] = {}

    def told(now_s: float, quick: int, slow: int) -> tuple[float, int] | None:
        buckets = {"0.1": quick, "10.0": quick + slow, "+Inf": quick + slow}
        lines = [f'feedstream_action_to_feed_seconds_bucket{{le="{le}"}} {n}' for le, n in buckets.items()]
        found = watching._told([said("w", "\n".join(lines)), Asked("down", error="no")], now_s, curves)
        return None if found is None else (round(found.p99_s, 3), found.feeds)

    assert told(0.0, 1_000, 1_000) is None, "what was before the first look is of no known time"
    assert told(2.0, 1_100, 1_000) == (0.099, 100)
    assert told(4.0, 1_100, 1_100) == (9.802, 200)
    assert told(70.0, 1_200, 1_100) == (0.099, 100)
    assert curves["latency:p99"] == pytest.approx(0.099)
    assert told(72.0, 10, 0) == (0.099, 10), "it began anew"
    await watching.closed()


async def test_items_a_second_are_of_workers_that_answered_twice(mock_broker: str) -> None:
    watching = watch(mock_broker)
    watching._told([said("w", PAGE)], 0.0, {})
    curves: dict[str, float | None] = {}
    more = PAGE.replace('stage="served",tier="0"} 20.0', 'stage="served",tier="0"} 30.0')
    watching._told([said("w", more), said("new", PAGE)], 2.0, curves)
    assert curves["items:served"] == 5.0
    assert curves["items:seen"] == 0.0
    assert curves["memory:w"] == 5e7
    await watching.closed()


async def test_a_question_hurries_the_next_look(mock_broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watching = watch(mock_broker)
    looks: asyncio.Queue[int] = asyncio.Queue()

    async def look() -> None:
        looks.put_nowait(1)

    monkeypatch.setattr(watching, "_look_once", look)
    watching.start()
    await looks.get()
    watching.latest()
    async with asyncio.timeout(5.0):
        await looks.get()
    await watching.closed()


def test_models_are_told_of_up_to_the_bound_and_what_cannot_be_read_is_passed_over(mock_broker: str) -> None:
    hub = Hub(settings(mock_broker))
    try:
        for at in range(limits.MODELS_TOLD + 3):
            hub.models[f"lift:{at}"] = of_hub.ModelNews(f"lift:{at}", 7, at, {})
        assert len(hub.models) == limits.MODELS_TOLD
        (lift,) = Operating(hub).models().models
        assert (lift.parts, lift.ts_ms) == (limits.MODELS_TOLD, limits.MODELS_TOLD + 2)
        assert of_hub._news(b"no snapshot") is None
    finally:
        hub.producer.close()


def test_what_comes_a_second_is_told_over_the_last_ten_seconds(mock_broker: str) -> None:
    watching = watch(mock_broker)
    ends = {0.0: 0, 2.0: 100, 12.0: 100, 14.0: 140}
    told = {now_s: watching._flow({("feeds", 0): Span(0, end)}, now_s).get("feeds") for now_s, end in ends.items()}
    assert told == {0.0: None, 2.0: 50.0, 12.0: 0.0, 14.0: pytest.approx(40 / 12)}
    assert watching._flow({}, 15.0) == {}


def test_heads_are_told_as_the_learner_says_now_and_else_as_they_were_published(mock_broker: str) -> None:
    hub = Hub(settings(mock_broker))
    try:
        hub.models["heads"] = of_hub.ModelNews("heads", 1, 0, {"like_log_loss": 0.1, "like_auc": 0.7})
        hub.watch._look = hub.watch.latest()._replace(workers=[said("w", 'feedstream_head_log_loss{head="like"} 0.2')])
        (like,) = [one for one in Operating(hub).models().heads if one.head == "like"]
        assert (like.log_loss, like.auc, like.calibration) == (0.2, 0.7, None)
    finally:
        hub.producer.close()
