"""Shells as a reader of the documents has them open, and a stack to try them on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.embedded import free_port
from agents.settings import environment
from tests.conftest import program

__all__ = ["PATIENCE_S", "READY", "Shell", "opened"]

ROOT = Path(__file__).parents[1]
PATIENCE_S = 120.0
READY = '"role":"all".*"event":"ready"'
"""What a worker logs when it is."""
DONE = "== done:"


class Shell:
    """A bash: what is written is run, what it prints is kept; ``code`` is how the latest command ended."""

    def __init__(self, folder: Path, port: int) -> None:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.port, self.printed, self.code = port, "", 0
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            ["bash"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
            cwd=folder, env=environment(gateway_port=str(port)) | {"PATH": path}, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def write(self, text: str) -> None:
        """Type ``text``, with the port of this stack in the place of 8080; do not wait for anything."""
        assert self._process.stdin is not None
        self.printed = ""
        self._process.stdin.write(text.replace("127.0.0.1:8080", f"127.0.0.1:{self.port}") + "\n")

    def run(self, text: str) -> str:
        """Type ``text`` and wait until it is done; what it printed."""
        self.write(f"{text}\necho '{DONE}' $?")
        found = self.waited(rf"{DONE} (\d+)\n")
        self.code = int(found[1])
        printed = found.string[: found.start()]
        return printed if printed.endswith("\n") or not printed else f"{printed}\n"

    def waited(self, pattern: str) -> re.Match[str]:
        """Wait until what was printed since the latest command matches ``pattern`` somewhere."""
        deadline_s = time.monotonic() + PATIENCE_S
        with self._news:
            while (found := re.search(pattern, self.printed)) is None:
                rest_s = deadline_s - time.monotonic()
                assert rest_s > 0, f"expected {pattern}\n\nprinted:\n{self.printed}"
                self._news.wait(rest_s)
        return found

    def close(self) -> None:
        """End it and all that it started."""
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(30)
        self._reader.join(30)
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.printed += line
                self._news.notify_all()
        self._process.stdout.close()


@contextmanager
def opened(folder: Path, count: int, *tools: str) -> Iterator[list[Shell]]:
    """So many shells in ``folder``, which looks like a checkout: with docs/ and an environment to activate.

    Skips, or fails where they are required, without ``tools``.
    """
    for tool in tools:
        program(tool)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "docs").symlink_to(ROOT / "docs")
    port = free_port()
    shells = [Shell(folder, port) for _ in range(count)]
    try:
        yield shells
    finally:
        for shell in reversed(shells):
            shell.close()
