"""Readouts: how the arms of an experiment differ, from the latest records of the log, while one waits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from agents.evaluate.journey import journeys
from agents.evaluate.readout import METRICS, Readout, readout
from agents.gateway.figures import Compared, Difference, ReadoutAnswer, known
from agents.spans import Log, Place, Span
from agents.tails import latest_spans
from schemas.events import EVENTS
from schemas.lines import Line
from streams import limits

__all__ = ["read_out"]

_HOUR_MS = 3_600_000


def read_out(log: Log, experiment: str, window_h: float, against: str | None, from_ms: int) -> ReadoutAnswer:
    """The readout over what was served from ``from_ms`` on; without viewers whose window is over, nothing is compared.

    Cost: it reads up to ``READOUT_RECORDS`` records. Raises ``Stop`` where Kafka does not answer.
    """
    whole = log.spans(log.places(["feeds", *EVENTS]))
    spans = latest_spans(whole, limits.READOUT_RECORDS)
    found = readout(journeys(_lines(log, spans)), experiment, against, int(window_h * _HOUR_MS), from_ms=from_ms)
    return ReadoutAnswer(
        experiment=experiment,
        window_h=window_h,
        records=sum(span.high - span.low for span in spans.values()),
        whole=spans == whole,
        base=found.base,
        viewers=found.viewers,
        waiting=found.waiting,
        switched=found.switched,
        arms=[_compared(found, arm) for arm in found.against],
    )


def _lines(log: Log, spans: Mapping[Place, Span]) -> Iterator[Line]:
    for message in log.read(spans):
        if message.value() is not None:
            yield Line(topic=message.topic(), value=msgspec.Raw(message.value()))


def _compared(found: Readout, arm: str) -> Compared:
    differences = [
        Difference(
            metric=metric,
            base=known(found.means[found.base][metric]),
            mean=known(found.means[arm][metric]),
            value=known(one.value),
            low=known(one.low),
            high=known(one.high),
            found=bool(one.found),
        )
        for metric in METRICS
        if (one := found.against[arm].get(metric)) is not None
    ]
    return Compared(arm=arm, viewers=found.viewers[arm], differences=differences)
