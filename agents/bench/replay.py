"""The pure pipeline in this process: decode, fold, engagement and learner, without a broker or a store."""

from __future__ import annotations

import json
import time
from statistics import median
from typing import Any, Final

import msgspec
import numpy as np

from agents.bench.workload import Record, Shape, sessions, videos
from schemas.codec import decode_many
from schemas.lines import Line
from streams.replay import Replay

__all__ = ["measure"]

_NOW_MS: Final = 1_760_000_000_000
_SHAPE: Final = Shape(viewers=5_000, videos=5_000)


def measure(events: int = 10_000, rounds: int = 3, shape: Shape = _SHAPE) -> dict[str, Any]:
    """CPU µs an event of decoding in batches (beside ``json.loads``, which checks nothing) and of the whole pipeline.

    The first round is not counted: tables grow in it, and models begin.
    """
    rng = np.random.default_rng(5)
    engine = Replay(_NOW_MS + 10**9)
    for topic, key, value in videos(shape.videos, _NOW_MS - 86_400_000):
        engine.line(_line(topic, key, value))
    whole, decoding, rival = [], [], []
    for nth in range(rounds + 1):
        records = sessions(rng, events, shape, _NOW_MS + nth * 1_800_000, 1_800.0, f"b{nth}")
        lines = [_line(*record) for record in records]
        began_s = time.process_time()
        for line in lines:
            engine.line(line)
        engine.flush()
        whole.append((time.process_time() - began_s) / events * 1e6)
        decoding.append(_decoded_s(records) / events * 1e6)
        began_s = time.process_time()
        for _, _, value in records:
            json.loads(value)
        rival.append((time.process_time() - began_s) / events * 1e6)
    if engine.bad:
        raise RuntimeError(f"made-up events were refused: {dict(engine.bad)}")
    decode_us, json_us = median(decoding[1:]), median(rival[1:])
    return {
        "replay_us": median(whole[1:]),
        "replay_runs_us": whole[1:],
        "decode_us": decode_us,
        "decode_ratio": json_us / decode_us,
    }


def _line(topic: str, key: bytes, value: bytes) -> Line:
    return Line(topic=topic, key=key.decode(), value=msgspec.Raw(value))


def _decoded_s(records: list[Record]) -> float:
    """CPU seconds of decoding as workers do, a batch a topic."""
    by_topic: dict[str, tuple[list[bytes], list[bytes]]] = {}
    for topic, key, value in records:
        keys, values = by_topic.setdefault(topic, ([], []))
        keys.append(key)
        values.append(value)
    began_s = time.process_time()
    for topic, (keys, values) in by_topic.items():
        decode_many(topic, keys, values, [_NOW_MS + 10**9] * len(keys))
    return time.process_time() - began_s
