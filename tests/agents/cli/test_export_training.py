"""``feedstream export-training``: one row an example, whose it is, what came of it, and its features."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import orjson
import pytest

from agents.cli.export_training import examples
from agents.cli.main import main
from agents.world.world import World
from schemas.lines import Line, parse_line
from streams.ranking.features import FEATURES
from streams.ranking.tilt import HEADS


@pytest.fixture(scope="module")
def log() -> list[Line]:
    return [parse_line(text) for text in World(2, viewers=10, videos=60).log(1_200, previews=False)]


def test_examples_say_whose_they_are_and_what_came_of_them(log: list[Line]) -> None:
    frames = list(examples(log, most=20))
    assert all(len(frame) == 20 for frame in frames[:-1])
    assert len(frames) > 2
    first = frames[0]
    assert list(first.columns) == ["user_id", "video_id", "weight", *HEADS, *(f"x_{name}" for name in FEATURES)]
    liked = {
        (line.key, parsed["video_id"])
        for line in log
        if line.topic == "events.like" and (parsed := orjson.loads(line.value_bytes or b"{}"))
    }
    for frame in frames:
        assert (frame.user_id != "").all()
        pairs = set(zip(frame.user_id[frame.like], frame.video_id[frame.like], strict=True))
        assert pairs <= liked
        assert np.isfinite(frame.filter(like="x_").to_numpy()).all()
    assert any(frame.like.any() for frame in frames)
    assert sum(map(len, frames)) == len(next(examples(log))), "however it is cut"


def written(log: list[Line], folder: Path) -> Path:
    file = folder / "log.jsonl"
    lines = (b'{"topic":"%b","key":"%b","value":%b,"ts_ms":%d}\n' % (
        line.topic.encode(), line.key_bytes or b"", bytes(line.value), line.ts_ms) for line in log)  # fmt: skip
    file.write_bytes(b"".join(lines))
    return file


def run(*args: str | Path) -> int:
    with pytest.raises(SystemExit) as left:
        main(["export-training", *(str(arg) for arg in args)])
    return int(left.value.code or 0)


def test_without_pyarrow_it_says_what_to_install(
    log: list[Line], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert run(written(log[:100], tmp_path), "--out", tmp_path / "out") == 1
    assert capsys.readouterr().err == "feedstream: export-training needs pyarrow: pip install 'feedstream[parquet]'\n"
    assert not (tmp_path / "out").exists()


def test_what_is_written_is_read_again(log: list[Line], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pyarrow")
    import pandas as pd  # noqa: PLC0415

    assert run(written(log, tmp_path), "--out", tmp_path / "out") == 0
    (file,) = sorted((tmp_path / "out").iterdir())
    (frame,) = examples(log)
    assert capsys.readouterr().err == f"{len(frame)} examples in 1 files in {tmp_path / 'out'}\n"
    pd.testing.assert_frame_equal(pd.read_parquet(file), frame)
