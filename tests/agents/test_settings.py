"""Settings: a value that makes no sense is named before anything runs."""

from __future__ import annotations

import pytest

from agents.errors import BadSettings
from agents.redis_url import read_url
from agents.settings import Settings, environment


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CHECKPOINT_MS", "soon", "FEEDSTREAM_CHECKPOINT_MS is 'soon': it must be a whole number"),
        ("CHECKPOINT_MS", "0", "FEEDSTREAM_CHECKPOINT_MS is 0: it must be at least 1"),
        ("GATE_MARGIN", "5%", "FEEDSTREAM_GATE_MARGIN is '5%': it must be a number"),
        ("BACKLOG_S", "nan", "FEEDSTREAM_BACKLOG_S is nan: it must be a number from 0"),
        ("BACKLOG_S", "inf", "FEEDSTREAM_BACKLOG_S is inf: it must be a number from 0"),
        ("SESSION_TIMEOUT_S", "0", "FEEDSTREAM_SESSION_TIMEOUT_S is 0.0: it must be at least 1"),
        ("SNAPSHOT_S", "0", "FEEDSTREAM_SNAPSHOT_S is 0.0: it must be more than 0"),
        ("HOT_VIEWERS", "-1", "FEEDSTREAM_HOT_VIEWERS is -1: it must be a number from 0"),
        ("BROKER", "localhost:9092", "FEEDSTREAM_BROKER is 'localhost:9092': use kafka://host:port or embedded://"),
        ("BROKER", "kafka://", "FEEDSTREAM_BROKER is 'kafka://': use kafka://host:port"),
        ("BROKER", "kafka://a:9092,b", "FEEDSTREAM_BROKER is 'kafka://a:9092,b': use kafka://host:port"),
        ("BROKER", "kafka://a:99999", "FEEDSTREAM_BROKER is 'kafka://a:99999': use kafka://host:port"),
        ("WORKERS", "worker", "FEEDSTREAM_WORKERS is 'worker': use host:port[,host:port]"),
        ("WORKERS", "a:9464,b", "FEEDSTREAM_WORKERS is 'a:9464,b': use host:port[,host:port]"),
        ("BAD_SHARE", "7", "FEEDSTREAM_BAD_SHARE is 7.0: it must be 1 at most"),
        ("METRICS_PORT", "99999", "FEEDSTREAM_METRICS_PORT is 99999: it must be 65535 at most"),
        ("NAMESPACE", "", "FEEDSTREAM_NAMESPACE is '': use letters, digits"),
        ("NAMESPACE", "a{b}", "FEEDSTREAM_NAMESPACE is 'a{b}': use letters, digits"),
        ("TOPIC_PREFIX", "a b", "FEEDSTREAM_TOPIC_PREFIX is 'a b': use letters, digits"),
        ("INTERNAL_PREFIX", "new:", "FEEDSTREAM_INTERNAL_PREFIX is 'new:': use letters, digits"),
        ("OUTPUT_PREFIX", "x" * 101, f"FEEDSTREAM_OUTPUT_PREFIX is '{'x' * 101}': use letters, digits"),
        ("HISTORY_DAYS", "-1", "FEEDSTREAM_HISTORY_DAYS is -1.0: it must be a number from 0"),
        ("REDIS", "localhost", "FEEDSTREAM_REDIS is no Redis URL: use redis://host:port"),
        ("REDIS", "user:secret@localhost:6379", "FEEDSTREAM_REDIS is no Redis URL: use redis://host:port"),
        ("REDIS", "redis://:secret@localhost:port", "FEEDSTREAM_REDIS has a port that is no number"),
        ("REDIS", "redis+cluster://:secret@a:1,b:99999", "FEEDSTREAM_REDIS has a port that is no number"),
        ("REDIS", "redis+cluster://:secret@a:1,", "FEEDSTREAM_REDIS names no host: use redis://host:port"),
        ("REDIS", "redis://:secret@a:1,b:2", "FEEDSTREAM_REDIS names several servers, which only a cluster has"),
        ("REDIS", "redis+cluster://:secret@a:1/3", "FEEDSTREAM_REDIS names a database, but a Redis Cluster has only 0"),
        ("REDIS", "rediss+cluster://:secret@a:1?db=3", "FEEDSTREAM_REDIS names a database"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_its_value(name: str, value: str, words: str) -> None:
    with pytest.raises(BadSettings) as refused:
        Settings.from_env({f"FEEDSTREAM_{name}": value})
    assert str(refused.value).startswith(words)
    assert "secret" not in str(refused.value)


def test_several_brokers_are_taken_as_they_are() -> None:
    assert Settings.from_env({"FEEDSTREAM_BROKER": "kafka://a:1,b:2"}).bootstrap == "a:1,b:2"


def test_several_nodes_of_a_redis_cluster_are_taken_with_one_user_and_one_set_of_options() -> None:
    url = "rediss+cluster://ann:secret@a:1,b,[::1]:7?ssl_ca_certs=/ca.pem"
    assert Settings.from_env({"FEEDSTREAM_REDIS": url}).store_url == url
    read = read_url(url)
    assert (read.cluster, read.nodes) == (True, (("a", 1), ("b", 6379), ("::1", 7)))
    assert read.first == "rediss://ann:secret@a:1?ssl_ca_certs=/ca.pem"
    assert read_url("redis+cluster://ann:a@b@c:1,d:2").first == "redis://ann:a@b@c:1"


def test_the_embedded_default_names_the_command_that_shares_it() -> None:
    settings = Settings.from_env({})
    for name, ask, real in (
        ("BROKER", lambda: settings.bootstrap, "kafka://host:port"),
        ("REDIS", lambda: settings.store_url, "redis://host:port"),
    ):
        with pytest.raises(BadSettings) as refused:
            ask()
        said = str(refused.value)
        assert said.startswith(
            f"FEEDSTREAM_{name} is embedded://, which lives in one process only: start `feedstream up`"
        )
        assert said.endswith(real)


@pytest.mark.parametrize("name", [name for name in Settings.__slots__ if name not in {"broker", "redis"}])
def test_every_setting_can_be_said_and_no_number_may_be_negative(name: str) -> None:
    default = getattr(Settings(), name)
    told = Settings.from_env({f"FEEDSTREAM_{name.upper()}": str(default)})
    assert told == Settings()
    if isinstance(default, str):
        return
    with pytest.raises(BadSettings, match=f"^FEEDSTREAM_{name.upper()} is -1(\\.0)?: it must be"):
        Settings.from_env({f"FEEDSTREAM_{name.upper()}": "-1"})


def test_an_override_wins_and_is_checked_too() -> None:
    assert Settings.from_env({"FEEDSTREAM_REFILL_AT": "7"}, refill_at=3).refill_at == 3
    with pytest.raises(BadSettings, match="FEEDSTREAM_BATCH_ITEMS is 0"):
        Settings.from_env({}, batch_items=0)


def test_a_child_gets_the_environment_and_its_own_settings() -> None:
    assert environment(broker="kafka://a:1")["FEEDSTREAM_BROKER"] == "kafka://a:1"
    assert environment()["PATH"]
