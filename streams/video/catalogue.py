"""Catalogue: the replica of every active video that each feed worker ranks from.

Built from ``video.state`` alone; a row for each video known, candidates among them flagged. Rows of videos that expire
are handed back, so nothing else may keep a row number across ``apply``; hashes may be kept for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.catalogue import Video
from schemas.internal import VideoState
from streams import limits
from streams.arrays.hashing import U64, hash64
from streams.arrays.index import HashIndex
from streams.arrays.tables import F32, I64
from streams.shards.changes import Packed
from streams.signals.doubt import ALL, odds_of, share_of, vouched
from streams.signals.watching import UNKNOWN, Usual
from streams.tiers.tiers import OPEN, STOPPED, TOP, exposed
from streams.trends.rising import Rising
from streams.video.content import content_vector, tag_hashes, told
from streams.video.videos import NUMBERS, VideoTable
from streams.viewer.viewers import LEVELS
from streams.words.inferred import Themes, infer
from streams.words.text import NGRAMS, Encoder

__all__ = ["Catalogue", "barred"]

_ODDS_MS: Final = 60_000
_EXTRA: Final[dict[str, tuple[Any, tuple[int, ...], Any]]] = {
    "hash": (np.uint64, (), 0),
    "creator": (np.uint64, (), 0),
    "sound": (np.uint64, (), 0),
    "marks": (np.uint32, (4,), 0),
    "lang": (np.uint64, (), 0),
    "tags": (np.uint64, (limits.VIDEO_TAGS,), 0),
    "tag_ids": (np.int32, (limits.VIDEO_TAGS + 2,), 0),
    "effect_ids": (np.int32, (limits.VIDEO_EFFECTS,), 0),
    "guess_ids": (np.int32, (limits.GUESSES,), 0),
    "guess_w": (np.float32, (limits.GUESSES,), 0.0),
    "guess_mass": (np.float32, (), 0.0),
    "countries": (np.uint64, (limits.COUNTRIES,), 0),
    "joint": (np.float32, (limits.DIM + limits.FACTORS + 1,), 0.0),
    "popular": (np.float32, (LEVELS + len(limits.LIFT_HALF_LIVES_S) + 1,), 0.0),
    "lift": (np.float32, (len(limits.LIFT_HALF_LIVES_S), 2), 0.0),
    "lift_ms": (np.int64, (), 0),
    "after": (np.uint64, (limits.AFTER,), 0),
    "after_w": (np.float32, (limits.AFTER,), 0.0),
    "duration_ms": (np.int64, (), 0),
    "created_ms": (np.int64, (), 0),
    "safety": (np.int8, (), 0),
    "doubt": (np.float32, (), -1.0),
    "spent": (np.int64, (), 0),
    "candidate": (np.bool_, (), False),
    "stale": (np.bool_, (), True),
}


class Catalogue(VideoTable):
    """Struct of arrays, one row a video: the numbers of ``VideoTable`` beside what its record says.

    Of ``doubted`` signals ``sums`` hold what counts, unlike a video shard's; ``doubt`` f32[n] is their share.
    ``marks`` u32[n, 4] is what a slate must not repeat: creator, sound, template and leading tag, the lower halves of
    their hashes, 0 where there is none.
    ``candidate`` bool[n]: announced, active, public, recommendable and no duplicate. ``countries`` all 0: everywhere.
    ``joint`` f32[n, DIM + FACTORS + 1] holds side by side what one matrix product takes: ``content``, ``factors`` and
    ``base``, the score of each video alone. ``shortlist`` keeps ``base`` and the ``popular`` features; ``stale`` marks
    rows that changed since. ``text`` f32[n, encoder.wide] is what caption and tags say; ``guess_ids`` and ``guess_w``
    are tags inferred for a video that has none, and how sure they are. ``spent`` are exposures within a video's tier,
    -1 where it has none to spend.
    """

    hash: U64
    creator: U64
    sound: U64
    marks: npt.NDArray[np.uint32]
    lang: U64
    tags: U64
    tag_ids: npt.NDArray[np.int32]
    effect_ids: npt.NDArray[np.int32]
    guess_ids: npt.NDArray[np.int32]
    guess_w: F32
    guess_mass: F32
    text: F32
    countries: U64
    joint: F32
    popular: F32
    lift: F32
    lift_ms: I64
    after: U64
    after_w: F32
    duration_ms: I64
    created_ms: I64
    safety: npt.NDArray[np.int8]
    doubt: F32
    spent: I64
    candidate: npt.NDArray[np.bool_]
    stale: npt.NDArray[np.bool_]
    drift_ms: int = 0
    """Likes up to then tell nothing of anybody's taste, as the learner says. 0: all do."""

    def __init__(self, encoder: Encoder = NGRAMS) -> None:
        super().__init__(_EXTRA | {"text": (np.float32, (encoder.wide,), 0.0)})
        self.encoder = encoder
        self.themes = Themes(encoder.wide)
        """What captions of each tag are like."""
        self.learned: dict[int, tuple[U64, F32, float, int]] = {}
        """Of terms (hashes) the tags watched after them, u64[TERM_TAGS], weights, how much was watched, as of when."""
        self.row_of: dict[str, int] = {}
        self.row_of_hash: dict[int, int] = {}
        self.video_ids: list[str] = []
        self.videos: list[Video | None] = []
        self.tag_names: dict[int, str] = {}
        self.id_of_tag: dict[int, int] = {}
        """Small numbers (from 1) of tags, creators, sounds and effects by hash, as in ``tag_ids``: tags, then creator,
        sound.
        """
        self.version = 0
        """Changes whenever the set of candidates may have changed."""
        self.described = 0
        """Changes whenever a record did, or a row was given away."""
        self.ruled: Any = None
        """What ``streams.control.rules`` keeps: what the rules say of each video."""
        self.exposed: Any = None
        """What ``streams.slate.fairness`` keeps: when it was made, of how many candidates, and who is shown how
        much."""
        self.leaders: I64 = np.empty(0, dtype=np.int64)
        """What ``streams.slate.beyond`` keeps: the best candidates of each leading tag, as old as ``base`` may be."""
        self.leading = -1
        """The ``version`` that ``leaders`` are of."""
        self.scale: tuple[int, int, Any] | None = None
        """What ``streams.video.popular`` keeps: when it was made, of how many candidates, and the scale."""
        self.chances: Any = None
        """What ``streams.learning.negatives`` keeps: how likely each candidate is drawn."""
        self.crowd: Any = None
        """What ``streams.viewer.passed_by`` keeps: how hot all candidates were together, by the hour."""
        self.odds = ALL
        """How many doubted viewers there are to one trusted (``doubt.odds_of``), as of the last minute."""
        self._odds_ms = 0
        self.rising = Rising()
        """What is known to rise."""
        self.usual: Usual = UNKNOWN
        """How long videos are usually watched, as the learner says."""
        self.crowds: Any = None
        """What ``streams.viewer.crowds`` reads: groups of viewers and what each likes, as the learner last told."""
        self.base_ms = 0
        self.base_key = b""
        self._index = HashIndex()
        self._candidates: I64 | None = None
        self._bound: I64 | None = None
        self._sensitive: I64 | None = None
        self._opened: I64 | None = None
        self._stopped: I64 | None = None
        self._uploads: dict[int, set[int]] = {}
        self._heard: dict[int, set[int]] = {}

    @property
    def content(self) -> F32:
        """Content vectors, float32[n, DIM], a view."""
        return self.joint[:, : limits.DIM]

    @property
    def factors(self) -> F32:
        """Collaborative vectors, float32[n, FACTORS], a view."""
        return self.joint[:, limits.DIM : -1]

    @property
    def base(self) -> F32:
        """Score of each video alone, float32[n], a view."""
        return self.joint[:, -1]

    def take_states(self, states: Iterable[tuple[str, VideoState | None]]) -> None:
        """Take over states by video id; None (a tombstone) drops the video. The last of repeated ids wins."""
        latest = dict(states)
        gone = [
            self.row_of[video_id] for video_id, state in latest.items() if state is None and video_id in self.row_of
        ]
        self._drop(gone)
        kept = {video_id: state for video_id, state in latest.items() if state is not None}
        if not kept:
            return
        rows = self.intern(list(kept))
        packed = np.frombuffer(b"".join(state.numbers for state in kept.values()), dtype=NUMBERS)
        self.update(rows, packed, [state.video for state in kept.values()], [state.active for state in kept.values()])

    def update(self, rows: I64, packed: Packed, videos: Sequence[Video | None], active: Sequence[bool]) -> None:
        """Take over numbers and records of unique ``rows``."""
        moved = (self.status[rows] != packed["status"]) | (self.tier[rows] != packed["tier"])
        if moved.any():
            self._opened = self._stopped = None
        self.unpack(rows, packed)
        open_ = (self.status[rows] == OPEN) & (self.tier[rows] < TOP)
        self.spent[rows] = np.where(open_, exposed(packed["counts"]) - packed["start"], -1)
        self.stale[rows] = True
        described: list[int] = []
        for row, video, alive in zip(rows.tolist(), videos, active, strict=True):
            known = self.videos[row]
            if video is not known and video != known:
                self._describe(row, video)
                described += [row] if video is not None else []
            candidate = alive and barred(video) is None
            if candidate != self.candidate[row]:
                self.candidate[row] = candidate
                self._changed()
        if described:
            records = (self.videos[row] for row in described)
            self.text[described] = self.encoder([told(video) for video in records if video is not None])
        infer(self, rows, described)
        self._vouch(rows, int(packed["sums_ms"].max(initial=0)))

    def _vouch(self, rows: I64, latest_ms: int) -> None:
        """Let doubted signals of ``rows``, unpacked just now, count as far as they may."""
        self.doubt[rows] = share_of(self.sums[rows, 0, -1], self.doubted[rows, 0, -1])
        if latest_ms - self._odds_ms >= _ODDS_MS:
            self.odds, self._odds_ms = odds_of(self.doubt[self.candidates()]), latest_ms
        self.sums[rows] = vouched(self.sums[rows], self.doubted[rows], self.odds)

    def place(self, names: U64, vectors: F32) -> None:
        """Set the collaborative vectors of videos by hash; unknown ones are left out."""
        rows = self.rows_of_hashes(names)
        known = rows >= 0
        self.factors[rows[known]] = vectors[known]

    def place_lift(self, names: U64, sums: F32, at_ms: I64) -> None:
        """Set what was observed and expected of videos by hash (``learning.lift``); unknown ones are left out."""
        rows = self.rows_of_hashes(names)
        known = rows >= 0
        self.lift[rows[known]], self.lift_ms[rows[known]] = sums[known], at_ms[known]
        self.stale[rows[known]] = True

    def place_after(self, names: U64, videos: U64, weight: F32, mass: F32) -> None:
        """Set what is liked after videos by hash (``learning.likes``), as shares; unknown ones are left out."""
        rows = self.rows_of_hashes(names)
        known = rows >= 0
        self.after[rows[known]] = videos[known]
        self.after_w[rows[known]] = np.maximum(weight[known], 0.0) / (np.maximum(mass[known], 0.0) + 1.0)[:, None]

    def place_terms(self, names: U64, tags: U64, weights: F32, mass: F32, at_ms: I64) -> None:
        """Set what terms by hash mean (``learning.terms``), a row each; beyond the bound those set longest ago go."""
        rows = zip(names.tolist(), tags, weights, mass.tolist(), at_ms.tolist(), strict=True)
        for name, *told_of in rows:
            if name:
                self.learned.pop(name, None)
                self.learned[name] = (told_of[0], told_of[1], told_of[2], told_of[3])
        for name in list(self.learned)[: max(0, len(self.learned) - limits.TERMS)]:
            del self.learned[name]

    def intern(self, video_ids: Sequence[str]) -> I64:
        """Row of each id, a new one where it had none, int64[n]."""
        missing = [video_id for video_id in dict.fromkeys(video_ids) if video_id not in self.row_of]
        if missing:
            rows = self.take(len(missing))
            short = self.high - len(self.video_ids)
            self.video_ids.extend([""] * short)
            self.videos.extend([None] * short)
            for video_id, row in zip(missing, rows.tolist(), strict=True):
                name = hash64(video_id)
                self.row_of[video_id] = self.row_of_hash[name] = row
                self.video_ids[row], self.hash[row] = video_id, name
            self._index.put(self.hash[rows], rows)
        return np.fromiter((self.row_of[video_id] for video_id in video_ids), np.int64, len(video_ids))

    def rows(self, video_ids: Sequence[str]) -> I64:
        """Row of each id, -1 where it is unknown; int64[n]."""
        get = self.row_of.get
        return np.fromiter((get(video_id, -1) for video_id in video_ids), np.int64, len(video_ids))

    def rows_of_hashes(self, hashes: U64) -> I64:
        """Row of each hash, -1 where it is unknown; the shape of ``hashes``."""
        return self._index.find(hashes)

    def shows(self, video_id: str) -> bool:
        """Whether a video is a candidate."""
        row = self.row_of.get(video_id)
        return row is not None and bool(self.candidate[row])

    def candidates(self) -> I64:
        """Rows of all candidates in order, int64[m]; the same array until they change, not to be written to."""
        if self._candidates is None:
            self._candidates = np.flatnonzero(self.candidate[: self.high])
        return self._candidates

    def bound(self) -> I64:
        """Rows of candidates bound to countries, int64[m]."""
        if self._bound is None:
            rows = self.candidates()
            self._bound = rows[self.countries[rows, 0] != 0]
        return self._bound

    def sensitive(self) -> I64:
        """Rows of candidates of a safety level above 0, int64[m]."""
        if self._sensitive is None:
            rows = self.candidates()
            self._sensitive = rows[self.safety[rows] > 0]
        return self._sensitive

    def opened(self) -> I64:
        """Rows of candidates whose tier has a budget and is open, the ``EXPLORED`` latest of them, int64[m]."""
        if self._opened is None:
            rows = self.candidates()
            rows = rows[self.spent[rows] >= 0]
            over = len(rows) - limits.EXPLORED
            self._opened = rows if over <= 0 else rows[np.argpartition(self.created_ms[rows], over)[over:]]
        return self._opened

    def stopped(self) -> I64:
        """Rows of candidates that were stopped, int64[m]."""
        if self._stopped is None:
            rows = self.candidates()
            self._stopped = rows[self.status[rows] == STOPPED]
        return self._stopped

    def uploads(self, creator: int) -> I64:
        """Rows of the videos of a creator (a hash), int64[m]."""
        return _listed(self._uploads, creator)

    def sounding(self, sound: int) -> I64:
        """Rows of the videos with a sound (a hash), int64[m]."""
        return _listed(self._heard, sound)

    def _describe(self, row: int, video: Video | None) -> None:
        self.videos[row] = video
        self.described += 1
        if video is None:
            return
        self._unlist(row)
        self.creator[row] = hash64(video.creator_id)
        self.sound[row] = hash64(video.sound_id) if video.sound_id else 0
        self._uploads.setdefault(int(self.creator[row]), set()).add(row)
        if self.sound[row]:
            self._heard.setdefault(int(self.sound[row]), set()).add(row)
        self.lang[row] = hash64(video.lang) if video.lang else 0
        self.tags[row] = tag_hashes(video)
        template = hash64(video.template_id) if video.template_id else 0
        kinds = int(self.creator[row]), int(self.sound[row]), template, int(self.tags[row, 0])
        self.marks[row] = [kind & 0xFFFFFFFF for kind in kinds]
        for name in (*video.tags, *([video.category] if video.category else [])):
            self.tag_names[hash64(name)] = name
        numbers = self.id_of_tag
        for at, name in enumerate((*self.tags[row].tolist(), int(self.creator[row]), int(self.sound[row]))):
            self.tag_ids[row, at] = numbers.setdefault(name, len(numbers) + 1) if name else 0
        self.effect_ids[row] = 0
        for at, effect in enumerate(video.effect_ids[: limits.VIDEO_EFFECTS]):
            self.effect_ids[row, at] = numbers.setdefault(hash64(effect), len(numbers) + 1)
        countries = [hash64(country) for country in video.countries[: limits.COUNTRIES]]
        self.countries[row] = countries + [0] * (limits.COUNTRIES - len(countries))
        self._bound = self._sensitive = None
        self.content[row] = content_vector(video)
        self.duration_ms[row], self.created_ms[row] = video.duration_ms, video.created_ms
        self.safety[row] = min(video.safety.level, 127) if video.safety else 0

    def _drop(self, rows: list[int]) -> None:
        for row in rows:
            del self.row_of[self.video_ids[row]]
            del self.row_of_hash[int(self.hash[row])]
            self._unlist(row)
            self.video_ids[row], self.videos[row] = "", None
            self.candidate[row], self.stale[row] = False, True
        if rows:
            self.described += 1
            self._index.drop(self.hash[np.array(rows)])
            self.give(np.array(rows, dtype=np.int64))
            self._changed()

    def _unlist(self, row: int) -> None:
        for held, name in ((self._uploads, int(self.creator[row])), (self._heard, int(self.sound[row]))):
            if (own := held.get(name)) is not None:
                own.discard(row)
                if not own:
                    del held[name]

    def _changed(self) -> None:
        self._candidates = self._bound = self._sensitive = self._opened = self._stopped = None
        self.version += 1


def _listed(held: dict[int, set[int]], name: int) -> I64:
    return np.array(sorted(held.get(name, ())), dtype=np.int64)


def barred(video: Video | None) -> str | None:
    """What in its record keeps a video from being a candidate, in a word; None: nothing.

    >>> barred(None)
    'removed'
    """
    if video is None:
        return "removed"
    if not video.recommendable:
        return "not_recommendable"
    if video.visibility != "public":
        return "private"
    return None if video.duplicate_of is None else "duplicate"
