"""feedstream: a streaming For You feed engine. The public names, nothing else."""

from __future__ import annotations

from agents.client import Producer
from agents.consumer import FeedConsumer
from agents.deliveries import Delivery, Place
from agents.producer import BufferFull, DeliveryFailed
from agents.settings import Settings
from schemas.catalogue import Safety, UserSettings
from schemas.codec import BadRecord
from schemas.events import Ctx
from schemas.topics import TOPICS

__all__ = [
    "TOPICS",
    "BadRecord",
    "BufferFull",
    "Ctx",
    "Delivery",
    "DeliveryFailed",
    "FeedConsumer",
    "Place",
    "Producer",
    "Safety",
    "Settings",
    "UserSettings",
]
