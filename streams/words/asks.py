"""Asks: what a viewer asked for in words or opened by hand, which bends what comes next and fades.

The latest operation on each name wins, at equal times the removal, so order and repetition do not matter and an undo
restores. Kept by kind, few of each: opening ever more tags pushes out opened tags and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from streams import limits
from streams.words.parsing import clauses

if TYPE_CHECKING:
    from streams.video.catalogue import Catalogue
    from streams.viewer.viewers import ViewerTable

__all__ = [
    "EFFECT", "LESS", "MORE", "NO_ASKS", "OPENED", "SEARCH", "SOUND", "TAG",
    "Ask", "Asked", "Asks", "decode_asks", "encode_asks", "note", "put_asks", "readable", "spoken",
]  # fmt: skip

TAG, SOUND, EFFECT, SEARCH, MORE, LESS = range(6)
OPENED: Final = {"tag_open": TAG, "trend_open": TAG, "sound_open": SOUND, "effect_open": EFFECT, "search": SEARCH}
"""Kinds of actions to what they ask for. A trend goes by its tag."""
_WAYS: Final = {"find": SEARCH, "more": MORE, "less": LESS}


class Ask(NamedTuple):
    """``text``: a name or words, at most ``limits.ASK_CHARS``; ``stamp``: ts_ms * 2, plus 1 where it was taken back."""

    kind: int
    text: str
    stamp: int


Asks = tuple[Ask, ...]
NO_ASKS: Final[Asks] = ()


class Asked(NamedTuple):
    """One action of a viewer: what it opens is named by ``text``, else by the ``video`` (a hash)."""

    user_id: str
    kind: int
    text: str
    video: int
    ts_ms: int


_DECODER: Final = msgspec.msgpack.Decoder(list[tuple[int, str, int]])


def put_asks(held: Asks, more: Iterable[Ask]) -> Asks:
    """``held`` with ``more`` merged in; beyond ``limits.ASKS`` of a kind the oldest fall out.

    >>> put_asks((Ask(TAG, "cats", 10),), [Ask(TAG, "cats", 12), Ask(TAG, "cats", 11)])
    (Ask(kind=0, text='cats', stamp=12),)
    """
    latest = {(ask.kind, ask.text): ask.stamp for ask in held}
    for ask in more:
        name = ask.kind, ask.text[: limits.ASK_CHARS]
        latest[name] = max(ask.stamp, latest.get(name, -1))
    kept: list[Ask] = []
    for kind in sorted({kind for kind, _ in latest}):
        mine = sorted((stamp, text) for (own, text), stamp in latest.items() if own == kind)
        kept += [Ask(kind, text, stamp) for stamp, text in mine[-limits.ASKS :]]
    return tuple(kept)


def spoken(held: Asks, query: str, ts_ms: int) -> list[Ask]:
    """What to put for a request in words. ``undo`` takes the latest words back that stand, ``reset`` everything.

    The same request twice changes nothing: an undo that was made is known by its time.

    >>> held = put_asks((), spoken((), "less football", 5))
    >>> spoken(put_asks(held, spoken(held, "undo", 6)), "undo", 6), spoken(held, "undo", 6)
    ([], [Ask(kind=5, text='football', stamp=13)])
    """
    made: list[Ask] = []
    for clause in clauses(query):
        if clause.way in _WAYS:
            made.append(Ask(_WAYS[clause.way], clause.text, 2 * ts_ms))
            continue
        if any(ask.stamp == 2 * ts_ms + 1 for ask in held):
            return []
        before = [ask for ask in held if not ask.stamp & 1 and ask.stamp <= 2 * ts_ms]
        if clause.way == "undo":
            before = sorted((ask for ask in before if ask.kind >= SEARCH), key=lambda ask: (ask.stamp, ask))[-1:]
        made += [ask._replace(stamp=2 * ts_ms + 1) for ask in before]
    return made


def note(viewers: ViewerTable, catalogue: Catalogue, asked: Sequence[Asked]) -> None:
    """Put what viewers opened or searched for. What is named by a video not known yet is passed over, and so is what
    is asked by who turned personalisation off: nothing may be kept of that.
    """
    for one in asked:
        row = viewers.rows([one.user_id])[0]
        if not viewers.personalize[row]:
            continue
        held = viewers.asks[row]
        if one.kind == SEARCH:
            more = spoken(held, one.text, one.ts_ms)
        else:
            more = [Ask(one.kind, text, 2 * one.ts_ms) for text in [one.text or _shown(catalogue, one)] if text]
        viewers.ask(row, more)


def encode_asks(asks: Asks) -> bytes:
    """Asks as stored; empty for none."""
    return msgspec.msgpack.encode(asks) if asks else b""


def decode_asks(value: bytes) -> Asks:
    """What ``encode_asks`` made."""
    return tuple(Ask(*one) for one in _DECODER.decode(value)) if value else NO_ASKS


def readable(asks: Asks) -> dict[str, int]:
    """What stands of asks in words, and since when, ms.

    >>> readable((Ask(TAG, "cats", 12), Ask(LESS, "football", 20), Ask(MORE, "music", 25)))
    {'tag: cats': 6, 'less: football': 10}
    """
    names = ("tag", "sound", "effect", "search", "more", "less")
    return {f"{names[ask.kind]}: {ask.text}": ask.stamp // 2 for ask in asks if not ask.stamp & 1}


def _shown(catalogue: Catalogue, asked: Asked) -> str:
    """The name that a video shows of a kind, empty where there is none; of tags and effects the first."""
    row = catalogue.row_of_hash.get(asked.video, -1)
    video = catalogue.videos[row] if row >= 0 else None
    if video is None:
        return ""
    if asked.kind == SOUND:
        return video.sound_id or ""
    names = video.effect_ids if asked.kind == EFFECT else video.tags or ([video.category] if video.category else [])
    return names[0] if names else ""
