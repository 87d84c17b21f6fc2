"""Keys of a user shard's rows in the store."""

from __future__ import annotations

from typing import Final

__all__ = ["outcome_key", "split_outcome_key", "viewer_key"]

_SPLIT: Final = b"\0"


def viewer_key(user_id: str) -> bytes:
    """Row key of a viewer."""
    return b"v:" + user_id.encode()


def outcome_key(user_id: str, video: int) -> bytes:
    """Row key of an outcome: the viewer's id and the video's hash."""
    return b"o:" + user_id.encode() + _SPLIT + video.to_bytes(8, "little")


def split_outcome_key(key: bytes) -> tuple[str, int]:
    """Viewer and video hash of an outcome's row key.

    >>> split_outcome_key(outcome_key("ann", 7))
    ('ann', 7)
    """
    return key[2:-9].decode(), int.from_bytes(key[-8:], "little")
