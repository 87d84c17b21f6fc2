"""Gauges: what the screen of the demo shows, beside what its viewers did."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.world.gauges import Watched

__all__ = ["Gauges", "Worker"]


@dataclass
class Worker:
    """A worker as the screen shows it."""

    name: str
    pid: int
    state: str


@dataclass
class Gauges(Watched):
    """Everything on the screen."""

    viewers: int = 0
    videos: int = 0
    run_s: float = 60.0
    wall_s: float = 0.0
    """Since the demo began."""
    sent: dict[str, int] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Something worth a line."""
        self.notes.append(f"{self.wall_s:5.1f} s  {text}")
