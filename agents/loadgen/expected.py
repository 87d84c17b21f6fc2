"""What must come of a load: the nine counts of every video, by the judge, kept small while the load goes on.

A viewer meets a video in one story, so a count is a sum over stories: each is judged by itself, and forgotten when its
last event was sent. As a file it is what ``feedstream loadgen --check`` compares a deployment with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from agents.errors import Stop
from agents.judge.tally import COUNTED, Tally
from agents.loadgen.flow import Act

__all__ = ["Expectation", "Expected", "read_expectation"]

_FORMAT: Final = 1


class Expectation(msgspec.Struct, frozen=True):
    """A load's ``name`` and ``seed``, and the ``counts`` of each video.

    ``doubtful`` are videos of events that Kafka did not confirm: they may have arrived, so nothing can be said of them.
    """

    name: str
    seed: int
    events: int
    counts: dict[str, dict[str, int]]
    doubtful: list[str] = []
    format: int = _FORMAT

    def write(self, path: Path) -> None:
        """As JSON; raises ``Stop`` where the file cannot be written."""
        try:
            path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")
        except OSError as error:
            raise Stop(f"the tally cannot be written to {path}: {error.strerror}; name another file") from None

    def certain(self) -> dict[str, dict[str, int]]:
        """Counts of the videos that are not doubtful."""
        left_out = set(self.doubtful)
        return {video: counts for video, counts in self.counts.items() if video not in left_out}


def read_expectation(path: Path) -> Expectation:
    """What a file says; raises ``Stop`` where it is no tally."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Expectation)
    except (OSError, msgspec.MsgspecError) as error:
        raise Stop(f"{path} is no tally ({error}): use a file that `feedstream loadgen --tally` wrote") from None
    if found.format != _FORMAT or any(set(counts) != set(COUNTED) for counts in found.counts.values()):
        raise Stop(f"{path} is a tally of another version: make the load anew with this one")
    return found


class Expected:
    """Counts of what was sent so far."""

    def __init__(self) -> None:
        self._stories: dict[int, Tally] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._doubtful: set[str] = set()

    def sent(self, act: Act) -> None:
        """An event was handed over; one that is sent again changes nothing."""
        if act.again:
            return
        tally = self._stories.get(act.story)
        if tally is None:
            tally = self._stories[act.story] = Tally()
        tally.add(act.topic, act.event)
        if act.last:
            self._close(self._stories.pop(act.story))

    def doubt(self, act: Act) -> None:
        """Kafka did not confirm an event."""
        self._doubtful.add(act.event["video_id"])

    def expectation(self, name: str, seed: int, events: int) -> Expectation:
        """All of it, stories that were not told to their end too."""
        while self._stories:
            self._close(self._stories.popitem()[1])
        return Expectation(name, seed, events, self._counts, sorted(self._doubtful))

    def _close(self, tally: Tally) -> None:
        for video, counts in tally.counts().items():
            sums = self._counts.setdefault(video, dict.fromkeys(COUNTED, 0))
            for name, count in counts.items():
                sums[name] += count
