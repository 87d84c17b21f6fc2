"""The reader of broadcast topics: what Kafka cannot say for a moment is asked again."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from agents.errors import Stop
from agents.worker import replica


class Moving:
    """A consumer of a partition whose leader moves: ``refusals`` times nobody knows where it is."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    def get_watermark_offsets(self, _place: object, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        if self.refusals:
            self.refusals -= 1
            raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
        return 7, 9


async def test_a_partition_without_a_leader_is_asked_again_and_at_last_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "_REST_S", 0.0)
    reader = replica.BroadcastReader("a:1", ["video.state"], print)
    assert reader._begin(Moving(3), "video.state", 2) == 7
    monkeypatch.setattr(replica, "_LEADERLESS_S", 0.0)
    with pytest.raises(Stop, match=r"does not say where partition 2 of video\.state begins \(.*eader.*\): look at"):
        reader._begin(Moving(1_000), "video.state", 2)


async def test_whoever_is_told_to_end_waits_for_no_leader() -> None:
    reader = replica.BroadcastReader("a:1", ["video.state"], print)
    reader.close()
    with pytest.raises(Stop):
        reader._begin(Moving(1_000), "video.state", 2)
