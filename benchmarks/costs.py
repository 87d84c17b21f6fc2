"""The measured costs that ``feedstream plan`` and ``doctor`` stand on, from the reports that fill README's tables.

    python -m benchmarks.readme

writes both, so that they cannot differ. A figure that was not measured anew stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from agents.sizing.costs import COSTS, Costs

__all__ = ["costs", "machine", "write_costs"]


def costs(reports: Mapping[str, Mapping[str, Any]], before: Mapping[str, Any]) -> dict[str, Any]:
    """What the file holds: of each report (by the command that wrote it) the figures that are costs; what no report
    tells of stays as it was ``before``.

    >>> made = costs({"make bench": {"date": "2026-01-02", "machine": {"cpu": "M", "cores": 2, "memory_gb": 8},
    ...     "versions": {"python": "3.11"}, "figures": {"pipeline_us": 30.0, "hot_ratio": 1.2}}}, {})
    >>> made["where"], made["costs"]
    (['make bench on 2026-01-02: M, 2 cores, 8 GB; python 3.11'], {'pipeline_us': 30.0})
    """
    found = dict(before.get("costs", {}))
    where = [one for one in before.get("where", []) if one.partition(" on ")[0] not in reports]
    for command, report in reports.items():
        figures: Mapping[str, Any] = report["figures"]
        if measured := {name: figures[name] for name in Costs.__struct_fields__ if name in figures}:
            found |= measured
            where.append(f"{command} on {report['date']}: {machine(report)}")
    return {"where": sorted(where), "costs": {name: found[name] for name in Costs.__struct_fields__ if name in found}}


def machine(report: Mapping[str, Any]) -> str:
    """What a report was measured on, in a line."""
    host, versions = report["machine"], ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    return f"{host['cpu']}, {host['cores']} cores, {host['memory_gb']} GB; {versions}"


def write_costs(reports: Mapping[str, Mapping[str, Any]], path: Path = COSTS) -> list[str]:
    """Write the file; returns the costs that nobody has measured yet."""
    before = orjson.loads(path.read_bytes()) if path.exists() else {}
    made = costs(reports, before)
    path.write_bytes(orjson.dumps(made, option=orjson.OPT_INDENT_2) + b"\n")
    return _missing(made["costs"])


def _missing(found: Iterable[str]) -> list[str]:
    return sorted(set(Costs.__struct_fields__) - set(found))
