"""Encrypted segments come out of a cache that knows nothing of money, and every key is paid for."""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.async_api import Page

from metering.money import parse_amount
from tests.end_to_end.cdn import Cdn, cdn, free_address
from tests.end_to_end.films import made, make_film, upload
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import (
    RunningServer,
    client_of,
    eventually,
    guest_of,
    settled,
)
from tests.end_to_end.test_browser import browser_page
from tests.end_to_end.viewer import Viewer, watch
from tests.programs import program

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer, pytest.mark.timeout(180)]

SECONDS, RATE = 8, 10
# 2777.77.. stroops a second: no whole number, so rounding would show.
PRICE_STROOPS, PRICE_SECONDS = 10_000_000, 3600
# Noted before the page hears of it, which then closes the session and lets go of the video.
NOTE_THE_END = """document.addEventListener(
  "ended", () => { window.decodedAtTheEnd = window.tollcast.decodedFrames; }, true);"""


async def frames(server: RunningServer, viewer: Viewer) -> int:
    """How many pictures ffmpeg decodes of what the viewer's session opens."""
    process = await asyncio.create_subprocess_exec(
        program("ffmpeg"),
        *("-hide_banner", "-loglevel", "error", "-xerror"),
        *("-i", urljoin(server.http_url, viewer.session["playbackUrl"])),
        *("-map", "0:v", "-map", "0:a", "-f", "framecrc", "-"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()[-2000:]
    return sum(line.startswith("0,") for line in output.decode().splitlines())


async def public_requests(viewer: Viewer) -> int:
    """How many requests for public files the server itself has answered."""
    text = await viewer.text("/metrics")
    lines = [
        line
        for line in text.splitlines()
        if line.startswith('tollcast_http_requests_total{route="/media/{asset}/{path}"')
    ]
    assert all('status="200"' in line for line in lines), lines
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


async def billed(viewer: Viewer) -> dict[str, Any]:
    """The session once there was time to watch all of the film; it is closed then."""

    async def all_of_it() -> bool | None:
        return True if (await viewer.summary())["secondsBilled"] == SECONDS else None

    await eventually(all_of_it, SECONDS + 60, "all of the film is billed")
    return await viewer.stop()


async def test_segments_come_from_a_cache_and_keys_are_paid_for(start: Any, tmp_path: Path) -> None:
    """Five things at a time, since each takes as long as its media: they share a server only."""
    film = await make_film(tmp_path / "film.mp4", SECONDS, size="640x360", rate=RATE, keyframes=20)
    _, port = free_address()
    server: RunningServer = await start(
        f"--delivery.media_url=http://127.0.0.1:{port}",
        f"--price.stroops={PRICE_STROOPS}",
        f"--price.seconds={PRICE_SECONDS}",
        *("--settlement.interval_seconds=1", "--settlement.minimum_stroops=1"),
    )
    async with cdn(port, server.http_url, tmp_path / "cdn") as cache, asyncio.TaskGroup() as group:
        group.create_task(two_viewers_of_one_film(server, film, cache))
        group.create_task(a_film_of_encrypted_samples(server, film))
        group.create_task(a_viewer_with_too_little_money(server, film))
        group.create_task(a_live_and_its_recording(server))
        group.create_task(a_subscriber_who_pays_for_no_second(server, film))


async def two_viewers_of_one_film(server: RunningServer, film: Path, cache: Cdn) -> None:
    """ffmpeg, then Chromium with hls.js, for which the CDN is another origin: what the second one
    plays costs the server no segment, and as much as the first one had to pay.
    """
    async with (
        client_of(server, **server.creator) as creator,
        guest_of(server) as guest,
        browser_page() as page,
    ):
        content = await upload(creator, film, delivery="keys")
        assert (await made(creator, content["id"]))["delivery"] == "keys"
        first = await watch(guest, content["id"])
        assert await frames(server, first) == SECONDS * RATE
        fetched = cache.answered(content["id"])
        assert {fate for _, fate in fetched} == {"MISS"}

        await watched_to_the_end(page, server, content["id"])
        again = cache.answered(content["id"])[len(fetched) :]
        assert {fate for _, fate in again} == {"HIT"}
        assert {uri for uri, _ in again} == {uri for uri, _ in fetched}

        stroops = PRICE_STROOPS * SECONDS // PRICE_SECONDS
        assert parse_amount((await billed(first))["amount"]) == stroops
        await page.locator("#receipt").wait_for()

        async def three_are_settled() -> bool | None:
            """Of the third one samples are encrypted."""
            earnings = await settled(creator)
            return True if earnings and parse_amount(earnings["settled"]) == 3 * stroops else None

        await eventually(three_are_settled, 60, "everything is settled")
        # Of all that the cache was asked for, this is what the server saw.
        missed = [uri for uri, fate in cache.answered() if fate != "HIT"]
        assert await public_requests(first) == len(missed) == len(set(missed))


async def watched_to_the_end(page: Page, server: RunningServer, content: str) -> None:
    await page.add_init_script(NOTE_THE_END)
    await page.goto(f"{server.http_url}/watch/{content}")
    await page.get_by_role("button", name="Watch").click()
    shown = await page.wait_for_function(
        "() => window.decodedAtTheEnd", timeout=(SECONDS + 60) * 1000
    )
    assert await shown.json_value() >= SECONDS * RATE * 0.9


async def a_film_of_encrypted_samples(server: RunningServer, film: Path) -> None:
    """The browser's own module decrypts them, and asks for each of two keys once."""
    async with client_of(server, **server.creator) as creator, browser_page() as page:
        content = await upload(creator, film, delivery="keys-cbcs")
        await made(creator, content["id"])
        keys: list[str] = []
        page.on("request", lambda asked: keys.append(asked.url) if ".key" in asked.url else None)
        await watched_to_the_end(page, server, content["id"])
        assert len(keys) == len(set(keys)) == -(-SECONDS // 6)
        await page.locator("#receipt").wait_for()


async def a_viewer_with_too_little_money(server: RunningServer, film: Path) -> None:
    """All that they have pays for three seconds, and a key opens six."""
    async with (
        client_of(server, **server.creator) as creator,
        guest_of(server) as guest,
        guest_of(server, funded=False) as poor,
    ):
        balance = parse_amount((await guest.get("/api/v1/payments/balance"))["balance"])
        price = {"priceStroops": str(balance), "priceSeconds": "3"}
        content = await upload(creator, film, delivery="keys-cbcs", **price)
        await made(creator, content["id"])
        refused = await poor.post("/api/v1/streaming/start", {"contentId": content["id"]}, 402)
        assert refused["code"] == "insufficient_funds"

        viewer = await watch(guest, content["id"])
        for url, playlist in (await viewer.media_playlists()).items():
            segment = playlist.segments[0]
            await guest.get(urljoin(url, segment.key.uri), status=402)
            assert (await viewer.body(segment.uri))[4:8] == b"moof", "it is there, and closed"
        assert (await viewer.stop())["secondsBilled"] == 0


async def a_subscriber_who_pays_for_no_second(server: RunningServer, film: Path) -> None:
    """All that they had went into the fee, and what it includes is served without a stroop more."""
    async with client_of(server, **server.creator) as creator, guest_of(server) as guest:
        content = await upload(creator, film, delivery="direct")
        await made(creator, content["id"])
        wish = {"plan": "bronze"}
        async with guest.http.post(
            "/api/v1/subscriptions", json=wish, headers={"Idempotency-Key": "bronze"}
        ) as answer:
            assert answer.status == 201, await answer.text()
        assert parse_amount((await guest.get("/api/v1/payments/balance"))["balance"]) == 0
        viewer = await watch(guest, content["id"])
        assert await frames(server, viewer) == SECONDS * RATE
        assert parse_amount((await billed(viewer))["amount"]) == 0
        subscription = (await guest.get("/api/v1/subscriptions"))["subscription"]
        assert (subscription["state"], subscription["secondsUsed"]) == ("active", SECONDS)


async def a_live_and_its_recording(server: RunningServer) -> None:
    """What is public of a live stays as it is under the same addresses, and opens as before."""
    async with client_of(server, **server.creator) as creator, guest_of(server) as guest:
        free = {"name": "stage", "delivery": "keys", "price": {"stroops": 0, "seconds": 1}}
        source = await creator.post("/api/v1/sources", free, 201)
        async with publishing(f"{server.rtmp_url}/{source['streamKey']}", seconds=9) as ffmpeg:
            viewer = await watch(guest, "stage")
            while_live = await public(viewer)
            await ffmpeg.wait()

        async def recorded() -> bool | None:
            state = (await guest.get("/api/v1/content/stage"))["state"]
            return True if state == "on_demand" else None

        await eventually(recorded, 60, "the recording is there")
        afterwards = await public(viewer)
        assert while_live
        assert while_live.items() < afterwards.items()
        assert await frames(server, viewer) >= 8 * 25


async def public(viewer: Viewer) -> dict[str, tuple[str, bytes, bytes]]:
    """By the address of a segment: its vector, its bytes, and the key that opens it."""
    return {
        segment.uri: (
            segment.key.iv,
            await viewer.body(segment.uri),
            await viewer.body(urljoin(url, segment.key.uri)),
        )
        for url, playlist in (await viewer.media_playlists()).items()
        for segment in playlist.segments
    }
