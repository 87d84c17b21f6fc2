"""The recipes are true: what the documents show runs, and its keys reach the partitions that the workers expect.

``docs/partitions.tsv`` is the known answers. It is held against our partitioner, librdkafka, aiokafka, and Kafka's own
Java; the recipes of docs/producing.md send its keys to a real Kafka, each with its own client.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka.partitioner import DefaultPartitioner
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from agents.producer import producer_options
from agents.testing import foreign
from agents.testing.servers import RealKafka
from schemas.codec import decode, encode
from schemas.events import Like
from schemas.partitioner import murmur2, partition

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "producing.md"
RECIPES = sorted((ROOT / "docs" / "examples" / "produce").iterdir())
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [(page.name, *block) for page in (ROOT / "README.md", PAGE) for block in FENCE.findall(page.read_text())]
TABLE = (ROOT / "docs" / "partitions.tsv").read_text()
HEADER, *ROWS = [line.split("\t") for line in TABLE.splitlines()]
COUNTS = [int(count) for count in HEADER[2:]]
ANSWERS = {row[0]: dict(zip(COUNTS, map(int, row[2:]), strict=True)) for row in ROWS}
"""Key to the partition by how many there are."""


def sent(broker: str, options: dict[str, Any], topic: str) -> None:
    producer = Producer({"bootstrap.servers": broker, **options})
    for key in ANSWERS:
        producer.produce(topic, b"{}", key.encode())
    assert producer.flush(30) == 0


def found(broker: str, topic: str) -> dict[str, tuple[int, bytes, int]]:
    """Key to (partition, value, timestamp) of every record that the known keys have on ``topic``."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "test", "enable.auto.commit": False})
    places = consumer.list_topics(topic, timeout=10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in places])
    records: dict[str, tuple[int, bytes, int]] = {}
    while len(records) < len(ANSWERS):
        message = consumer.poll(20)
        assert message is not None, f"{len(records)} of {len(ANSWERS)} keys arrived"
        assert message.error() is None, message.error()
        records[message.key().decode()] = (message.partition(), message.value(), message.timestamp()[1])
    consumer.close()
    return records


def test_the_known_answers_are_those_of_our_partitioner() -> None:
    assert len(ANSWERS) == len(ROWS) > 40
    assert {len(key.encode()) % 4 for key in ANSWERS} == {0, 1, 2, 3}, "every length of the last block"
    assert any(byte > 127 for key in ANSWERS for byte in key.encode()), "bytes that are negative in Java"
    for key, signed, *numbers in ROWS:
        assert murmur2(key.encode()) == int(signed) % 2**32
        assert [partition(key.encode(), count) for count in COUNTS] == [int(number) for number in numbers]


def test_the_known_answers_are_aiokafkas() -> None:
    choose = DefaultPartitioner()
    for key, answers in ANSWERS.items():
        for count, number in answers.items():
            assert choose(key.encode(), list(range(count)), list(range(count))) == number


def test_the_known_answers_are_librdkafkas_when_it_is_told(mock_broker: str) -> None:
    sent(mock_broker, {"partitioner": producer_options("b:1", client_id="c")["partitioner"]}, "told")
    assert {key: one[0] for key, one in found(mock_broker, "told").items()} == {
        key: answers[4] for key, answers in ANSWERS.items()
    }


def test_librdkafka_that_is_not_told_sends_most_keys_elsewhere(mock_broker: str) -> None:
    sent(mock_broker, {}, "untold")
    same = [key for key, one in found(mock_broker, "untold").items() if one[0] == ANSWERS[key][4]]
    assert len(same) < len(ANSWERS) / 2


def test_the_known_answers_are_javas(recipe: Callable[[Path], list[str]]) -> None:
    source = ROOT / "tests" / "schemas" / "Partitions.java"
    done = subprocess.run(recipe(source), input=TABLE.encode(), capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode() == TABLE


@pytest.mark.kafka
@pytest.mark.timeout(600)  # Go's client is compiled the first time
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_recipe_sends_every_key_where_the_workers_expect_it(
    path: Path, recipe: Callable[[Path], list[str]], kafka: RealKafka
) -> None:
    topic = f"recipe-{path.suffix[1:]}"
    command = recipe(path)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(topic, 12, 1)])[topic].result(30)
    likes = {
        key: encode(Like(v=1, event_id="e", user_id=key, session_id="s", video_id="x", ts_ms=1)) for key in ANSWERS
    }
    lines = b"".join(key.encode() + b"\t" + value + b"\n" for key, value in likes.items())
    done = subprocess.run(
        [*command, kafka.bootstrap, topic], input=lines, capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    for key, (number, value, timestamp_ms) in found(kafka.bootstrap, topic).items():
        assert (number, value) == (ANSWERS[key][12], likes[key])
        assert decode("events.like", key.encode(), value, timestamp_ms) is not None


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_the_page_shows_each_recipe_as_it_is_run(path: Path) -> None:
    assert path.suffix in foreign.LANGUAGES
    assert any(text == path.read_text() for page, _, text in BLOCKS if page == PAGE.name)
    assert f"(examples/produce/{path.name})" in PAGE.read_text()


@pytest.mark.parametrize(("page", "text"), [(page, text) for page, kind, text in BLOCKS if kind == "python"])
def test_python_in_the_documents_runs(page: str, text: str, mock_broker: str) -> None:
    env = os.environ | {"FEEDSTREAM_BROKER": f"kafka://{mock_broker}"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", text], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, ""), page
    assert done.stdout


def test_both_pages_show_the_client() -> None:
    assert {page for page, kind, _ in BLOCKS if kind == "python"} == {"README.md", "producing.md"}
