"""Broadcasts: what a process that ranks makes of ``video.state``, ``models``, ``control``, ``trends`` and
``promotions``.

Whatever cannot be read is named in the log and changes nothing. No connection is needed but where states that the topic
has lost are read back from the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from agents import log
from agents.store import ShardId, Store
from agents.worker.models import take_model
from agents.worker.replica import Message
from agents.worker.shared import Replica
from schemas.codec import BadRecord, decode
from schemas.control import Control, Promotion, Rule
from schemas.internal import VideoState
from schemas.trends import Trend
from streams.arrays.hashing import hash64
from streams.control.rules import named_rows
from streams.learning.chunks import CHUNKED
from streams.shards.video_shard import decode_state, video_key

__all__ = ["BROADCAST", "Heard", "lost_states", "take", "take_states"]

_LOG = log.get("broadcasts")
_STATES: Final = "video.state"
_PROMOTIONS: Final = "promotions"
_RULE: Final = "rule."
BROADCAST: Final = (_STATES, "models", "control", "trends", _PROMOTIONS)
"""The topics that every process that ranks reads whole."""
States = Sequence[tuple[str, VideoState | None]]
_PAGE: Final = 5_000


class Heard(NamedTuple):
    """Videos (hashes) that are ``new`` in the catalogue, and those that are ``gone`` from among the candidates, by
    hash. ``taken`` are such that a rule takes down, with the country of the viewers for whom it does, None: all.
    ``orders`` are what operators set, each an event's name and its fields, for the log of whoever carries them out.
    ``trends`` are those that were told.
    """

    new: list[int]
    gone: dict[int, str]
    taken: Sequence[tuple[dict[int, str], str | None]] = ()
    orders: Sequence[tuple[str, dict[str, Any]]] = ()
    trends: Sequence[Trend] = ()


def take(replica: Replica, batch: Iterable[Message]) -> Heard:
    """Take over records: states into the catalogue, models and settings to whoever ranks."""
    states: list[tuple[str, VideoState | None]] = []
    taken: list[tuple[dict[int, str], str | None]] = []
    orders: list[tuple[str, dict[str, Any]]] = []
    trends: list[Trend] = []
    for message in batch:
        name = (message.key or b"").decode("utf-8", "replace")
        if message.topic == _STATES:
            try:
                states.append((name, decode_state(message.value) if message.value else None))
            except (msgspec.MsgspecError, ValueError) as error:
                _LOG.warning("state_refused", error=str(error), offset=message.offset)
        elif message.topic == "models":
            take_model(replica, name, message.value)
        elif message.topic == "trends":
            trends += _take_trend(replica, message)
        elif message.topic == _PROMOTIONS:
            orders += _take_promotion(replica, name, message)
        elif _take_control(replica, message) and name.startswith(_RULE):
            rule = replica.steering.rules.named.get(name.removeprefix(_RULE))
            orders.append(("rule_unset" if rule is None else "rule_set", _fields(name, rule)))
            taken += _taken_down(replica, rule, message.timestamp_ms)
    return take_states(replica, states)._replace(taken=taken, orders=orders, trends=trends)


def take_states(replica: Replica, states: States) -> Heard:
    """Take over states of videos by id, None drops one, with what was learnt of them before they came."""
    if not states:
        return Heard([], {})
    catalogue = replica.catalogue
    new = [hash64(video_id) for video_id, _ in states if video_id not in catalogue.row_of]
    shown = {video_id for video_id, _ in states if catalogue.shows(video_id)}
    catalogue.take_states(states)
    for name, kept in replica.kept.items():
        if (found := kept.find(new)) is not None:
            CHUNKED[name].place(catalogue, *found)
    return Heard(new, {hash64(video_id): video_id for video_id in shown if not catalogue.shows(video_id)})


def lost_states(store: Store, cut: Iterable[tuple[str, int]]) -> Iterator[States]:
    """States of active videos of the partitions (topic, number) whose beginning is gone, from the store."""
    for shard in [ShardId("v", number) for topic, number in sorted(cut) if topic == _STATES]:
        keys = store.marked(shard)
        for low in range(0, len(keys), _PAGE):
            page = keys[low : low + _PAGE]
            found = zip(page, store.mget(shard, page), strict=True)
            states = [(key[len(video_key("")) :].decode(), decode_state(value)) for key, value in found if value]
            yield [(name, state) for name, state in states if state.active]
        _LOG.info("states_from_store", shard=str(shard), videos=len(keys))


def _take_trend(replica: Replica, message: Message) -> list[Trend]:
    try:
        record = decode("trends", message.key, message.value, message.timestamp_ms)
    except BadRecord as error:
        _LOG.warning("trend_refused", why=str(error), offset=message.offset)
        return []
    if not isinstance(record, Trend):
        return []
    replica.catalogue.rising.take(record)
    return [record]


def _take_promotion(replica: Replica, name: str, message: Message) -> list[tuple[str, dict[str, Any]]]:
    try:
        record = decode(_PROMOTIONS, message.key, message.value, message.timestamp_ms)
        replica.steering.promote(name, record if isinstance(record, Promotion) else None)
    except ValueError as error:
        _LOG.warning("promotion_refused", campaign=name, why=str(error), offset=message.offset)
        return []
    return [("promotion_ended" if record is None else "promotion_set", _fields(name, record))]


def _taken_down(replica: Replica, rule: Rule | None, now_ms: int) -> list[tuple[dict[int, str], str | None]]:
    """Videos that a rule takes down now, and for whom."""
    if rule is None or rule.do != "take_down" or (rule.until_ms is not None and rule.until_ms <= now_ms):
        return []
    catalogue = replica.catalogue
    rows = named_rows(catalogue, rule).tolist()
    return [({int(catalogue.hash[row]): catalogue.video_ids[row] for row in rows}, rule.audience)] if rows else []


def _fields(name: str, record: msgspec.Struct | None) -> dict[str, Any]:
    return {"key": name} | (msgspec.to_builtins(record) if record is not None else {})


def _take_control(replica: Replica, message: Message) -> bool:
    """Take over a setting; whether it could be."""
    try:
        record = decode("control", message.key, message.value, message.timestamp_ms)
        key, value = (message.key or b"").decode(), record.value if isinstance(record, Control) else None
        replica.steering.take(key, value)
    except ValueError as error:
        _LOG.warning("control_refused", why=str(error), offset=message.offset)
        return False
    if value is None:
        replica.control.pop(key, None)
    else:
        replica.control[key] = value
    return True
