"""Snapshots: weights as plain arrays on the wire; nothing executable is ever read back."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.internal import ModelSnapshot

__all__ = ["arrays_of", "decode_snapshot", "encode_snapshot", "pack", "snapshot", "unpack"]

_DECODER = msgspec.msgpack.Decoder(ModelSnapshot)
_KINDS = {
    "float64": "<f8",
    "float32": "<f4",
    "float16": "<f2",
    "uint64": "<u8",
    "int64": "<i8",
    "uint8": "|u1",
    "uint16": "<u2",
    "int8": "|i1",
}


def snapshot(
    model: str,
    version: int,
    ts_ms: int,
    arrays: dict[str, npt.NDArray[Any]],
    metrics: dict[str, float],
    names: list[str],
) -> ModelSnapshot:
    """A snapshot of named arrays.

    >>> made = snapshot("ranker", 1, 0, {"weights": np.ones(2)}, {}, ["a", "b"])
    >>> arrays_of(made)["weights"].tolist()
    [1.0, 1.0]
    """
    return ModelSnapshot(
        model=model,
        version=version,
        ts_ms=ts_ms,
        arrays={name: np.ascontiguousarray(array).tobytes() for name, array in arrays.items()},
        shapes={name: list(array.shape) for name, array in arrays.items()},
        dtypes={name: _KINDS[array.dtype.name] for name, array in arrays.items()},
        metrics=metrics,
        feature_names=names,
    )


def arrays_of(snapshot: ModelSnapshot) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a snapshot, read-only. Raises ``ValueError`` where sizes or types do not fit."""
    made = {}
    for name, raw in snapshot.arrays.items():
        kind = snapshot.dtypes.get(name, "")
        if kind not in _KINDS.values():
            raise ValueError(f"array {name} has type {kind!r}")
        made[name] = np.frombuffer(raw, dtype=kind).reshape(snapshot.shapes.get(name, [-1]))
    return made


def encode_snapshot(snapshot: ModelSnapshot) -> bytes:
    """The snapshot as a record's value."""
    return msgspec.msgpack.encode(snapshot)


def decode_snapshot(value: bytes) -> ModelSnapshot:
    """A snapshot from a record's value; raises ``msgspec.MsgspecError`` where it is none."""
    return _DECODER.decode(value)


def pack(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """Named arrays as bytes; equal for equal arrays."""
    return encode_snapshot(snapshot("state", 1, 0, dict(sorted(arrays.items())), {}, []))


def unpack(value: bytes) -> dict[str, npt.NDArray[Any]]:
    """The arrays of ``pack``."""
    return arrays_of(decode_snapshot(value))
