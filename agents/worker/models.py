"""Models in use: what workers do with a snapshot from the ``models`` topic.

A snapshot that cannot be read, or was made for other features, is refused here too: the worker goes on with the last
one.
"""

from __future__ import annotations

from typing import Any

import msgspec

from agents import log
from agents.worker.shared import Replica
from streams import limits
from streams.learning.chunks import CHUNKED
from streams.learning.gate import refusal
from streams.learning.snapshots import arrays_of, decode_snapshot
from streams.ranking.features import FEATURES
from streams.ranking.tilt import HEADS
from streams.signals.watching import UNKNOWN, Usual
from streams.video.catalogue import Catalogue
from streams.viewer.crowds import crowds_of, unfit

__all__ = ["take_model"]

_LOG = log.get("models")


def take_model(shared: Replica, name: str, value: bytes | None) -> None:
    """Swap in the snapshot of model ``name``, while running."""
    if value is None:
        return
    try:
        made = decode_snapshot(value)
        arrays = arrays_of(made)
    except (msgspec.MsgspecError, ValueError) as error:
        _LOG.warning("model_refused", model=name, why=str(error))
        return
    why = refusal(made, None, 0.0)
    if why is None and made.feature_names and made.feature_names != list(FEATURES):
        why = f"{name} was made for other features"
    if why is None and (wrong := _misshapen(made.model, arrays)):
        why = f"{name} has no fitting {wrong}"
    if why is not None:
        _LOG.warning("model_refused", model=name, why=why)
    elif made.model == "ranker":
        shared.model = shared.model._replace(weights=arrays["weights"], version=f"ranker-{made.version}")
    elif made.model == "heads":
        shared.model = shared.model._replace(heads=(arrays["w"], arrays["b"]))
    elif made.model in {"crowds", "drift", "quality"}:
        _tell(shared.catalogue, made.model, arrays)
    elif made.model.partition(":")[0] in CHUNKED:
        _place(shared, made.model, arrays)


def _place(shared: Replica, model: str, arrays: dict[str, Any]) -> None:
    """One chunk of what is learnt row by row: into the catalogue, and kept for videos that come into it later."""
    kind = model.partition(":")[0]
    columns = [arrays[name] for name in ("names", *CHUNKED[kind].columns)]
    if kind in shared.kept:
        shared.kept[kind].put(model, *columns)
    CHUNKED[kind].place(shared.catalogue, *columns)


def _tell(catalogue: Catalogue, model: str, arrays: dict[str, Any]) -> None:
    """What the learner says of viewers and of watching at large."""
    if model == "crowds":
        catalogue.crowds = crowds_of(arrays)
    elif model == "quality":
        catalogue.usual = Usual(arrays["points"], arrays["seen"])
    else:
        since_ms = int(arrays["since_ms"][0])
        if since_ms > catalogue.drift_ms:
            _LOG.warning("tastes_drifted", since_ms=since_ms, what="earlier likes say nothing of what viewers like now")
        catalogue.drift_ms = since_ms


def _misshapen(model: str, arrays: dict[str, Any]) -> str | None:
    """The first array that whoever ranks or judges would stumble over."""
    if model == "crowds":
        return unfit(arrays)
    found = {name: array.shape for name, array in arrays.items()}
    names = found.get("names", ())
    wanted: dict[str, dict[str, tuple[int, ...]]] = {
        "ranker": {"weights": (len(FEATURES),)},
        "heads": {"b": (len(HEADS),), "w": (len(HEADS), len(FEATURES))},
        "quality": {name: array.shape for name, array in UNKNOWN._asdict().items()},
        "drift": {"since_ms": (1,)},
        "factors": {"names": names, "vectors": (*names, limits.FACTORS)},
        "lift": {"names": names, "sums": (*names, len(limits.LIFT_HALF_LIVES_S), 2), "at_ms": names},
        "after": {
            "names": names,
            "videos": (*names, limits.AFTER),
            "weight": (*names, limits.AFTER),
            "mass": names,
        },
        "terms": {
            "names": names,
            "tags": (*names, limits.TERM_TAGS),
            "weights": (*names, limits.TERM_TAGS),
            "mass": names,
            "at_ms": names,
        },
    }
    shapes = wanted.get(model.partition(":")[0], {})
    one_dimensional = len(names) == 1 or ":" not in model
    return next((name for name, shape in shapes.items() if found.get(name) != shape or not one_dimensional), None)
