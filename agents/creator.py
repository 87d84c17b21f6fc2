"""A creator: what is told of one who uploads, made when it is asked for from what is stored and published.

Uploads and their views come from the rows of videos, followers and audience from the rows of viewers, segments from
what the learner last published, and how tiers came about from the audit. Nothing is owned, committed or written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from agents.cluster import Cluster
from agents.life import history_of, said_of
from agents.reading import messages
from agents.store import Store
from agents.worker.models import take_model
from agents.worker.shared import Replica
from schemas.internal import VideoState
from schemas.topics import COUNTS
from streams import limits
from streams.arrays.hashing import hash64, hash_all
from streams.shards.keys import viewer_key
from streams.shards.video_shard import decode_state, video_key
from streams.tiers.tiers import STANDINGS, exposed
from streams.video.catalogue import Catalogue
from streams.video.daily import views_since
from streams.video.videos import NUMBERS
from streams.viewer.audience import Audience, audience_of

__all__ = ["NOBODY", "Upload", "creator_of"]

NOBODY: Final[dict[str, Any]] = {"followers": 0, "feed_views_30d": 0, "uploads": []}
"""What is told of an id that nobody knows."""


class Upload(NamedTuple):
    """A creator's video: what is told of it, and how many decisions its shard has made about its tier."""

    told: dict[str, Any]
    decided: int


def creator_of(store: Store, bootstrap: str | Cluster, creator_id: str, now_ms: int) -> dict[str, Any] | None:
    """Everything told of a creator at ``now_ms``, ready for JSON; None of an id that nobody uploads as or follows.

    Cost: it reads the rows of all videos and viewers and, of who uploaded something, all of ``tiers`` and ``models``.
    Raises ``Stop`` where the broker, ``StoreUnavailable`` where the store does not answer.
    """
    uploads = _uploads(store, creator_id, now_ms)
    audience = _audience(store, bootstrap, creator_id, list(uploads), now_ms)
    if not uploads and not audience.followers:
        return None
    history = history_of(bootstrap, uploads)
    found = Counter(one.video_id for one in history)
    return {
        "creator_id": creator_id,
        "followers": audience.followers,
        "feed_views_30d": sum(upload.told["feed_views_30d"] for upload in uploads.values()),
        "audience": {
            "viewers": audience.viewers,
            "segments": audience.segments,
            "activity": audience.activity,
            "approximate": ["segments", "activity"],
        },
        "uploads": [upload.told for upload in uploads.values()],
        "tier_history": [said_of(one) for one in history],
        "tier_decisions_gone": sum(max(0, upload.decided - found[name]) for name, upload in uploads.items()),
    }


def _uploads(store: Store, creator_id: str, now_ms: int) -> dict[str, Upload]:
    """The creator's videos by id, the latest first."""
    prefix, named = video_key(""), creator_id.encode()
    found: dict[str, Upload] = {}
    for page in store.scan_all("v", prefix):
        for key, value in page:
            if named not in value:  # far fewer rows are decoded, and none that counts is missed
                continue
            state = decode_state(value)
            if state.video is not None and state.video.creator_id == creator_id:
                name = key[len(prefix) :].decode()
                found[name] = _upload(name, state, now_ms)
    return dict(sorted(found.items(), key=lambda one: (-one[1].told["created_ms"], one[0])))


def _upload(name: str, state: VideoState, now_ms: int) -> Upload:
    numbers = np.frombuffer(state.numbers, dtype=NUMBERS)[0]
    counts = numbers["counts"]
    told = {
        "video_id": name,
        "created_ms": state.video.created_ms if state.video is not None else 0,
        "tier": int(numbers["tier"]),
        "standing": STANDINGS[int(numbers["status"])],
        "active": state.active,
        "exposures": int(exposed(counts)),
        "likes": int(counts[COUNTS.index("likes")]),
        "feed_views_30d": views_since(state.views, now_ms // limits.DAY_MS - limits.VIEW_DAYS + 1),
    }
    return Upload(told, int(numbers["decided"]))


def _audience(store: Store, bootstrap: str | Cluster, creator_id: str, uploads: Sequence[str], now_ms: int) -> Audience:
    catalogue = _crowds(store, bootstrap) if uploads else Catalogue()
    prefix = viewer_key("")
    pages = ([(key[len(prefix) :].decode(), value) for key, value in page] for page in store.scan_all("u", prefix))
    return audience_of(pages, hash64(creator_id), hash_all(uploads), catalogue, now_ms)


def _crowds(store: Store, bootstrap: str | Cluster) -> Catalogue:
    """A catalogue without videos that knows what the learner last told of crowds, and what their tags are called."""
    latest: dict[str, bytes | None] = {}
    for message in messages(bootstrap, ("models",), from_start=True, until_end=True):
        if message.key() in {b"crowds", b"drift"}:
            latest[message.key().decode()] = message.value()
    replica = Replica()
    for name, value in latest.items():
        take_model(replica, name, value)
    if replica.catalogue.crowds is not None:
        tags = np.unique(replica.catalogue.crowds.tags[:, :2])
        replica.catalogue.tag_names.update(store.names([name for name in tags.tolist() if name]))
    return replica.catalogue
