"""Costs for another machine, from a short measurement on it.

What was measured replaces the release's figure. CPU costs that only a long benchmark finds (an event in workers, in
Redis, in Kafka) are the release's, times what folding an event takes here against there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agents.sizing.costs import Costs, shipped_costs

__all__ = ["scaled"]

_MEASURED = ("replay_us", "batches_per_s")


def scaled(figures: Mapping[str, Any], where: str) -> tuple[dict[str, float], list[str]]:
    """Costs by name, and what they were measured on."""
    release = shipped_costs()
    factor = figures["replay_us"] / release.costs.replay_us
    found = {name: float(figures[name]) for name in _MEASURED}
    for name in Costs.__struct_fields__:
        if name.endswith("_us") and name not in found:
            found[name] = getattr(release.costs, name) * factor
    said = f"feedstream bench on {where}; other CPU costs are the release's x {factor:.2f}"
    return found, [said, *release.where]
