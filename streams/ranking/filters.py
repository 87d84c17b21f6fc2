"""Filters: what may never be shown to a viewer, one rule a row of a table.

Ranking leaves out what any of them names, and a why-not asks each in turn, so there is one copy of every rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from streams.arrays.hashing import NO_NAMES, U64
from streams.arrays.tables import I64, NO_ROWS
from streams.control.rules import country_of, ordered
from streams.video.catalogue import Catalogue
from streams.viewer.hidden import hidden_rows
from streams.viewer.viewers import ViewerTable

if TYPE_CHECKING:
    from streams.ranking.ranking import Request

__all__ = ["FILTERS", "allowed", "forbidden"]


def allowed(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> npt.NDArray[np.bool_]:
    """Which rows of the catalogue may be shown to the viewer, candidates or not, bool[high]."""
    fine = np.ones(catalogue.high, dtype=bool)
    fine[forbidden(catalogue, viewers, request)] = False
    if request.candidates is not None:
        only = np.zeros(catalogue.high, dtype=bool)
        only[_known(catalogue, request.candidates)] = True
        fine &= only
    return fine


def forbidden(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> I64:
    """Rows of candidates that may not be shown to the viewer, int64[n], as ``FILTERS`` say; some rows come twice."""
    named = np.concatenate([names(viewers, request) for names in _NAMED.values()])
    rest = [rows(catalogue, viewers, request) for name, rows in FILTERS.items() if name not in _NAMED]
    return np.concatenate([_known(catalogue, named), *rest])  # names are looked up together: a call costs most of it


def _met(viewers: ViewerTable, request: Request) -> U64:
    return viewers.met[request.viewer]


def _served(viewers: ViewerTable, request: Request) -> U64:
    return NO_NAMES if request.pure else viewers.served[request.viewer]


def _excluded(_: ViewerTable, request: Request) -> U64:
    return NO_NAMES if request.exclude is None else request.exclude


def _rows_of(names: Callable[[ViewerTable, Request], U64]) -> Callable[[Catalogue, ViewerTable, Request], I64]:
    return lambda catalogue, viewers, request: _known(catalogue, names(viewers, request))


def _own(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> I64:
    return catalogue.uploads(int(viewers.hash[request.viewer]))


def _sensitive(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> I64:
    rows = catalogue.sensitive()
    result: I64 = rows[catalogue.safety[rows] > viewers.safety_level[request.viewer]]
    return result


def _elsewhere(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> I64:
    rows = catalogue.bound()
    if not len(rows):
        return rows
    country = np.uint64(country_of(viewers, request))
    result: I64 = rows[~((catalogue.countries[rows] == country) & (country != 0)).any(axis=1)]
    return result


def _hidden(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> I64:
    hidden = hidden_rows(catalogue, viewers.hidden[request.viewer])
    return NO_ROWS if hidden is None else np.flatnonzero(hidden)


def _stopped(catalogue: Catalogue, _: ViewerTable, request: Request) -> I64:
    obeyed = request.tuning.tiers.on and request.source == "for_you" and not request.pure
    return catalogue.stopped() if obeyed else NO_ROWS


def _taken_down(catalogue: Catalogue, viewers: ViewerTable, request: Request) -> I64:
    return ordered(catalogue, viewers, request).barred


_NAMED: Final[dict[str, Callable[[ViewerTable, Request], U64]]] = {
    "met": _met,
    "served": _served,
    "excluded": _excluded,
}
"""Filters that know hashes of videos."""
FILTERS: Final[dict[str, Callable[[Catalogue, ViewerTable, Request], I64]]] = {
    **{name: _rows_of(names) for name, names in _NAMED.items()},
    "own": _own,
    "sensitive": _sensitive,
    "region": _elsewhere,
    "hidden": _hidden,
    "stopped": _stopped,
    "taken_down": _taken_down,
}
"""Name to the rows (of candidates at least) that may not be shown: met; served, unless the request is a preview;
excluded by it; own; too sensitive; of another region; hidden; stopped in its tier; taken down by an operator. Rows may
come twice."""


def _known(catalogue: Catalogue, names: U64) -> I64:
    if not len(names):
        return NO_ROWS
    rows = catalogue.rows_of_hashes(names)
    return rows[rows >= 0]
