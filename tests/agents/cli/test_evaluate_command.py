"""``feedstream evaluate``: figures of a log, beside chance and counters, with one sentence where there is nothing."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from agents.cli.main import main
from agents.evaluate.drift import permuted
from agents.evaluate.judge import delayed, targets_of, with_previews
from agents.evaluate.measure import FAMILIES
from agents.world.world import World
from schemas.lines import parse_line
from streams.control.tuning import OFF


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small world's log without its previews."""
    return written(tmp_path_factory.mktemp("evaluate") / "world.jsonl", 8_000)


def written(path: Path, events: int) -> Path:
    lines = [text.strip() for text in World(3, viewers=20, videos=150).log(events) if b'"feed.requests"' not in text]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def ran(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(["evaluate", *words])
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_the_ranking_stands_beside_its_rivals(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, str(log), "--json")
    report = orjson.loads(out)
    assert code == 0
    ranked = report["rankings"]
    ours = ranked["feedstream"]
    assert {row["previews"] for row in ranked.values()} == {ours["previews"]}
    assert ours["previews"] > 40
    assert ours["hr50"] > ranked["random"]["hr50"]
    assert 0 <= ours["hr10_interval"][0] <= ours["hr10"] <= ours["hr10_interval"][1] <= 1
    assert 0 < ours["mrr"] <= 1
    assert 0 < ours["spread10"] <= 1 < ours["novelty10"]
    given = [row["previews"] for name, row in report["slices"].items() if name.startswith("likes given")]
    assert sum(given) == ours["previews"]
    assert {"likes, half-life 2 h", "item co-occurrence", "River BiasedMF"} <= ranked.keys()


def test_every_way_of_judging_leaves_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = written(tmp_path / "short.jsonl", 2_500)  # which is read once for each thing that is left out
    words = ["--thin", "5", "--no-rivals", "--delay-s", "60", "--delay-s", "3600", "--permute", "--ablate", "--heads"]
    code, out, _ = ran(capsys, str(log), *words, "--json")
    report = orjson.loads(out)
    assert code == 0
    assert {"feedstream, 1 min late", "feedstream, 1 h late", "feedstream, tastes permuted"} < report["rankings"].keys()
    assert any(name.endswith("(permuted)") for name in report["slices"])
    assert report["without"].keys() == OFF.keys() | FAMILIES.keys()
    assert report["heads"]["long_view"]["auc"] > report["heads"]["long_view, River"]["auc"] - 0.05
    assert 0 < report["heads"]["long_view"]["calibration_error"] < 0.2


def test_people_get_a_table(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, str(log), "--thin", "5", "--no-rivals", "--judge-from", "0.2")
    assert code == 0
    assert "HR@10" in out
    assert "likes given" in out
    assert "half-life" not in out


def test_permuted_viewers_act_as_others_did_and_nothing_is_lost(log: Path) -> None:
    lines = list(with_previews(parse_line(text) for text in log.read_bytes().splitlines()))
    found = list(permuted(lines, 0.5))
    assert len(found) == len(lines)
    same = sum(one == other for one, other in zip(lines, found, strict=True))
    assert 0.3 < same / len(lines) < 0.7
    for one, other in zip(lines, found, strict=True):
        assert (one.topic, one.ts_ms) == (other.topic, other.ts_ms)
        assert orjson.loads(bytes(other.value)).get("user_id", other.key) == other.key or other.topic == "videos"


def test_late_feedback_is_known_late(log: Path) -> None:
    lines = list(with_previews(parse_line(text) for text in log.read_bytes().splitlines()))
    late = list(delayed(lines, 600_000))
    assert sorted(map(str, late)) == sorted(map(str, lines))
    now_ms, known_ms = 0, 0
    for line in late:
        if line.topic.startswith("events."):
            known_ms = max(known_ms, line.ts_ms)
        else:
            now_ms = max(now_ms, line.ts_ms)
        if line.topic == "feed.requests":
            assert known_ms + 600_000 <= max(now_ms, *(one.ts_ms for one in lines[: lines.index(line) + 1]))
    assert list(delayed(lines, 0)) == lines
    asked = [line for line in lines if line.topic == "feed.requests"]
    assert [line for line in late if line.topic == "feed.requests"] == asked


def test_previews_stand_before_whatever_the_viewer_did_with_what_was_liked(log: Path) -> None:
    lines = list(with_previews(parse_line(text) for text in log.read_bytes().splitlines()))
    targets = [target for target in targets_of(lines) if target is not None]
    assert len(targets) > 60
    met: set[tuple[str | None, str]] = set()
    waiting = iter(targets_of(lines))
    for line in lines:
        if line.topic == "feed.requests":
            assert (line.key, next(waiting) or "") not in met
        elif line.topic.startswith("events."):
            met.add((line.key, orjson.loads(bytes(line.value))["video_id"]))


def test_a_log_without_likes_and_a_bad_line_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.jsonl"
    path.write_bytes(b'{"topic":"users","key":"u","value":null}\n')
    code, out, err = ran(capsys, str(path))
    assert (code, out) == (1, "")
    assert "nothing to judge by" in err
    path.write_bytes(b"{\n")
    code, _, err = ran(capsys, str(path))
    assert code == 1
    assert "line 1" in err
