"""Pieces of public logs for tests, and a log in KuaiRand's format where the real one may not be had."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import Final

import numpy as np

__all__ = ["kuairand_like", "kuairand_piece", "movielens_piece"]

_COLUMNS: Final = (
    "user_id", "video_id", "date", "hourmin", "time_ms", "is_click", "is_like", "is_follow", "is_comment",
    "is_forward", "is_hate", "long_view", "play_time_ms", "duration_ms", "profile_stay_time", "comment_stay_time",
    "is_profile_enter", "is_rand", "tab",
)  # fmt: skip


def movielens_piece(source: Path, folder: Path, viewers: int) -> Path:
    """RecBole files with every rating of the ``viewers`` first viewers of MovieLens-100K at ``source``."""
    made = folder / "ml-100k"
    made.mkdir()
    chosen = {str(number) for number in range(1, viewers + 1)}
    for name, column in (("ml-100k.inter", 0), ("ml-100k.user", 0), ("ml-100k.item", None)):
        head, *rows = (source / name).read_bytes().splitlines(keepends=True)
        kept = rows if column is None else [row for row in rows if row.split(b"\t")[column].decode() in chosen]
        (made / name).write_bytes(b"".join([head, *kept]))
    return made


def kuairand_piece(source: Path, folder: Path, rows: int) -> Path:
    """The first ``rows`` rows of the gzipped log at ``source``, gzipped again."""
    made = folder / "log.csv.gz"
    with gzip.open(source, "rb") as log, gzip.open(made, "wb") as piece:
        for _, line in zip(range(rows + 1), log, strict=False):
            piece.write(line)
    return made


def kuairand_like(folder: Path, rows: int, seed: int = 3) -> Path:
    """A log of ``rows`` rows in KuaiRand's format, drawn from ``seed``; repeats and unreadable rows among them."""
    rng = np.random.default_rng(seed)
    made = folder / "log.csv"
    with made.open("w", newline="") as sink:
        table = csv.writer(sink)
        table.writerow(_COLUMNS)
        for at in range(rows):
            flags = (rng.random(6) < (0.06, 0.02, 0.03, 0.01, 0.01, 0.4)).astype(int).tolist()
            like, follow, comment, forward, hate, long_view = flags
            duration = int(rng.integers(4_000, 60_000))
            play = int(rng.random() * duration * (1.5 if long_view else 0.4))
            time_ms = 1_649_346_000_000 + at * 700 + int(rng.integers(0, 2_000))
            user, video = int(rng.integers(1, 80)), int(rng.zipf(1.4) % 400)
            table.writerow(
                [user, video, 20_220_408, 0, time_ms if at % 211 else "soon", 1, like, follow, comment, forward, hate,
                 long_view, play, duration, 0, 0, 0, 0, 1]
            )  # fmt: skip
    return made
