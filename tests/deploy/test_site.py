"""The site of the documents: it is whole, asks no other host for anything, and can be searched without a server."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import a_chromium

ROOT = Path(__file__).parents[2]
LOADS = {("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src"), ("source", "src"), ("video", "src")}
"""What a browser fetches by itself."""


class Links(HTMLParser):
    """What a page refers to, and the places in it that can be referred to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in LOADS:
                self.loads.append(value or "")
            elif (tag, name) == ("a", "href"):
                self.leads.append(value or "")
            elif name in {"id", "name"}:
                self.places.add(value or "")


def staged(build: Path, root: Path = ROOT) -> Path:
    spec = importlib.util.spec_from_file_location("stage", ROOT / "deploy" / "site" / "stage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings: Path = module.stage(build, root)
    return settings


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("build")
    # Whoever asks for a page through this proxy finds that nobody answers.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:1")
    words = [Path(sys.executable).parent / "zensical", "build", "--strict", "-f", staged(build)]
    done = subprocess.run(words, env=os.environ | nowhere, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return build / "site"


def test_every_page_is_in_it_and_every_link_leads_somewhere(site: Path) -> None:
    pages = {path: Links(path) for path in site.rglob("*.html")}
    sources = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").rglob("*.md")]
    assert len(pages) == len(sources) + 1, "and a page that says that there is none"
    lost = []
    for page, links in pages.items():
        for target in (*links.loads, *links.leads):
            name, _, place = unquote(target).partition("#")
            if re.match(r"https?://|javascript:|data:", name) or page.name == "404.html":
                continue
            aimed = (page.parent / name).resolve() if name else page
            if not aimed.is_file() or (place and aimed in pages and place not in pages[aimed].places):
                lost.append(f"{page.relative_to(site)} refers to {target}")
    assert lost == []


def test_nothing_is_fetched_from_another_host(site: Path) -> None:
    fetched = [one for page in site.rglob("*.html") for one in Links(page).loads]
    assert len(fetched) > 100
    assert [one for one in fetched if re.match(r"(https?:)?//", one)] == []
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", styles) == []


def test_marks_for_tests_are_not_shown(site: Path) -> None:
    assert (ROOT / "docs" / "events" / "like.md").read_text().count("```json good") > 1
    assert not re.search(r"```|json (good|bad)|sh run", (site / "docs" / "events" / "like.html").read_text())


def test_a_page_in_no_line_of_the_navigation_is_refused(tmp_path: Path) -> None:
    on_top = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE")
    for name in (*on_top, "docs/forgotten.md", "deploy/helm/feedstream/README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(SystemExit, match=r"docs/forgotten\.md is in no line of the navigation: add it to"):
        staged(tmp_path / "build", tmp_path)


@pytest.mark.chromium
async def test_search_works_on_a_page_opened_from_a_file_and_nothing_leaves_the_machine(site: Path) -> None:
    async with a_chromium() as browser:
        await _searched(browser, site / "index.html")


async def _searched(browser: Browser, page: Path) -> None:
    tab = await browser.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: pytest.fail(str(error)))
    await tab.goto(page.as_uri())
    await tab.keyboard.press("/")
    await tab.get_by_role("status").get_by_text("results").or_(tab.locator("input:focus")).first.wait_for()
    await tab.keyboard.type("murmur2_random", delay=20)
    answer = tab.get_by_role("listbox").get_by_text("The wire").first
    await answer.wait_for()
    await answer.click()
    await tab.wait_for_url("**/docs/wire.html*")
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
