"""What can be checked without any server: versions, and that keys are hashed as every other client hashes them."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Final

from aiokafka.partitioner import DefaultPartitioner
from confluent_kafka import KafkaException
from confluent_kafka import Producer as KafkaProducer

from agents.doctor.finding import Finding, failed, ok
from agents.producer import producer_options
from schemas.partitioner import murmur2, partition

__all__ = ["check_partitioner", "check_versions", "fits"]

_KNOWN: Final = {b"21": 3321034988, b"foobar": 3504634814, b"a-little-bit-long-string": 3308985760}
"""Keys and their hashes, from the tests of Kafka's own Java client."""
_KEYS: Final = tuple(f"viewer-{number}".encode() for number in range(64))
_COUNT: Final = 4
"""Partitions that librdkafka's mock cluster gives to every topic."""
_NAMED: Final = ("faust-streaming", "aiokafka", "confluent-kafka", "river", "numpy", "msgspec", "redis")
"""Packages on whose versions something of ours hangs."""
_REINSTALL: Final = "install what requirements.lock of the release says"


def check_versions() -> Finding:
    """Python and the packages we depend on are there, in versions that we were made for."""
    try:
        wanted = {_named(line): line for line in requires("feedstream") or () if "extra ==" not in line}
    except PackageNotFoundError:
        return failed("feedstream is not installed, only its files are here", "run `pip install .` in its folder")
    have: dict[str, str] = {}
    for name in wanted:
        try:
            have[name] = version(name)
        except PackageNotFoundError:
            return failed(f"{name} is not installed", _REINSTALL)
    wrong = [f"{name} is {have[name]}, made for {line}" for name, line in wanted.items() if not fits(have[name], line)]
    if wrong:
        return failed("; ".join(wrong), _REINSTALL)
    named = ", ".join(f"{name} {have[name]}" for name in _NAMED)
    return ok(f"feedstream {version('feedstream')}, Python {platform.python_version()}, {named}")


def check_partitioner() -> Finding:
    """Keys are hashed as published, and placed where librdkafka, told as our producer is, and aiokafka place them."""
    wrong = [key.decode() for key, wanted in _KNOWN.items() if murmur2(key) != wanted]
    if wrong:
        return failed(f"murmur2 of {wrong[0]!r} is not what Kafka's own client says", _REINSTALL)
    try:
        placed = _placed_by_librdkafka()
    except KafkaException as error:
        return failed(f"librdkafka's mock cluster did not take records ({error.args[0].str()})", _REINSTALL)
    every, ours = list(range(_COUNT)), {key: partition(key, _COUNT) for key in _KEYS}
    for who, theirs in (("librdkafka", placed), ("aiokafka", {key: DefaultPartitioner()(key, every, every)
                                                             for key in _KEYS})):  # fmt: skip
        differing = sum(theirs.get(key) != place for key, place in ours.items())
        if differing:
            return failed(f"{who} places {differing} of {len(ours)} keys elsewhere than our murmur2", _REINSTALL)
    return ok(f"murmur2, librdkafka and aiokafka agree on {len(_KEYS)} keys; your producers must say murmur2, too")


def fits(have: str, line: str) -> bool:
    """Whether version ``have`` is one that a requirement ``line`` (``name[extra]>=1,<2``) allows.

    >>> fits("0.26.1", "river<0.27,>=0.26"), fits("0.27.0", "river<0.27,>=0.26"), fits("1.0", "x==1.0.1")
    (True, False, False)
    """
    asked = re.findall(r"(>=|<=|==|<|>)\s*([\d.]+)", line.partition(";")[0])
    return all(_holds(have, how, bound) for how, bound in asked)


def _holds(have: str, how: str, bound: str) -> bool:
    mine, theirs = _numbers(have), _numbers(bound)
    long = max(len(mine), len(theirs))
    mine, theirs = mine + (0,) * (long - len(mine)), theirs + (0,) * (long - len(theirs))
    return {">=": mine >= theirs, "<=": mine <= theirs, "==": mine == theirs, "<": mine < theirs, ">": mine > theirs}[
        how
    ]


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", re.split(r"[a-z+]", text)[0]))


def _named(line: str) -> str:
    return re.split(r"[\[<>=!~; (]", line)[0]


def _placed_by_librdkafka() -> dict[bytes, int]:
    """Where a producer with our options puts each key, on a mock cluster in this process."""
    options = producer_options("mock", client_id="feedstream-doctor", timeout_s=10.0)
    kafka = KafkaProducer({**options, "test.mock.num.brokers": 1, "log_level": 0})
    found: dict[bytes, int] = {}
    for key in _KEYS:
        kafka.produce(
            "doctor", b"", key, on_delivery=lambda _, message: found.update({message.key(): message.partition()})
        )
    kafka.flush(10.0)
    return found
