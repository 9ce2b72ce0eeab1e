"""A creator in the studio, in Chromium: an upload that is watched, and advice for an encoder."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.end_to_end.films import make_film
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import Client, RunningServer, client_of, eventually
from tests.end_to_end.test_browser import browser_page, probe

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer, pytest.mark.timeout(180)]

WAIT_MS = 60_000
LONG_GOP_FRAMES = 250


async def test_a_film_from_the_studio_is_watched_and_paid_for(start: Any, tmp_path: Path) -> None:
    server = await start("--price.stroops=10000000", "--price.seconds=100")
    film = await make_film(tmp_path / "holiday.mp4", 8)
    async with browser_page() as page, client_of(server, **server.creator) as creator:
        address = await upload_in_studio(page, str(server.announced["studio_url"]), film)
        await page.goto(f"{server.http_url}{address}")
        await page.get_by_role("button", name="Watch", exact=True).click()

        async def played() -> dict[str, Any] | None:
            state = await probe(page)
            return state if state["currentTime"] >= 3 else None

        state = await eventually(played, 60, "three seconds have been played")
        assert not state["live"]

        async def earned() -> str | None:
            total = str((await creator.get("/api/v1/earnings"))["total"])
            return total if total != "0.0000000" else None

        await eventually(earned, 60, "the creator earns")


async def upload_in_studio(page: Page, studio: str, film: Path) -> str:
    """Upload a film; the address of its watch page."""
    await page.goto(studio)
    await page.set_input_files("input[type=file]", film)
    await page.get_by_role("button", name="Upload", exact=True).click()
    watch = page.get_by_role("link", name="Watch: ")
    await expect(watch).to_be_visible(timeout=WAIT_MS)
    await expect(page.get_by_text("Ready in 480p and 360p.")).to_be_visible(timeout=WAIT_MS)
    return str(await watch.get_attribute("href"))


async def test_an_encoder_with_rare_keyframes_is_told_what_to_set(start: Any) -> None:
    """Events and page say so; when the encoder has been set right and is back, it is told so."""
    server = await start()
    url = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with browser_page() as page, client_of(server, **server.creator) as creator:
        await page.goto(str(server.announced["studio_url"]))
        await expect(page.locator(".source .badge")).to_have_text("Not publishing")
        async with publishing(url, keyframes=LONG_GOP_FRAMES):
            report = await first_report(creator)
            assert "gop_too_long" in [one["code"] for one in report["findings"]]
            advice = page.get_by_text("Set Keyframe Interval to 2 s in OBS, Settings, Output.")
            await expect(advice).to_be_visible(timeout=WAIT_MS)
            assert "Lavf" in await page.locator(".publisher-client").inner_text()
            await page.get_by_text("Settings and keys").click()
            window = page.get_by_label("When the publisher drops")
            await expect(window).to_have_value("60")
            await window.select_option("30")
            await expect(page.locator(".settings-said").first).to_contain_text(
                "Saved", timeout=WAIT_MS
            )
            await change_price(page, creator)
        await eventually(lambda: nobody_publishes(creator), 60, "the encoder is gone")
        async with publishing(url):
            report = await first_report(creator)
            assert "gop_too_long" not in [one["code"] for one in report["findings"]]
            await expect(advice).to_be_hidden(timeout=WAIT_MS)
            # The line is written with what comes after the report.
            await eventually(lambda: reported_twice(server), 60, "both reports are in the log")


async def nobody_publishes(creator: Client) -> bool | None:
    (source,) = (await creator.get("/api/v1/sources"))["items"]
    return None if source["publishers"] else True


async def change_price(page: Page, creator: Client) -> None:
    """In the studio, of the next broadcast and of the one that is running."""
    await page.get_by_role("button", name="Change the price").click()
    await page.get_by_label("Price per hour").fill("0.72")
    await page.get_by_label("Also for the broadcast that is running").check()
    await page.get_by_role("button", name="Save the price").click()
    await expect(page.get_by_role("dialog")).to_be_hidden(timeout=WAIT_MS)
    (source,) = (await creator.get("/api/v1/sources"))["items"]
    running = await creator.get(f"/api/v1/content/{source['assetId']}")
    assert [one["price"]["perHour"] for one in (source, running)] == ["0.7200000"] * 2


async def first_report(creator: Client) -> dict[str, Any]:
    """The report of the one publisher as soon as events tell it."""
    async with creator.http.get("/api/v1/sources/events") as events:
        async for line in events.content:
            if not line.startswith(b"data: "):
                continue
            (source,) = json.loads(line.removeprefix(b"data: "))["items"]
            for publisher in source["publishers"]:
                report: dict[str, Any] = publisher["preflight"]
                if report["complete"]:
                    return report
    raise AssertionError("the events ended")


async def reported_twice(server: RunningServer) -> bool | None:
    log = (server.data.parent / "server.log").read_text()
    return True if log.count("rtmp preflight") == 2 else None
