"""The partitioner agrees with Java's client: its published vectors, and aiokafka's own."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from hypothesis import given
from hypothesis import strategies as st

from schemas.partitioner import murmur2, partition

# org.apache.kafka.common.utils.UtilsTest.testMurmur2
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("data", "signed"), JAVA.items())
def test_hash_equals_javas_published_vectors(data: bytes, signed: int) -> None:
    assert murmur2(data) == signed % 2**32


@given(st.binary(max_size=64), st.integers(1, 100))
def test_hash_and_partition_equal_aiokafkas(key: bytes, count: int) -> None:
    assert murmur2(key) == aiokafka_murmur2(key) % 2**32
    assert partition(key, count) == DefaultPartitioner()(key, list(range(count)), list(range(count)))
