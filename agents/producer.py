"""The record producer: bytes to Kafka, in order, none twice, none silently lost.

A thin wrapper of librdkafka's idempotent producer that states every option we depend on. It exists because two things
must never differ between the programs that publish: the partitioner (murmur2) and what happens when a record cannot be
delivered. It must never drop a record: a full queue blocks or refuses, a failed delivery is an error with the record's
name. It looks into no record; what apps use is ``agents.client.Producer``, which stands on it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as KafkaProducer

from agents.cluster import Cluster, cluster_options, in_kafka
from agents.errors import Retry, Stop
from streams import limits

__all__ = [
    "ANY_PARTITION",
    "BufferFull",
    "DeliveryFailed",
    "Headers",
    "RecordProducer",
    "Ticket",
    "connect_or_stop",
    "producer_options",
]

ANY_PARTITION: Final = -1
"""Let the partitioner choose by key."""
Headers = Sequence[tuple[str, bytes]]

_FULL: Final = "the buffer is full: a record for {} was not taken: try again later, or give the producer more room"
_LOG = logging.getLogger("feedstream.kafka")


class DeliveryFailed(Stop):
    """A record was not delivered; the message names topic, partition and reason."""


class BufferFull(Retry):
    """There is no room for another record; it was not taken."""


class Ticket:
    """Counts the deliveries of one batch of records: take one, send with it, wait for it.

    Safe to wait on from the thread or the event loop of the caller; deliveries are reported by the producer's thread.
    """

    def __init__(self, *, places: bool = False) -> None:
        """``places``: note where records came to stand."""
        self.places: dict[tuple[str, int], int] | None = {} if places else None
        """Topic and partition to the next offset after the records delivered there; None where it is not asked for."""
        self._lock = threading.Lock()
        self._pending = 0
        self._settled = threading.Event()
        self._settled.set()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self.failed = 0
        """Records that were not delivered."""
        self.failures: list[tuple[object, DeliveryFailed]] = []
        """The first of them, ``limits.REPORTED`` at most: the tag each was sent with, and why."""

    @property
    def pending(self) -> int:
        """Records sent with this ticket and not yet reported on."""
        return self._pending

    def wait(self, timeout_s: float | None = None) -> None:
        """Block until every record sent so far is delivered.

        Raises ``DeliveryFailed`` if one was not, ``TimeoutError`` after ``timeout_s``.
        """
        if not self._settled.wait(timeout_s):
            raise TimeoutError(f"{self._pending} records were not delivered within {timeout_s} s")
        self._raise()

    async def delivered(self) -> None:
        """As ``wait``, for an event loop: holds no thread. Raises ``DeliveryFailed``."""
        with self._lock:
            if self._pending:
                loop = asyncio.get_running_loop()
                future: asyncio.Future[None] = loop.create_future()
                self._waiters.append((loop, future))
            else:
                future = None  # type: ignore[assignment]  # nothing to wait for
        if future is not None:
            await future
        self._raise()

    def _sent(self) -> None:
        with self._lock:
            if not self._pending:
                self._settled.clear()
            self._pending += 1

    def _raise(self) -> None:
        if self.failures:
            raise self.failures[0][1]

    def _reported(self, error: DeliveryFailed | None, tag: object = None, topic: str = "", message: Any = None) -> None:
        """One record of ``topic`` less to wait for; ``message`` is Kafka's, where there is one."""
        with self._lock:
            self._pending -= 1
            if error is not None:
                self.failed += 1
                if len(self.failures) < limits.REPORTED:
                    self.failures.append((tag, error))
            elif message is not None and self.places is not None:
                place = topic, message.partition()
                self.places[place] = max(self.places.get(place, 0), message.offset() + 1)
            if self._pending:
                return
            self._settled.set()
            waiters, self._waiters = self._waiters, []
        for loop, future in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, future)


def producer_options(
    bootstrap: str | Cluster, *, client_id: str, timeout_s: float | None = None, room: int | None = None
) -> dict[str, Any]:
    """librdkafka's options, every one we depend on.

    ``timeout_s`` None: a record is tried for ever and a gap in a partition's series is fatal, for streams whose readers
    keep the highest offset they have applied. Otherwise a record fails after ``timeout_s``. ``room``: records held
    before they are delivered, ``limits.PRODUCER_RECORDS`` if None.
    """
    return {
        **cluster_options(bootstrap),
        "client.id": client_id,
        # Java, aiokafka and Faust hash keys so; librdkafka's default agrees on a quarter of them only.
        "partitioner": "murmur2_random",
        "enable.idempotence": True,
        "enable.gapless.guarantee": timeout_s is None,
        "acks": "all",
        "max.in.flight.requests.per.connection": 5,
        "retries": 2_147_483_647,
        "message.timeout.ms": 0 if timeout_s is None else int(timeout_s * 1_000),
        "queue.buffering.max.messages": room or limits.PRODUCER_RECORDS,
        "queue.buffering.max.kbytes": limits.PRODUCER_KIB,
        "message.max.bytes": limits.PRODUCER_RECORD_BYTES,
        # A feed batch waits for its delivery: under load, batches fill up by themselves.
        "linger.ms": 1,
        "batch.size": 1_000_000,
        "compression.type": "lz4",
        "socket.keepalive.enable": True,
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1_000,
    }


class RecordProducer:
    """Publishes records; one a process is enough. Safe to use from several threads.

    >>> RecordProducer("localhost:9092", client_id="worker-1").send("feeds", b"ann", b"{}")   # doctest: +SKIP
    """

    def __init__(
        self, bootstrap: str | Cluster, *, client_id: str, timeout_s: float | None = None, room: int | None = None
    ) -> None:
        """Connect in the background to ``bootstrap`` (``host:port[,host:port]``); see ``producer_options``."""
        self._fatal: DeliveryFailed | None = None
        self._bootstrap = bootstrap
        options = producer_options(bootstrap, client_id=client_id, timeout_s=timeout_s, room=room)
        self._kafka = KafkaProducer(options, logger=_quiet(_LOG))
        self._all = Ticket()
        self._closing = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="producer-poll", daemon=True)
        self._poller.start()

    def __enter__(self) -> RecordProducer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        self.close()

    def check(self, timeout_s: float = 10.0) -> None:
        """Raise ``Stop`` with one sentence if no broker answers within ``timeout_s``."""
        connect_or_stop(self._kafka, self._bootstrap, timeout_s)

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int = ANY_PARTITION,
        headers: Headers | None = None,
        ticket: Ticket | None = None,
        tag: object = None,
        block: bool = True,
        stamp_ms: int | None = None,
    ) -> None:
        """Queue one record, stamped with the time of sending; a copy with that of what it is a copy of, ``stamp_ms``.

        While the queue is full it blocks, or raises ``BufferFull`` where ``block`` is false. Whether the record arrived
        is said by ``ticket`` (with ``tag``, if it did not), or by ``flush``. Raises ``DeliveryFailed`` at once if the
        record can never be sent (too large), or the producer is closed or has failed for good.
        """
        self._stand()
        name, waiting = in_kafka(self._bootstrap, topic), ticket or self._all
        extra: dict[str, Any] = {"headers": list(headers)} if headers else {}
        if stamp_ms is not None:
            extra["timestamp"] = stamp_ms

        def report(error: KafkaError | None, message: Any) -> None:
            failed = None if error is None else _failed(topic, message.partition(), error)
            waiting._reported(failed, tag, topic, message)

        waiting._sent()
        while True:
            try:
                self._kafka.produce(name, value, key, partition, on_delivery=report, **extra)
            except BufferError:
                # The queue is full: room comes with deliveries, unless there will be none any more.
                if (over := self._over()) is not None:
                    waiting._reported(over, tag)
                    raise over from None
                if not block:
                    waiting._reported(None)
                    raise BufferFull(_FULL.format(topic)) from None
                self._serve(0.01)
                continue
            except KafkaException as error:
                waiting._reported(None)
                self._stand()
                raise _failed(topic, partition, error.args[0]) from None
            return

    def flush(self, timeout_s: float | None = None) -> None:
        """Block until what was sent without a ticket is delivered.

        Raises ``DeliveryFailed`` for the first record that was not, ``TimeoutError`` after ``timeout_s``.
        """
        self._all.wait(timeout_s)

    def close(self) -> None:
        """Stop; what was not delivered yet is dropped, so wait for tickets or flush before."""
        self._closing.set()
        self._poller.join()
        self._kafka.purge()
        self._serve(0.0)

    def _stand(self) -> None:
        if (over := self._over()) is not None:
            raise over

    def _over(self) -> DeliveryFailed | None:
        """Why nothing can be sent any more."""
        if self._fatal is None and self._closing.is_set():
            return DeliveryFailed("the Kafka producer is closed: what is sent now would never arrive")
        return self._fatal

    def _poll(self) -> None:
        while not self._closing.is_set():
            self._serve(0.1)

    def _serve(self, timeout_s: float) -> None:
        """Report deliveries. librdkafka raises a fatal error here: then what waits is failed, not kept waiting."""
        try:
            self._kafka.poll(timeout_s)
        except KafkaException as error:
            why = error.args[0].str()
            self._fatal = DeliveryFailed(f"the Kafka producer failed for good ({why}): start the process again")
            self._kafka.purge(blocking=False)


def connect_or_stop(client: Any, bootstrap: str | Cluster, timeout_s: float) -> Any:
    """Cluster metadata by any confluent-kafka ``client``; raises ``Stop`` with one sentence if no broker answers."""
    try:
        return client.list_topics(timeout=timeout_s)
    except KafkaException as error:
        raise Stop(
            f"Kafka at {bootstrap} does not answer within {timeout_s:g} s ({error.args[0].str()}): "
            "check FEEDSTREAM_BROKER and that the broker is up"
        ) from None


def _failed(topic: str, partition: int | None, error: KafkaError) -> DeliveryFailed:
    place = topic if partition is None or partition < 0 else f"{topic}[{partition}]"
    return DeliveryFailed(f"a record for {place} was not delivered: {error.str()}")


def _quiet(log: logging.Logger) -> logging.Logger:
    if not any(isinstance(one, _Expected) for one in log.filters):
        log.addFilter(_Expected())
    return log


class _Expected(logging.Filter):
    """Keeps back the warning that the gapless guarantee, on which we rely, is marked experimental."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "gapless" not in record.getMessage()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
