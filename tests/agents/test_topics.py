"""The broker's topics are brought to what the registry says, once and safely."""

from __future__ import annotations

from typing import Any

import pytest

from agents.errors import Stop
from agents.settings import Settings
from agents.testing.servers import RealKafka
from agents.topics import Admin, check, partitions_of
from schemas.topics import TOPICS


def settings(**more: Any) -> Settings:
    return Settings.from_env({}, **more)


def test_partitions_come_from_the_settings() -> None:
    chosen = settings(user_partitions=7, video_partitions=3)
    counts = {name: partitions_of(topic, chosen) for name, topic in TOPICS.items()}
    assert (counts["events.like"], counts["feeds"], counts["engagement"], counts["control"]) == (7, 7, 3, 1)


def test_a_mock_cluster_makes_topics_when_asked(mock_broker: str) -> None:
    admin = Admin(mock_broker, settings())
    assert admin.is_mock
    assert admin.apply() == []
    assert admin.diff() == []
    assert set(admin.partitions(TOPICS).values()) == {4}


def test_other_partition_counts_are_named_and_never_changed(mock_broker: str) -> None:
    admin = Admin(mock_broker, settings(user_partitions=8))
    found = admin.diff()
    assert {one.what for one in found} == {"partitions"}
    assert str(found[0]) == "events.watch: partitions is 4, should be 8"
    with pytest.raises(Stop, match=r"events.watch: .* 4, should be 8 \(and 14 topics more\).*_USER_PARTITIONS"):
        admin.apply()


def test_a_worker_is_told_of_wrong_partition_counts(mock_broker: str) -> None:
    check(mock_broker, settings(), TOPICS)
    with pytest.raises(Stop, match="topic videos has 4 partitions but FEEDSTREAM_VIDEO_PARTITIONS is 5"):
        check(mock_broker, settings(video_partitions=5), ["events.like", "videos"])


def test_an_absent_broker_is_one_sentence(unused_port: int) -> None:
    with pytest.raises(Stop, match=r"does not answer within 0\.3 s"):
        Admin(f"127.0.0.1:{unused_port}", settings(), timeout_s=0.3)


@pytest.mark.kafka
def test_topics_that_keep_everything_keep_as_many_days_as_the_settings_say(kafka: RealKafka) -> None:
    others = settings(broker=kafka.url)
    Admin(others.kafka, others).apply()  # of the same names, which are none of the ones with a prefix
    told = settings(history_days=2, topic_prefix="short.", broker=kafka.url)
    assert {one.found for one in Admin(told.kafka, told).diff()} == {"missing"}
    Admin(told.kafka, told).apply()
    forever = settings(topic_prefix="short.", broker=kafka.url)
    longer = {str(one) for one in Admin(forever.kafka, forever).diff()}
    assert "events.like: retention.ms is 172800000, should be -1" in longer
    assert "engagement: retention.ms is 172800000, should be -1" in longer
    assert not [said for said in longer if said.startswith(("feeds:", "users:", "videos:"))]
    assert Admin(told.kafka, told).diff() == []
