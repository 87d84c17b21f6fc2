"""Replay: the same fold and ranking in one process, in the order of a file, without broker, store or clock.

A line is applied as of the lines before it. Lines between two requests are folded together, which changes nothing
that a request can see. Two replays of one log give equal bytes.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from schemas.catalogue import User, Video
from schemas.codec import BadRecord, decode, encode
from schemas.control import Control, Promotion
from schemas.events import EVENTS
from schemas.feeds import FeedBatch, FeedRequest
from schemas.lines import Line
from schemas.topics import TOPICS
from schemas.trends import Trend
from streams import limits
from streams.arrays.hashing import hash64, pair
from streams.arrays.statehash import ExactHash
from streams.control.steering import Steering
from streams.control.tuning import DEFAULT, Tuning
from streams.learning.learner import Learner
from streams.ranking.desk import Desk
from streams.ranking.ports import NO_PORTS, Ports
from streams.ranking.ranking import Model, rank
from streams.shards.columns import columns, merge
from streams.shards.user_shard import UserShard
from streams.shards.video_shard import VideoShard
from streams.trends.lookout import Lookout
from streams.video.catalogue import Catalogue
from streams.why.why import Kept, Why, why

__all__ = ["Replay"]

_ORDER: Final = (
    "events.impression",
    "events.watch",
    *(topic for topic in EVENTS if topic not in {"events.impression", "events.watch"}),
)
_OWNER: Final = "replay"


class Replay:
    """One user shard, one video shard, a catalogue and a learner, driven by lines.

    ``sent_ms`` stands in for the time of sending: events more than a day past it are bad, as on the wire. ``bad``
    counts bad lines by cause, ``decided`` decisions about tiers by what they were. ``tuning`` holds until ``control``
    lines change it; ``without`` names features that no model may use; ``ports`` are the operator's own functions.
    """

    def __init__(
        self,
        sent_ms: int,
        learn_rows: int = 256,
        negatives: int = 64,
        active_days: float = 30.0,
        tuning: Tuning = DEFAULT,
        without: Sequence[str] = (),
        ports: Ports = NO_PORTS,
    ) -> None:
        self.sent_ms = sent_ms
        self.ports = ports
        self.steering = Steering(tuning)
        self.catalogue = Catalogue()
        self.users = UserShard(0, self.catalogue, negatives, steering=self.steering)
        self.videos = VideoShard(0, int(active_days * limits.DAY_MS), 10**9, self.steering)
        self.learner = Learner(learn_rows, without=without, steering=self.steering)
        self.desk = Desk(self.users, _OWNER, steering=self.steering)
        self.lookout = Lookout(self.videos, self.catalogue, whole=True)
        self.trends: deque[Trend] = deque(maxlen=limits.RISING)
        """The latest trends."""
        self.bad: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.decided: Counter[str] = Counter()
        self._waiting: dict[str, list[tuple[int, Any]]] = {}
        self._held = 0
        self._flushes = 0
        self._ranked = hashlib.blake2b(digest_size=16)

    def run(self, lines: Iterable[Line]) -> Iterator[FeedBatch]:
        """Apply every line; yields one batch for each line of ``feed.requests`` that can be read."""
        for line in lines:
            if (batch := self.line(line)) is not None:
                yield batch
        self.flush()

    def line(self, line: Line) -> FeedBatch | None:
        """Apply one line; the batch it asks for, if it is a request."""
        offset = self.lines[line.topic]
        self.lines[line.topic] += 1
        try:
            key = line.key_bytes
            record = decode(line.topic, key, line.value_bytes, self.sent_ms)
        except BadRecord as error:
            self.bad[error.cause] += 1
            return None
        if isinstance(record, FeedRequest):
            self.flush()
            return self._answer(record, offset)
        if line.topic == "control":
            self._steer((key or b"").decode(), record.value if isinstance(record, Control) else None)
            return None
        if record is None and line.topic == "users":
            self.flush()  # what was done before is forgotten too
        if line.topic == "promotions":
            self._promote((key or b"").decode(), record if isinstance(record, Promotion) else None)
            return None
        item = record if record is not None else (key or b"").decode()
        self._waiting.setdefault(line.topic, []).append((offset, item))
        self._held += 1
        if self._held >= 512:
            self.flush()
        return None

    def flush(self) -> None:
        """Fold what is waiting: records of videos and viewers first, then events."""
        waiting, self._waiting, self._held = self._waiting, {}, 0
        if held := waiting.pop("videos", None):
            self.videos.apply_videos([_named(item, "video_id") for _, item in held], held[-1][0] + 1)
            self._broadcast()
        if held := waiting.pop("users", None):
            users = [_named(item, "user_id") for _, item in held]
            gone = [self.users.viewers.row_of.get(user_id, -1) for user_id, user in users if user is None]
            self.users.apply_users(users, held[-1][0] + 1)
            self.desk.forget(gone)
        events = [(topic, waiting[topic]) for topic in _ORDER if topic in waiting]
        if events:
            parts = [
                columns(topic, [item for _, item in held], [offset for offset, _ in held]) for topic, held in events
            ]
            self.users.apply(merge(parts), *(held[-1][0] + 1 for _, held in events))
        if self.users.changes:
            self._flushes += 1
            self.videos.apply(self.users.changes.drain_together(_OWNER, self._flushes))
        self._broadcast()
        self._look()
        self.learner.learn(self.users.training.drain())
        self.learner.place(self.catalogue)

    def model(self) -> Model:
        """The models as they are now, with the operator's own functions."""
        return self.learner.model()._replace(ports=self.ports)

    def why(self, request: FeedRequest, video_id: str, sent: Mapping[int, tuple[int, int]] | None = None) -> Why:
        """Why the video is, or is not, in what ``request`` would be answered with now; ``sent`` as ``why.why`` has it.

        >>> Replay(0).why(FeedRequest(v=1, request_id="r", user_id="ann", ts_ms=0), "cat-7").code
        'unknown'
        """
        self.flush()
        asked, row = self.desk.request(request), self.videos.row_of.get(video_id, -1)
        kept = Kept(self.videos.videos[row], int(self.videos.table.last_ms[row])) if row >= 0 else None
        return why(self.catalogue, self.users.viewers, asked, self.model(), video_id, kept, sent)

    def exact_hash(self) -> str:
        """Hash of outcomes, counters and what was seen."""
        self.flush()
        exact = ExactHash()
        outcomes, viewers = self.users.outcomes, self.users.viewers
        rows = np.fromiter(outcomes.row_of.values(), np.int64, len(outcomes.row_of))
        names = outcomes.video[rows].view(np.uint64).tolist()
        for row, video, value in zip(rows.tolist(), names, outcomes.encode(rows), strict=True):
            exact.outcome(viewers.user_ids[int(outcomes.viewer[row])], video, value)
        for user, row in viewers.row_of.items():
            exact.met(user, viewers.met[row])
        for video_id, row in self.videos.row_of.items():
            exact.counts(video_id, self.videos.table.counts[row].tolist())
        return exact.hexdigest()

    def full_hash(self) -> str:
        """Hash of everything, vectors, models and served batches too: equal for two replays of one log."""
        total = hashlib.blake2b(digest_size=32)
        total.update(self.exact_hash().encode())
        viewers = self.users.viewers
        for user in sorted(viewers.row_of):
            total.update(viewers.encode(np.array([viewers.row_of[user]]))[0])
        for video_id in sorted(self.videos.row_of):
            total.update(self.videos.table.pack(np.array([self.videos.row_of[video_id]])).tobytes())
        total.update(self.learner.to_bytes())
        total.update(self._ranked.digest())
        return total.hexdigest()

    def _steer(self, key: str, value: Any) -> None:
        self.flush()
        try:
            self.steering.take(key, value)
        except ValueError:
            self.bad["type"] += 1

    def _promote(self, name: str, promotion: Promotion | None) -> None:
        self.flush()
        try:
            self.steering.promote(name, promotion)
        except ValueError:
            self.bad["type"] += 1

    def _answer(self, request: FeedRequest, offset: int) -> FeedBatch:
        asked, model = self.desk.request(request), self.model()
        ranked = rank(self.catalogue, self.users.viewers, asked, model)
        batch = self.desk.batch(request, ranked, self._as_of(offset + 1), model.version)
        self._ranked.update(encode(batch))
        if len(ranked.rows) and not asked.pure:
            viewer = np.full(len(ranked.rows), self.users.viewers.hash[asked.viewer])
            self.users.open_served(pair(viewer, self.catalogue.hash[ranked.rows]), request.ts_ms, ranked.x)
        return batch

    def _as_of(self, requests: int) -> dict[str, dict[str, int]]:
        counts = self.lines | {"feed.requests": requests}
        return {topic: {"0": counts[topic]} for topic in TOPICS if counts.get(topic)}

    def _look(self) -> None:
        found = self.lookout.look(self.steering.tuning.trends)
        self.lookout.sent(found)
        self.trends.extend(found)
        for trend in found:
            self.catalogue.rising.take(trend)

    def _broadcast(self) -> None:
        """What the workers learn through ``video.state``, without the detour over bytes."""
        videos, rows = self.videos, self.videos.unsent()
        self.decided.update(made.decision for made in videos.referee.decisions())
        if len(rows):
            fresh = [name for row in rows.tolist() if (name := videos.video_ids[row]) not in self.catalogue.row_of]
            own = self.catalogue.intern([videos.video_ids[row] for row in rows.tolist()])
            active = videos.active[rows].tolist()
            self.catalogue.update(own, videos.table.pack(rows), [videos.videos[row] for row in rows.tolist()], active)
            if fresh:
                self.users.settle([hash64(name) for name in fresh])


def _named(item: User | Video | str, field: str) -> tuple[str, Any]:
    """(id, record), where a tombstone is kept as the bare id."""
    return (item, None) if isinstance(item, str) else (getattr(item, field), item)
