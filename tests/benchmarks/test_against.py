"""Old against new: what is beyond the bound is said, and another tree's code is what runs."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from benchmarks.against import _MODULE, _NOW_MS, _REPLAY, _log, _run, verdict
from benchmarks.against import _ROOT as ROOT


def test_more_than_the_bound_is_beyond() -> None:
    lines, holds = verdict({"a": ([1.0], [1.0]), "b": ([3.1, 3.1, 9.0], [2.0, 2.0, 0.1])}, most=1.5)
    assert not holds
    assert lines == [
        "a: 1 now, 1 then: 1.00 times (at most 1.5)",
        "b: 3.1 now, 2 then: 1.55 times (at most 1.5, BEYOND)",
    ]


def test_a_module_of_another_tree_runs_there(tmp_path: Path) -> None:
    for name in ("streams", "benchmarks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "benchmarks" / "told.py").write_text("import sys, streams; print(streams.__file__, sys.argv[1])")
    out = _run(tmp_path, _MODULE, "benchmarks.told", "word")
    assert out.split() == [str(tmp_path / "streams" / "__init__.py"), "word"]
    with pytest.raises(click.ClickException, match="the measurement failed in ") as failed:
        _run(tmp_path, _MODULE, "benchmarks.nothing")
    assert "No module named" in failed.value.message


def test_a_replay_is_measured_event_by_event(tmp_path: Path) -> None:
    us = float(_run(ROOT, _REPLAY, str(_log(tmp_path / "log.jsonl", 2_000)), str(_NOW_MS + 10**9)))
    assert 1.0 < us < 100_000.0
