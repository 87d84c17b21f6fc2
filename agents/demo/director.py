"""The director: broker, store, workers and audience of the demo, what is done to them, and the verdict."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agents.children import spawn
from agents.demo.gauges import Gauges, Worker
from agents.embedded import Embedded
from agents.judge.counts import compare_counts, stored_counts
from agents.judge.tally import COUNTED
from agents.store import Store, StoreUnavailable
from agents.world.audience import Audience
from agents.world.world import World

__all__ = ["Director"]

_READY_S: Final = 60.0
_SETTLE_S: Final = 45.0
_LOOK_S: Final = 1.5
_LINGER_MS: Final = 100
"""The mock cluster answers a fetch with one batch a partition, however small: many small ones would pile up."""
_LEAST_GAIN: Final = 0.05
"""How much better feeds must fit at the end than at the beginning."""


class Director:
    """One run: ``start``, ``run``, ``verdict``; ``close`` in any case. ``draw`` is called ten times a second."""

    def __init__(
        self, viewers: int, videos: int, run_s: float, hurry: float, seed: int, draw: Callable[[Gauges], None]
    ) -> None:
        self.gauges = Gauges(viewers=viewers, videos=videos, run_s=run_s)
        self.problems: list[str] = []
        self._draw = draw
        self._logs = Path(tempfile.mkdtemp(prefix="feedstream-demo-"))
        self._processes: list[subprocess.Popen[bytes] | None] = []
        self._opened_s = time.monotonic()
        self._drawn_s = 0.0
        self._looking: threading.Thread | None = None
        self._looked_s = 0.0
        self.gauges.note("starting broker and store")
        self._draw(self.gauges)
        self._embedded = Embedded()
        self._store = Store(self._embedded.redis)
        self.world = World(seed, viewers, videos, int(time.time() * 1_000))
        bootstrap = self._embedded.broker.removeprefix("kafka://")
        self.audience = Audience(self.world, bootstrap, self.gauges, hurry, _LINGER_MS)

    # --- the acts -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Two workers, all videos, then the viewers, who get their first feeds. Raises ``TimeoutError``."""
        self.gauges.note(f"announcing {self.gauges.videos:,} videos")
        self.audience.announce("videos")
        # Who watches in a hurry watches a minute in a second or two, as only bots do: that is to be believed.
        self.audience.steer("tuning.signals.slack_s", value=1e6)
        self.audience.steer("tuning.bots.on", value=False)
        for at in range(2):
            self._processes.append(None)
            self.gauges.workers.append(Worker(f"worker {at + 1}", 0, "starting"))
            self._spawn(at)
        self._until("two ready workers", lambda: all(self._ready(at) for at in range(2)))
        self.gauges.note("workers are ready; viewers sign up")
        self.audience.announce("users")
        self._until("first feeds", lambda: self.audience.served_everybody() > 0.95, step=True)
        self.gauges.note("everybody has a first feed")

    def run(self) -> None:
        """The loop, with a worker killed halfway and started again."""
        self.gauges.phase = "running"
        started_s = time.monotonic()
        killed = revived = False
        upload_s = drift_s = 0.0
        while (elapsed_s := time.monotonic() - started_s) < self.gauges.run_s:
            self.gauges.elapsed_s = elapsed_s
            self.audience.step(time.monotonic())
            if not killed and elapsed_s > self.gauges.run_s / 2:
                killed = True
                self._kill(0)
            if killed and not revived and elapsed_s > self.gauges.run_s / 2 + 3.0:
                revived = True
                self._spawn(0)
            if elapsed_s - upload_s > 1.0:
                upload_s = elapsed_s
                self.audience.upload(1)
                self.gauges.videos += 1
            if elapsed_s - drift_s > 5.0:
                drift_s = elapsed_s
                self.world.drift()
            self._look_now_and_then()
            self._watch_workers()
            self._refresh()

    def verdict(self) -> list[str]:
        """Wait until everything sent is checkpointed, then compare; every disagreement is a sentence."""
        self.gauges.phase = "settling"
        self.gauges.note("no more actions; comparing every count")
        self._until("delivery of every action", self._delivered, step=True)
        deadline_s = time.monotonic() + _SETTLE_S
        wrong = compare_counts(self._store, self.world.tally)
        while wrong and time.monotonic() < deadline_s:
            # Comparing costs more than waiting, and the workers need the time more.
            until_s = time.monotonic() + 0.5
            while time.monotonic() < until_s:
                self._pause()
            self._look_now_and_then()
            wrong = compare_counts(self._store, self.world.tally)
        if self._looking is not None:
            self._looking.join()
        self._look()
        self.gauges.phase = "done"
        gain = self.end_match - self.start_match
        if math.isnan(gain) or gain < _LEAST_GAIN:
            wrong.append(f"feeds fit hidden tastes no better at the end ({self.end_match:.2f}) than at the beginning "
                         f"({self.start_match:.2f})")  # fmt: skip
        self.gauges.note("every count agrees" if not wrong else f"{len(wrong)} disagreements")
        self._draw(self.gauges)
        return self.problems + self.audience.problems[:10] + wrong

    @property
    def start_match(self) -> float:
        """How well each viewer's first feed fitted."""
        return self.gauges.first_match.between(0, 1)

    @property
    def end_match(self) -> float:
        """How well the feeds of the last fifth fitted."""
        return self.gauges.match.between(self.gauges.run_s * 0.8, self.gauges.run_s + 1)

    def close(self) -> None:
        """Stop everything."""
        running = [process for process in self._processes if process is not None and process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(15.0)
            except subprocess.TimeoutExpired:
                process.kill()
        self.audience.close()
        self._store.close()
        self._embedded.close()

    # --- workers ------------------------------------------------------------------------------------------------------

    def _spawn(self, at: int) -> None:
        settings = {
            "broker": self._embedded.broker,
            "redis": self._embedded.redis,
            "session_timeout_s": "4",
            "checkpoint_ms": "250",
            "refill_at": "6",
        }
        path = self._logs / f"worker-{at + 1}.log"
        with path.open("wb") as log:
            process = spawn(["worker"], settings, stdout=log, stderr=log)
        self._processes[at] = process
        self.gauges.workers[at] = Worker(f"worker {at + 1}", process.pid, "starting")

    def _ready(self, at: int) -> bool:
        if self.gauges.workers[at].state == "starting":
            words = (self._logs / f"worker-{at + 1}.log").read_bytes()
            if b'"event":"ready"' in words:
                self.gauges.workers[at].state = "running"
                self.gauges.note(f"worker {at + 1} is ready")
        return self.gauges.workers[at].state == "running"

    def _kill(self, at: int) -> None:
        process = self._processes[at]
        if process is not None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            self.gauges.workers[at].state = "killed"
            self.gauges.note(f"worker {at + 1}: SIGKILL")

    def _watch_workers(self) -> None:
        for at, process in enumerate(self._processes):
            worker = self.gauges.workers[at]
            self._ready(at)
            if process is not None and worker.state != "killed" and process.poll() is not None:
                worker.state = "killed"
                self.problems.append(f"{worker.name} ended by itself with {process.returncode}: see {self._logs}")

    # --- waiting and looking ------------------------------------------------------------------------------------------

    def _until(self, what: str, holds: Callable[[], bool], *, step: bool = False) -> None:
        deadline_s = time.monotonic() + _READY_S
        while not holds():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{what} did not come within {_READY_S:g} s: see the logs in {self._logs}")
            self._watch_workers()
            if self.problems:
                raise TimeoutError(self.problems[0])
            self._pause(step=step)

    def _pause(self, *, step: bool = True) -> None:
        """A moment: the audience reads on (and asks, while it has nothing), the screen stays fresh."""
        if step:
            self.audience.step(time.monotonic(), acting=self.gauges.phase == "starting")
        else:
            time.sleep(0.05)
        self._refresh()

    def _delivered(self) -> bool:
        return self.audience.settled

    def _refresh(self) -> None:
        now_s = time.monotonic()
        self.gauges.wall_s = now_s - self._opened_s
        if now_s - self._drawn_s > 0.1:
            self._drawn_s = now_s
            self._draw(self.gauges)

    def _look_now_and_then(self) -> None:
        """Totals for the screen, counted beside the loop so that nobody waits for them."""
        now_s = time.monotonic()
        if now_s - self._looked_s > _LOOK_S and (self._looking is None or not self._looking.is_alive()):
            self._looked_s = now_s
            self._looking = threading.Thread(target=self._look, daemon=True)
            self._looking.start()

    def _look(self) -> None:
        try:
            stored = stored_counts(self._store, list(self.world.videos.row_of))
        except StoreUnavailable:
            return
        self.gauges.stored = {name: sum(one[name] for one in stored.values()) for name in COUNTED}
        self.gauges.sent = self.world.tally.totals()
