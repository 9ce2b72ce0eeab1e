"""A stream goes in, plays, is billed by the second and is paid out."""

import asyncio
import socket
from typing import Any
from urllib.parse import urljoin

import aiohttp
import pytest

from api.receipt_key import verify
from metering.money import parse_amount
from metering.receipts.check import check_receipt
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import (
    Client,
    RunningServer,
    client_of,
    eventually,
    guest_of,
    settled,
)
from tests.end_to_end.viewer import Viewer, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer, pytest.mark.timeout(180)]

# 1 XLM an hour is 2777.77.. stroops a second: no whole number, so rounding would show.
PRICE_STROOPS, PRICE_SECONDS = 10_000_000, 3600
# Charged when they are delivered; what follows is charged as time passes.
STARTUP_SECONDS = 2
_PLAY_SECONDS_MAX = 60
PRICE = [f"--price.stroops={PRICE_STROOPS}", f"--price.seconds={PRICE_SECONDS}"]


def key_url(server: RunningServer) -> str:
    return f"{server.rtmp_url}/{server.announced['stream_key']}"


async def play(viewer: Viewer, seconds: int) -> set[int]:
    """Fetch every rendition's segments in real time, until so many seconds are billed; returns the
    sequences that were fetched.
    """
    sequences: set[int] = set()
    async with asyncio.timeout(_PLAY_SECONDS_MAX):
        while (await viewer.summary())["secondsBilled"] < seconds:
            for url, playlist in (await viewer.media_playlists()).items():
                for segment in playlist.segments[-3:]:
                    address = urljoin(url, segment.uri)
                    if address not in viewer.fetched:
                        await viewer.body(address)
                        sequences.add(int(segment.uri.rpartition("/")[2].removesuffix(".m4s")))
            await asyncio.sleep(0.5)  # a player's pace
    return sequences


async def test_each_distinct_second_is_billed_once_and_paid_out_to_the_stroop(start: Any) -> None:
    server = await start(
        *PRICE, "--settlement.interval_seconds=1", "--settlement.minimum_stroops=1"
    )
    async with (
        client_of(server, **server.creator) as creator,
        guest_of(server) as guest,
        publishing(key_url(server)),
    ):
        before = await creator.get("/api/v1/earnings")
        loop = asyncio.get_running_loop()
        began = loop.time()
        viewer = await watch(guest, "main")
        sequences = await play(viewer, 8)
        result = await viewer.stop()

        # All renditions of a segment are the same two seconds; nobody can play faster than time.
        billed, there = result["secondsBilled"], loop.time() - began + STARTUP_SECONDS
        assert 8 <= billed <= min(2 * len(sequences), there)
        assert result["ticks"] == billed
        stroops = PRICE_STROOPS * billed // PRICE_SECONDS
        assert result["amount"] == f"0.{stroops:07d}"
        assert (await viewer.stop()) == result

        earnings = await eventually(lambda: settled(creator), 60, "everything is settled")
        assert earnings["settled"] == result["amount"]
        on_chain = await balance_on_chain(server, earnings["address"])
        start_balance = parse_amount(before["onChain"])
        assert on_chain == start_balance + stroops
        receipt = await sound_receipt(guest, viewer.session["sessionId"])
        assert receipt["totals"]["paid"] == str(stroops)
        [payout] = receipt["settlement"]["payouts"]
        assert payout["transaction"] in {each["transactionHash"] for each in earnings["payouts"]}


async def sound_receipt(guest: Client, session_id: str) -> Any:
    """A session's receipt, checked with nothing but the server's public keys."""
    path = f"/api/v1/streaming/sessions/{session_id}/receipt"
    async with guest.http.get(path) as answer:
        file = await answer.read()
        assert answer.status == 200, file
    checked = check_receipt(file, verify)
    assert checked.faults == ()
    assert checked.document is not None
    keys = (await guest.get("/.well-known/jwks.json"))["keys"]
    assert checked.document["key"] in {key["x"] for key in keys}
    return checked.document


async def balance_on_chain(server: RunningServer, address: str) -> int:
    """Ask the network itself, not our server."""
    url = f"{server.announced['network_url']}/accounts/{address}"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        account = await answer.json()
    native = next(b for b in account["balances"] if b["asset_type"] == "native")
    return parse_amount(native["balance"])


async def test_a_viewer_without_money_is_refused_before_any_media(start: Any) -> None:
    server = await start(*PRICE)
    async with guest_of(server, funded=False) as guest, publishing(key_url(server)):
        await eventually(lambda: _state(guest, "live"), 60, "the stream is live")
        problem = await guest.post("/api/v1/streaming/start", {"contentId": "main"}, status=402)
        assert problem["code"] == "insufficient_funds"


async def _state(client: Client, wanted: str) -> bool | None:
    content = await client.get("/api/v1/content/main")
    return True if content["state"] == wanted else None


async def test_tokens_open_one_asset_for_one_session_and_nothing_else(start: Any) -> None:
    server = await start(*PRICE)
    async with guest_of(server) as guest, publishing(key_url(server)):
        viewer = await watch(guest, "main")
        url = viewer.session["playbackUrl"]
        asset, token = url.split("/")[2:4]
        other = "ast_" + ("0" * 26)
        for broken, status in (
            (url.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B")), 401),
            (url.replace(token, "nonsense"), 401),
            (url.replace(asset, other), 403),
        ):
            problem = await guest.get(broken, status=status)
            assert problem["status"] == status
        await viewer.text(url)
        await viewer.stop()
        playlist = urljoin(url, "360p/index.m3u8")
        assert (await guest.get(playlist, status=403))["code"] == "session_closed"


async def test_a_live_stream_becomes_a_complete_recording_under_the_same_address(
    start: Any,
) -> None:
    server = await start(*PRICE)
    async with guest_of(server) as guest:
        async with publishing(key_url(server), seconds=9) as ffmpeg:
            viewer = await watch(guest, "main")
            live = await viewer.media_playlists()
            assert not any(playlist.is_endlist for playlist in live.values())
            await ffmpeg.wait()
            await eventually(lambda: _state(guest, "on_demand"), 60, "the recording is there")
        recorded = await viewer.media_playlists()
        for playlist in recorded.values():
            assert playlist.is_endlist
            assert playlist.playlist_type == "vod"
            assert sum(segment.duration for segment in playlist.segments) == pytest.approx(
                9, abs=0.2
            )
        problem = await guest.get("/api/v1/content/ast_" + "0" * 26, status=404)
        assert problem["code"] == "not_found"


async def test_a_download_that_breaks_off_is_not_billed(start: Any) -> None:
    server = await start(*PRICE)
    async with guest_of(server) as guest, publishing(key_url(server), huge=True):
        viewer = await watch(guest, "main")
        playlists = await viewer.media_playlists()
        url, playlist = next((u, p) for u, p in playlists.items() if "/source/" in u)
        await break_off(server, urljoin(url, playlist.segments[-1].uri))

        async def released() -> bool | None:
            return True if (await viewer.summary())["held"] == "0.0000000" else None

        await eventually(released, 60, "what was held for the broken download is released")
        result = await viewer.stop()
        assert result["secondsBilled"] == 0
        assert result["amount"] == "0.0000000"


async def break_off(server: RunningServer, path: str) -> None:
    """Ask for a segment, read a little of it and hang up."""
    host, _, port = server.http_url.removeprefix("http://").partition(":")
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.setblocking(False)
    await asyncio.get_running_loop().sock_connect(small, (host, int(port)))
    reader, writer = await asyncio.open_connection(sock=small, limit=4096)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert b" 200 " in await reader.readline()
    await reader.readexactly(1000)
    writer.transport.abort()


async def test_asking_for_the_size_alone_is_not_billed(start: Any) -> None:
    server = await start(*PRICE)
    async with guest_of(server) as guest, publishing(key_url(server)):
        viewer = await watch(guest, "main")
        for url, playlist in (await viewer.media_playlists()).items():
            async with guest.http.head(urljoin(url, playlist.segments[-1].uri)) as answer:
                assert answer.status == 200
                assert int(answer.headers["Content-Length"]) > 1000
        assert (await viewer.stop())["secondsBilled"] == 0
