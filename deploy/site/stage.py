"""Puts the documents under build/ as the site's generator reads them: ``python deploy/site/stage.py``.

In the repository pages stand where whoever looks for them looks: README.md on top, others in docs/. Their links are
those of the repository, and fences carry marks for tests. The site keeps the paths, so links stay as they are, but for
the names of the pages on top; the marks go.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Final

__all__ = ["stage"]

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
ON_TOP: Final = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "LICENSE.txt",
    "deploy/helm/feedstream/README.md": "chart.md",
}
"""What stands above docs/, and what it is called in the site."""
_STAR: Final = re.compile(r'"(docs/[\w/]+)/\*"')
_NAMED: Final = re.compile(r'"([\w/.-]+\.md)"')
_MARK: Final = re.compile(r"^(```\w+) \w+$", re.MULTILINE)
_LINK: Final = re.compile(r"(\]\()([^)\s#]+)([^)\s]*\))")


def stage(build: Path, root: Path = ROOT) -> Path:
    """Fill ``build`` with the pages of ``root`` and the generator's settings; returns the settings' path.

    Raises ``SystemExit`` where a page is in no line of the navigation.
    """
    pages = build / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(root / "docs", pages / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "assets", pages / "assets")
    for there, here in ON_TOP.items():
        shutil.copyfile(root / there, pages / here)
    names = {path.relative_to(pages).as_posix() for path in pages.rglob("*.md")}
    sources = {here: there for there, here in ON_TOP.items()}
    for name in names:
        page = pages / name
        page.write_text(_led(_MARK.sub(r"\1", page.read_text()), sources.get(name, name), name))
    text = _STAR.sub(lambda star: _spread(star[1], names), (HERE / "zensical.toml").read_text())
    if lost := sorted(names - set(_NAMED.findall(text))):
        raise SystemExit(f"{lost[0]} is in no line of the navigation: add it to deploy/site/zensical.toml")
    settings = build / "zensical.toml"
    settings.write_text(text)
    return settings


def _spread(folder: str, names: set[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names) if str(Path(name).parent) == folder)


def _led(text: str, source: str, name: str) -> str:
    """``text`` of the page ``name``, whose ``source`` may stand elsewhere, with links to where the site has them."""

    def one(link: re.Match[str]) -> str:
        aim = os.path.normpath(Path(source).parent / link[2])
        if "://" in link[2] or (aim not in ON_TOP and source == name):
            return link[0]
        return f"{link[1]}{os.path.relpath(ON_TOP.get(aim, aim), Path(name).parent)}{link[3]}"

    return _LINK.sub(one, text)


if __name__ == "__main__":
    stage(ROOT / "build")
