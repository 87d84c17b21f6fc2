"""What people read of a creator: the latest first, no more than a screen, and nothing that is gone goes unsaid."""

from __future__ import annotations

from typing import Any

import pytest

from agents.cli.creator import _print
from agents.cli.main import main


def told(uploads: int, gone: int = 0) -> dict[str, Any]:
    one = {"tier": 1, "standing": "open", "active": True, "exposures": 7, "likes": 3, "feed_views_30d": 5}
    decision = {"decision": "promote", "from": 0, "to": 1, "spent": 120, "budget": 200, "score": 0.31, "bar": 0.1}
    audience = {"viewers": 9, "segments": {"cats, [b]food": 6}, "activity": {"new": 9}, "approximate": ["segments"]}
    return {
        "creator_id": "bob", "followers": 4, "feed_views_30d": 5, "audience": audience,
        "uploads": [one | {"video_id": f"[red]v{at}", "created_ms": 0} for at in range(uploads)],
        "tier_history": [decision | {"video_id": f"v{at}", "ts_ms": at * 86_400_000} for at in range(uploads)],
        "tier_decisions_gone": gone,
    }  # fmt: skip


def test_long_lists_are_cut_and_say_so_and_ids_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    _print(told(23, gone=2))
    out = capsys.readouterr().out
    assert out.count("and 3 more: --json prints all of them") == 2
    assert "2 earlier decisions are not kept any more" in out
    assert "[red]v0" in out
    assert "cats, [b]food: 6" in out
    assert "audience.segments (approximate)" in out
    assert "audience.viewers " in out
    assert "0.31/0.10" in out
    assert out.index("1970-01-23") < out.index("1970-01-22"), "the latest decision first"


def test_of_nobody_there_is_little_to_read(capsys: pytest.CaptureFixture[str]) -> None:
    _print({"creator_id": "x", "followers": 0, "feed_views_30d": 0, "uploads": []})
    out = capsys.readouterr().out
    assert "followers" in out
    assert "more" not in out
    assert "history" not in out


def test_the_help_says_what_is_exact_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["creator", "show", "--help"])
    out = capsys.readouterr().out
    assert left.value.code == 0
    assert "Exact: followers" in out
    assert "Approximate: audience.segments" in out
