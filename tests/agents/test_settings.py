"""Settings: a value that makes no sense is named before anything runs."""

from __future__ import annotations

import pytest

from agents.errors import BadSettings
from agents.settings import Settings


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CHECKPOINT_MS", "soon", "FEEDSTREAM_CHECKPOINT_MS is 'soon': it must be a whole number"),
        ("CHECKPOINT_MS", "0", "FEEDSTREAM_CHECKPOINT_MS is 0: it must be at least 1"),
        ("BACKLOG_S", "nan", "FEEDSTREAM_BACKLOG_S is nan: it must be a number from 0"),
        ("BACKLOG_S", "inf", "FEEDSTREAM_BACKLOG_S is inf: it must be a number from 0"),
        ("SESSION_TIMEOUT_S", "0", "FEEDSTREAM_SESSION_TIMEOUT_S is 0.0: it must be at least 1"),
        ("SNAPSHOT_S", "0", "FEEDSTREAM_SNAPSHOT_S is 0.0: it must be more than 0"),
        ("HOT_VIEWERS", "-1", "FEEDSTREAM_HOT_VIEWERS is -1: it must be a number from 0"),
        ("BROKER", "localhost:9092", "FEEDSTREAM_BROKER is 'localhost:9092': use kafka://host:port or embedded://"),
        ("BROKER", "kafka://", "FEEDSTREAM_BROKER is 'kafka://': use kafka://host:port"),
        ("BROKER", "kafka://a:9092,b", "FEEDSTREAM_BROKER is 'kafka://a:9092,b': use kafka://host:port"),
        ("REDIS", "localhost", "FEEDSTREAM_REDIS is 'localhost': use redis://host:port"),
        ("REDIS", "redis://:secret@localhost:port", "FEEDSTREAM_REDIS has a port that is no number"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_its_value(name: str, value: str, words: str) -> None:
    with pytest.raises(BadSettings) as refused:
        Settings.from_env({f"FEEDSTREAM_{name}": value})
    assert str(refused.value).startswith(words)
    assert "secret" not in str(refused.value)


def test_several_brokers_are_taken_as_they_are() -> None:
    assert Settings.from_env({"FEEDSTREAM_BROKER": "kafka://a:1,b:2"}).bootstrap == "a:1,b:2"
