"""Own functions are found by their settings, and the example of the documents runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.errors import BadSettings
from agents.ports import ports_of
from agents.settings import Settings
from schemas.lines import read_lines
from streams.ranking.ports import Ports
from streams.replay import Replay

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NIGHT_MS = 1_700_000_000_000  # at 22:13


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("own_ranking", "'own_ranking': use module:function"),
        ("nowhere_at_all:f", "No module named 'nowhere_at_all'; its folder must be on PYTHONPATH"),
        ("math:shorter", "math has no shorter"),
        ("math:pi", "pi is no function"),
        ("broken_port:f", "importing broken_port failed with ZeroDivisionError"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_a_sentence(value, said, tmp_path, monkeypatch):
    (tmp_path / "broken_port.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("SCORER", "SOURCE"):
        with pytest.raises(BadSettings, match=f"FEEDSTREAM_{name} is ") as error:
            ports_of(Settings.from_env({f"FEEDSTREAM_{name}": value}))
        assert said in str(error.value)


def test_nothing_is_set_by_default():
    assert ports_of(Settings.from_env({})) == Ports()


def test_the_example_takes_part_in_the_ranking(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    settings = Settings.from_env({
        "FEEDSTREAM_SCORER": "own_ranking:shorter_at_night", "FEEDSTREAM_SOURCE": "own_ranking:editors_picks"
    })  # fmt: skip
    ports = ports_of(settings)

    def scores(ports: Ports) -> dict[str, float]:
        lines = list(read_lines((EXAMPLES / "first.jsonl").read_bytes().splitlines()))
        batches = list(Replay(NIGHT_MS + 86_400_000, ports=ports).run(lines))
        return {item.video_id: item.score for item in batches[0].items}

    plain, own = scores(Ports()), scores(ports)
    assert plain.keys() == own.keys()
    assert all(own[name] < plain[name] for name in plain), "it is night, and everything is some seconds old"
    assert ports.source is not None
