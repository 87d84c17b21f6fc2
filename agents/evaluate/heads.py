"""How good the heads are: each example is predicted with its features as of its opening, before it is learnt.

Two rivals are River's: target encodings of viewer, video and creator into a logistic regression, asked when an example
opens and taught when it closes; and a tree over the same features as ours, which shows what a linear head leaves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from river import compose, feature_extraction, linear_model, optim, preprocessing, stats, tree

from schemas.catalogue import Video
from schemas.lines import Line
from streams.arrays.hashing import hash64, pair
from streams.learning.join import Closed
from streams.learning.progressive import Progressive
from streams.ranking.features import FEATURES
from streams.ranking.tilt import HEADS
from streams.replay import Replay

__all__ = ["Head", "Prediction", "head_figures", "predicted", "rival"]

F64 = npt.NDArray[np.float64]
_BINS: Final = 10
_WINDOW_MS: Final = 600_000
_TOGETHER: Final = 32  # lines folded together, few enough that every pair met opens an example


class Prediction(NamedTuple):
    """One example of one viewer: the chance that was said, and whether it came."""

    user_id: str
    pair: int
    said: float
    came: bool


class Head(NamedTuple):
    """Over ``rows`` examples, ``positive`` of them a share of: AUC; GAUC, the mean of viewers' own AUC, weighted by
    their examples; log-loss in nats; calibration error, the mean gap of said and came over ten bins of equal size.
    """

    rows: int
    positive: float
    auc: float
    gauc: float
    log_loss: float
    calibration_error: float


def predicted(lines: Sequence[Line], trees: Sequence[str] = ()) -> dict[str, list[Prediction]]:
    """Head to its predictions over ``lines``, in the order in which examples close; for the heads in ``trees`` also
    what an adaptive Hoeffding tree says, as ``<head>, River tree``.
    """
    owner = {name: user for user, _, name in _pairs(lines)}
    replay = Replay(max(line.ts_ms for line in lines) + 1)
    made: dict[str, list[Prediction]] = {head: [] for head in (*HEADS, *(f"{head}, River tree" for head in trees))}
    grown = {head: tree.HoeffdingAdaptiveTreeClassifier(seed=7, leaf_prediction="nba") for head in trees}

    def watch(closed: Closed, said: F64) -> None:
        for at, name in enumerate(closed.pair.tolist()):
            for column, (head, mask) in enumerate(HEADS.items()):
                came = bool(closed.bits[at] & mask)
                made[head].append(Prediction(owner.get(name, ""), name, float(said[at, column]), came))
            x = dict(zip(FEATURES, closed.x[at].tolist(), strict=True)) if trees else {}
            for head, model in grown.items():
                came = bool(closed.bits[at] & HEADS[head])
                chance = model.predict_proba_one(x).get(True, 0.5)
                made[f"{head}, River tree"].append(Prediction(owner.get(name, ""), name, chance, came))
                model.learn_one(x, came)

    replay.learner.watch = watch
    for number, line in enumerate(lines):
        if line.topic != "feed.requests":
            replay.line(line)
        if number % _TOGETHER == 0:
            replay.flush()
    replay.flush()
    return made


def head_figures(rows: Sequence[Prediction]) -> Head:
    """Figures of one head's predictions.

    >>> head_figures([Prediction("ann", 1, 0.9, True), Prediction("ann", 2, 0.1, False)]).gauc
    1.0
    """
    said, came = np.array([row.said for row in rows]), np.array([row.came for row in rows])
    judge = _judged(said, came)
    order = np.argsort(said, kind="stable")
    bins = [part for part in np.array_split(order, _BINS) if len(part)]
    gap = sum(abs(said[part].mean() - came[part].mean()) * len(part) for part in bins) / max(len(rows), 1)
    return Head(len(rows), float(came.mean()), judge.auc(), _gauc(rows, said, came), judge.log_loss(), float(gap))


def rival(lines: Sequence[Line], head: str, wanted: Iterable[Prediction]) -> list[Prediction]:
    """What River's target-encoded logistic regression says of the examples ``wanted``, each when it opens."""
    came = {row.pair: row for row in wanted}
    encoders = [
        feature_extraction.TargetAgg(by=name, how=stats.BayesianMean(0.5, 10)) for name in ("user", "video", "creator")
    ]
    model = (
        compose.TransformerUnion(*encoders)
        | preprocessing.StandardScaler()
        | linear_model.LogisticRegression(optim.AdaGrad(0.1))
    )
    creators: dict[str, str] = {}
    waiting: deque[tuple[int, dict[str, Any], bool]] = deque()
    made: list[Prediction] = []
    met: set[int] = set()
    for line in lines:
        if line.topic == "videos" and line.value:
            creators[line.key or ""] = msgspec.json.decode(line.value, type=Video).creator_id
        while waiting and waiting[0][0] + _WINDOW_MS <= line.ts_ms:
            _, x, y = waiting.popleft()
            model.learn_one(x, y)
        for user, video, name in _pairs([line]):
            if name in came and name not in met:
                met.add(name)
                x = {"user": user, "video": video, "creator": creators.get(video, "")}
                made.append(Prediction(user, name, model.predict_proba_one(x).get(True, 0.5), came[name].came))
                waiting.append((line.ts_ms, x, came[name].came))
    return made


def _gauc(rows: Sequence[Prediction], said: F64, came: npt.NDArray[np.bool_]) -> float:
    _, who = np.unique(np.array([row.user_id for row in rows]), return_inverse=True)
    total = weight = 0.0
    for part in np.split(np.argsort(who, kind="stable"), np.cumsum(np.bincount(who))[:-1]):
        auc = _judged(said[part], came[part]).auc()
        if not np.isnan(auc):
            total, weight = total + len(part) * auc, weight + len(part)
    return total / weight if weight else float("nan")


class _Touched(msgspec.Struct):
    video_id: str | None = None


def _pairs(lines: Iterable[Line]) -> Iterable[tuple[str, str, int]]:
    """(user, video, pair hash) of each event."""
    for line in lines:
        if line.topic.startswith("events.") and line.key is not None:
            video = msgspec.json.decode(line.value, type=_Touched).video_id
            if video is not None:
                names = np.array([[hash64(line.key)], [hash64(video)]], dtype=np.uint64)
                yield line.key, video, int(pair(names[0], names[1])[0])


def _judged(said: F64, came: npt.NDArray[np.bool_]) -> Progressive:
    judge = Progressive(max(len(said), 1))
    judge.add(said, came, np.ones(len(said)))
    return judge
