"""Every bound of the pure core, with its unit, its reason and what happens beyond it.

A number that limits memory, work or influence stands here and nowhere else, so that one page tells an operator what a
viewer, a video or an outcome can cost at most.
"""

from __future__ import annotations

from typing import Final

# --- ids and records (enforced by schemas.codec; stated there with the same values) ---
DAY_MS: Final = 86_400_000

# --- outcomes: one small record per (viewer, video) ---
RING: Final = 8
"""References kept per kind of an outcome (impressions, watches, skips, shares, comments). The oldest falls out, is
frozen in the counts, and the overflow is counted."""
OUTCOMES: Final = 1_024
"""Outcomes kept per viewer, at least the 128 that DESIGN section 3 promises. The oldest is frozen and its key deleted."""
MET: Final = 8_192
"""Videos remembered as met per viewer (8 bytes each). Beyond it the oldest may be shown again."""
SERVED: Final = 2_048
"""Videos remembered as served per viewer (8 bytes each). Beyond it the oldest may be served again."""

# --- viewers ---
DIM: Final = 32
"""Length of a content vector; float32, unit norm."""
FAST_HALF_LIFE_S: Final = 1_200.0
"""The session's interest: 20 minutes."""
SLOW_HALF_LIFE_S: Final = 14 * 86_400.0
"""The taste: two weeks."""
NEGATIVE_HALF_LIFE_S: Final = 2 * 86_400.0
"""Dislikes fade in days, so one bad evening does not close a subject for good."""
RECENT: Final = 32
"""Latest positive videos kept per viewer; the oldest falls out."""
TAGS: Final = 24
"""Persona tags kept per viewer; the weakest falls out."""
CREATORS: Final = 12
"""Creators kept per viewer; the weakest falls out."""
SOUNDS: Final = 12
"""Sounds kept per viewer; the weakest falls out."""
PICKED: Final = 8
"""Categories a viewer may pick at sign-up; further ones are ignored."""
