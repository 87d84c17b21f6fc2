"""What Kafka must be: topics as declared, records where their keys belong, honestly stamped, read in time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

from agents.doctor.finding import Finding, failed, ok, warning
from agents.lag import Lag, lags
from agents.settings import Settings
from agents.spans import Log, Place
from agents.store import Store
from agents.topics import Admin
from schemas.events import EVENTS
from schemas.partitioner import partition
from schemas.topics import TOPICS

__all__ = ["check_lag", "check_producers", "check_topics"]

_SKEW_MS: Final = 1_000
_WRONG_MS: Final = 60_000


def check_topics(admin: Admin) -> Finding:
    """Every topic is there, with the partitions of the settings and the retention, compaction and sizes declared."""
    found = admin.diff()
    if not found:
        kind = "embedded: it has no settings to look at" if admin.is_mock else "partitions and settings as declared"
        return ok(f"{len(TOPICS)} topics, {kind}")
    said = str(found[0]) + (f" (and {len(found) - 1} differences more)" if len(found) > 1 else "")
    if any(one.what == "partitions" for one in found):
        counts = "FEEDSTREAM_USER_PARTITIONS and FEEDSTREAM_VIDEO_PARTITIONS"
        return failed(said, f"set {counts} to what the topics have, or make the topics anew")
    return failed(said, "run `feedstream topics apply`")


def check_producers(log: Log) -> Finding:
    """The latest record of each partition of events stands where murmur2 puts its key, and is not of the future."""
    latest = _latest(log)
    if not latest:
        return ok("nobody has published an event yet")
    counts: dict[str, int] = {}
    for topic, _ in log.places(EVENTS):
        counts[topic] = counts.get(topic, 0) + 1
    astray = [one for one in latest if one.key() and partition(one.key(), counts[one.topic()]) != one.partition()]
    if astray:
        one = astray[0]
        return failed(
            f"the latest record of {one.topic()} partition {one.partition()} has a key that belongs to partition "
            f"{partition(one.key(), counts[one.topic()])} ({len(astray)} of {len(latest)} are astray)",
            "tell its producer to partition with murmur2 (librdkafka: partitioner=murmur2_random)",
        )
    ahead_ms = max(one.timestamp()[1] for one in latest) - time.time() * 1_000
    said = f"{len(latest)} latest records of events stand where their keys belong"
    if ahead_ms >= _SKEW_MS:
        said = f"the latest record of events is stamped {ahead_ms / 1_000:.1f} s ahead of this clock"
        do = "keep the clocks of producers, and this one, by NTP"
        return failed(said, do) if ahead_ms >= _WRONG_MS else warning(said, do)
    return ok(f"{said}, none stamped ahead of this clock")


def check_lag(log: Log, store: Store, settings: Settings) -> Finding:
    """Every shard has an owner and is not further behind than the settings allow."""
    found = lags(log, store)
    if beyond := [one for one in found if one.applied > one.end]:
        one = beyond[0]
        return failed(
            f"the store has applied {one.topic} partition {one.partition} up to {one.applied:,}, the log ends at "
            f"{one.end:,}",
            "this is another Kafka than the store was filled from, or it lost its log: use the right one, or another "
            "FEEDSTREAM_NAMESPACE",
        )
    total, behind = sum(one.lag for one in found), [one for one in found if one.lag]
    if orphans := sorted({one.shard for one in behind if not one.owner}):
        return warning(
            f"{total:,} records wait, and nobody ever opened shard {orphans[0]}", "start `feedstream worker`"
        )
    late_s, place = _latest_wait(log, behind)
    said = f"{total:,} records wait" + (f", the oldest for {late_s:.1f} s, on {place}" if place else "")
    do = "see `feedstream lag --watch`: if it does not fall, start workers or look at the logs of those that own them"
    if late_s > settings.request_ttl_s:
        return failed(f"{said}, longer than FEEDSTREAM_REQUEST_TTL_S={settings.request_ttl_s:g}", do)
    if late_s > settings.backlog_s:
        return warning(f"{said}, longer than FEEDSTREAM_BACKLOG_S={settings.backlog_s:g}", do)
    return ok(said)


def _latest_wait(log: Log, behind: Iterable[Lag]) -> tuple[float, str]:
    """For how long the record that waits longest has been there, and where; of none, (0, "")."""
    firsts = log.first({(one.topic, one.partition): one.applied for one in behind})
    now_ms = time.time() * 1_000
    waits = {place: (now_ms - message.timestamp()[1]) / 1_000 for place, message in firsts.items()}
    if not waits:
        return 0.0, ""
    (topic, number), late_s = max(waits.items(), key=lambda one: one[1])
    return max(0.0, late_s), f"{topic} partition {number}"


def _latest(log: Log) -> list[Any]:
    spans = log.spans(log.places(EVENTS))
    lasts: dict[Place, int] = {place: span.high - 1 for place, span in spans.items() if span.high > span.low}
    return list(log.first(lasts).values())
