"""A real Chromium for tests of pages, and the gateway that serves them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.agents.gateway.fake import Fake, serving
from tests.browser.phone import Phone
from tests.browser.tab import profile
from tests.conftest import program

NewPhone = Callable[..., Coroutine[Any, Any, Phone]]


@asynccontextmanager
async def a_chromium() -> AsyncIterator[Browser]:
    """Debian's Chromium; no browser is ever downloaded."""
    found = program("chromium")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for all tests."""
    async with a_chromium() as browser:
        yield browser


@pytest.fixture
def screenshots(request: pytest.FixtureRequest) -> Path:
    """Folder of pictures, ``--screenshots``; it outlives the run."""
    folder: Path = request.config.rootpath / request.config.getoption("--screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def gateway() -> AsyncIterator[str]:
    """Where a gateway listens that knows nobody yet."""
    async with serving(Fake()) as url:
        yield url


@pytest_asyncio.fixture(loop_scope="session")
async def new_phone(chromium: Browser, gateway: str) -> AsyncIterator[NewPhone]:
    """Makes phones, each with a browser profile of its own. At the end none of them may have met an error."""
    phones: list[Phone] = []

    async def made(width: int = 390, height: int = 844, touch: bool = True, **options: Any) -> Phone:
        context = await profile(
            chromium, viewport={"width": width, "height": height}, has_touch=touch, is_mobile=touch, **options
        )
        phones.append(Phone(await context.new_page(), gateway))
        return phones[-1]

    yield made
    for phone in phones:
        if not phone.page.is_closed():
            await phone.page.unroute_all(behavior="wait")  # whoever still changes an answer would miss it
        await phone.page.context.close()
    assert [error for phone in phones for error in phone.errors] == []


@pytest_asyncio.fixture(loop_scope="session")
async def phone(new_phone: NewPhone) -> Phone:
    """A phone on which ann, who likes cats and cooking, has just signed up."""
    made = await new_phone()
    await made.sign_up()
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def desk(new_phone: NewPhone) -> Phone:
    """The same on a desk."""
    made = await new_phone(1440, 900, touch=False)
    await made.sign_up()
    return made
