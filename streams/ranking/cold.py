"""Cold: what is first shown to somebody of whom little is known but the language."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from streams.arrays.tables import I64
from streams.video.catalogue import Catalogue
from streams.viewer.crowds import coldness
from streams.viewer.viewers import ViewerTable

__all__ = ["foreign_rows", "homely"]


def foreign_rows(
    catalogue: Catalogue, viewers: ViewerTable, viewer: int, rows: I64, share: float
) -> npt.NDArray[np.bool_]:
    """Which of videos ``rows`` are in a language other than the viewer's, bool[n], where that is bound to a ``share``.

    None from the viewer's tenth like on, or where the language of the viewer is not known or may not be read.
    """
    own, lang = viewers.lang[viewer], catalogue.lang[rows]
    cold = viewers.personalize[viewer] and coldness(catalogue, viewers, np.array([viewer]))[0]
    if share >= 1.0 or not own or not cold:
        return np.zeros(len(rows), dtype=bool)
    result: npt.NDArray[np.bool_] = (lang != 0) & (lang != own)
    return result


def homely(order: I64, foreign: npt.NDArray[np.bool_], share: float, most: int) -> I64:
    """The first ``most`` of the places ``order`` i64[n], the ``foreign`` (bool by place) held to a ``share`` of each
    beginning.

    What is too much of it waits, and comes last where nothing else is left, so that a list does not run dry.

    >>> homely(np.arange(6), np.array([True, True, False, False, False, True]), 0.25, 6).tolist()
    [2, 3, 4, 0, 1, 5]
    """
    abroad_at = foreign[order]
    if not abroad_at.any():
        return order[:most]
    home, away = np.flatnonzero(~abroad_at).tolist(), np.flatnonzero(abroad_at).tolist()
    taken: list[int] = []
    at_home = abroad = 0
    while len(taken) < min(most, len(order)):
        fits = abroad < len(away) and (abroad + 1) <= share * (len(taken) + 1)
        if at_home == len(home) or (fits and away[abroad] < home[at_home]):
            taken.append(away[abroad])
            abroad += 1
        else:
            taken.append(home[at_home])
            at_home += 1
    return order[taken]
