"""The static files of the pages: small, tidy, whole in themselves, and such that a strict policy lets them run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "agents" / "gateway" / "pages"
FILES = sorted(path for path in PAGES.rglob("*") if path.is_file())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
FILE_LINES, FUNCTION_LINES, COLUMNS = 400, 70, 120
PAGE_BYTES = 180_000
"""A page as it stands; gzip takes it to less than a third."""
FUNCTION = re.compile(r"( *)(?:export )?(?:async )?(?:static )?(?:function \w+|(?!if|for|while|switch)\w+)\(.*\{$")


def place(path: Path) -> str:
    return path.relative_to(PAGES).as_posix()


def test_the_pages_were_found():
    assert len(SCRIPTS) > 20


def test_a_file_is_one_noun_or_verb_and_its_lines_fit():
    long = [place(path) for path in FILES if len(path.read_text().splitlines()) > FILE_LINES]
    wide = [
        f"{place(path)}:{at}"
        for path in FILES
        for at, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > COLUMNS
    ]
    assert (long, wide) == ([], [])


def test_a_function_fits_on_a_page():
    long = {}
    for path in SCRIPTS:
        lines = path.read_text().splitlines()
        for at, line in enumerate(lines):
            if (found := FUNCTION.fullmatch(line)) is None:
                continue
            end = next((nth for nth in range(at, len(lines)) if lines[nth].startswith(found[1] + "}")), at)
            if end - at + 1 > FUNCTION_LINES:
                long[f"{place(path)}:{at + 1}"] = end - at + 1
    assert long == {}


def test_every_script_and_style_says_what_it_is():
    silent = [
        place(path)
        for path in FILES
        if path.suffix in {".js", ".css"} and not re.match(r"//\s\w+|/\*\s\w+", path.read_text())
    ]
    assert silent == []


def test_nothing_is_fetched_from_elsewhere_and_nothing_stands_inline():
    """What a Content-Security-Policy of ``'self'`` would refuse."""
    elsewhere = re.compile(r"(?:src|href|url|import|from)\W{1,3}(?:https?:)?//")
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son\w+=\"|javascript:|\beval\(|innerHTML|document\.write"
    )
    found = [place(path) for path in FILES if elsewhere.search(text := path.read_text()) or inline.search(text)]
    assert found == []


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.iterdir() if path.is_dir()))
def test_a_page_is_small(page):
    assert sum(path.stat().st_size for path in (PAGES / page).rglob("*") if path.is_file()) < PAGE_BYTES


def test_every_import_of_a_script_is_there():
    missing = [
        f"{place(path)}: {name}"
        for path in SCRIPTS
        for name in re.findall(r'from "(\.[^"]+)"', path.read_text())
        if not (path.parent / name).is_file()
    ]
    assert missing == []


def test_every_script_is_used():
    used = {
        (path.parent / name).resolve() for path in SCRIPTS for name in re.findall(r'from "(\.[^"]+)"', path.read_text())
    }
    loaded = {path.name for path in SCRIPTS if any(f"/{path.name}" in one.read_text() for one in PAGES.rglob("*.html"))}
    assert [place(path) for path in SCRIPTS if path not in used and path.name not in loaded] == []


def loaded_by(page: str) -> set[Path]:
    """The scripts of a page, those of others among them."""
    found, next_ = set[Path](), {(PAGES / page / "main.js").resolve()}
    while next_:
        found |= next_
        named = ((path, name) for path in next_ for name in re.findall(r'from "(\.[^"]+)"', path.read_text()))
        next_ = {(path.parent / name).resolve() for path, name in named} - found
    return found


@pytest.mark.parametrize("page", sorted(path.name for path in PAGES.iterdir() if path.is_dir()))
def test_every_symbol_that_is_shown_is_drawn_and_the_other_way_round(page):
    html = (PAGES / page / "index.html").read_text()
    drawn = set(re.findall(r'id="i-([\w-]+)"', html))
    scripts = "\n".join(path.read_text() for path in loaded_by(page))
    views = set(re.findall(r"^  (\w+): \[\"", scripts, re.MULTILINE)) if page == "dashboard" else set()
    used = views | {name for name in drawn if f'"{name}"' in scripts or f'href="#i-{name}"' in html}
    asked = set(re.findall(r'icon\("([\w-]+)"\)', scripts)) | set(re.findall(r'row\("([\w-]+)"', scripts))
    assert (sorted(asked - drawn), sorted(drawn - used)) == ([], [])


def test_a_wheel_brings_the_pages_along():
    built = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    assert {f"*{path.suffix}" for path in FILES} <= set(built)


def test_what_a_script_exports_is_imported_and_what_a_style_names_is_there():
    text = {path: path.read_text() for path in FILES if path.suffix in {".js", ".css", ".html"}}
    scripts = {path: words for path, words in text.items() if path.suffix == ".js"}
    styles = "\n".join(words for path, words in text.items() if path.suffix == ".css")
    others = "\n".join(words for path, words in text.items() if path.suffix != ".css")
    imported = {
        name.strip()
        for words in scripts.values()
        for names in re.findall(r"import \{([^}]*)\}", words)
        for name in names.split(",")
    }
    exported = {
        name
        for words in scripts.values()
        for name in re.findall(r"^export (?:async )?(?:function|const|class) (\w+)", words, re.MULTILINE)
    }
    classes = set(re.findall(r"\.([a-z][\w-]*)(?=[^;{}]*\{)", styles))
    properties = set(re.findall(r"(--[\w-]+):", styles))
    assert sorted(exported - imported) == []
    composed = {"falling", "icon-more"}  # of a trend's state, and of a symbol's name
    unused = {name for name in classes if not re.search(rf"(?<![\w-]){name}(?![\w-])", others)}
    assert sorted(unused - composed) == []
    assert sorted(name for name in properties if f"var({name})" not in styles and name not in others) == []
