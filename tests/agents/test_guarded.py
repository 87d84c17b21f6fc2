"""A Kafka with TLS and SCRAM and a Redis with TLS and ACL users are used end to end, and no password is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from agents.cluster import Cluster
from agents.errors import BadSettings
from agents.settings import Settings, environment
from agents.testing.guarded import PASSWORD, USER, GuardedKafka, GuardedRedis
from agents.testing.live import Live
from tests.conftest import started

COMMAND = [sys.executable, "-m", "feedstream"]
LOG = Path(__file__).parents[2] / "docs" / "examples" / "first.jsonl"


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[GuardedKafka, GuardedRedis]]:
    with closing(started("kafka", GuardedKafka)) as kafka, closing(started("redis", GuardedRedis)) as redis:
        yield kafka, redis


def settings_of(kafka: GuardedKafka, redis: GuardedRedis, **more: str) -> dict[str, str]:
    return {
        "broker": f"kafka+ssl://{kafka.bootstrap}", "redis": redis.url, "kafka_ca": str(kafka.authority.ca),
        "kafka_user": USER, "kafka_password": PASSWORD, **more,
    }  # fmt: skip


def run(told: dict[str, str], *words: str) -> tuple[int, str]:
    done = subprocess.run([*COMMAND, *words], env=environment(**told), capture_output=True, timeout=120, check=False)
    said = done.stdout.decode() + done.stderr.decode()
    assert PASSWORD not in said
    assert PASSWORD.replace(" ", "-") not in said
    return done.returncode, said


@pytest.mark.kafka
@pytest.mark.timeout(240)
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
def test_events_become_feeds_over_guarded_servers(guarded, tmp_path, mechanism):
    told = settings_of(*guarded, kafka_mechanism=mechanism)
    assert run(told, "topics", "apply")[0] == 0
    more = {name: value for name, value in told.items() if name not in {"broker", "redis"}}
    with Live(told["broker"], told["redis"], tmp_path, **more) as live:
        worker = live.start()
        assert run(told, "send", str(LOG))[0] == 0
        _, url = live.gateway()
        feed, until_s = {"items": []}, time.monotonic() + 60
        while not feed["items"] and time.monotonic() < until_s:
            with urllib.request.urlopen(f"{url}/v1/feeds/new-{mechanism}") as got:
                feed = orjson.loads(got.read())
        assert feed["items"]
        assert feed["fallback"] is None
        live.until_settled()
        code, said = run(told, "video", "show", "cat-1", "--json")
        assert (code, orjson.loads(said)["counts"]["likes"] >= 1) == (0, True)
        assert run(told, "tail", "feeds", "--from-start", "--until-end", "--json")[0] == 0
        assert run(told, "doctor")[0] == 0
        assert PASSWORD not in worker.said()
        live.stop(worker)


@pytest.mark.kafka
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"kafka_password": "another one"}, "does not answer"), ({"kafka_ca": "{other}"}, "does not answer"),
     ({"kafka_ca": "/nowhere.pem"}, "nowhere.pem"), ({"redis": "{plain}"}, "Redis")],
)  # fmt: skip
def test_whoever_may_not_come_in_is_told_in_a_sentence(guarded, tmp_path, wrong, says):
    kafka, redis = guarded
    places = {
        "{other}": str(redis.authority.ca),
        "{plain}": f"rediss://127.0.0.1:{redis.port}/0?ssl_ca_certs={redis.authority.ca}",
    }
    told = settings_of(kafka, redis) | {name: places.get(value, value) for name, value in wrong.items()}
    code, said = run(told, "worker")
    assert code == 1
    assert says in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) <= 3, said


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"kafka_user": "ann"}, "go together"),
        ({"kafka_password": "x"}, "go together"),
        ({"kafka_mechanism": "GSSAPI"}, "SCRAM-SHA-512, SCRAM-SHA-256, PLAIN"),
        ({"broker": "kafka://a:1", "kafka_ca": "/x.pem"}, "kafka\\+ssl://"),
    ],
)
def test_settings_that_do_not_fit_together_are_named(told, says):
    with pytest.raises(BadSettings, match=says):
        Settings.from_env({}, **told)


def test_no_secret_is_in_what_is_printed_of_settings():
    told = {"kafka_user": "ann", "kafka_password": "hush-hush", "gateway_secret": "sixteen-and-more-hush",
            "redis": "redis://ann:hush@r:1/0", "broker": "kafka+ssl://a:1,b:2"}  # fmt: skip
    settings = Settings.from_env({f"FEEDSTREAM_{name.upper()}": value for name, value in told.items()})
    assert "hush" not in repr(settings) + repr(settings.kafka) + str(settings.kafka)
    assert settings.kafka.options()["sasl.password"] == "hush-hush"
    assert settings.kafka.bootstrap == "a:1,b:2"
    assert settings.kafka.protocol == "SASL_SSL"


def test_an_authority_that_cannot_be_read_is_named():
    with pytest.raises(BadSettings, match="nowhere"):
        Cluster("a:1", tls=True, ca=os.devnull + "/nowhere").context()
