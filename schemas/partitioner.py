"""The partitioner: murmur2, as Java's client, aiokafka and Faust hash keys.

librdkafka's default is another one; its clients say ``partitioner=murmur2_random`` to agree with this.
"""

from __future__ import annotations

__all__ = ["murmur2", "partition"]

_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """32-bit MurmurHash2 with Kafka's seed, unsigned (Kafka's ``Utils.murmur2`` as an unsigned number).

    >>> murmur2(b"21"), murmur2(b"foobar")
    (3321034988, 3504634814)
    """
    length = len(data)
    h = 0x9747B28C ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * _M & _MASK
        k ^= k >> 24
        h = (h * _M & _MASK) ^ (k * _M & _MASK)
    if rest := data[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * _M & _MASK
    h = (h ^ (h >> 13)) * _M & _MASK
    return h ^ (h >> 15)


def partition(key: bytes, count: int) -> int:
    """Partition of ``key`` among ``count``; ``count`` must be at least 1.

    >>> partition(b"foobar", 4)
    2
    """
    return (murmur2(key) & 0x7FFFFFFF) % count
