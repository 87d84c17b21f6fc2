"""What a gateway tells Prometheus of itself, and what it leaves to workers."""

from __future__ import annotations

from aiohttp.test_utils import make_mocked_request

from agents.gateway.app import _metrics


async def test_a_gateway_shows_no_gauge_that_would_call_it_a_worker_that_is_never_ready() -> None:
    """The alert WorkerNotReady looks for feedstream_ready 0, NoWorkers for none at all."""
    told = bytes((await _metrics(make_mocked_request("GET", "/metrics"))).body).decode()  # type: ignore[arg-type]
    assert "\nfeedstream_gateway_open " in told
    assert "feedstream_ready" not in told
    assert "feedstream_memory_bytes" not in told
