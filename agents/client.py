"""The Python client, ``feedstream.Producer``: what viewers do, typed verb by verb, checked before it is sent.

For apps and services. It exists so that a mistake is an error in the line that makes it, not a dead letter tomorrow:
records are checked by the codec that workers read with. What it takes is delivered or reported, never dropped.
"""

from __future__ import annotations

import atexit
import math
import time
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Literal, Required, TypedDict, Unpack

import msgspec

from agents.cluster import Cluster
from agents.deliveries import Deliveries, Delivery
from agents.errors import BadSettings
from agents.producer import DeliveryFailed, RecordProducer
from agents.settings import Settings
from schemas.catalogue import Safety, UserSettings
from schemas.codec import KEY_FIELD, RECORDS, BadRecord, decode
from schemas.events import EVENTS, ActionKind, Ctx, FeedbackKind, Op
from schemas.topics import INPUTS
from streams import limits

__all__ = ["Doing", "Producer", "Seen"]

_FIELDS: Final = {
    topic: frozenset(one.encode_name for one in msgspec.structs.fields(RECORDS[topic])) for topic in INPUTS
}
_ID_FIELD: Final = {**dict.fromkeys(EVENTS, "event_id"), "feed.requests": "request_id"}
"""Topic to the id that is made up where none is given."""
_NOBODY: Final = b"?"
"""Stands in for a key until the codec has said what is wrong with the field that should be it."""


class Doing(TypedDict, total=False):
    """What every event says of itself; ``event_id`` and ``ts_ms`` are made up where they are absent."""

    user_id: Required[str]
    session_id: Required[str]
    event_id: str | None
    ts_ms: int | None
    impression_id: str | None
    batch_id: str | None
    position: int | None
    surface: str | None
    creator_id: str | None
    seq: int | None
    ctx: Ctx | None


class Seen(Doing, total=False):
    """What every event on a video says of itself."""

    video_id: Required[str]


class Producer:
    """Publishes what apps know: events, viewers, videos and requests. One a process is enough; threads may share it.

    Every method queues one record and returns its ``Delivery``. It raises ``BadRecord``, which names the field, for
    what workers would refuse; ``BufferFull`` where the buffer is full and refuses; ``DeliveryFailed`` once closed.

    >>> with Producer("localhost:9092") as producer:   # doctest: +SKIP
    ...     producer.like(user_id="ann", session_id="s-1", video_id="cat-7")
    """

    def __init__(
        self,
        broker: str | Cluster,
        *,
        client_id: str = "feedstream-client",
        when_full: Literal["block", "refuse"] = "block",
        room: int = limits.PRODUCER_RECORDS,
        timeout_s: float = 60.0,
    ) -> None:
        """Connect in the background to ``broker``, ``host:port[,host:port]`` with or without ``kafka://``, or a
        ``Cluster``, which says how to get in (``Settings.from_env().kafka``).

        It holds ``room`` undelivered records at most; when full, sending blocks until there is room or refuses. A
        record that nobody takes for ``timeout_s`` has failed. What is queued when the program ends is delivered then.
        """
        if when_full not in {"block", "refuse"}:
            raise BadSettings(f"when_full is {when_full!r}: use 'block' or 'refuse'")
        if room < 1 or not timeout_s > 0:
            raise BadSettings(f"room is {room} and timeout_s {timeout_s}: both must be more than 0")
        if isinstance(broker, str):
            url = broker if "://" in broker else f"kafka://{broker}"
            broker = Settings.from_env({"FEEDSTREAM_BROKER": url}).kafka
        self._block = when_full == "block"
        self._sent = Deliveries()
        self._records = RecordProducer(broker, client_id=client_id, timeout_s=timeout_s, room=room)
        atexit.register(self.close)

    def __enter__(self) -> Producer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except DeliveryFailed as failed:
            if error is None:
                raise
            error.add_note(str(failed))

    def check(self, timeout_s: float = 10.0) -> None:
        """Raise ``Stop`` with one sentence if no broker answers within ``timeout_s``."""
        self._records.check(timeout_s)

    def flush(self, timeout_s: float | None = None) -> None:
        """Block until nothing is on its way.

        Raises ``DeliveryFailed`` if a record was not delivered since the latest flush, ``TimeoutError`` after
        ``timeout_s``.
        """
        self._sent.settle(timeout_s)

    def close(self) -> None:
        """Flush, as ``flush`` does, and stop; closing again does nothing."""
        atexit.unregister(self.close)
        try:
            self.flush()
        finally:
            self._records.close()

    def watch(
        self,
        *,
        watch_ms: int,
        duration_ms: int,
        loops: float | None = None,
        muted: bool | None = None,
        end_reason: str | None = None,
        **seen: Unpack[Seen],
    ) -> Delivery:
        """Watch time of one impression so far: cumulative, so a heartbeat may repeat or be lost."""
        return self._typed(
            "events.watch",
            seen,
            watch_ms=watch_ms,
            duration_ms=duration_ms,
            loops=loops,
            muted=muted,
            end_reason=end_reason,
        )

    def like(self, *, op: Op | None = None, **seen: Unpack[Seen]) -> Delivery:
        """A like, or its undo."""
        return self._typed("events.like", seen, op=op)

    def share(self, *, channel: str | None = None, **seen: Unpack[Seen]) -> Delivery:
        """A share; each counts once by its ``event_id``."""
        return self._typed("events.share", seen, channel=channel)

    def skip(self, *, watch_ms: int, **seen: Unpack[Seen]) -> Delivery:
        """Swiped away after ``watch_ms``; never for a playback error."""
        return self._typed("events.skip", seen, watch_ms=watch_ms)

    def comment(
        self,
        *,
        comment_id: str,
        op: Op | None = None,
        length: int | None = None,
        sentiment: float | None = None,
        labels: list[str] | None = None,
        **seen: Unpack[Seen],
    ) -> Delivery:
        """A comment, or its removal; never its text."""
        return self._typed(
            "events.comment", seen, comment_id=comment_id, op=op, length=length, sentiment=sentiment, labels=labels
        )

    def follow(self, *, op: Op | None = None, **seen: Unpack[Seen]) -> Delivery:
        """The viewer follows the video's creator, or its undo."""
        return self._typed("events.follow", seen, op=op)

    def save(self, *, op: Op | None = None, **seen: Unpack[Seen]) -> Delivery:
        """A bookmark, or its undo."""
        return self._typed("events.save", seen, op=op)

    def impression(self, *, visible_ms: int | None = None, **seen: Unpack[Seen]) -> Delivery:
        """Seen on a screen."""
        return self._typed("events.impression", seen, visible_ms=visible_ms)

    def feedback(
        self,
        *,
        kind: FeedbackKind,
        video_id: str | None = None,
        op: Op | None = None,
        target: str | None = None,
        reason: str | None = None,
        **doing: Unpack[Doing],
    ) -> Delivery:
        """What the viewer says of a video, a creator, a sound or a tag."""
        return self._typed("events.feedback", doing, kind=kind, video_id=video_id, op=op, target=target, reason=reason)

    def action(
        self,
        *,
        kind: ActionKind,
        video_id: str | None = None,
        target: str | None = None,
        dwell_ms: int | None = None,
        query: str | None = None,
        **doing: Unpack[Doing],
    ) -> Delivery:
        """A small gesture: pause, seek, search …"""
        return self._typed(
            "events.action", doing, kind=kind, video_id=video_id, target=target, dwell_ms=dwell_ms, query=query
        )

    def video(
        self,
        *,
        video_id: str,
        creator_id: str,
        duration_ms: int,
        created_ms: int | None = None,
        caption: str | None = None,
        tags: list[str] | None = None,
        sound_id: str | None = None,
        effect_ids: list[str] | None = None,
        template_id: str | None = None,
        category: str | None = None,
        lang: str | None = None,
        countries: list[str] | None = None,
        embeddings: Mapping[str, Any] | None = None,
        duplicate_of: str | None = None,
        safety: Safety | None = None,
        recommendable: bool | None = None,
        visibility: Literal["public", "followers", "unlisted"] | None = None,
    ) -> Delivery:
        """Announces a video, in place of what was said of it before.

        ``embeddings`` are lists or arrays of numbers, by name; ``created_ms`` is now where it is absent.
        """
        return self._typed("videos", _given(locals()))

    def user(
        self,
        *,
        user_id: str,
        lang: str | None = None,
        country: str | None = None,
        interests: list[str] | None = None,
        settings: UserSettings | None = None,
    ) -> Delivery:
        """What is known of a viewer, in place of what was said before."""
        return self._typed("users", _given(locals()))

    def request(
        self,
        *,
        user_id: str,
        request_id: str | None = None,
        ts_ms: int | None = None,
        limit: int | None = None,
        purpose: Literal["feed", "preview"] | None = None,
        source: Literal["for_you", "following", "trending"] | None = None,
        query: str | None = None,
        seed_video_id: str | None = None,
        candidates: list[str] | None = None,
        exclude: list[str] | None = None,
        surface: str | None = None,
        ctx: Ctx | None = None,
        explain: bool | None = None,
    ) -> Delivery:
        """Asks for a batch, which will carry the ``request_id`` of the delivery's ``record``."""
        return self._typed("feed.requests", _given(locals()))

    def remove_video(self, video_id: str) -> Delivery:
        """Removes a video everywhere."""
        return self.send("videos", None, key=video_id)

    def forget_user(self, user_id: str) -> Delivery:
        """Forgets a viewer; a record in ``receipts`` says what was deleted."""
        return self.send("users", None, key=user_id)

    def send(
        self, topic: str, record: Mapping[str, Any] | msgspec.Struct | None, *, key: str | None = None
    ) -> Delivery:
        """Any record that apps and operators may send, as a mapping or struct; None is a tombstone and needs ``key``.

        ``v``, ids and times are filled in where they are absent, as everywhere; fields that nobody knows are carried.
        """
        if topic not in INPUTS:
            raise BadRecord("topic", "$", f"{topic!r} is no topic that apps or operators write to")
        value = None
        if record is not None:
            fields = _fields_of(topic, record)
            value = _encoded(_filled(topic, fields))
            key = key or fields.get(KEY_FIELD[topic])
        named = key.encode(errors="surrogatepass") if isinstance(key, str) else b""
        checked = decode(topic, named if named or value is None else _NOBODY, value, _now_ms())
        if not named:
            raise BadRecord("empty", "key", f"name it: records of {topic} have a key")
        delivery = Delivery(checked)
        self._records.send(topic, named, value, ticket=self._sent, tag=delivery, block=self._block)
        return delivery

    def _typed(self, topic: str, given: Mapping[str, Any], **more: Any) -> Delivery:
        """Send what a typed method was given; None is absent, and a field that nobody knows is a mistake."""
        for name in given:
            if name not in _FIELDS[topic]:
                raise TypeError(f"{topic} has no field {name!r}")
        return self.send(topic, {name: value for name, value in (*given.items(), *more.items()) if value is not None})


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name != "self"}


def _fields_of(topic: str, record: Mapping[str, Any] | msgspec.Struct) -> dict[str, Any]:
    if not isinstance(record, msgspec.Struct):
        return dict(record)
    if not isinstance(record, RECORDS[topic]):
        raise TypeError(f"a {type(record).__name__} is no value of {topic}, but a {RECORDS[topic].__name__}")
    fields: dict[str, Any] = msgspec.to_builtins(record, enc_hook=_plain)
    return fields


def _filled(topic: str, fields: dict[str, Any]) -> dict[str, Any]:
    """``fields`` with the version, and an id and a time where the topic has them and they are absent."""
    made: dict[str, Any] = {"v": 1}
    if topic in _ID_FIELD:
        made |= {_ID_FIELD[topic]: uuid.uuid4().hex, "ts_ms": _now_ms()}
    elif topic == "videos":
        made["created_ms"] = _now_ms()
    return made | fields


def _encoded(fields: dict[str, Any]) -> bytes:
    """JSON of ``fields``; raises ``BadRecord`` with the name of the one that cannot be JSON."""
    try:
        if not any(isinstance(value, float) and not math.isfinite(value) for value in fields.values()):
            return msgspec.json.encode(fields, enc_hook=_plain)
    except (TypeError, ValueError, RecursionError):
        pass  # which of them it was is found out below
    for name, value in fields.items():
        try:
            msgspec.json.encode(_finite(value), enc_hook=_plain)
        except (TypeError, ValueError, RecursionError) as error:
            raise BadRecord("type", f"$.{name}", str(error)) from None
    raise BadRecord("type", "$", "cannot be written as JSON")


def _plain(value: Any) -> Any:
    """What numpy holds as what JSON knows."""
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def _finite(value: Any) -> Any:
    """``value``, unless JSON would have it absent: NaN and infinity are no numbers there."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is no number of JSON")
    return value


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
