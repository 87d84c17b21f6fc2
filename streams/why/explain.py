"""Explain: the parts of a score, and what they say of why an item is shown.

Every feature belongs to one family, so the parts of a score add up to it. Parts are measured against the usual
candidate of the same request: what all candidates have in common explains none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from streams.arrays.tables import F32, F64, I64
from streams.ranking.features import FEATURES
from streams.video.catalogue import Catalogue
from streams.video.popular import POPULAR_NAMES
from streams.viewer.affinity import most_alike
from streams.viewer.viewers import LEVELS, ViewerTable

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["FAMILIES", "USUAL", "Parts", "parts_of", "reasons_of"]

FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "interest": ("content_fast", "content_slow", "content_negative", "tags", "tags_fast", "picked", "uploads"),
    "length": ("duration",),
    "similar": ("near_slow", "near_fast", "near_latest", "near_crowd", "factors"),
    "next": ("after",),
    "peers": ("peers_24h", "peers", "peers_lift", "peers_cosine"),
    "creator": ("creator",),
    "sound": ("sound",),
    "followed": ("followed",),
    "friends": ("friends",),
    "hour": ("hour",),
    "locale": ("lang", "locale"),
    "segment": ("segment",),
    "trending": tuple(name for name in POPULAR_NAMES if name.startswith("lift_")),
    "popular": (
        *(name for name in POPULAR_NAMES if not name.startswith("lift_")),
        *(f"own_{name}" for name in POPULAR_NAMES[:LEVELS]),
        "passed",
    ),
}
"""Family, which is a part of a score, a source and a reason, to its features. Each feature is in exactly one."""
USUAL: Final = "usual"
"""Name of the part that all candidates of a request share: the score of their mean."""
_DIGITS: Final = 4
_MEMBER: Final = np.array(
    [[float(name in members) for members in FAMILIES.values()] for name in FEATURES], dtype=np.float64
)


class Parts(NamedTuple):
    """Scores taken apart: ``values`` f64[n, len(names)] beyond the usual candidate, whose score is ``usual``.

    A row's values and ``usual`` add up to its score, to the rounding of float64.
    """

    names: tuple[str, ...]
    values: F64
    usual: float

    def published(self, scores: F64) -> list[dict[str, float]]:
        """Parts by name for the wire: few digits, those that say nothing left out, their sum within 1e-6 of the score.

        What rounding took goes into ``usual``.

        >>> Parts(("peers", "popular"), np.array([[0.25, 0.00001]]), 1.0).published(np.array([1.25001]))
        [{'peers': 0.25, 'usual': 1.00001}]
        """
        rounded = np.round(self.values, _DIGITS)
        usual = np.round(scores - rounded.sum(axis=1), 7)
        return [
            {name: value for name, value in zip(self.names, row, strict=True) if value} | {USUAL: rest}
            for row, rest in zip(rounded.tolist(), usual.tolist(), strict=True)
        ]


def parts_of(x: F32, weights: F64, added: Mapping[str, F64], places: I64) -> Parts:
    """Parts of the scores at ``places`` i64[n] of all candidates of a request.

    ``x`` f32[m, F] are the candidates' features, ``added`` f64[m] what was added to their scores, by name.
    """
    mean = x.mean(axis=0).astype(np.float64)
    values = ((x[places].astype(np.float64) - mean) * weights) @ _MEMBER
    usual = float(mean @ weights)
    if added:
        more = np.stack([part[places] - part.mean() for part in added.values()], axis=1)
        values = np.concatenate((values, more), axis=1)
        usual += sum(float(part.mean()) for part in added.values())
    return Parts((*FAMILIES, *added), values, usual)


def reasons_of(
    catalogue: Catalogue,
    viewers: ViewerTable,
    request: Request,
    rows: I64,
    parts: Parts,
    marks: Mapping[str, Sequence[bool]],
    liked: I64,
) -> tuple[list[str], list[list[str]]]:
    """Where each of ``rows`` i64[n] came from and why, of the lists in ``schemas.reasons``: its strongest parts.

    ``marks`` says by word which items came in some other way: that is their source and first reason. What no part
    speaks for is the ``rest``. ``liked`` i64[RECENT] is the viewer's row of ``liked_rows``.
    """
    most = request.tuning.explain.reasons
    strongest = np.argsort(-parts.values, axis=1, kind="stable").tolist()
    sources = [parts.names[order[0]] for order in strongest]
    speaking = [
        [one for one in order[:most] if values[one] > 0]
        for order, values in zip(strongest, parts.values.tolist(), strict=True)
    ]
    places: dict[int, list[int]] = {}
    for place, ones in enumerate(speaking):
        for one in ones:
            places.setdefault(one, []).append(place)
    words: dict[tuple[int, int], str] = {}
    for one, which in places.items():
        told = _worded(catalogue, viewers, request, rows[which], parts.names[one], liked)
        words |= {(one, place): word for place, word in zip(which, told, strict=True)}
    reasons = [[words[one, place] for one in ones] for place, ones in enumerate(speaking)]
    for word, marked in marks.items():
        for at in np.flatnonzero(marked[: len(rows)]).tolist():
            sources[at] = word
            reasons[at].insert(0, word)
    return sources, [(why or ["rest"])[:most] for why in reasons]


def _worded(
    catalogue: Catalogue, viewers: ViewerTable, request: Request, rows: I64, name: str, liked: I64
) -> list[str]:
    """The reason code of a part for each of ``rows``, with a name after the colon where there is one to name."""
    if name == "interest":
        return [f"tag:{tag}" if tag else name for tag in _liked_tags(catalogue, viewers, request.viewer, rows)]
    if name == "asked" and request.query:
        return [f"{name}:{request.query}"] * len(rows)
    if name in {"creator", "sound"}:
        records = [catalogue.videos[row] for row in rows.tolist()]
        ids = [getattr(record, f"{name}_id", None) for record in records]
        return [f"{name}:{one}" if one else name for one in ids]
    if name == "similar" and viewers.personalize[request.viewer]:
        found = most_alike(catalogue, liked, rows, request.now_ms).tolist()
        return [f"{name}:{catalogue.video_ids[row]}" if row >= 0 else name for row in found]
    return [name] * len(rows)


def _liked_tags(catalogue: Catalogue, viewers: ViewerTable, viewer: int, rows: I64) -> list[str]:
    """The tag of each video that the viewer likes best, empty where there is none."""
    if not viewers.personalize[viewer]:
        return [""] * len(rows)
    liked = dict.fromkeys(viewers.picked[viewer].tolist(), 1.0)
    for name, weight in zip(viewers.tags[viewer].tolist(), viewers.tag_w[viewer, :, 0].tolist(), strict=True):
        if weight > liked.get(name, 0.0):
            liked[name] = weight
    liked.pop(0, None)
    best = [max(tags, key=lambda tag: liked.get(tag, 0.0)) for tags in catalogue.tags[rows].tolist()]
    return [catalogue.tag_names.get(tag, "") if tag in liked else "" for tag in best]
