"""The desk: from a request to a batch, and what each viewer was served.

Keeps the served ledger: every video served (bounded), the sequence number, the places of the latest batch and the
greatest place engaged with, from which follows when the next batch is due. A preview changes none of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np

from schemas.feeds import FeedBatch, FeedDelta, FeedItem, FeedRequest
from schemas.formats import check_format
from streams import limits
from streams.arrays.hashing import NO_NAMES, U64, hash64, hash_all
from streams.arrays.tables import I64
from streams.control.promotions import SPENT_KEY, Pacer
from streams.control.steering import Steering
from streams.ranking.ranking import Ranked, Request, serve
from streams.shards.user_shard import UserShard
from streams.slate.slate import MARKS, NOTHING, U32
from streams.viewer.context import locate
from streams.viewer.hidden import hidden_rows
from streams.words.asks import decode_asks, encode_asks, spoken

__all__ = ["Desk", "FeedRow", "feed_key", "served_since"]

Reason = Literal["hidden", "taken_down"]
Trigger = Literal["request", "preview", "first", "near_end", "signal"]
_FORMAT = 3
_LOW = 0xFFFFFFFF


class FeedRow(msgspec.Struct, kw_only=True):
    """What a viewer was served, as stored: written by feed commits only.

    ``asks`` repeats what the viewer's own row says, since requests in words are committed here; whichever row was
    written last, both together say all of it. Format 1 had none. Formats before 3 kept of what was served last the
    creator only. The first ``left`` of ``tail`` are of the batch before the latest.
    """

    format: int
    seq: int
    served: bytes
    tail: list[int]
    reach: int
    asks: bytes = b""
    lately: bytes = b""
    promoted: bytes = b""
    left: int = 0
    last_creator: int = 0


_ROW = msgspec.msgpack.Decoder(FeedRow)


def feed_key(user_id: str) -> bytes:
    """Row key of what a viewer was served."""
    return b"f:" + user_id.encode()


def served_since(stored: bytes | None, sent: Iterable[tuple[int, U64]]) -> bytes:
    """A ``stored`` ledger (None: there is none yet) after what was ``sent``, some of which it may know: the ``seq`` of
    each batch and its videos (hashes, u64[n]), which count as served. Who stood next to whom is not remembered.

    >>> _ROW.decode(served_since(None, [(7, hash_all(["cat"])), (6, hash_all(["dog"]))])).seq
    7
    """
    row = FeedRow(format=_FORMAT, seq=0, served=b"", tail=[], reach=-1) if stored is None else _ROW.decode(stored)
    for seq, names in sorted(sent, key=lambda one: one[0]):
        if seq <= row.seq:
            continue
        row.seq, row.left, row.reach = seq, 0, -1
        row.served = (row.served + names.tobytes())[-8 * limits.SERVED :]
        row.tail = names.tolist() or row.tail
    return msgspec.msgpack.encode(row)


class Desk:
    """Served ledgers of one user shard. ``token`` makes batch ids unique to the owner who made them; ``steering`` says
    what holds for whom.
    """

    def __init__(self, shard: UserShard, token: str, refill_at: int = 5, steering: Steering | None = None) -> None:
        self._shard = shard
        self._token = token
        self._steering = steering or Steering()
        self._refill_at = refill_at
        self.pacer = Pacer()
        """Here of a deployment with one shard; who has more sets another."""
        self._tail: dict[int, dict[int, int]] = {}
        self._reach: dict[int, int] = {}
        self._lately: dict[int, U32] = {}

    def resume(self, spent: bytes | None, told: bytes | None) -> None:
        """Take over what was stored of campaigns: what they spent, and what came of them."""
        self.pacer.decode(spent)
        self._shard.reports.decode(told)

    def request(self, request: FeedRequest) -> Request:
        """The ranking that a request asks for."""
        row = self._shard.viewers.rows([request.user_id])[0]
        query = (request.query or "")[: limits.ASK_CHARS]
        if query and request.purpose != "preview" and self._shard.viewers.personalize[row]:
            self._shard.viewers.ask(row, spoken(self._shard.viewers.asks[row], query, request.ts_ms))
        if request.ctx is not None:
            locate(self._shard.viewers, {request.user_id: (request.ts_ms, request.ctx)})
        country = hash64(request.ctx.country) if request.ctx and request.ctx.country else 0
        asked = self.own(row, request.ts_ms, request.limit, country, pure=request.purpose == "preview")
        return asked._replace(
            candidates=hash_all(request.candidates) if request.candidates else None,
            exclude=hash_all(request.exclude) if request.exclude else None,
            source=request.source or "for_you",
            like=hash64(request.seed_video_id) if request.seed_video_id else 0,
            explain=request.explain,
            query=query,
        )

    def own(self, row: int, now_ms: int, limit: int, country: int = 0, *, pure: bool = False) -> Request:
        """A ranking of our own accord, or as asked for from a ``country`` (a hash), perhaps as a ``pure`` preview."""
        viewers, steering = self._shard.viewers, self._steering
        seed = hash64(f"{viewers.user_ids[row]}\0{int(viewers.seq[row])}") & 0x7FFFFFFF
        lately, unseen = self._lately.get(row, NOTHING), len(self.unseen(row))
        tuning, campaigns = steering.of(int(viewers.hash[row]), now_ms), steering.campaigns
        promoted = NO_NAMES
        if campaigns.names and tuning.slate.promoted and not pure:
            home = country or int(viewers.country[row])
            due = self.pacer.due(campaigns, self._shard.catalogue, viewers, row, home, now_ms)
            self.pacer.promise(row, due)
            promoted = hash_all(campaigns.named[name].video_id for name in due)
        return Request(
            row, now_ms, limit, pure, seed, lately, unseen, country, tuning=tuning, rules=steering.rules,
            promoted=promoted,
        )  # fmt: skip

    def batch(self, request: FeedRequest, ranked: Ranked, as_of: dict[str, dict[str, int]], version: str) -> FeedBatch:
        """The batch that answers a request; unless it is a preview, what it holds counts as served from now on."""
        pure = request.purpose == "preview"
        row = self._shard.viewers.rows([request.user_id])[0]
        trigger: Trigger = "preview" if pure else "request"
        return self.made(row, ranked, as_of, version, trigger, request.ts_ms, request.request_id)

    def made(
        self,
        row: int,
        ranked: Ranked,
        as_of: dict[str, dict[str, int]],
        version: str,
        trigger: Trigger,
        ts_ms: int,
        request_id: str | None = None,
    ) -> FeedBatch:
        """A batch for a viewer's row; all but previews advance ``seq`` and the ledger."""
        viewers, catalogue = self._shard.viewers, self._shard.catalogue
        user_id = viewers.user_ids[row]
        if trigger != "preview":
            self._serve(row, ranked, self.unseen(row)[-limits.LATELY :] if trigger == "near_end" else [])
            serve(catalogue, viewers, ranked, ts_ms, self._steering.of(int(viewers.hash[row]), ts_ms))
        seq = int(viewers.seq[row])
        name = hash64(f"{user_id}\0{seq}\0{trigger}\0{request_id}\0{ts_ms}\0{self._token}")
        rows = ranked.rows.tolist()
        parts: Sequence[dict[str, float] | None] = ranked.parts or [None] * len(rows)
        items = [
            FeedItem(
                video_id=catalogue.video_ids[video],
                position=at,
                score=score,
                source=source,
                reasons=reasons,
                parts=part,
                propensity=ranked.odds.get(at),
                campaign_id=self._campaign(video) if source == "promoted" else None,
            )
            for at, (video, score, source, reasons, part) in enumerate(
                zip(rows, ranked.scores.tolist(), ranked.sources, ranked.reasons, parts, strict=True)
            )
        ]
        return FeedBatch(
            v=1,
            batch_id=f"{seq:x}-{name:016x}",
            request_id=request_id,
            user_id=user_id,
            seq=seq,
            ts_ms=ts_ms,
            trigger=trigger,
            as_of=as_of,
            model=version,
            items=items,
            arms=self._steering.arms(int(viewers.hash[row]), ts_ms),
        )

    def latest(self, row: int) -> Mapping[int, int]:
        """Place of each video (hash) of the latest batch; what is left of the one before it has places below 0."""
        return self._tail.get(row, {})

    def engaged(self, viewer: Sequence[int], video: Sequence[int]) -> list[int]:
        """Note engagement with videos (hashes); rows of viewers near the end of what they were served."""
        if not self._tail:
            return []
        near: dict[int, None] = {}
        for row, name in zip(viewer, video, strict=True):
            tail = self._tail.get(row)
            place = tail.get(name, -1) if tail else -1
            if tail and place > self._reach[row]:
                self._reach[row] = place
                if max(tail.values()) - place <= self._refill_at:
                    near[row] = None
        return list(near)

    def unseen(self, row: int) -> list[int]:
        """Videos (hashes) beyond the greatest place engaged with, in order: of the viewer's latest batch, and before it
        what it was to follow.
        """
        reach = self._reach.get(row, -1)
        return [name for name, place in self._tail.get(row, {}).items() if place > reach]

    def hidden(self, row: int) -> dict[int, str]:
        """Of the unseen videos those that the viewer has hidden since, hash to id."""
        catalogue = self._shard.catalogue
        hidden = hidden_rows(catalogue, self._shard.viewers.hidden[row])
        if hidden is None:
            return {}
        held = ((name, catalogue.row_of_hash.get(name, -1)) for name in self.unseen(row))
        return {name: catalogue.video_ids[at] for name, at in held if at >= 0 and hidden[at]}

    def holders(self, names: Collection[int], country: str | None = None) -> list[int]:
        """Rows of viewers (of a ``country``) whose latest batch holds one of the videos (hashes) unseen; O(viewers in
        memory).
        """
        wanted, where = set(names), None if country is None else hash64(country)
        some = [row for row, tail in self._tail.items() if not wanted.isdisjoint(tail)]
        some = [row for row in some if where is None or int(self._shard.viewers.country[row]) == where]
        return [row for row in some if not wanted.isdisjoint(self.unseen(row))]

    def withdraw(
        self, row: int, names: Mapping[int, str], ts_ms: int, as_of: dict[str, dict[str, int]], reason: Reason
    ) -> FeedDelta | None:
        """Take unseen videos (hash to id) out of the viewer's latest batch, and say so; None: it held none of them.

        What is left stays as it was sent, also where two by one creator come to stand side by side: to take more away
        would cost the viewer good videos. The next batch follows on what is left.
        """
        gone = [name for name in self.unseen(row) if name in names]
        if not gone:
            return None
        kept = np.array([name not in gone for name in self._tail[row]])
        held = self._lately.get(row, NOTHING)
        # Both end with the latest item served; the one may be longer than the other.
        own = np.concatenate((np.ones(max(0, len(held) - len(kept)), dtype=bool), kept[-len(held) :]))[: len(held)]
        self._lately[row] = held[own]
        tail = [(name, place) for name, place in self._tail[row].items() if name not in gone]
        left = sum(place < 0 for _, place in tail)
        self._reach[row] += sum(place < 0 for place in self._tail[row].values()) - left
        self._tail[row] = {name: at - left for at, (name, _) in enumerate(tail)}
        user_id, seq = self._shard.viewers.user_ids[row], int(self._shard.viewers.seq[row])
        ids = [names[name] for name in gone]
        name = hash64("\0".join((user_id, str(seq), str(ts_ms), self._token, *ids)))
        return FeedDelta(
            v=1, delta_id=f"delta-{seq:x}-{name:016x}", user_id=user_id, seq=seq, ts_ms=ts_ms, reason=reason,
            as_of=as_of, removed=ids,
        )  # fmt: skip

    def served_before(self, row: int) -> bool:
        """Whether the viewer was ever served."""
        return int(self._shard.viewers.seq[row]) > 0

    def encode(self, row: int) -> bytes:
        """The viewer's ledger for the store."""
        viewers = self._shard.viewers
        tail = self._tail.get(row, {})
        stored = FeedRow(
            format=_FORMAT,
            seq=int(viewers.seq[row]),
            served=viewers.served[row].tobytes(),
            tail=list(tail),
            reach=self._reach.get(row, -1),
            left=sum(place < 0 for place in tail.values()),
            asks=encode_asks(viewers.asks[row]),
            lately=self._lately.get(row, NOTHING).tobytes(),
            promoted=np.array([*viewers.promoted.get(row, ())], dtype=np.uint64).tobytes(),
        )
        return msgspec.msgpack.encode(stored)

    def decode(self, row: int, value: bytes) -> None:
        """Take over a stored ledger."""
        stored = _ROW.decode(value)
        check_format("a feed row", stored.format, _FORMAT)
        viewers = self._shard.viewers
        viewers.ask(row, decode_asks(stored.asks))
        viewers.seq[row] = stored.seq
        viewers.served[row] = np.frombuffer(stored.served, dtype=np.uint64).copy()
        self._tail[row] = {name: at - stored.left for at, name in enumerate(stored.tail)}
        self._reach[row] = stored.reach
        if stored.promoted:
            viewers.promoted[row] = dict.fromkeys(np.frombuffer(stored.promoted, dtype=np.uint64).tolist())
        if stored.format < 3:
            self._lately[row] = np.array([[stored.last_creator & _LOW, 0, 0, 0, 0]], dtype=np.uint32)
        else:
            self._lately[row] = np.frombuffer(stored.lately, dtype=np.uint32).reshape(-1, MARKS).copy()

    def restore(self, row: int, batches: Sequence[FeedBatch]) -> None:
        """Let the viewer's ledger be what ``batches``, all that were sent in order of ``seq``, leave of it."""
        viewers = self._shard.viewers
        viewers.served[row] = hash_all(item.video_id for batch in batches for item in batch.items)[-limits.SERVED :]
        viewers.seq[row] = batches[-1].seq if batches else 0
        self.forget([row])
        items = [item for batch in batches for item in batch.items][-limits.LATELY :]
        rows = self._shard.catalogue.rows([item.video_id for item in items])
        paid = np.array([item.source == "promoted" for item in items], dtype=np.uint32)
        known = np.concatenate((self._shard.catalogue.marks[rows], paid[:, None]), axis=1, dtype=np.uint32)
        self._lately[row] = known[rows >= 0]
        for batch in batches[-1:]:
            self._tail[row] = {name: at for at, name in enumerate(viewers.served[row][-len(batch.items) :].tolist())}
            self._reach[row] = -1

    def forget(self, rows: Sequence[int]) -> None:
        """Rows whose viewer left memory."""
        ledgers: tuple[dict[int, Any], ...] = (self._tail, self._reach, self._lately)
        for row in rows:
            for ledger in ledgers:
                ledger.pop(row, None)
            self.pacer.promised.pop(row, None)

    def ledgers(self, rows: Iterable[int]) -> tuple[list[bytes], list[bytes]]:
        """Keys and values of what a feed commit writes: the ledgers of viewers, and what campaigns spent, if it did."""
        users = self._shard.viewers.user_ids
        kept = [row for row in rows if users[row]]
        keys, values = [feed_key(users[row]) for row in kept], [self.encode(row) for row in kept]
        if self.pacer.changed:
            keys.append(SPENT_KEY)
            values.append(self.pacer.encode(self._steering.campaigns))
        return keys, values

    def _campaign(self, video: int) -> str:
        """The campaign that promotes a video (row)."""
        return self._steering.campaigns.by_video.get(int(self._shard.catalogue.hash[video]), "")

    def _serve(self, row: int, ranked: Ranked, left: Sequence[int]) -> None:
        """Note a batch; ``left`` are videos (hashes) that are shown before it. They stay where a delta reaches them."""
        viewers, catalogue = self._shard.viewers, self._shard.catalogue
        names: U64 = catalogue.hash[ranked.rows]
        viewers.served[row] = np.concatenate((viewers.served[row], names))[-limits.SERVED :]
        viewers.seq[row] += 1
        if len(names):
            new = names.tolist()
            left = [name for name in left if name not in new]
            self._tail[row] = {name: at - len(left) for at, name in enumerate((*left, *new))}
            self._reach[row] = -1 - len(left)
            promoted = np.array([source == "promoted" for source in ranked.sources])
            self._spend(row, ranked.rows[promoted])
            shown = np.concatenate((catalogue.marks[ranked.rows], promoted[:, None].astype(np.uint32)), axis=1)
            self._lately[row] = np.concatenate((self._lately.get(row, NOTHING), shown))[-limits.LATELY :]

    def _spend(self, row: int, videos: I64) -> None:
        """Note which videos (rows) were served to a viewer as promoted ones."""
        self.pacer.settle(row, [self._campaign(video) for video in videos.tolist()])
        if len(videos):
            held = {
                **self._shard.viewers.promoted.get(row, {}),
                **dict.fromkeys(self._shard.catalogue.hash[videos].tolist()),
            }
            self._shard.viewers.promoted[row] = dict.fromkeys(list(held)[-limits.PROMOTED :])
