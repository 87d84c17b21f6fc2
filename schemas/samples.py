"""Samples: one good record of each kind, from which the registry makes its examples."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["BATCH", "DELTA", "EXPERIMENT", "PROMOTION", "RECEIPT", "REQUEST", "SEEN", "TIER", "TREND", "VIDEO"]

SEEN: Final = {
    "v": 1,
    "event_id": "e-1",
    "user_id": "ann",
    "session_id": "s-1",
    "video_id": "cat-7",
    "ts_ms": 1_700_000_000_000,
    "impression_id": "i-1",
}
VIDEO: Final = {
    "v": 1,
    "video_id": "cat-7",
    "creator_id": "bob",
    "created_ms": 1_700_000_000_000,
    "duration_ms": 15_000,
    "tags": ["cats"],
}
REQUEST: Final = {"v": 1, "request_id": "r-1", "user_id": "ann", "ts_ms": 1_700_000_000_000, "limit": 20}
PROMOTION: Final = {"v": 1, "campaign_id": "c-1", "video_id": "cat-7", "impressions": 1_000, "from_ms": 0, "to_ms": 1}
BATCH: Final[dict[str, Any]] = {
    "v": 1,
    "batch_id": "b-1",
    "request_id": "r-1",
    "user_id": "ann",
    "seq": 1,
    "ts_ms": 1_700_000_000_000,
    "trigger": "request",
    "as_of": {"events.like": {"0": 12}},
    "model": "cold",
    "items": [{"video_id": "cat-7", "position": 0, "score": 1.5, "source": "interest", "reasons": ["tag:cats"]}],
}
EXPERIMENT: Final = {
    "v": 1,
    "key": "experiment.fresh",
    "value": {"salt": "fresh", "share": 0.2, "arms": {"now": {}, "more": {"settings": {"slate.fresh": 0.2}}}},
}
DELTA: Final = {
    "v": 1,
    "delta_id": "delta-1",
    "user_id": "ann",
    "seq": 1,
    "ts_ms": 1_700_000_000_000,
    "reason": "hidden",
    "as_of": {"events.feedback": {"0": 3}},
    "removed": ["cat-7"],
}
TREND: Final = {
    "v": 1,
    "trend_id": "video-1",
    "kind": "video",
    "id": "cat-7",
    "state": "rising",
    "ts_ms": 1_700_000_000_000,
    "ratio": 12.5,
}
RECEIPT: Final = {
    "v": 1,
    "receipt_id": "receipt-1f",
    "user_id": "ann",
    "ts_ms": 1_700_000_000_000,
    "deleted": {"outcomes": 12, "met": 12, "served": 40, "tags": 5, "hidden": 0, "follows": 1, "likes": 12},
}
TIER: Final = {
    "v": 1,
    "decision_id": "cat-7.1",
    "video_id": "cat-7",
    "ts_ms": 1_700_000_000_000,
    "from": 0,
    "to": 1,
    "decision": "promote",
    "spent": 120,
    "budget": 200,
    "score": 0.31,
    "bar": 0.1,
    "evidence": {"completion": {"own": 0.71, "peers": 0.5}, "like": {"own": 0.06, "peers": 0.03}},
}
