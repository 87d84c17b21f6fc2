"""A load: what a deployment is to carry. Only events and viewers must be said, the rest follows from them."""

from __future__ import annotations

from dataclasses import dataclass

from agents.errors import Stop
from streams import limits

__all__ = ["Load", "stated"]


@dataclass(frozen=True, slots=True)
class Load:
    """Rates are those of the busiest hour; what grows by the day follows from rates divided by ``peak``."""

    events_per_s: float
    viewers: int
    """Viewers of whom anything is kept."""
    active_viewers: int
    """Viewers who come on one day."""
    active_videos: int
    """Candidates: announced, and engaged with lately."""
    uploads_per_day: float
    feeds_per_s: float
    outcomes: float
    """Videos that a viewer has met and that are kept, on average."""
    days: float
    """Days of events that Kafka keeps."""
    peak: float
    """How many times busier the busiest hour is than the average."""
    http: float
    """Share of events and feeds that goes through the gateway."""
    streams: int
    """Open streams at a time."""
    replicas: int
    """Copies of each partition."""


def stated(
    events_per_s: float,
    viewers: int,
    *,
    active_viewers: int | None = None,
    active_videos: int = 100_000,
    uploads_per_day: float | None = None,
    feeds_per_s: float | None = None,
    outcomes: float = 200.0,
    days: float = 30.0,
    peak: float = 2.5,
    http: float = 1.0,
    streams: int = 0,
    replicas: int = 3,
) -> Load:
    """A load with what was not said: 40 % of the viewers come a day, a thirtieth of the active videos is new each day,
    and a feed of 20 items goes out for 52 events (2.6 events an item, as in real logs).

    Raises ``Stop`` where numbers cannot be true together.
    """
    daily = round(0.4 * viewers) if active_viewers is None else active_viewers
    if daily > viewers:
        raise Stop(f"{daily:,} active viewers a day are more than {viewers:,} viewers: raise --viewers")
    if outcomes > limits.OUTCOMES:
        raise Stop(f"--outcomes is {outcomes:g}: of a viewer the latest {limits.OUTCOMES:,} are kept, say that at most")
    return Load(
        events_per_s=events_per_s,
        viewers=viewers,
        active_viewers=max(1, daily),
        active_videos=active_videos,
        uploads_per_day=active_videos / 30.0 if uploads_per_day is None else uploads_per_day,
        feeds_per_s=events_per_s / 52.0 if feeds_per_s is None else feeds_per_s,
        outcomes=outcomes,
        days=days,
        peak=peak,
        http=http,
        streams=streams,
        replicas=replicas,
    )
