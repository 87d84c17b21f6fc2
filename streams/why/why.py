"""Why a video is, or is not, in a viewer's next batch: one answer, asked of the code that ranks.

Each stage that a candidate passes is asked in turn: its record, the filters, the shortlist, the scores, the slate. None
of their rules is written down here again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from schemas.catalogue import Video
from streams import limits
from streams.control.rules import country_of, named_rows
from streams.ranking.filters import FILTERS
from streams.ranking.ranking import Considered, Model, Ranked, Request, considered, drawn, scored, slated
from streams.ranking.shortlist import light_scores
from streams.slate.slate import CREATOR, best
from streams.video.catalogue import Catalogue, barred
from streams.viewer.hidden import hidden_by
from streams.viewer.viewers import ViewerTable
from streams.why.explain import USUAL, parts_of

__all__ = ["CODES", "Kept", "Other", "Why", "why"]

CODES: Final[dict[str, str]] = {
    "shown": "it is shown at place {position}, counted from 0",
    "unknown": "nobody announced a video of this id, and nobody engaged with one",
    "removed": "it has no record: it was never announced, or was removed",
    "not_recommendable": "its record says that it is not to be recommended",
    "private": "its visibility is {visibility}, not public",
    "duplicate": "it is a duplicate of {duplicate_of}",
    "expired": "nobody engaged with it for so long that it is no candidate until somebody does",
    "met": "the viewer has met it",
    "served": "it was served already, {ago} videos ago",
    "excluded": "the request excludes it",
    "own": "the viewer made it",
    "sensitive": "its safety level is {level}, and the viewer's is {viewer_level}",
    "region": "it is for {countries} only, and the viewer's country is another one or not known",
    "hidden": "the viewer hides it: {by} {name}",
    "stopped": "it was stopped in its tier, since viewers skip or dislike it far more than others of its kind",
    "taken_down": "an operator's rule took it down: {rules}",
    "not_asked": "the request names its candidates, and this is none of them",
    "not_in_source": "it is not what the request asks for: {source}",
    "shortlist": "it did not come into the shortlist: its first score is {score:.3f}, and {cut:.3f} was needed",
    "outranked": "its score, {score:.3f}, is number {place} of {candidates}, and the last one shown has "
    "{last_score:.3f}; it lacks most in {lacks}",
    "neighbour": "its score would do, it is number {place} of {candidates}, but no two neighbours are by one creator, "
    "and its creator has place {same_creator_at} (from 0; -1 ended the batch before)",
    "slate": "its score would do, it is number {place} of {candidates}, but the rules of the slate left it no place",
}
"""Code to the sentence that says it, filled from the answer's numbers. The first that holds is the answer."""


class Kept(NamedTuple):
    """What is kept of a video that may be no active one: its record, if it has one, and its latest event."""

    video: Video | None
    last_ms: int = 0


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """The last item that was shown for its score, and the parts of that."""

    video_id: str
    position: int
    score: float
    parts: dict[str, float]


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An answer as of ``now_ms``: ``code`` of ``CODES``, its ``sentence``, and the ``numbers`` in it.

    ``also`` are further filters that leave the video out. Of a ranked one: ``parts`` of its score, and the ``last``
    item shown beside it; of a shown one ``source`` and ``reasons`` too.
    """

    user_id: str
    video_id: str
    now_ms: int
    code: str
    sentence: str
    model: str = ""
    numbers: dict[str, Any] = {}
    also: list[str] = []
    parts: dict[str, float] | None = None
    last: Other | None = None
    source: str | None = None
    reasons: list[str] = []


def why(
    catalogue: Catalogue,
    viewers: ViewerTable,
    request: Request,
    model: Model,
    video_id: str,
    kept: Kept | None = None,
    sent: Mapping[int, tuple[int, int]] | None = None,
) -> Why:
    """Why the video is, or is not, in what ``request`` would be answered with now. Changes nothing.

    ``kept`` is what is known of a video that the catalogue does not hold; ``sent`` in which batch (``seq``) and at
    which place the viewer got a video (hash), as far as that is known.
    """
    row = catalogue.row_of.get(video_id, -1)
    told = _Told(viewers.user_ids[request.viewer], video_id, request.now_ms, model.version)
    if (code := _no_candidate(catalogue, row, kept)) is not None:
        return told.answer(code, _of_record(kept if row < 0 else Kept(catalogue.videos[row])))
    out = [name for name, rows in FILTERS.items() if row in rows(catalogue, viewers, request)]
    if out:
        return told.answer(out[0], _of_filter(catalogue, viewers, request, row, out[0], sent or {}), also=out[1:])
    _, one = next(considered(catalogue, viewers, [request], model))
    if row not in one.rows:
        return _not_considered(told, catalogue, viewers, request, model, row)
    return _ranked(told, catalogue, viewers, request, model, row, one)


class _Told(NamedTuple):
    """What every answer of one question says."""

    user_id: str
    video_id: str
    now_ms: int
    model: str

    def answer(self, code: str, numbers: Mapping[str, Any], **more: Any) -> Why:
        """The answer ``code``, its sentence filled from ``numbers``."""
        listed = {name: ", ".join(map(str, one)) if isinstance(one, list) else one for name, one in numbers.items()}
        sentence = CODES[code].format(**listed)
        return Why(**self._asdict(), code=code, sentence=sentence, numbers=dict(numbers), **more)


def _no_candidate(catalogue: Catalogue, row: int, kept: Kept | None) -> str | None:
    """What keeps the video from being a candidate of anybody."""
    if row < 0:
        return "unknown" if kept is None else barred(kept.video) or "expired"
    return None if catalogue.candidate[row] else barred(catalogue.videos[row]) or "expired"


def _of_record(kept: Kept | None) -> dict[str, Any]:
    if kept is None:
        return {}
    told: dict[str, Any] = {"last_ms": kept.last_ms} if kept.last_ms else {}
    if kept.video is not None:
        told |= {"visibility": kept.video.visibility, "duplicate_of": kept.video.duplicate_of}
    return told


def _of_filter(
    catalogue: Catalogue,
    viewers: ViewerTable,
    request: Request,
    row: int,
    name: str,
    sent: Mapping[int, tuple[int, int]],
) -> dict[str, Any]:
    """Numbers of a filter's answer."""
    viewer, video = request.viewer, catalogue.videos[row]
    found = int(catalogue.hash[row])
    batch = dict(zip(("seq", "position"), sent[found], strict=True)) if found in sent else {}
    if name in {"met", "served"}:
        held = getattr(viewers, name)[viewer]
        return {"ago": len(held) - 1 - int(np.flatnonzero(held == found)[-1]), **batch}
    if name == "sensitive":
        return {"level": int(catalogue.safety[row]), "viewer_level": int(viewers.safety_level[viewer])}
    if name == "region" and video is not None:
        return {"countries": video.countries, "known": bool(request.country or viewers.country[viewer])}
    if name == "taken_down":
        standing = request.rules.standing(country_of(viewers, request), request.now_ms)
        down = [rule for rule in standing if rule.do == "take_down" and row in named_rows(catalogue, rule)]
        return {"rules": [rule for rule, held in request.rules.named.items() if held in down]}
    if name == "hidden" and (by := hidden_by(catalogue, viewers.hidden[viewer], row)) is not None:
        return dict(zip(("by", "name"), by, strict=True))
    return {}


def _not_considered(
    told: _Told, catalogue: Catalogue, viewers: ViewerTable, request: Request, model: Model, row: int
) -> Why:
    """The answer for a video that may be shown and was not looked at closely."""
    if drawn(catalogue, request):
        _, light = light_scores(catalogue, viewers, [request], model.weights, request.now_ms)
        cut = -np.partition(-light[0], limits.SHORTLIST - 1)[limits.SHORTLIST - 1]
        numbers = {"score": float(light[0, row]), "cut": float(cut), "drawn": limits.SHORTLIST}
        return told.answer("shortlist", numbers)
    if request.candidates is not None and catalogue.hash[row] not in request.candidates:
        return told.answer("not_asked", {})
    return told.answer("not_in_source", {"source": "like the seed" if request.like else request.source})


def _ranked(
    told: _Told,
    catalogue: Catalogue,
    viewers: ViewerTable,
    request: Request,
    model: Model,
    row: int,
    one: Considered,
) -> Why:
    """The answer for a video that was scored: shown, or what came before it."""
    scores, added = scored(catalogue, viewers, request, model, one)
    ranked = slated(catalogue, viewers, request, model, one)
    at = int(np.flatnonzero(one.rows == row)[0])
    place = int(np.flatnonzero(best(scores, catalogue.hash[one.rows], len(scores)) == at)[0]) + 1
    numbers: dict[str, Any] = {"score": float(scores[at]), "place": place, "candidates": len(scores)}
    position = np.flatnonzero(ranked.rows == row)
    last = _last(ranked)
    pair = [at] if last < 0 else [at, int(np.flatnonzero(one.rows == ranked.rows[last])[0])]
    parts = parts_of(one.x, model.weights, added, np.array(pair)).published(scores[pair])
    if len(position):
        shown = int(position[0])
        more = {"source": ranked.sources[shown], "reasons": ranked.reasons[shown]}
        return told.answer("shown", numbers | {"position": shown}, parts=parts[0], **more)
    if last < 0:
        return told.answer("slate", numbers, parts=parts[0])
    other = Other(
        video_id=catalogue.video_ids[ranked.rows[last]],
        position=last,
        score=float(ranked.scores[last]),
        parts=parts[1],
    )
    numbers |= {"shown": len(ranked.rows), "last_score": other.score}
    if scores[at] < other.score:
        names = sorted((parts[0].keys() | parts[1].keys()) - {USUAL})
        short = {name: parts[1].get(name, 0.0) - parts[0].get(name, 0.0) for name in names}
        numbers["lacks"] = max(names, key=lambda name: short[name])
        return told.answer("outranked", numbers, parts=parts[0], last=other)
    same = np.flatnonzero(catalogue.creator[ranked.rows] == catalogue.creator[row]).tolist()
    if len(request.lately) and request.lately[-1, CREATOR] == catalogue.marks[row, CREATOR]:
        same.insert(0, -1)
    code = "neighbour" if same else "slate"
    return told.answer(code, numbers | {"same_creator_at": same}, parts=parts[0], last=other)


def _last(ranked: Ranked) -> int:
    """Place of the item with the least score among those shown for their score, -1: there is none."""
    kept = [at for at, explored in enumerate(ranked.explored) if not explored]
    return min(kept, key=lambda at: ranked.scores[at], default=-1)
