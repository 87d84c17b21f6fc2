"""Impression tokens: a served item carries one, so that only what was served can be engaged with.

A token is signed, not stored: any gateway process with the same secret reads it. It binds viewer, video, batch, place
and the time until which it holds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from agents.gateway.refusals import Refusal

__all__ = ["HOLDS_S", "Tokens"]

HOLDS_S: Final = 86_400
"""How long a token holds, in seconds."""
_SIGNATURE: Final = 16


class Tokens:
    """Signs and checks with ``secret``; without one nothing is signed.

    >>> tokens = Tokens(b"a secret of sixteen bytes or more")
    >>> told = tokens.sign("ann", "cat-1", "1-a", 3, now_s=1_000)
    >>> tokens.check(told, "ann", "cat-1", now_s=2_000)
    ('1-a', 3)
    """

    def __init__(self, secret: bytes = b"") -> None:
        self._secret = secret

    def sign(self, user_id: str, video_id: str, batch_id: str, position: int, now_s: int) -> str | None:
        """The token of one served item; None where there is no secret."""
        if not self._secret:
            return None
        plain = f"{now_s + HOLDS_S:x}.{position:x}.{batch_id}"
        return f"{plain}.{self._signature(plain, user_id, video_id)}"

    def check(self, token: str, user_id: str, video_id: str, now_s: int) -> tuple[str, int]:
        """Batch and place that a token stands for; raises ``Refusal`` 403 for one that is forged, of somebody or
        something else, or too old.
        """
        plain, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(plain, user_id, video_id).encode()):
            raise Refusal(403, "token", "this token is not of this viewer and video", path="$.token")
        until, position, batch_id = plain.split(".", 2)
        if int(until, 16) < now_s:
            raise Refusal(403, "token_old", "this token is too old: what was served a day ago is over", path="$.token")
        return batch_id, int(position, 16)

    def _signature(self, plain: str, user_id: str, video_id: str) -> str:
        text = "\0".join((plain, user_id, video_id)).encode()
        made = hmac.new(self._secret, text, hashlib.sha256).digest()[:_SIGNATURE]
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()
