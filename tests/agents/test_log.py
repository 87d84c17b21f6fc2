"""Logs: one JSON line an event on stderr, a name and fields, from us and from the libraries alike."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import orjson


def said(code: str) -> list[dict[str, Any]]:
    """What a process of its own writes: logging is set up once a process."""
    program = f"import logging\nfrom agents import log\nlog.configure()\n_LOG = log.get('shard')\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "", "stdout belongs to whoever asked for output"
    return [orjson.loads(line) for line in done.stderr.splitlines()]


def test_a_line_is_an_event_name_its_fields_its_part_its_level_and_when() -> None:
    (line,) = said("_LOG.info('feed_emitted', videos=20, rank_ms=3.1)")
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "feed_emitted", "videos": 20, "rank_ms": 3.1, "part": "shard", "level": "info"}


def test_what_json_cannot_say_is_said_as_text() -> None:
    (line,) = said("import pathlib; _LOG.warning('odd', path=pathlib.Path('/x'), raw={1: {2}})")
    assert line["path"] == "/x"


def test_details_are_left_out_and_the_libraries_warnings_are_lines_too() -> None:
    code = (
        "_LOG.debug('detail')\n"
        "logging.getLogger('aiokafka').info('chatter')\n"
        "logging.getLogger('aiokafka').warning('%s partitions lost', 3)"
    )
    (line,) = said(code)
    assert (line["event"], line["level"]) == ("3 partitions lost", "warning")


def test_an_exception_is_one_line_with_its_traceback() -> None:
    (line,) = said("try:\n    1 / 0\nexcept ZeroDivisionError:\n    _LOG.exception('failed', shard='u:3')")
    assert (line["event"], line["level"], line["shard"]) == ("failed", "error", "u:3")
    assert "ZeroDivisionError" in line["exception"]
