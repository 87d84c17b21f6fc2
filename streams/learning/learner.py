"""The learner: every model that learns online, fed by training rows, heard through snapshots.

Pure and deterministic: equal rows in equal order give equal bytes of state and snapshots. It knows no clock and no
store; when to snapshot and whether one passes the gate is asked of it by its host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.internal import ModelSnapshot
from streams import limits
from streams.arrays.tables import F64
from streams.control.steering import Steering
from streams.learning.chunks import CHUNKED
from streams.learning.drift import TasteDrift
from streams.learning.embedding import ItemFactors
from streams.learning.heads import Heads
from streams.learning.item_table import ItemTable
from streams.learning.join import Closed, ExampleJoin
from streams.learning.lift import ItemLift
from streams.learning.likes import CrowdLikes
from streams.learning.ranker import SoftmaxRanker
from streams.learning.segments import Segments
from streams.learning.snapshots import pack, snapshot, unpack
from streams.learning.terms import TermTags
from streams.learning.training import Rows
from streams.learning.watch_quality import WatchQuality
from streams.ranking.features import AFFINITY, FEATURES, PRIOR, SILENT
from streams.ranking.ranking import Model
from streams.signals.objective import Bits
from streams.video.catalogue import Catalogue
from streams.viewer.crowds import SEGMENT, crowd_keys, crowds_of

__all__ = ["Learner"]


_BY_CROWD = np.ones(len(FEATURES), dtype=bool)
_BY_CROWD[AFFINITY] = False
"""Features that say nothing of how a viewer and a video fit."""
_FORESEEN = 0.1
"""What everybody likes speaks neither for a taste nor against it: so likely it is to be liked by any viewer."""
_KNOWN = 5
"""Likes from which on a viewer's taste is known."""
_NEWER = frozenset({"after", "drift", "terms"})
"""Models that an older state may be without."""

_Examples = tuple[npt.NDArray[np.float32], Bits, npt.NDArray[np.float64]]
"""Features f32[n, F], label bits u16[n], weights f64[n]."""


class Learner:
    """Heads, ranker, collaborative vectors, lift, usual watch times, what terms mean, groups of viewers and what they
    like. Heads learn ``learn_rows`` rows at once.

    ``window_ms`` is how long after first seen an example closes; ``keep`` the share of examples without a positive that
    is learnt (each weighing 1 / keep). ``without`` names features that are nothing to any model, for ablations;
    ``steering`` says whether labels that come late correct.
    """

    def __init__(
        self,
        learn_rows: int = 256,
        window_ms: int = 600_000,
        keep: float = 1.0,
        without: Sequence[str] = (),
        steering: Steering | None = None,
    ) -> None:
        self.ranker = SoftmaxRanker(PRIOR)
        self.factors = ItemFactors()
        self.lift = ItemLift()
        self.terms = TermTags()
        self.segments = Segments()
        self.likes = CrowdLikes()
        self.after = CrowdLikes(limits.ITEMS, limits.AFTER, limits.AFTER_HALF_LIFE_S)
        """What is liked after each video, by those whose latest like it was."""
        self.heads = Heads(list(FEATURES))
        self.quality = WatchQuality()
        self.drift = TasteDrift()
        self.join = ExampleJoin(len(FEATURES), window_ms, keep)
        self.version = 0
        self._steering = steering or Steering()
        self._learn_rows = learn_rows
        self._waiting: dict[str, list[_Examples]] = {"closed": [], "late": []}
        self._held = 0
        self._used = np.array([name not in {*SILENT, *without} for name in FEATURES])
        self.watch: Callable[[Closed, F64], None] | None = None
        """Told of examples that close, with what the heads say of them, f64[n, heads], before any of them is learnt."""
        self._arrays: tuple[F64, F64] | None = None

    def learn(self, rows: Rows) -> None:
        """Take over one frame of training rows."""
        if not self._used.all():
            rows = msgspec.structs.replace(rows, opened_x=rows.opened_x * self._used, group_x=rows.group_x * self._used)
        self.join.opened(rows.opened_pair, rows.opened_ms, rows.opened_x, rows.opened_w)
        watched = rows.label_watch_ms, rows.label_duration_ms
        late = self.join.labels(rows.label_pair, rows.label_ms, rows.label_bits, *watched)
        if self._steering.tuning.signals.correct:
            self._hold("late", late.examples())
        closed = self.join.close()
        self._hold("closed", closed.examples())
        self.quality.learn_many(closed.watch_ms, closed.duration_ms)
        if self.watch is not None and len(closed.x):
            self.watch(closed, self.heads.probabilities(closed.x))
        if self._held >= self._learn_rows:
            self._learn_heads()
        self.terms.learn_many(rows.term_name, rows.term_tags, rows.term_w, rows.term_ms)
        if len(rows.group_w):
            self._observe(rows)
            self.ranker.learn_many(rows.group_x, rows.group_w, rows.group_o)
            self.factors.learn_many(rows.emb_recent, rows.emb_positive, rows.emb_negatives)
            self._gather(rows)
        self.join.forget(rows.gone_pair)

    @property
    def _drift_ms(self) -> int:
        return self.drift.since_ms if self._steering.tuning.signals.drift else 0

    @property
    def seen(self) -> int:
        """Groups and rows learnt so far."""
        return self.ranker.groups + self.heads.metrics["like"].count

    def metrics(self) -> dict[str, float]:
        """Log-loss, that of the mean outcome, AUC and calibration of each head, predicted before learnt, and over how
        many rows.
        """
        made: dict[str, float] = {}
        for head, judge in self.heads.metrics.items():
            made |= {f"{head}_log_loss": judge.log_loss(), f"{head}_auc": judge.auc()}
            made |= {f"{head}_base_loss": judge.base_loss(), f"{head}_rows": float(judge.count)}
            made[f"{head}_calibration"] = judge.calibration()
        return made

    def model(self) -> Model:
        """The models as they are now, for serving in the same process."""
        if self._arrays is None:
            self._arrays = self.heads.arrays()
        return Model(self.ranker.weights * self._used, f"ranker-{self.ranker.groups}", self._arrays)

    def snapshots(self, ts_ms: int) -> list[ModelSnapshot]:
        """Snapshots of all models: of what is kept by video or term the chunks that changed since the last call."""
        self.version += 1
        names = list(FEATURES)
        weights, intercepts = self.heads.arrays()
        made = [
            snapshot("heads", self.version, ts_ms, {"w": weights, "b": intercepts}, self.metrics(), names),
            snapshot("ranker", self.version, ts_ms, {"weights": self.ranker.weights.copy()}, {}, names),
        ]
        made.append(snapshot("quality", self.version, ts_ms, self.quality.usual()._asdict(), {}, []))
        made.append(snapshot("drift", self.version, ts_ms, {"since_ms": np.array([self._drift_ms])}, {}, []))
        if self.likes.table.fresh:
            made.append(snapshot("crowds", self.version, ts_ms, self.segments.told() | self.likes.told(), {}, []))
        for name, (table, columns) in self._kept().items():
            for chunk, part in table.chunks():
                held: dict[str, Any] = {"names": table.name[part]}
                held |= {column: array[part] for column, array in columns.items()}
                made.append(snapshot(f"{name}:{chunk}", self.version, ts_ms, held, {}, []))
        return made

    def place(self, catalogue: Catalogue) -> None:
        """Put changed vectors, lifts and crowds, and what is usual, into a catalogue of the same process."""
        catalogue.usual = self.quality.usual()
        catalogue.drift_ms = self._drift_ms
        for name, (table, columns) in self._kept().items():
            rows = table.drain()
            CHUNKED[name].place(catalogue, table.name[rows], *(array[rows] for array in columns.values()))
        if self.likes.table.fresh:
            catalogue.crowds = crowds_of(self.segments.told() | self.likes.told())

    def to_bytes(self) -> bytes:
        """Everything a restored learner needs to go on bit-equal."""
        arrays: dict[str, Any] = self.join.state()
        for name, model in self._models().items():
            arrays |= {f"{name}.{part}": array for part, array in model.state().items()}
        for kind, held in self._waiting.items():
            for at, (x, bits, weight) in enumerate(held):
                arrays |= {f"{kind}.{at}.x": x, f"{kind}.{at}.bits": bits, f"{kind}.{at}.weight": weight}
        return pack(arrays | {"version": np.array([self.version])})

    def restore(self, value: bytes) -> None:
        """Take over ``to_bytes``; the learner must be fresh. Raises ``ValueError`` where features changed since."""
        arrays = unpack(value)
        if len(arrays["ranker.weights"]) != len(FEATURES):
            raise ValueError("the learner's state was made for other features")
        self._arrays = None
        self.join.restore(arrays)
        for name, model in self._models().items():
            held = _below(arrays, f"{name}.")
            if held or name not in _NEWER:
                model.restore(held)
        for kind in self._waiting:
            for at in range(sum(name.startswith(f"{kind}.") for name in arrays) // 3):
                x, bits, weight = (arrays[f"{kind}.{at}.{name}"] for name in ("x", "bits", "weight"))
                self._hold(kind, (x, bits, weight))
        self.version = int(arrays["version"][0])

    def _models(self) -> dict[str, Any]:
        """Every model by the name that its state is stored under."""
        return {
            "heads": self.heads, "ranker": self.ranker, "factors": self.factors, "lift": self.lift,
            "quality": self.quality, "segments": self.segments, "likes": self.likes, "terms": self.terms,
            "drift": self.drift, "after": self.after,
        }  # fmt: skip

    def _kept(self) -> dict[str, tuple[ItemTable, dict[str, npt.NDArray[Any]]]]:
        """What is told chunk by chunk: tables of videos or terms by model, and of each the columns that are."""
        tables = {name: model.table for name, model in self._models().items() if name in CHUNKED}
        held: dict[str, Any] = tables | {"factors": self.factors}
        return {
            name: (tables[name], {column: getattr(held[name], column) for column in told.columns})
            for name, told in CHUNKED.items()
        }

    def _observe(self, rows: Rows) -> None:
        """What the ranking expected of each video, against what came; before it learns from it."""
        items = np.concatenate((rows.emb_positive[:, None], rows.emb_negatives), axis=1)
        share = self.ranker.shares(rows.group_x, rows.group_o)
        self.lift.learn_many(items, share, rows.group_w.astype(np.float64), rows.group_ms)
        crowd = self.ranker.shares(rows.group_x * _BY_CROWD, rows.group_o)[:, 0]
        told = np.isfinite(share[:, 0]) & np.isfinite(crowd) & (crowd < _FORESEEN)
        told &= (rows.emb_recent != 0).sum(axis=1) >= _KNOWN
        self.drift.update_many(np.log(share[told, 0] / crowd[told]), rows.group_ms[told], rows.group_who[told])

    def _gather(self, rows: Rows) -> None:
        """Who liked something moves the segments, and what was liked the crowds."""
        self.segments.learn_many(rows.group_taste, rows.group_share, rows.group_tags)
        segment = (self.segments.predict_many(rows.group_taste) + 1).view(np.uint64)
        crowds = np.concatenate((rows.group_crowds, crowd_keys(SEGMENT, segment)[:, None]), axis=1)
        weight = rows.group_w.astype(np.float64)
        self.likes.learn_many(crowds, rows.emb_positive, weight, rows.group_ms)
        self.after.learn_many(rows.emb_recent[:, :1], rows.emb_positive, weight, rows.group_ms)

    def _hold(self, kind: str, examples: _Examples) -> None:
        if len(examples[0]):
            self._waiting[kind].append(examples)
            self._held += len(examples[0])

    def _learn_heads(self) -> None:
        """Everything held: closed examples are predicted first and judged, corrections are not."""
        self._arrays = None
        for kind, held in self._waiting.items():
            if held:
                x, bits, weight = (np.concatenate(parts) for parts in zip(*held, strict=True))
                self.heads.learn_many(x, bits, weight, judge=kind == "closed")
                held.clear()
        self._held = 0


def _below(arrays: dict[str, Any], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
