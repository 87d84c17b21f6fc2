"""Life: what is stored of a video, and how it came through the tiers, from the audit. Nothing is owned or written."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
import numpy as np

from agents.cluster import Cluster
from agents.reading import messages
from agents.store import Store
from agents.stored import rows_of
from schemas.codec import BadRecord, decode
from schemas.tiers import TierDecision
from schemas.topics import COUNTS
from streams import limits
from streams.shards.video_shard import decode_state, video_key
from streams.tiers.tiers import STANDINGS, exposed
from streams.video.daily import views_by_day
from streams.video.videos import NUMBERS

__all__ = ["history_of", "life_of", "said_of", "video_of"]


def video_of(store: Store, video_id: str) -> dict[str, Any] | None:
    """What is checkpointed of a video, ready for JSON; None where nothing is. Raises ``StoreUnavailable``."""
    found = _stored(store, video_id)
    return None if found is None else found[0]


def life_of(store: Store, bootstrap: str | Cluster, video_id: str, now_ms: int) -> dict[str, Any] | None:
    """The same, with ``views`` of each of the latest thirty days (UTC, today last), and ``tier_history`` as far as the
    audit goes back. Cost: one row, and all of ``tiers``.
    """
    found = _stored(store, video_id)
    if found is None:
        return None
    told, views, decided = found
    history = history_of(bootstrap, [video_id])
    return told | {
        "views": views_by_day(views, now_ms // limits.DAY_MS),
        "tier_history": [said_of(one) for one in history],
        "tier_decisions_gone": max(0, decided - len(history)),
    }


def history_of(bootstrap: str | Cluster, video_ids: Collection[str]) -> list[TierDecision]:
    """Decisions about the tiers of videos that the audit still has, in order of time, each once."""
    found: dict[str, TierDecision] = {}
    if video_ids:
        wanted = {name.encode() for name in video_ids}
        for message in messages(bootstrap, ("tiers",), from_start=True, until_end=True):
            if message.key() in wanted and (one := _decision(message)) is not None:
                found[one.decision_id] = one
    return sorted(found.values(), key=lambda one: one.ts_ms)


def said_of(decision: TierDecision) -> dict[str, Any]:
    """A decision, ready for JSON."""
    told: dict[str, Any] = msgspec.to_builtins(decision)
    return {name: value for name, value in told.items() if name not in {"v", "decision_id"}}


def _stored(store: Store, video_id: str) -> tuple[dict[str, Any], bytes, int] | None:
    """What is told of a video, its stored views, and how many decisions its shard has made about its tier."""
    (value,) = rows_of(store, "v", video_id, [video_key(video_id)])
    if value is None:
        return None
    state = decode_state(value)
    numbers = np.frombuffer(state.numbers, dtype=NUMBERS)[0]
    told = {
        "video_id": video_id,
        "counts": dict(zip(COUNTS, numbers["counts"].tolist(), strict=True)),
        "tier": int(numbers["tier"]),
        "standing": STANDINGS[int(numbers["status"])],
        "spent": int(exposed(numbers["counts"]) - numbers["start"]),
        "active": state.active,
        "video": msgspec.to_builtins(state.video),
        "last_ms": int(numbers["last_ms"]),
    }
    return told, state.views, int(numbers["decided"])


def _decision(message: Any) -> TierDecision | None:
    try:
        record = decode("tiers", message.key(), message.value(), message.timestamp()[1])
    except BadRecord:
        return None
    return record if isinstance(record, TierDecision) else None
