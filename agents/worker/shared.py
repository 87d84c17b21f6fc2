"""What all shards of a process read or use together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from agents.dead_letters import BadShare
from agents.producer import Producer
from agents.settings import Settings
from agents.store import Store
from streams.catalogue import Catalogue
from streams.ranking import Model

__all__ = ["Shared"]


@dataclass
class Shared:
    """Connections, the replica of the catalogue, and the model in use (replaced as a whole when a new one comes)."""

    settings: Settings
    store: Store
    producer: Producer
    catalogue: Catalogue
    model: Model
    bad: BadShare
    learn: bool = True
    factors: dict[int, Any] = field(default_factory=dict)
    """Collaborative vectors by hash, for videos that come into the catalogue after their vector."""
    control: dict[str, Any] = field(default_factory=dict)
    """Latest values of ``control`` by key."""
