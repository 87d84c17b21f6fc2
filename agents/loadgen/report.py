"""What came of a load, as numbers and as sentences."""

from __future__ import annotations

from array import array
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

__all__ = ["LATE_S", "Report", "quantiles_ms"]

LATE_S: Final = 0.05
"""An event handed over so long after it was due is late: the load was not what it claims to be."""


@dataclass(frozen=True, slots=True)
class Report:
    """Times are in ms, from the moment when an event was **due**: a load that falls behind does not look fast.

    ``asked_per_s`` and ``achieved_per_s`` are events/s; ``late`` were handed to Kafka's client more than 50 ms after
    they were due. ``actions`` are strong ones that could be reflected in a feed, ``reflected`` how often a batch was
    the first to reflect some (not every action changes a feed). None: not measured.
    """

    loop: str
    sent: int
    delivered: int
    refused: int
    duplicates: int
    seconds: float
    asked_per_s: float
    achieved_per_s: float
    late: int | None = None
    handed_p99_ms: float | None = None
    handed_max_ms: float | None = None
    delivered_p50_ms: float | None = None
    delivered_p99_ms: float | None = None
    actions: int | None = None
    reflected: int | None = None
    batches: int | None = None
    action_to_feed_p50_ms: float | None = None
    action_to_feed_p99_ms: float | None = None

    def json(self) -> dict[str, Any]:
        """Every field by name."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For people."""
        again = f", {self.duplicates:,} of them for the second time" * bool(self.duplicates)
        said = [
            f"sent       {self.sent:,} events{again}",
            f"delivered  {self.delivered:,}, refused {self.refused:,}",
            f"rate       {self.achieved_per_s:,.0f} events/s of {self.asked_per_s:,.0f} over {self.seconds:.1f} s",
        ]
        if self.late is not None:
            worst = f"p99 {_ms(self.handed_p99_ms)}, at worst {_ms(self.handed_max_ms)} after they were due"
            said.append(f"late       {self.late:,} ({self.late / max(1, self.sent):.1%}) by more than 50 ms: {worst}")
            took = f"p50 {_ms(self.delivered_p50_ms)}, p99 {_ms(self.delivered_p99_ms)}"
            said.append(f"to Kafka   {took} after they were due")
        if self.batches is not None:
            of = f"{self.reflected:,} batches of {self.batches:,} reflected some of {self.actions:,} strong actions"
            took = f"p50 {_ms(self.action_to_feed_p50_ms)}, p99 {_ms(self.action_to_feed_p99_ms)}"
            said.append(f"to feed    {took}: {of}")
        return said


def quantiles_ms(seconds: array[float], *which: float) -> list[float | None]:
    """Quantiles in ms; None each where there is nothing.

    >>> quantiles_ms(array("f", [0.001, 0.002, 0.003]), 0.5), quantiles_ms(array("f"), 0.5)
    ([2.0], [None])
    """
    if not seconds:
        return [None] * len(which)
    return [round(float(one) * 1_000.0, 3) for one in np.quantile(np.frombuffer(seconds, np.float32), which)]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"
