"""Other languages, for tests: how the recipes of docs/examples/produce are run, and what comes from npm.

Java's client comes with the jars of the real Kafka, Node's from npm, Go's through Go's module proxy, each in a stated
version, fetched once and kept under ``~/.cache/feedstream``.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from agents.settings import environment
from agents.testing.servers import Unavailable, found, kafka_jars

__all__ = ["CACHE", "LANGUAGES", "asyncapi_schema", "command", "go_env", "java", "kept", "ran"]

CACHE: Final = Path("~/.cache/feedstream")
KAFKAJS: Final = "kafkajs@2.2.4"
FRANZ_GO: Final = "github.com/twmb/franz-go/pkg/kgo@v1.22.3"
ASYNCAPI: Final = "@asyncapi/specs@6.11.1"
TIMEOUT_S: Final = 240.0
"""What takes longer is not to be had here."""
LANGUAGES: Final = {".java": "java", ".mjs": "node", ".go": "go", ".sh": "kcat"}
"""What a recipe needs, by the ending of its file: the word that FEEDSTREAM_REQUIRE takes."""


def command(recipe: Path) -> list[str]:
    """What runs ``recipe``, but for its arguments. Raises ``Unavailable`` where its language or its client is not here.

    Slow the first time: Go's client is compiled (up to minutes).
    """
    return {".java": java, ".mjs": _node, ".go": _go, ".sh": _kcat}[recipe.suffix](recipe)


def java(source: Path) -> list[str]:
    """A Java source file, run with Kafka's client on its path."""
    found("javac", "apt-get install default-jdk-headless")
    return [found("java", "apt-get install default-jdk-headless"), "-cp", f"{kafka_jars()}/*", str(source)]


def asyncapi_schema() -> Path:
    """The official JSON Schema of AsyncAPI 3.0 documents. Raises ``Unavailable``."""
    return _npm(ASYNCAPI) / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"


def _node(recipe: Path) -> list[str]:
    """Node looks for packages beside the file that imports them, so a copy goes there."""
    node = found("node", "apt-get install nodejs npm")
    there = _npm(KAFKAJS) / f"{_mark(recipe.read_text())}.mjs"
    shutil.copyfile(recipe, there)
    return [node, str(there)]


def _kcat(recipe: Path) -> list[str]:
    found("kcat", "apt-get install kcat")
    return [found("bash", "apt-get install bash"), str(recipe)]


def _go(recipe: Path) -> list[str]:
    go = found("go", "apt-get install golang-go")

    def build(folder: Path) -> None:
        shutil.copyfile(recipe, folder / "main.go")
        local = go_env()
        for words in (["mod", "init", "produce"], ["get", FRANZ_GO], ["build", "-o", "produce", "."]):
            ran([go, *words], folder, local)

    return [str(kept(f"go-{_mark(FRANZ_GO + recipe.read_text())}", build) / "produce")]


def go_env(**more: str) -> dict[str, str]:
    """The environment in which Go asks the proxy for what is named and for no toolchain: the one here will do."""
    return environment() | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", **more}


def _npm(package: str) -> Path:
    """A folder whose ``node_modules`` holds ``package``; its scripts are not run."""
    npm = found("npm", "apt-get install nodejs npm")
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]

    def install(folder: Path) -> None:
        (folder / "package.json").write_text("{}\n")
        ran([npm, "install", *quiet, package], folder, environment())

    return kept(package.replace("/", "-").removeprefix("@"), install)


def kept(name: str, make: Callable[[Path], None]) -> Path:
    """Folder ``name`` of the cache, made once; safe for several processes at a time."""
    home = CACHE.expanduser() / name
    if not home.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            make(made)
            try:
                made.rename(home)
            except OSError:  # another process was faster
                if not home.exists():
                    raise
    return home


def ran(words: list[str], folder: Path, env: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> str:
    """What a program prints; raises ``Unavailable`` with its own words where it fails."""
    what = f"{Path(words[0]).name} {words[1]}"
    try:
        done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=True, timeout=timeout_s)  # noqa: S603  # fixed words
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{what} failed: {(error.stdout + error.stderr)[-1_000:]}") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{what} took more than {timeout_s:g} s") from None
    return done.stdout


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
