"""Content: what a video's own record says, as hashes and one vector.

The vector is a signed hashing of tags, category, sound, creator and language (Weinberger et al. 2009, feature hashing),
or the producer's own embedding projected by the same hashing; unit norm, deterministic, no learning.
"""

from __future__ import annotations

import numpy as np

from schemas.catalogue import Video
from streams import limits
from streams.arrays.hashing import U64, hash64
from streams.arrays.tables import F32

__all__ = ["content_vector", "tag_hashes", "told"]

_WEIGHTS = (("category", 1.0), ("sound_id", 0.4), ("creator_id", 0.6), ("lang", 0.3))


def tag_hashes(video: Video) -> U64:
    """Hashes of the first ``VIDEO_TAGS`` tags (the category counts as one), uint64[VIDEO_TAGS], 0 where there is none.

    >>> video = Video(v=1, video_id="x", creator_id="bob", created_ms=0, duration_ms=0, tags=["cats"])
    >>> int(tag_hashes(video)[0]) == hash64("cats")
    True
    """
    names = dict.fromkeys([*video.tags, *([video.category] if video.category else [])])
    hashes = [hash64(name) for name in list(names)[: limits.VIDEO_TAGS]]
    return np.array(hashes + [0] * (limits.VIDEO_TAGS - len(hashes)), dtype=np.uint64)


def told(video: Video) -> str:
    """What a video says in words: caption, tags and category.

    >>> told(Video(v=1, video_id="x", creator_id="b", created_ms=0, duration_ms=0, caption="Meow", tags=["mood:cute"]))
    'Meow cute'
    """
    names = dict.fromkeys(name.rpartition(":")[2] for name in (*video.tags, video.category or ""))
    return " ".join(part for part in (video.caption or "", *names) if part)


def content_vector(video: Video) -> F32:
    """Unit vector float32[DIM] of a video's own record; zeros where it says nothing.

    >>> video = Video(v=1, video_id="x", creator_id="bob", created_ms=0, duration_ms=0, tags=["cats"])
    >>> bool(abs(np.linalg.norm(content_vector(video)) - 1) < 1e-6)
    True
    """
    vector = np.zeros(limits.DIM)
    for tag in dict.fromkeys(video.tags):
        _scatter(vector, f"tag:{tag}", 1.0)
    for name, weight in _WEIGHTS:
        if value := getattr(video, name):
            _scatter(vector, f"{name}:{value}", weight)
    for name, numbers in sorted(video.embeddings.items()):
        norm = float(np.linalg.norm(numbers)) or 1.0
        for at, number in enumerate(numbers):
            _scatter(vector, f"embedding:{name}:{at}", 2.0 * number / norm)
    norm = float(np.linalg.norm(vector))
    return (vector / norm if norm > 0 else vector).astype(np.float32)


def _scatter(vector: np.ndarray[tuple[int], np.dtype[np.float64]], name: str, weight: float) -> None:
    """Add ``weight`` at four places with signs, all drawn from the name's hash."""
    bits = hash64(name)
    for _ in range(4):
        vector[bits & (limits.DIM - 1)] += weight if bits & limits.DIM else -weight
        bits >>= 12
