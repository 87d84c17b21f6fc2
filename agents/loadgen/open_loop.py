"""An open loop: events are due at a steady rate, whatever the deployment does.

The clock of an event runs from when it was due, not from when it could be sent: a load that waits for a slow system and
then measures only itself would leave out what is worst (coordinated omission).
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

import orjson
from confluent_kafka import KafkaException
from confluent_kafka import Producer as KafkaProducer

from agents.cluster import Cluster, in_kafka
from agents.loadgen.expected import Expected
from agents.loadgen.flow import Act
from agents.loadgen.listening import Listener
from agents.loadgen.report import LATE_S, Report, quantiles_ms
from agents.producer import RecordProducer, connect_or_stop, producer_options
from agents.stopping import Stopping

__all__ = ["OpenLoop"]

_SERVED: Final = 64
"""Events handed over without a look at deliveries, where there is no time to wait."""
_DELIVERY_S: Final = 60.0
_HURRY_S: Final = 5.0
"""The longest that deliveries are waited for once somebody asked to stop."""


class OpenLoop:
    """Sends events to a cluster and keeps account; a ``listener`` waits for feeds that reflect them."""

    def __init__(self, cluster: str | Cluster, listener: Listener | None = None) -> None:
        self.expected = Expected()
        self._listener, self._cluster = listener, cluster
        options = producer_options(cluster, client_id="feedstream-loadgen", timeout_s=_DELIVERY_S)
        self._kafka = KafkaProducer({**options, "log_level": 0})
        connect_or_stop(self._kafka, cluster, 10.0)
        self._sent = self._delivered = self._again = self._late = 0
        self._handed_s, self._took_s = array("f"), array("f")

    def announce(self, records: Iterable[tuple[str, str, bytes]]) -> None:
        """Publish (topic, key, value) of what the load is about, and wait until Kafka has them; raises ``Stop`` where
        it does not take them.
        """
        with RecordProducer(self._cluster, client_id="feedstream-loadgen", timeout_s=_DELIVERY_S) as producer:
            for topic, key, value in records:
                producer.send(topic, key.encode(), value)

    def run(self, acts: Iterable[Act], rate: float, count: int, stop: Stopping, tell: Callable[[str], None]) -> Report:
        """Send ``count`` events, ``rate`` a second, less if somebody asks to ``stop``; wait for their delivery."""
        began_s, told_s = time.monotonic(), 0.0
        for number, act in enumerate(islice(acts, count)):
            due_s = began_s + number / rate
            self._wait(due_s, stop)
            if stop.asked:
                break
            if due_s - told_s >= 1.0:
                told_s = due_s
                behind_s = max(0.0, time.monotonic() - due_s)
                tell(f"{number:,} of {count:,} events sent, {self._delivered:,} delivered, {behind_s:.1f} s behind")
            self._send(act, due_s, stop)
            if number % _SERVED == 0:
                self._serve(0.0)
        seconds = max(time.monotonic() - began_s, 1e-9)
        tell("waiting for delivery")
        self._kafka.flush(_HURRY_S if stop.asked else _DELIVERY_S + 1.0)
        self._kafka.purge()
        self._kafka.flush(_HURRY_S)  # what was purged is reported, and doubted
        if self._listener is not None and not stop.asked:
            self._listener.linger()
        return self._report(rate, seconds)

    def close(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.close()

    def _wait(self, due_s: float, stop: Stopping) -> None:
        while (left_s := due_s - time.monotonic()) > 0.0 and not stop.asked:
            self._serve(min(left_s, 0.005 if self._listener else 0.1))

    def _serve(self, timeout_s: float) -> None:
        self._kafka.poll(timeout_s)
        if self._listener is not None:
            self._listener.read()

    def _send(self, act: Act, due_s: float, stop: Stopping) -> None:
        if not act.again:
            act.event["ts_ms"] = int(time.time() * 1_000 - act.late_s * 1_000)

        def report(error: Any, message: Any) -> None:
            if error is not None:
                self.expected.doubt(act)
                return
            self._delivered += 1
            self._took_s.append(time.monotonic() - due_s)
            if self._listener is not None and not act.again:
                self._listener.acted(act.topic, act.event, message.partition(), message.offset(), due_s)

        if not self._produce(act.topic, act.event["user_id"], orjson.dumps(act.event), report, stop):
            return
        late_s = time.monotonic() - due_s
        self._handed_s.append(late_s)
        self._late += late_s > LATE_S
        self._sent += 1
        self._again += act.again
        self.expected.sent(act)

    def _produce(self, topic: str, key: str, value: bytes, report: Callable[..., None], stop: Stopping) -> bool:
        """Hand a record over; false where the buffer stayed full until somebody asked to stop."""
        while True:
            try:
                self._kafka.produce(in_kafka(self._cluster, topic), value, key.encode(), on_delivery=report)
            except BufferError:
                if stop.asked:
                    return False
                self._serve(0.01)
                continue
            except KafkaException as error:
                report(error.args[0], None)
            return True

    def _report(self, rate: float, seconds: float) -> Report:
        handed_p99_ms, handed_max_ms = quantiles_ms(self._handed_s, 0.99, 1.0)
        p50_ms, p99_ms = quantiles_ms(self._took_s, 0.5, 0.99)
        heard = {} if self._listener is None else self._listener.figures()
        return Report(
            loop="open",
            sent=self._sent,
            delivered=self._delivered,
            # What Kafka's client still holds after its time is refused, too.
            refused=self._sent - self._delivered,
            duplicates=self._again,
            seconds=seconds,
            asked_per_s=rate,
            achieved_per_s=self._sent / seconds,
            late=self._late,
            handed_p99_ms=handed_p99_ms,
            handed_max_ms=handed_max_ms,
            delivered_p50_ms=p50_ms,
            delivered_p99_ms=p99_ms,
            **heard,
        )
