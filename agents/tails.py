"""Tails: the latest records of partitions, for whoever looks at the end of a log and not at all of it."""

from __future__ import annotations

from collections.abc import Mapping

from agents.spans import Place, Span

__all__ = ["latest_spans"]


def latest_spans(spans: Mapping[Place, Span], most: int) -> dict[Place, Span]:
    """The ends of ``spans`` that hold at most ``most`` records together, as many of each as of any other where there
    are enough.

    >>> latest_spans({("a", 0): Span(0, 100), ("a", 1): Span(0, 2)}, 10)
    {('a', 0): Span(low=92, high=100), ('a', 1): Span(low=0, high=2)}
    """
    left, made = most, {}
    order = sorted(spans.items(), key=lambda one: one[1].high - one[1].low)
    for at, (place, span) in enumerate(order):
        held = min(span.high - span.low, left // (len(order) - at))
        made[place] = Span(span.high - held, span.high)
        left -= held
    return {place: made[place] for place in spans}
