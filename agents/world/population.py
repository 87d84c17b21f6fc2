"""The population of the synthetic world: videos, viewers, and what each of the viewers hides.

A video leans to one subject and a little to a second one; its tags, sound and creator follow from that, so there is
something to learn from. A viewer loves a few subjects, dislikes others, and all of them weigh differently. The engine
sees records and events; ``affinity`` is for judges only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.catalogue import User, Video

__all__ = ["SUBJECTS", "Tastes", "Videos", "affinity"]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

SUBJECTS: Final = (
    "animals", "cars", "comedy", "cooking", "dance", "fashion",
    "fitness", "games", "music", "nature", "science", "travel",
)  # fmt: skip
"""What videos are about."""
_TAGS: Final = 8
_SOUNDS: Final = 6
_CREATORS: Final = 15
_LANGUAGES: Final = ("en", "de", "ja")


class Videos:
    """Every video ever uploaded: ``subjects`` f64[n, S] unit rows, ``appeal`` f64[n], ``duration_ms`` i64[n]. Ids begin
    with ``prefix``.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.records: list[Video] = []
        self.row_of: dict[str, int] = {}
        self.subjects: F64 = np.empty((0, len(SUBJECTS)))
        self.appeal: F64 = np.empty(0)
        self.duration_ms: I64 = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.records)

    def upload(self, rng: np.random.Generator, created_ms: Sequence[int]) -> list[Video]:
        """New videos, one for each time; half are shorter than 18 s."""
        count = len(created_ms)
        main = rng.integers(0, len(SUBJECTS), count)
        second = (main + rng.integers(1, len(SUBJECTS), count)) % len(SUBJECTS)
        subjects = np.abs(rng.normal(0.0, 0.05, (count, len(SUBJECTS))))
        subjects[np.arange(count), main] += 1.0
        subjects[np.arange(count), second] += rng.uniform(0.1, 0.6, count)
        subjects /= np.linalg.norm(subjects, axis=1, keepdims=True)
        durations = np.clip(np.exp(rng.normal(np.log(18.0), 0.6, count)), 5.0, 180.0)
        made = [
            self._record(rng, len(self.records) + at, int(main[at]), int(second[at]), int(durations[at] * 1_000), when)
            for at, when in enumerate(created_ms)
        ]
        for record in made:
            self.row_of[record.video_id] = len(self.records)
            self.records.append(record)
        self.subjects = np.concatenate((self.subjects, subjects))
        self.appeal = np.concatenate((self.appeal, rng.normal(0.0, 1.0, count)))
        self.duration_ms = np.concatenate((self.duration_ms, (durations * 1_000).astype(np.int64)))
        return made

    def _record(
        self, rng: np.random.Generator, at: int, main: int, second: int, duration_ms: int, created_ms: int
    ) -> Video:
        name, other = SUBJECTS[main], SUBJECTS[second]
        own = rng.choice(_TAGS, 2, replace=False).tolist()
        return Video(
            v=1,
            video_id=f"{self._prefix}w{at:06d}",
            creator_id=f"{name}-maker-{int(rng.integers(_CREATORS))}",
            created_ms=created_ms,
            duration_ms=duration_ms,
            tags=[name, *(f"{name}-{one}" for one in own), f"{other}-{int(rng.integers(_TAGS))}"],
            sound_id=f"{name}-sound-{int(rng.integers(_SOUNDS))}",
            category=name,
            lang=_LANGUAGES[int(rng.integers(len(_LANGUAGES)))],
        )


class Tastes:
    """What viewers hide: ``weights`` f64[n, S], unit rows, positive for what they love."""

    def __init__(self, rng: np.random.Generator, viewers: int, prefix: str = "") -> None:
        self.user_ids = [f"{prefix}viewer-{at:05d}" for at in range(viewers)]
        self.row_of = {name: at for at, name in enumerate(self.user_ids)}
        self.weights = _drawn(rng, viewers)

    def __len__(self) -> int:
        return len(self.user_ids)

    def records(self, rng: np.random.Generator, telling: float = 0.3) -> list[User]:
        """Every viewer's record; a share of ``telling`` names a loved subject at sign-up."""
        tells = rng.random(len(self)) < telling
        loved = self.weights.argmax(axis=1)
        return [
            User(v=1, user_id=name, interests=[SUBJECTS[int(loved[at])]] if tells[at] else [])
            for at, name in enumerate(self.user_ids)
        ]

    def drift(self, rng: np.random.Generator, amount: float) -> None:
        """Every taste moves a little: ``amount`` is the size of the step against unit tastes."""
        step = rng.normal(0.0, amount / np.sqrt(len(SUBJECTS)), self.weights.shape)
        self.weights = _unit(self.weights + step)

    def switch(self, rng: np.random.Generator, viewers: Sequence[int]) -> None:
        """The named viewers (rows) fall in love with what they did not care for: a new taste, unlike the old one."""
        rows = np.array(viewers, dtype=np.int64)
        drawn = _drawn(rng, 16 * len(rows)).reshape(len(rows), 16, len(SUBJECTS))
        likeness = np.einsum("nks,ns->nk", drawn, self.weights[rows])
        self.weights[rows] = drawn[np.arange(len(rows)), likeness.argmin(axis=1)]


def affinity(tastes: F64, subjects: F64, appeal: F64) -> F64:
    """How much viewers like videos, f64[n, m]: mostly taste, a little of what appeals to everybody.

    Over random pairs about 0 on average, 1 for what is loved.
    """
    result: F64 = tastes @ subjects.T + 0.15 * appeal
    return result


def _drawn(rng: np.random.Generator, count: int) -> F64:
    """Tastes: two or three subjects loved, three disliked, the rest close to nothing."""
    weights = rng.normal(0.0, 0.08, (count, len(SUBJECTS)))
    order = rng.permuted(np.tile(np.arange(len(SUBJECTS)), (count, 1)), axis=1)
    rows = np.arange(count)
    weights[rows, order[:, 0]] += 1.0
    weights[rows, order[:, 1]] += 0.8
    weights[rows, order[:, 2]] += np.where(rng.random(count) < 0.5, 0.6, 0.0)
    for at in range(3, 6):
        weights[rows, order[:, at]] -= 0.5
    return _unit(weights)


def _unit(weights: F64) -> F64:
    result: F64 = weights / np.linalg.norm(weights, axis=1, keepdims=True)
    return result
