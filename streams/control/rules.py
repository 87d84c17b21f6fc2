"""Rules: what operators order of videos while everything runs: boost, bury, pin, take down, until a time.

A rule names videos by id, tag, creator or country, and holds for all viewers or those of one country. It acts with the
next ranking; what it says of each video is worked out once for a state of the catalogue, so a request costs no more
with a thousand rules than with one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import numpy as np

from schemas.control import Rule
from streams import limits
from streams.arrays.hashing import hash64
from streams.arrays.tables import F32, I64, NO_ROWS
from streams.video.catalogue import Catalogue
from streams.viewer.viewers import ViewerTable

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["NO_RULES", "Effect", "Rules", "country_of", "effect", "named_rows", "ordered"]

_BY: Final = ("video", "tag", "creator", "country")


class Effect(NamedTuple):
    """What rules say of the catalogue: rows never to show and rows to show first, int64; ``moves`` float32[high] is
    added to scores, None: nothing is.
    """

    barred: I64
    pinned: I64
    moves: F32 | None


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """Rules by name; never changed, ``put`` makes others.

    >>> rules = NO_RULES.put("flu", {"do": "boost", "tag": "health", "until_ms": 9_000})
    >>> len(rules.standing(0, 8_999)), len(rules.standing(0, 9_000))
    (1, 0)
    """

    named: Mapping[str, Rule] = field(default_factory=dict)
    ends: tuple[int, ...] = ()
    audiences: frozenset[int] = frozenset()

    def put(self, name: str, value: Any) -> Rules:
        """These rules with one set, or unset by None; raises ``ValueError`` that says what is wrong with it."""
        named = {other: rule for other, rule in self.named.items() if other != name}
        if value is not None:
            if len(named) >= limits.RULES:
                raise ValueError(f"rule.{name}: there are {limits.RULES} rules already; unset one first")
            named[name] = _read(name, value)
        ends = sorted(rule.until_ms for rule in named.values() if rule.until_ms is not None)
        audiences = frozenset(hash64(rule.audience) for rule in named.values() if rule.audience)
        return Rules(dict(sorted(named.items())), tuple(ends), audiences)

    def standing(self, country: int, now_ms: int) -> list[Rule]:
        """The rules that hold at a time for viewers of a country (a hash, 0: not known), in order of their names."""
        return [
            rule
            for rule in self.named.values()
            if (rule.until_ms is None or now_ms < rule.until_ms)
            and (rule.audience is None or hash64(rule.audience) == country)
        ]


NO_RULES: Final = Rules()


def effect(catalogue: Catalogue, rules: Rules, country: int, now_ms: int) -> Effect:
    """What the rules that hold say; kept until rules or records of videos change."""
    if not rules.named:
        return _NOTHING
    kept = catalogue.ruled
    if kept is None or kept[0] is not rules or kept[1] != catalogue.described:
        kept = catalogue.ruled = (rules, catalogue.described, {})
    key = country if country in rules.audiences else 0, bisect_right(rules.ends, now_ms)
    if key not in kept[2]:
        kept[2][key] = _worked_out(catalogue, rules.standing(country, now_ms))
    made: Effect = kept[2][key]
    return made


def country_of(viewers: ViewerTable, request: Request) -> int:
    """Where the viewer is (a hash): as the request says, else as the viewer's record does; 0: not known."""
    return request.country or int(viewers.country[request.viewer])


def ordered(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> Effect:
    """What the rules say to a request."""
    return effect(catalogue, request.rules, country_of(viewers, request), request.now_ms)


def named_rows(catalogue: Catalogue, rule: Rule) -> I64:
    """Rows of the videos that a rule names, int64[n]."""
    if rule.video is not None:
        row = catalogue.row_of_hash.get(hash64(rule.video), -1)
        return NO_ROWS if row < 0 else np.array([row])
    if rule.creator is not None:
        return catalogue.uploads(hash64(rule.creator))
    if rule.country is not None:
        bound = np.flatnonzero(catalogue.countries[: catalogue.high, 0])
        rows: I64 = bound[(catalogue.countries[bound] == np.uint64(hash64(rule.country))).any(axis=1)]
        return rows
    return np.flatnonzero(_by_tags(catalogue, {rule.tag or "": 1.0}) > 0)


_NOTHING: Final = Effect(NO_ROWS, NO_ROWS, None)


def _worked_out(catalogue: Catalogue, rules: list[Rule]) -> Effect:
    barred = [named_rows(catalogue, rule) for rule in rules if rule.do == "take_down" and rule.tag is None]
    banned = {rule.tag: 1.0 for rule in rules if rule.do == "take_down" and rule.tag is not None}
    if banned:
        barred.append(np.flatnonzero(_by_tags(catalogue, banned) > 0))
    pinned = [named_rows(catalogue, rule) for rule in rules if rule.do == "pin"]
    moving = [(rule, _move(rule)) for rule in rules if rule.do in {"boost", "bury"}]
    moves = np.zeros(catalogue.high, dtype=np.float32) if moving else None
    tags: dict[str, float] = {}
    for rule, move in moving:
        if rule.tag is not None:
            tags[rule.tag] = tags.get(rule.tag, 0.0) + move
        elif moves is not None:
            moves[named_rows(catalogue, rule)] += np.float32(move)
    if tags and moves is not None:
        moves += _by_tags(catalogue, tags)
    return Effect(np.concatenate((NO_ROWS, *barred)), np.concatenate((NO_ROWS, *pinned)), moves)


def _move(rule: Rule) -> float:
    """What a rule adds to a score, which is the logarithm of odds."""
    return float(np.log(rule.factor)) * (1.0 if rule.do == "boost" else -1.0)


def _by_tags(catalogue: Catalogue, weights: Mapping[str, float]) -> F32:
    """Sum over each video's tags of what they weigh, float32[high]."""
    table = np.zeros(len(catalogue.id_of_tag) + 1, dtype=np.float32)
    for name, weight in weights.items():
        table[catalogue.id_of_tag.get(hash64(name), 0)] = weight
    table[0] = 0.0
    found: F32 = table[catalogue.tag_ids[: catalogue.high, : limits.VIDEO_TAGS]].sum(axis=1)
    return found


def _read(name: str, value: Any) -> Rule:
    try:
        rule = msgspec.convert(value, Rule)
    except msgspec.ValidationError as error:
        raise ValueError(f"rule.{name}: {error}") from None
    named = [by for by in _BY if getattr(rule, by) is not None]
    if len(named) != 1:
        what = "names nothing" if not named else f"names {' and '.join(named)}"
        raise ValueError(f"rule.{name} {what}: give one of {', '.join(_BY)}")
    if rule.do == "pin" and named != ["video"]:
        raise ValueError(f"rule.{name}: only a video can be pinned, not a {named[0]}")
    if rule.factor != 2.0 and rule.do not in {"boost", "bury"}:
        raise ValueError(f"rule.{name}: a factor is for boost and bury, not for {rule.do}")
    return rule
