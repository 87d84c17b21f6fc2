"""Profile: what a viewer's own record and own wishes say, as against what is learnt from outcomes."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.catalogue import User
from streams import limits
from streams.arrays.hashing import hash64
from streams.signals.outcomes import OutcomeTable
from streams.video.catalogue import Catalogue
from streams.viewer.interest import start_anew
from streams.viewer.viewers import ViewerTable
from streams.viewer.wishes import FOLLOWS, RESET, WORD, Wish, put, resolved

__all__ = ["describe", "grant"]


def describe(viewers: ViewerTable, row: int, user: User) -> None:
    """Take over a viewer's record; the latest one holds."""
    viewers.known[row] = True
    viewers.lang[row] = hash64(user.lang) if user.lang else 0
    viewers.country[row] = hash64(user.country) if user.country else 0
    picked = [hash64(name) for name in user.interests[: limits.PICKED]]
    viewers.picked[row] = picked + [0] * (limits.PICKED - len(picked))
    viewers.personalize[row] = user.settings.personalize if user.settings else True
    viewers.safety_level[row] = min(user.settings.safety_level, 127) if user.settings else 0
    others = viewers.hidden[row][viewers.hidden[row]["kind"] != WORD]
    muted = user.settings.muted if user.settings else []
    viewers.hidden[row] = put(others, ((WORD, hash64(word), 0) for word in muted))


def grant(viewers: ViewerTable, catalogue: Catalogue, outcomes: OutcomeTable, wishes: Sequence[Wish]) -> list[int]:
    """Hide what viewers do not want to meet again, let those start anew who ask for it, note who follows whom. Returns
    the rows of the viewers, followers not counted: a follow is a positive besides.
    """
    rows: dict[int, None] = {}
    for wish in wishes:
        row = viewers.rows([wish.user_id])[0]
        if wish.kind == FOLLOWS:
            held = viewers.follows[row]
            viewers.follows[row] = put(held, resolved(catalogue, held, wish), limits.FOLLOWED)
            continue
        rows[row] = None
        if wish.kind != RESET:
            viewers.hidden[row] = put(viewers.hidden[row], resolved(catalogue, viewers.hidden[row], wish))
        elif not wish.stamp & 1 and wish.stamp // 2 > viewers.reset_ms[row]:
            start_anew(viewers, catalogue, outcomes, row, wish.stamp // 2)
    return list(rows)
