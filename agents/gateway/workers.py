"""Workers: what each says of itself over HTTP, for whoever looks at all of them at once.

They are found by name, anew at each look, so that a worker that was started or stopped since is noticed. One that does
not answer is told of as such, with why.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import aiohttp
import orjson
from prometheus_client.parser import text_string_to_metric_families

from agents.measures.telemetry import PREFIX, SPECS, MetricName
from streams import limits

__all__ = ["WANTED", "Asked", "Sample", "Workers", "buckets_of", "gained", "quantile", "samples", "summed"]

_PATIENCE_S: Final = 2.0
Sample = tuple[Mapping[str, str], float]
"""Labels and value."""
WANTED: Final[tuple[MetricName, ...]] = (
    "action_to_feed_seconds", "head_log_loss", "head_auc", "memory_bytes", "feed_items_total", "arm_items_total",
    "model_snapshots_total",
)  # fmt: skip
"""What is read of a page, once a look; all else is left unparsed."""


class Asked(NamedTuple):
    """One worker at ``address``: what its page of metrics and ``/states`` say, or why they say nothing."""

    address: str
    said: Mapping[MetricName, list[Sample]] = {}
    states: Mapping[str, Any] = {}
    error: str = ""


class Workers:
    """Those at ``addresses``, ``host:port`` each with commas between; a name stands for all of its addresses."""

    def __init__(self, addresses: str) -> None:
        self._named = [one.strip() for one in addresses.split(",") if one.strip()]
        self._session: aiohttp.ClientSession | None = None

    @property
    def named(self) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._named)

    async def look(self) -> list[Asked]:
        """Every worker, in order of address; takes some seconds at most, whoever hangs."""
        found = [one for part in await asyncio.gather(*map(_resolved, self._named)) for one in part]
        known = {one.address: one for one in found}
        kept = [known[address] for address in sorted(known)][: limits.WORKERS_WATCHED]
        return list(await asyncio.gather(*(self._ask(one) for one in kept)))

    async def closed(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, one: Asked) -> Asked:
        if one.error:
            return one
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_PATIENCE_S))
        try:
            page, states = await asyncio.gather(*(self._read(one.address, path) for path in ("metrics", "states")))
            return one._replace(said=samples(page.decode(), *WANTED), states=dict(orjson.loads(states)))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return one._replace(error=_why(error))

    async def _read(self, address: str, path: str) -> bytes:
        assert self._session is not None, "made by whoever asks"
        async with self._session.get(f"http://{address}/{path}") as answer:
            body = await answer.content.read(limits.WORKER_PAGE_BYTES + 1)
            while not answer.content.at_eof() and len(body) <= limits.WORKER_PAGE_BYTES:
                body += await answer.content.read(limits.WORKER_PAGE_BYTES + 1 - len(body))
        if len(body) > limits.WORKER_PAGE_BYTES:
            raise ValueError(f"/{path} has more than {limits.WORKER_PAGE_BYTES} bytes")
        if answer.status != 200:
            raise ValueError(f"/{path} answers {answer.status}: is it the metrics port of a worker?")
        return body


async def _resolved(named: str) -> list[Asked]:
    host, _, port = named.rpartition(":")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except OSError as error:
        return [Asked(named, error=f"the name {host} is not known ({error.strerror})")]
    # A process that has two addresses, one of each kind, is one worker.
    kind = socket.AF_INET if any(family == socket.AF_INET for family, *_ in found) else socket.AF_INET6
    addresses = dict.fromkeys(str(place[0]) for family, *_, place in found if family == kind)
    return [Asked(f"[{one}]:{port}" if ":" in one else f"{one}:{port}") for one in addresses]


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it does not answer within {_PATIENCE_S:g} s"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"nothing listens there ({error.os_error.strerror})"
    return str(error) or type(error).__name__


# --- figures ----------------------------------------------------------------------------------------------------------


def samples(page: str, *names: MetricName) -> dict[MetricName, list[Sample]]:
    """What a page says of metrics, by name; of a histogram its buckets. Only their lines are parsed: a page is long."""
    starts = {PREFIX + name + ("_bucket" if SPECS[name].kind == "histogram" else ""): name for name in names}
    wanted = tuple(one + end for one in starts for end in ("{", " "))
    text = "\n".join(line for line in page.splitlines() if line.startswith(wanted)) + "\n"
    found: dict[MetricName, list[Sample]] = {name: [] for name in names}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found[starts[one.name]].append((one.labels, one.value))
    return found


def summed(found: Iterable[Sample], *labels: str) -> Counter[tuple[str, ...]]:
    """Sums by the values of ``labels``."""
    sums: Counter[tuple[str, ...]] = Counter()
    for told, value in found:
        sums[tuple(told.get(label, "") for label in labels)] += value  # type: ignore[assignment]  # sums may be floats
    return sums


def buckets_of(found: Iterable[Sample]) -> dict[float, float]:
    """A histogram: upper bound to how many were no larger."""
    return {float(le): count for (le,), count in summed(found, "le").items()}


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """Where ``share`` of a histogram lies, even within a bucket; None where it is empty.

    >>> quantile(0.5, {1.0: 10.0, 2.0: 30.0, float("inf"): 30.0})
    1.25
    """
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    rank = share * buckets[bounds[-1]]
    below, low = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank and buckets[bound] > below:
            return low if bound == float("inf") else low + (bound - low) * (rank - below) / (buckets[bound] - below)
        below, low = buckets[bound], bound
    return low


def gained(before: Mapping[float, float], after: Mapping[float, float]) -> dict[float, float]:
    """What came to a histogram between two looks; one that began anew is taken as it is."""
    if any(after.get(bound, 0.0) < count for bound, count in before.items()):
        return dict(after)
    return {bound: count - before.get(bound, 0.0) for bound, count in after.items()}
