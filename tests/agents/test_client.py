"""The client sends what workers can read, says at once what they could not, and loses nothing without a word."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec
import numpy as np
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from agents.client import Doing, Producer, Seen
from agents.deliveries import Place
from agents.errors import BadSettings, Stop
from agents.producer import BufferFull, DeliveryFailed
from schemas.catalogue import Safety, UserSettings
from schemas.codec import KEY_FIELD, RECORDS, BadRecord, decode
from schemas.control import Control
from schemas.events import EVENTS, Ctx, Like
from schemas.partitioner import partition
from schemas.topics import INPUTS, TOPICS

SEEN: dict[str, Any] = {"user_id": "ann", "session_id": "s-1", "video_id": "cat-7"}
LEAST: dict[str, dict[str, Any]] = {
    "watch": SEEN | {"watch_ms": 900, "duration_ms": 15_000},
    "like": SEEN,
    "share": SEEN,
    "skip": SEEN | {"watch_ms": 600},
    "comment": SEEN | {"comment_id": "c-1"},
    "follow": SEEN,
    "save": SEEN,
    "impression": SEEN,
    "feedback": {"user_id": "ann", "session_id": "s-1", "kind": "reset"},
    "action": {"user_id": "ann", "session_id": "s-1", "kind": "search", "query": "cats"},
    "video": {"video_id": "cat-7", "creator_id": "bob", "duration_ms": 15_000},
    "user": {"user_id": "ann"},
    "request": {"user_id": "ann"},
}
"""Method to the least that it must be told."""
TOPIC = {
    **{name.removeprefix("events."): name for name in EVENTS},
    "video": "videos",
    "user": "users",
    "request": "feed.requests",
}
GOOD = [(name, value) for name in sorted(INPUTS) for value in TOPICS[name].good]


def message_at(bootstrap: str, place: Place) -> Any:
    """The message at ``place`` of a mock cluster."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False})
    consumer.assign([TopicPartition(place.topic, place.partition, OFFSET_BEGINNING)])
    while True:
        message = consumer.poll(10)
        assert message is not None, f"nothing at {place}"
        assert message.error() is None, message.error()
        if message.offset() == place.offset:
            consumer.close()
            return message


def test_every_input_of_apps_has_a_method_with_every_field() -> None:
    """A field that is added to a schema is missed here until the client takes it."""
    assert set(LEAST) == set(TOPIC)
    for name, topic in TOPIC.items():
        method = getattr(Producer, name)
        taken = {one for one, what in inspect.signature(method).parameters.items() if what.kind is what.KEYWORD_ONLY}
        for rest in ("seen", "doing"):
            if rest in inspect.signature(method).parameters:
                taken |= set(get_type_hints(Seen if rest == "seen" else Doing))
        assert taken == set(RECORDS[topic].__struct_fields__) - {"v"}, name
        assert inspect.getdoc(method)


def test_what_a_method_sends_is_read_by_workers_at_the_place_it_says(mock_broker: str) -> None:
    with Producer(mock_broker, client_id="test") as producer:
        sent = {name: getattr(producer, name)(**least) for name, least in LEAST.items()}
    for name, delivery in sent.items():
        topic, least = TOPIC[name], LEAST[name]
        found = message_at(mock_broker, delivery.result(0))
        key = least[KEY_FIELD[topic]].encode()
        assert (found.topic(), found.key(), found.partition()) == (topic, key, partition(key, 4))
        assert decode(topic, found.key(), found.value(), found.timestamp()[1]) == delivery.record
        value = msgspec.json.decode(found.value())
        assert value["v"] == 1
        assert least.items() <= value.items(), "what was given is sent, and nothing in place of what was not"
        assert set(value) - set(least) <= {"v", "event_id", "request_id", "ts_ms", "created_ms"}


def test_ids_are_made_up_once_and_times_are_now_unless_they_are_given(mock_broker: str) -> None:
    with Producer(mock_broker) as producer:
        first, second = (producer.like(**SEEN).record for _ in range(2))
        given = producer.like(**SEEN, event_id="e-1", ts_ms=5, ctx=Ctx(lang="en")).record
        asked = producer.request(user_id="ann", limit=5).record
        made = producer.video(video_id="x", creator_id="bob", duration_ms=0).record
    assert first.event_id != second.event_id
    assert len(first.event_id) == 32
    assert abs(first.ts_ms - second.ts_ms) < 60_000
    assert (given.event_id, given.ts_ms, given.ctx.lang) == ("e-1", 5, "en")
    assert asked.request_id
    assert abs(made.created_ms - asked.ts_ms) < 60_000


def test_every_good_example_may_be_sent_as_a_mapping_and_as_a_struct(mock_broker: str) -> None:
    with Producer(mock_broker) as producer:
        for topic, value in GOOD:
            key = None if KEY_FIELD[topic] in value else "c-9"
            record = producer.send(topic, value, key=key).record
            assert isinstance(record, RECORDS[topic])
            assert producer.send(topic, record, key=key).record == record


def test_a_null_removes_a_video_forgets_a_viewer_and_unsets_a_control_key(mock_broker: str) -> None:
    with Producer(mock_broker) as producer:
        places = [
            producer.remove_video("cat-7").result(30),
            producer.forget_user("ann").result(30),
            producer.send("control", None, key="rule.flu").result(30),
            producer.send("control", Control(v=1, key="models.freeze", value=None)).result(30),
        ]
    found = [message_at(mock_broker, place) for place in places]
    assert [one.key() for one in found] == [b"cat-7", b"ann", b"rule.flu", b"models.freeze"]
    assert [one.value() for one in found] == [None, None, None, b'{"v":1,"key":"models.freeze","value":null}']


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("like", {"user_id": None}, r"missing at \$\.user_id: required and absent"),
    ("like", {"session_id": None}, r"missing at \$\.session_id: required and absent"),
    ("like", {"video_id": ""}, r"type at \$\.video_id: Expected `str` of length >= 1"),
    ("like", {"user_id": 7}, r"type at \$\.user_id: Expected `str`, got `int`"),
    ("like", {"user_id": ""}, r"type at \$\.user_id"),
    ("like", {"user_id": "\ud800"}, r"type at \$\.user_id: .*surrogates"),
    ("like", {"op": "undo"}, r"type at \$\.op: Invalid enum value 'undo', use one of add, remove"),
    ("like", {"ts_ms": 2**52}, r"time at \$\.ts_ms: .* hours after the time of sending, more than 24"),
    ("like", {"position": -1}, r"type at \$\.position: Expected `int` >= 0"),
    ("like", {"surface": object()}, r"type at \$\.surface: a object cannot be written as JSON"),
    ("like", {"surface": "x" * 70_000}, r"size at \$: 70,\d\d\d bytes are more than 65,536"),
    ("watch", {"watch_ms": "long"}, r"type at \$\.watch_ms: Expected `int`, got `str`"),
    ("watch", {"watch_ms": True}, r"type at \$\.watch_ms: Expected `int`, got `bool`"),
    ("watch", {"loops": float("nan")}, r"type at \$\.loops: nan is no number of JSON"),
    ("watch", {"loops": np.float32("inf")}, r"type at \$\.loops: inf is no number of JSON"),
    ("feedback", {"kind": "meh"}, r"type at \$\.kind: Invalid enum value 'meh'"),
    ("video", {"embeddings": {"text": np.array([0.5, np.nan])}}, r"type at \$\.embeddings\[\.\.\.\]\[1\]"),
    ("video", {"duration_ms": None}, r"missing at \$\.duration_ms"),
    ("user", {"interests": "cats"}, r"type at \$\.interests"),
    ("request", {"limit": 0}, r"type at \$\.limit: Expected `int` >= 1"),
]


@pytest.mark.parametrize(("name", "change", "said"), WRONG)
def test_a_mistake_is_refused_in_its_own_line_and_names_the_field(
    mock_broker: str, name: str, change: dict[str, Any], said: str
) -> None:
    with Producer(mock_broker) as producer, pytest.raises(BadRecord, match=said):
        getattr(producer, name)(**LEAST[name] | change)


def test_a_field_that_nobody_knows_is_a_mistake_of_the_caller(mock_broker: str) -> None:
    with Producer(mock_broker) as producer:
        like: Callable[..., Any] = producer.like
        with pytest.raises(TypeError, match=r"events\.like has no field 'impresion_id'"):
            like(**SEEN, impresion_id="i-1")
        with pytest.raises(TypeError, match=r"a Like is no value of events\.save, but a Save"):
            producer.send("events.save", Like(v=1, event_id="e", **SEEN, ts_ms=1))


@pytest.mark.parametrize("topic", ["events.wink", "feeds", "engagement", "dead-letters"])
def test_only_what_apps_and_operators_write_to_is_written_to(mock_broker: str, topic: str) -> None:
    with Producer(mock_broker) as producer, pytest.raises(BadRecord, match=f"topic at .*'{topic}' is no topic that"):
        producer.send(topic, {"v": 1}, key="ann")


@pytest.mark.parametrize(
    ("topic", "record", "key", "said"),
    [
        ("users", None, None, "empty at key"),
        ("users", None, "\ud800", "key at key: the key is not UTF-8"),
        ("users", None, "x" * 257, "key at key: more than 256 characters"),
        ("events.like", None, "ann", r"empty at \$: the record has no value"),
        ("events.like", SEEN, "bob", r"key at \$\.user_id: 'ann' is not the record's key, 'bob'"),
        ("promotions", {"video_id": "x", "impressions": 1, "from_ms": 0, "to_ms": 1}, None, "empty at key: name it"),
    ],
)
def test_a_key_is_checked_like_a_value(mock_broker: str, topic: str, record: Any, key: str | None, said: str) -> None:
    with Producer(mock_broker) as producer, pytest.raises(BadRecord, match=said):
        producer.send(topic, record, key=key)


def test_arrays_and_numbers_of_numpy_are_numbers(mock_broker: str) -> None:
    with Producer(mock_broker) as producer:
        video = producer.video(
            video_id="x",
            creator_id="bob",
            duration_ms=np.int64(5),
            embeddings={"text": np.array([0.5, 1.0], dtype=np.float32)},
            safety=Safety(level=2),
        ).record
        user = producer.user(user_id="ann", settings=UserSettings(personalize=False)).record
    assert (video.duration_ms, video.embeddings, video.safety.level) == (5, {"text": [0.5, 1.0]}, 2)
    assert user.settings.personalize is False


async def test_a_delivery_can_be_awaited(mock_broker: str) -> None:
    with Producer(mock_broker) as producer:
        places = await asyncio.gather(*(producer.like(**SEEN) for _ in range(10)))
    assert [place.offset for place in places] == list(range(10))
    assert {place.topic for place in places} == {"events.like"}


def test_a_delivery_cannot_be_called_off(mock_broker: str) -> None:
    with Producer(mock_broker) as producer:
        delivery = producer.like(**SEEN)
        assert not delivery.cancel()
        assert delivery.result(30).offset == 0


def test_threads_share_one_producer(mock_broker: str) -> None:
    with Producer(mock_broker) as producer:
        each: list[list[Any]] = [[] for _ in range(4)]
        threads = [
            threading.Thread(target=lambda mine=mine: mine.extend(producer.like(**SEEN) for _ in range(50)))
            for mine in each
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        producer.flush(30)
        assert {one.result(0).offset for mine in each for one in mine} == set(range(200))


def test_leaving_the_block_delivers_everything_also_when_an_error_leaves_it(mock_broker: str) -> None:
    def fail() -> None:
        with Producer(mock_broker) as producer:
            sent.extend(producer.like(**SEEN) for _ in range(100))
            raise KeyError("mine")

    sent: list[Any] = []
    with pytest.raises(KeyError, match="mine"):
        fail()
    assert all(one.done() for one in sent)
    assert sorted(one.result().offset for one in sent) == list(range(100))


def test_what_nobody_takes_is_told_by_the_delivery_and_once_by_flush(unused_port: int) -> None:
    producer = Producer(f"127.0.0.1:{unused_port}", timeout_s=1.5)
    sent = [producer.like(**SEEN) for _ in range(3)]
    with pytest.raises(TimeoutError, match="3 records were not delivered within 0"):
        producer.flush(0)
    with pytest.raises(DeliveryFailed, match=r"3 not delivered: a record for events\.like was not delivered"):
        producer.flush(30)
    assert all(isinstance(one.exception(0), DeliveryFailed) for one in sent)
    producer.flush(0)
    producer.like(**SEEN)
    with pytest.raises(DeliveryFailed, match="1 not delivered"):
        producer.close()
    with pytest.raises(DeliveryFailed, match="closed"):
        producer.like(**SEEN)
    producer.close()


def test_an_error_that_leaves_the_block_carries_what_was_not_delivered(unused_port: int) -> None:
    def fail() -> None:
        with Producer(f"127.0.0.1:{unused_port}", timeout_s=0.3) as producer:
            producer.like(**SEEN)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        fail()
    assert "1 not delivered" in caught.value.__notes__[0]


def test_a_full_buffer_that_refuses_takes_nothing_and_says_so(unused_port: int) -> None:
    producer = Producer(f"127.0.0.1:{unused_port}", when_full="refuse", room=10, timeout_s=1.5)
    sent = [producer.like(**SEEN) for _ in range(10)]
    with pytest.raises(BufferFull, match=r"the buffer is full: a record for events\.like was not taken"):
        producer.like(**SEEN)
    with pytest.raises(DeliveryFailed, match=r"^10 not delivered"):
        producer.close()
    assert all(one.done() for one in sent)


def test_a_full_buffer_that_blocks_takes_everything(mock_broker: str) -> None:
    with Producer(mock_broker, room=10) as producer:
        sent = [producer.like(**SEEN) for _ in range(200)]
    assert [one.result(0).offset for one in sent] == list(range(200))


def test_what_was_queued_is_delivered_when_a_program_ends_without_closing(mock_broker: str) -> None:
    code = (
        "from feedstream import Producer; "
        f"p = Producer({mock_broker!r}); [p.like(user_id='ann', session_id='s', video_id='x') for _ in range(500)]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    with Producer(mock_broker) as producer:
        assert producer.like(**SEEN).result(30).offset == 500


def test_a_broker_is_named_with_or_without_its_scheme_and_an_absent_one_is_one_sentence(unused_port: int) -> None:
    for broker in (f"127.0.0.1:{unused_port}", f"kafka://127.0.0.1:{unused_port}"):
        with Producer(broker) as producer, pytest.raises(Stop, match=f"127.0.0.1:{unused_port} does not answer"):
            producer.check(0.3)
    with pytest.raises(BadSettings, match=r"embedded://.*feedstream up"):
        Producer("embedded://")


def test_a_choice_that_cannot_be_is_refused() -> None:
    choice: Any = "drop"
    with pytest.raises(BadSettings, match="when_full is 'drop': use 'block' or 'refuse'"):
        Producer("localhost:9092", when_full=choice)
    with pytest.raises(BadSettings, match="room is 0"):
        Producer("localhost:9092", room=0)
