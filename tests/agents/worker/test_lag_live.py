"""What a worker has applied is no lag any more, and lag names the worker."""

from __future__ import annotations

import os
import socket

from agents.lag import lags
from agents.spans import Log
from agents.testing.live import Live


def test_what_is_applied_is_no_lag_and_its_owner_is_named(live: Live) -> None:
    live.send("users", "lag-ann", {"v": 1, "user_id": "lag-ann"})
    live.send("feed.requests", "lag-ann", {"v": 1, "request_id": "lag", "user_id": "lag-ann", "ts_ms": 1})
    log = Log(live.bootstrap)
    live.until("no lag", lambda: not any(one.lag for one in lags(log, live.store) if one.topic != "training"))
    (worker,) = live.workers
    assert worker.process.pid != os.getpid()
    found = lags(log, live.store)
    assert {one.owner for one in found} == {f"{socket.gethostname()}:{worker.process.pid}"}
    assert sum(one.end for one in found if one.topic == "users") > 0
