"""Players in a browser, hls.js and Shaka, on a page of their own: an embed on another site."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from scripts.node_packages import NodeUnavailable, player_files
from tests.programs import CHROMIUM_FLAGS, missing, program

# Many pages play at once, and only one of them can be in front.
FLAGS = [
    *CHROMIUM_FLAGS,
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--mute-audio",
]
_PAGE = Path(__file__).with_name("player_page.html")
_STARTERS: Mapping[str, str] = {"hls.js": "playByHls", "shaka": "playByShaka"}
_TELL_MS = 200


@dataclass(frozen=True)
class State:
    """What a player says of itself.

    Attributes:
        time: its position, in seconds.
        played: how many seconds it has shown, wherever it has jumped to.
        buffered: up to where it has media.
        begin, end: between which one can seek.
    """

    time: float
    played: float
    pictures: int
    height: int
    buffered: float
    begin: float | None
    end: float | None
    stalls: int
    errors: list[str]
    cues: list[str]
    sounds: list[str]


class BrowserPlayer:
    """One page that plays one URL."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def state(self) -> State:
        return State(**await self._page.evaluate("() => tell()"))

    async def shows(self, seconds: float, deadline: float) -> State:
        """Until it has shown so many seconds more.

        Raises:
            AssertionError: with what the player says, when it does not in time.
        """
        began = now = await self.state()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                while not now.errors:
                    if now.played - began.played >= seconds and now.pictures > began.pictures:
                        return now
                    await asyncio.sleep(_TELL_MS / 1000)
                    now = await self.state()
        raise AssertionError(f"{seconds} s were to be shown from {began}, but now: {now}")

    async def seek(self, seconds: float) -> None:
        await self._page.evaluate("(at) => { video.currentTime = at; }", seconds)

    async def call(self, function: str, *arguments: Any) -> Any:
        """One of the page's own functions."""
        return await self._page.evaluate(
            "([name, given]) => window[name](...given)", [function, list(arguments)]
        )


class Players:
    """Opens pages in one browser."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address

    @contextlib.asynccontextmanager
    async def playing(self, player: str, url: str, **settings: Any) -> AsyncIterator[BrowserPlayer]:
        """`hls.js`, with settings of its own, or `shaka` plays a URL for this block."""
        context = await self._browser.new_context(viewport={"width": 340, "height": 200})
        try:
            page = await context.new_page()
            await page.goto(self._address)
            found = BrowserPlayer(page)
            await found.call(_STARTERS[player], url, settings)
            yield found
        finally:
            await context.close()

    @contextlib.asynccontextmanager
    async def visiting(self, address: str) -> AsyncIterator[Page]:
        """A page of some server's own, for this block."""
        page = await self._browser.new_page()
        try:
            await page.goto(address)
            yield page
        finally:
            await page.close()


@contextlib.asynccontextmanager
async def browser_players() -> AsyncIterator[Players]:
    """A browser, and an origin of its own for the page."""
    try:
        files = await asyncio.to_thread(player_files)
    except NodeUnavailable as reason:
        missing(str(reason))
    application = web.Application()
    for name, path in {**files, "": _PAGE}.items():
        application.router.add_get(f"/{name}", _sender(path))
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=program("chromium"), args=FLAGS
            )
            try:
                yield Players(browser, f"http://127.0.0.1:{runner.addresses[0][1]}/")
            finally:
                await browser.close()
    finally:
        await runner.cleanup()


def _sender(path: Path) -> Any:
    body = path.read_bytes()
    media_type = "text/html" if path.suffix == ".html" else "text/javascript"

    async def send(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=media_type, charset="utf-8")

    return send
