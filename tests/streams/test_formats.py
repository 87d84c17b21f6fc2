"""Whatever is stored tells a newer format from none at all: the one stops a worker, the other is a fault."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from schemas.formats import NewerFormat, check_format
from streams.control.promotions import Pacer
from streams.control.reports import Reports
from streams.shards.video_shard import decode_state
from streams.signals.outcomes import OutcomeTable
from streams.viewer.viewers import ViewerTable

NEWER = msgspec.msgpack.encode((99, {}))
STATE = {"format": 99, "video": None, "active": True, "numbers": b""}


@pytest.mark.parametrize(
    "read",
    [
        lambda: ViewerTable().decode(["ann"], [b"\x63"]),
        lambda: OutcomeTable().decode(np.array([0]), [b"\x63"]),
        lambda: decode_state(msgspec.msgpack.encode(STATE)),
        lambda: Pacer().decode(NEWER),
        lambda: Reports().decode(NEWER),
    ],
    ids=["viewer", "outcome", "video", "spent", "reports"],
)
def test_what_a_newer_version_stored_is_named_with_both_formats(read) -> None:
    with pytest.raises(NewerFormat, match=r"has format 99, this version reads \d and before"):
        read()


@pytest.mark.parametrize("number", [0, -1])
def test_a_format_that_never_was_is_no_newer_one(number: int) -> None:
    with pytest.raises(ValueError, match="a row has format") as refused:
        check_format("a row", number, newest=3)
    assert not isinstance(refused.value, NewerFormat)
    check_format("a row", 1, newest=3)
