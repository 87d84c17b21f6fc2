"""Dead letters carry what was found, byte for byte; too many of them stop the worker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.dead_letters import BadShare, dead_letter
from agents.errors import Stop


@given(key=st.none() | st.binary(), value=st.none() | st.binary(), offset=st.integers(0, 2**63 - 1))
def test_key_and_value_are_kept_byte_for_byte(key: bytes | None, value: bytes | None, offset: int) -> None:
    letter = dead_letter("events.like", 3, offset, key, value, "type", "$.ctx.tz_min")
    assert (letter.key, letter.value) == (key, value)
    assert letter.headers == (
        ("cause", b"type"),
        ("path", b"$.ctx.tz_min"),
        ("topic", b"events.like"),
        ("partition", b"3"),
        ("offset", str(offset).encode()),
    )


def test_a_worker_stops_when_more_than_the_share_is_bad() -> None:
    watch = BadShare(0.5)
    watch.add(998, 498, now_s=0.0)
    watch.add(2, 2, now_s=29.0)
    with pytest.raises(Stop, match=r"501 of the latest 1001 records are bad, more than FEEDSTREAM_BAD_SHARE=0.5"):
        watch.add(1, 1, now_s=29.5)


def test_few_records_never_stop_a_worker() -> None:
    BadShare(0.5).add(999, 999, now_s=0.0)


def test_what_is_older_than_the_window_is_forgotten() -> None:
    watch = BadShare(0.5)
    for at in range(10):
        watch.add(400, 400, now_s=at * 31.0)


def test_a_share_of_zero_never_stops() -> None:
    BadShare(0.0).add(10_000, 10_000, now_s=0.0)
