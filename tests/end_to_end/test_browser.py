"""Chromium with hls.js plays a real clip for half a minute, and the bill is what it watched."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from metering.money import parse_amount
from scripts.test_media import ClipUnavailable, big_buck_bunny_720p
from tests.end_to_end.publisher import publishing
from tests.end_to_end.reconnect_trial import WATCH_FOR_STALLS
from tests.end_to_end.running_server import client_of, eventually, settled
from tests.programs import CHROMIUM_FLAGS, missing, program

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(240)]

PLAY_SECONDS = 30
STARTUP_SECONDS = 2
# A machine that is busy may hold a picture up for a moment; who lost its place stands longer.
FROZEN_MS_MAX = 3_000


@contextlib.asynccontextmanager
async def browser_page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program("chromium"), args=CHROMIUM_FLAGS
        )
        try:
            yield await browser.new_page(viewport={"width": 1280, "height": 800})
        finally:
            await browser.close()


@pytest.fixture(scope="session")
def clip() -> Path:
    try:
        return big_buck_bunny_720p()
    except ClipUnavailable as reason:
        missing(str(reason))


async def probe(page: Page) -> dict[str, Any]:
    state: dict[str, Any] = await page.evaluate(
        "() => Object.fromEntries(Object.keys(Object.getOwnPropertyDescriptors(window.tollcast))"
        ".map(name => [name, window.tollcast[name]]))"
    )
    return state


async def test_a_real_clip_plays_without_a_stall_and_is_billed_by_the_second(
    start: Any, clip: Path, tmp_path: Path
) -> None:
    server = await start("--settlement.interval_seconds=1", "--settlement.minimum_stroops=1")
    url = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with (
        publishing(url, clip=clip),
        client_of(server, **server.creator) as creator,
        browser_page() as page,
    ):

        async def live() -> bool | None:
            content = await creator.get("/api/v1/content/main")
            return True if content["state"] == "live" else None

        await eventually(live, 60, "the clip is live")
        await page.goto(f"{server.http_url}/watch/main")
        loop = asyncio.get_running_loop()
        clicked = loop.time()
        await page.get_by_role("button", name="Watch").click()
        await page.wait_for_function("() => window.tollcast.decodedFrames > 10", timeout=60_000)
        begun = await probe(page)
        assert len(begun["levels"]) >= 2
        # Stalls while the first picture is found are start-up.
        await page.evaluate(WATCH_FOR_STALLS)
        await page.wait_for_function(
            f"() => window.tollcast.currentTime >= {begun['currentTime'] + PLAY_SECONDS / 2}",
            timeout=60_000,
        )
        lowest = min(range(len(begun["levels"])), key=lambda i: begun["levels"][i]["height"])
        middle = await probe(page)
        await choose_other_quality(page, begun["levels"][lowest]["height"])
        await page.wait_for_function(
            f"() => window.tollcast.currentTime >= {begun['currentTime'] + PLAY_SECONDS}",
            timeout=60_000,
        )
        ended = await probe(page)
        assert await page.evaluate("() => window.frozenMs") <= FROZEN_MS_MAX
        assert ended["decodedFrames"] > middle["decodedFrames"] > begun["decodedFrames"]
        assert ended["levels"][ended["currentLevel"]]["height"] == begun["levels"][lowest]["height"]
        await page.screenshot(path=tmp_path / "watch.png")

        played = await page.evaluate(
            "() => { const p = document.querySelector('video').played; let sum = 0;"
            " for (let i = 0; i < p.length; i++) sum += p.end(i) - p.start(i); return sum; }"
        )
        await page.get_by_role("button", name="Stop watching").click()
        await page.locator("#receipt").wait_for()
        watched = loop.time() - clicked
        earnings = await eventually(lambda: settled(creator), 60, "everything is settled")
        price = (await creator.get("/api/v1/content/main"))["price"]
        seconds = parse_amount(earnings["settled"]) * price["seconds"] / int(price["stroops"])
        # The first two seconds are charged when they are delivered, the rest as time passes.
        assert played - 2 <= seconds <= watched + STARTUP_SECONDS


async def choose_other_quality(page: Page, height: int) -> None:
    await page.locator("video").hover()
    await page.get_by_role("button", name="Quality").click()
    await page.get_by_role("menuitemradio", name=f"{height}p").click()
