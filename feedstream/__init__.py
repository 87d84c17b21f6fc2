"""feedstream: a streaming For You feed engine. The public names, nothing else."""

from __future__ import annotations

from agents.consumer import FeedConsumer
from agents.producer import Producer
from agents.settings import Settings
from schemas.topics import TOPICS

__all__ = ["TOPICS", "FeedConsumer", "Producer", "Settings"]
