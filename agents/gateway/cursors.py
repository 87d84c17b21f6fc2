"""Cursors: where in a batch the next answer begins, as a text that callers send back as it is."""

from __future__ import annotations

import base64

import orjson

from agents.gateway.refusals import Refusal

__all__ = ["cursor_of", "read_cursor"]


def cursor_of(seq: int, video_id: str) -> str:
    """A cursor that stands behind a video of a batch.

    >>> read_cursor(cursor_of(3, "cat-1"))
    (3, 'cat-1')
    """
    return base64.urlsafe_b64encode(orjson.dumps([seq, video_id])).rstrip(b"=").decode()


def read_cursor(text: str) -> tuple[int, str]:
    """Batch number and video of a cursor; raises ``Refusal`` for what is none."""
    try:
        seq, video_id = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return int(seq), str(video_id)
    except (ValueError, TypeError):
        raise Refusal(400, "cursor", "this is no cursor: send the next_cursor of an answer", path="$.cursor") from None
