"""Parsing: what a request in words says: find this, more of that, less of it, or take it back.

Rules of thumb in English and Chinese over the clauses of a text; what no rule knows is something to find.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from streams import limits
from streams.words.meaning import terms

__all__ = ["Clause", "Way", "clauses"]

Way = Literal["find", "more", "less", "undo", "reset"]


class Clause(NamedTuple):
    """One part of a request: which ``way``, and of what; ``undo`` and ``reset`` are of nothing."""

    way: Way
    text: str


_CUT: Final = re.compile(
    r"[,;.!?\uff0c。\uff1b、\uff01\uff1f\n]+|\b(?:but|and (?=(?:less|fewer|no|more|not)\b))|但是?|不过"
)
_POLITE: Final = (
    r"(?:(?:please|show me|give me|i want|i(?= do)|i'd like|i would like|something|just|with"
    r"|请|给我|我?想看|来)\s*)*"
)
_UNDO: Final = re.compile(r"(?:undo|take (?:that|it) back|never ?mind|撤销|撤回|取消|当我没说)")
_RESET: Final = re.compile(r"(?:reset|start over|start anew|clear (?:all|everything)|重置|重新开始|清空|恢复默认)")
_LESS: Final = (
    r"(?:(?:a (?:bit|little|lot) )?(?:less|fewer)(?: of)?|no more|not so (?:much|many)|(?:too|so) (?:much|many)"
    r"|enough(?: of)?|stop(?: showing(?: me)?)?|do ?n[o']?t (?:show me|want)|without|not?)\b (.+)",
    r"(?:少一?点|少来一?点?|少看一?点?|少推一?点?|减少|不要再?(?:看|推)?|不想看|别再?(?:给我)?推?荐?|别看)(.+)",
    r"(.+?)(?:太多了?|少一?点|看腻了|看够了)(?:吧|了)?",
)
_MORE: Final = (
    r"(?:(?:a (?:bit|little|lot) |even |much )?more(?: of)?)\b (.+)",
    r"(?:更多的?|多一?点|多来一?点?|多看一?点?|多推荐?一?点?|再来一?点?|增加)(.+)",
    r"(.+?)(?:多一?点|更多一?点?)(?:吧|了)?",
)
_RULES: Final[tuple[tuple[Way, re.Pattern[str]], ...]] = (
    *(("less", re.compile(_POLITE + rule)) for rule in _LESS),
    *(("more", re.compile(_POLITE + rule)) for rule in _MORE),
)


@lru_cache(maxsize=limits.MEANINGS)
def clauses(query: str) -> tuple[Clause, ...]:
    """The clauses of a query that name something, in order; of an undo or a reset that alone.

    >>> clauses("less football lately"), clauses("更多运动类")
    ((Clause(way='less', text='football lately'),), (Clause(way='more', text='运动类'),))
    >>> [clause.way for clause in clauses("something relaxing but no music")], clauses("撤销")
    (['find', 'less'], (Clause(way='undo', text=''),))
    """
    whole = query[: limits.ASK_CHARS].strip().casefold().strip("。.!\uff01 ")
    if _UNDO.fullmatch(whole):
        return (Clause("undo", ""),)
    if _RESET.fullmatch(whole):
        return (Clause("reset", ""),)
    found = (_clause(part.strip()) for part in _CUT.split(whole))
    return tuple(clause for clause in found if terms(clause.text))


def _clause(text: str) -> Clause:
    for way, rule in _RULES:
        if (match := rule.fullmatch(text)) is not None:
            return Clause(way, match[1].strip())
    return Clause("find", text)
