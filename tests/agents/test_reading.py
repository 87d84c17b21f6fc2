"""Reading topics from outside: all that is there, or word that it is not all."""

from __future__ import annotations

import signal

import pytest

from agents.errors import Stop
from agents.producer import RecordProducer
from agents.reading import messages


def filled(broker: str) -> None:
    with RecordProducer(broker, client_id="test") as producer:
        for at in range(5):
            producer.send("feeds", b"ann", b"%d" % at)


def test_everything_up_to_the_end_is_read_once_and_then_it_ends(mock_broker: str) -> None:
    filled(mock_broker)
    found = messages(mock_broker, ("feeds",), from_start=True, until_end=True)
    assert [one.value() for one in found] == [b"0", b"1", b"2", b"3", b"4"]


def test_who_asked_for_all_of_it_and_is_interrupted_does_not_take_a_part_for_it(mock_broker: str) -> None:
    filled(mock_broker)
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    found = messages(mock_broker, ("feeds",), from_start=True, until_end=True)
    assert next(found).value() == b"0"
    signal.raise_signal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        next(found)
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_who_follows_a_topic_ends_with_a_signal(mock_broker: str) -> None:
    filled(mock_broker)
    found = messages(mock_broker, ("feeds",), from_start=True, until_end=False)
    assert next(found).value() == b"0"
    signal.raise_signal(signal.SIGINT)
    assert list(found) == []


def test_a_topic_that_is_not_there_is_named(mock_broker: str) -> None:
    with pytest.raises(Stop, match="topic nothing does not exist"):
        next(messages(mock_broker, ("nothing",), from_start=True, until_end=True))
