"""A broker and a store for commands, and the commands run on them in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson
import pytest

from agents.cli.main import main
from agents.embedded import Embedded


class Done(NamedTuple):
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on stdout; nothing else may be there."""
        return orjson.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """JSON values, one a line."""
        return [orjson.loads(line) for line in self.out.splitlines()]


Ask = Callable[..., Done]


@pytest.fixture
def ground(monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    """A broker and a store of a test's own, named by the environment."""
    with Embedded() as both:
        monkeypatch.setenv("FEEDSTREAM_BROKER", both.broker)
        monkeypatch.setenv("FEEDSTREAM_REDIS", both.redis)
        yield both


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs a command and says what it left."""

    def run(*args: object) -> Done:
        with pytest.raises(SystemExit) as left:
            main([str(arg) for arg in args])
        captured = capsys.readouterr()
        return Done(int(left.value.code or 0), captured.out, captured.err)

    return run
