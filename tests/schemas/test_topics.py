"""The registry says of every topic what DESIGN section 3 says."""

from __future__ import annotations

from schemas.events import EVENTS
from schemas.topics import COUNTS, TOPICS

MIB = 1_048_576


def test_events_and_engagement_keep_everything() -> None:
    for name in (*EVENTS, "engagement"):
        assert TOPICS[name].configs()["retention.ms"] == "-1"
        assert TOPICS[name].cleanup == "delete"


def test_a_large_record_can_be_quarantined_at_all() -> None:
    assert {TOPICS[name].max_message_bytes for name in EVENTS} == {2 * MIB}
    assert TOPICS["dead-letters"].max_message_bytes == 3 * MIB


def test_topics_keyed_by_user_have_the_same_number_of_partitions() -> None:
    by_user = {name for name, topic in TOPICS.items() if topic.key == "user_id"}
    assert by_user == {*EVENTS, "feed.requests", "users", "feeds", "feed.delta", "receipts"}
    assert {TOPICS[name].partitions for name in by_user} == {"users"}
    assert {TOPICS[name].partitions for name in ("videos", "engagement", "video.state")} == {"videos"}


def test_compacted_topics_are_those_whose_latest_record_counts() -> None:
    compacted = {name for name, topic in TOPICS.items() if topic.cleanup == "compact"}
    assert compacted == {"users", "videos", "promotions", "control", "video.state", "models"}


def test_a_topic_stands_under_its_own_name_with_every_word_filled_in() -> None:
    for name, topic in TOPICS.items():
        assert topic.name == name
        assert topic.description
        assert topic.producers
        assert topic.consumers


def test_the_counts_are_the_nine_of_video_show() -> None:
    assert COUNTS == (
        "impressions",
        "watches",
        "watch_ms",
        "likes",
        "shares",
        "skips",
        "comments",
        "follows",
        "saves",
    )
