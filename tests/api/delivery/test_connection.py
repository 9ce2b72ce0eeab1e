"""Slow, silent and greedy clients cost the others nothing, nor themselves what they leave."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from api.auth.playback_token import Grant
from api.delivery.watch import Deadlines
from config import telemetry
from config.limits import IMAGE_BYTES_MAX
from packager.naming import MP4, PlaylistPath, SegmentPath
from packager.package import Charge, MediaFile
from tests.api.delivery.dialogue import answers
from tests.api.delivery.open_images import open_images
from tests.api.delivery.site import (
    ASSET,
    MULTIVARIANT,
    PATIENCE_MS,
    RENDITION,
    UNITS,
    Site,
    open_site,
)

DEADLINES = Deadlines(
    head_ms=600, body_ms=600, write_ms=600, keep_alive_ms=1_200, pace_bytes=1_000, watch_ms=50
)
# More than both kernels hold; and a window with room for some of the loopback's 64 KiB segments.
LARGE, WINDOW = 8_000_000, 262_144
SECONDS_MAX = 30

type Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site(DEADLINES) as site:
        site.film.sizes = {0: LARGE}
        yield site


@contextlib.asynccontextmanager
async def connected(site: Site, *, window: int = 0) -> AsyncIterator[Peer]:
    """A connection. `window`: what the kernel keeps for a client that does not read."""
    connection = socket.socket()
    if window:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", site.port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1 << 16)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def ask(target: str, *fields: str, method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: a", *fields, "", "")).encode()


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The next answer: head and body."""
    async with asyncio.timeout(SECONDS_MAX):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
        return head, await reader.readexactly(length)


async def some(reader: asyncio.StreamReader, count: int) -> bytes:
    """The next bytes."""
    async with asyncio.timeout(SECONDS_MAX):
        return await reader.readexactly(count)


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server closes."""
    received = bytearray()
    async with asyncio.timeout(SECONDS_MAX):
        with contextlib.suppress(ConnectionError):
            while more := await reader.read(1 << 20):
                received += more
    return bytes(received)


async def delivered(site: Site, grant: Grant) -> int:
    await site.intake.sweep()
    return (await site.intake.close(grant.session_id)).delivered_seconds


async def test_a_body_counts_when_its_last_byte_was_taken(site: Site) -> None:
    whole, aborted, slow = [await site.session(viewer) for viewer in ("a", "b", "c")]

    async def take(grant: Grant) -> None:
        async with connected(site, window=WINDOW) as (reader, writer):
            writer.write(ask(site.url(grant, f"{RENDITION}/0.m4s")))
            _, body = await answer(reader)
            assert len(body) == LARGE

    async def leave(grant: Grant) -> None:
        async with connected(site, window=WINDOW) as (reader, writer):
            writer.write(ask(site.url(grant, f"{RENDITION}/0.m4s")))
            await some(reader, 100_000)

    async def stop_reading(grant: Grant) -> None:
        async with connected(site, window=WINDOW) as (reader, writer):
            writer.write(ask(site.url(grant, f"{RENDITION}/0.m4s")))
            await some(reader, 1_000)
            await counted("tollcast_deliveries_aborted_total", before + 2)

    before = _metric("tollcast_deliveries_aborted_total")
    await asyncio.gather(take(whole), leave(aborted), stop_reading(slow))
    seconds = [await delivered(site, grant) for grant in (whole, aborted, slow)]
    assert seconds == [2, 0, 0]


async def test_what_many_get_at_once_is_whole_and_billed_by_the_same_rules(site: Site) -> None:
    """It goes out of a file, and what the kernel does not take at once as everything else does."""
    site.film.sizes = {0: IMAGE_BYTES_MAX}
    file = site.film.file_at_hand(SegmentPath(RENDITION, 0))
    assert file is not None
    site.film.remembered = {0: file}
    viewers = [await site.session(f"{number}") for number in range(12)]
    target = f"{RENDITION}/0.m4s"
    before = _metric("tollcast_deliveries_aborted_total")

    async def take(grant: Grant) -> None:
        async with connected(site, window=WINDOW) as (reader, writer):
            writer.write(ask(site.url(grant, target)) + ask(site.url(grant, "master.m3u8")))
            assert (await answer(reader))[1] == file.body
            assert (await answer(reader))[1] == MULTIVARIANT

    async def leave(grant: Grant) -> None:
        async with connected(site, window=WINDOW) as (reader, writer):
            writer.write(ask(site.url(grant, target)))
            await some(reader, 100_000)

    async def stop_reading(grant: Grant) -> None:
        async with connected(site, window=WINDOW) as (reader, writer):
            writer.write(ask(site.url(grant, target)))
            await some(reader, 1_000)
            await counted("tollcast_deliveries_aborted_total", before + 2)

    await asyncio.gather(*map(take, viewers[:8]))
    assert open_images() == 1
    await asyncio.gather(take(viewers[8]), take(viewers[9]), leave(viewers[10]))
    await stop_reading(viewers[11])
    seconds = [await delivered(site, grant) for grant in viewers]
    assert seconds == [2] * 10 + [0, 0]


async def test_what_is_missing_something_by_our_fault_is_given_for_nothing(site: Site) -> None:
    flawed = Charge(1, UNITS, 2 * UNITS, waived=True)
    site.film.remembered = {1: MediaFile(b"half of it", MP4, flawed)}
    grant = await site.session()
    for at_hand in (False, True):  # also by the slower way
        site.film.at_hand = at_hand
        async with connected(site) as (reader, writer):
            for number in range(2):
                writer.write(ask(site.url(grant, f"{RENDITION}/{number}.m4s")))
                assert b" 200 " in (await answer(reader))[0]
    summary = await site.intake.close(grant.session_id)
    assert (summary.delivered_seconds, summary.seconds_waived) == (2, 2)


async def counted(metric: str, count: float) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while _metric(metric) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_slow_reader_that_goes_on_reading_gets_everything(site: Site) -> None:
    """It takes longer than the deadline, which is of each window and not of the whole."""
    grant = await site.session()
    began = site.clock.monotonic_ms()
    async with connected(site, window=WINDOW) as (reader, writer):
        writer.write(ask(site.url(grant, f"{RENDITION}/0.m4s")))
        received = 0
        while received < LARGE:
            received += len(await some(reader, min(400_000, LARGE - received)))
            await asyncio.sleep(0.05)
    assert site.clock.monotonic_ms() - began > DEADLINES.write_ms + 2 * DEADLINES.watch_ms
    assert await delivered(site, grant) == 2


async def test_silence_is_cut_off_at_each_stage_of_a_connection(site: Site) -> None:
    grant = await site.session()
    playlist = ask(site.url(grant, "master.m3u8"))
    stages = {
        "nothing": (b"", 0),
        "half a head": (playlist[:-9], 0),
        "half of a second head": (playlist + playlist[:-9], 1),
        "half of a second head, of others": (playlist + b"GET /api/echo HTTP/1.1\r\nHost", 1),
        "half a head behind one of others": (ask("/api/echo") + playlist[:-9], 1),
        "idle": (playlist, 1),
        "idle after others": (ask("/api/echo"), 1),
        "half a body": (ask("/api/echo", "Content-Length: 9", method="POST") + b"1234", 0),
        "half a chunk": (
            ask("/api/echo", "Transfer-Encoding: chunked", method="POST") + b"9\r\n1234",
            0,
        ),
        "half a head where nobody knows": (ask("/api/echo", "Upgrade: x") + b"GET /x", 1),
    }

    async def stage(data: bytes) -> bytes:
        async with connected(site) as (reader, writer):
            writer.write(data)
            return await rest(reader)

    found = await asyncio.gather(*(stage(data) for data, _ in stages.values()))
    for (name, (_, expected)), received in zip(stages.items(), found, strict=True):
        assert received.count(b"HTTP/1.1 200") == expected, name


async def test_a_herd_of_half_open_requests_is_cut_while_others_are_answered(site: Site) -> None:
    grant = await site.session()
    async with contextlib.AsyncExitStack() as stack:
        herd = [await stack.enter_async_context(connected(site)) for _ in range(200)]
        for _, writer in herd:
            writer.write(b"GET /hls/ HTTP/1.1\r\nX-Slow: ")
        async with connected(site) as (reader, writer):
            for _ in range(20):
                writer.write(ask(site.url(grant, "master.m3u8")))
                head, _ = await answer(reader)
                assert b" 200 " in head
        assert await asyncio.gather(*(rest(reader) for reader, _ in herd)) == [b""] * 200


async def test_a_long_pipeline_is_answered_in_order(site: Site) -> None:
    """Much more than is kept of it: what waits is left in the kernel."""
    grant = await site.session()
    names = (f"{RENDITION}/init-0.mp4", "nothing", f"{RENDITION}/index.m3u8")
    lines = ["/api/echo", *(site.url(grant, name) for name in names)]
    async with connected(site) as (reader, writer):
        writer.write(b"".join(ask(line) for line in lines) * 200)
        for _ in range(200):
            found = [await answer(reader) for _ in lines]
            assert [head.split()[1] for head, _ in found] == [b"200", b"200", b"404", b"200"]
            assert found[1][1] == b"init" * 200


async def waiting_are(site: Site, count: int) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while len(site.film.coming) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_what_is_announced_is_waited_for_but_not_for_ever(site: Site) -> None:
    grant = await site.session()
    playlist = site.url(grant, f"{RENDITION}/index.m3u8")
    # Of the part that follows segment 2; nothing is known of the one after that.
    part, unhinted = (site.url(grant, f"{RENDITION}/3.{number}.m4s") for number in (0, 5))
    waiting = [f"{playlist}?_HLS_msn=3", part, f"{playlist}?_HLS_msn=4", unhinted]
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(connected(site)) for _ in waiting]
        gone = await stack.enter_async_context(connected(site))
        began = site.clock.monotonic_ms()
        for (_, writer), target in zip((*peers, gone), (*waiting, waiting[0]), strict=True):
            writer.write(ask(target))
        await waiting_are(site, 4)
        gone[1].transport.abort()
        await waiting_are(site, 3)
        site.film.add()
        found = [await answer(reader) for reader, _ in peers]
    heads = [head.split(b"\r\n")[0] for head, _ in found]
    assert [head.split()[1] for head in heads] == [b"200", b"200", b"503", b"404"]
    assert f"/{RENDITION}/3.m4s".encode() in found[0][1]
    assert b"\r\nRetry-After: 1\r\n" in found[2][0]
    assert site.clock.monotonic_ms() - began >= PATIENCE_MS - 2 * DEADLINES.watch_ms


async def test_all_who_wait_for_a_playlist_get_their_own_copy_of_the_one_that_comes(
    site: Site,
) -> None:
    grants = [await site.session(f"{number}") for number in range(4)]
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(connected(site)) for _ in grants]
        for sequence in (3, 4):
            skips = ["", "&_HLS_skip=YES", "", ""]
            for (_, writer), grant, skip in zip(peers, grants, skips, strict=True):
                target = site.url(grant, f"{RENDITION}/index.m3u8")
                writer.write(ask(f"{target}?_HLS_msn={sequence}{skip}"))
            await waiting_are(site, len(grants))
            site.film.add()
            found = [(await answer(reader))[1] for reader, _ in peers]
            for body, grant, skip in zip(found, grants, skips, strict=True):
                text = site.film.playlist(PlaylistPath(RENDITION), skip=bool(skip))
                assert body == text.fill(partial(site.tokens.media_token, grant, ASSET))
                assert f"{RENDITION}/{sequence}.m4s".encode() in body


async def test_who_waits_with_others_is_answered_as_it_asked(site: Site) -> None:
    grants = [await site.session(f"{number}") for number in range(5)]
    asked: list[Callable[[str], bytes]] = [ask, ask, partial(ask, method="HEAD"), ask, ask]
    asked[3] = lambda target: ask(target, "Connection: close")
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(connected(site)) for _ in grants]
        for (_, writer), grant, request in zip(peers, grants, asked, strict=True):
            writer.write(request(site.url(grant, f"{RENDITION}/index.m3u8") + "?_HLS_msn=3"))
            await waiting_are(site, len(site.film.coming) + 1)
        await site.intake.close(grants[4].session_id)
        site.film.add()
        first, copy = [await answer(reader) for reader, _ in peers[:2]]
        async with asyncio.timeout(SECONDS_MAX):
            head = await peers[2][0].readuntil(b"\r\n\r\n")
        last, refused = await answer(peers[3][0]), await answer(peers[4][0])
        assert await rest(peers[3][0]) == b""
        assert copy[0] == first[0] == head == last[0].replace(b"Connection: close\r\n", b"")
        assert refused[0].startswith(b"HTTP/1.1 403 ")
        for reader, writer in (peers[1], peers[2]):  # which go on
            writer.write(ask(site.url(grants[0], f"{RENDITION}/index.m3u8")))
            assert (await answer(reader))[1] == first[1]


async def test_a_stopping_server_finishes_what_it_sends(site: Site) -> None:
    grant = await site.session()
    assert site.server is not None
    async with connected(site, window=WINDOW) as (reader, writer), connected(site) as idle:
        writer.write(ask(site.url(grant, f"{RENDITION}/0.m4s")))
        await some(reader, 1_000)
        stopping = asyncio.gather(site.server.stop(), rest(reader), rest(idle[0]))
        async with asyncio.timeout(SECONDS_MAX):
            _, body, nothing = await stopping
    assert (len(body) > LARGE - 1_000, nothing) == (True, b"")
    assert await delivered(site, grant) == 2


async def test_metrics_count_what_each_sender_answered(site: Site) -> None:
    grant = await site.session()
    target = site.url(grant, f"{RENDITION}/1.m4s")
    label = 'tollcast_http_requests_total{route="/hls/{asset}/{token}/{path}",status="200"}'
    before = _metric(label), _metric("tollcast_delivered_bytes_total")
    async with connected(site) as (reader, writer):
        writer.write(ask(target) + ask(f"{target}?a=%20"))  # the second one is aiohttp's
        for _ in range(2):
            assert len((await answer(reader))[1]) == 60_000
    after = _metric(label), _metric("tollcast_delivered_bytes_total")
    assert (after[0] - before[0], after[1] - before[1]) == (2, 120_000)


def _metric(name: str) -> float:
    for line in telemetry.render().decode().splitlines():
        if line.startswith(f"{name} "):
            return float(line.split()[-1])
    return 0


async def test_answers_of_a_token_for_another_asset_say_so(site: Site) -> None:
    grant = await site.session()
    token = site.tokens.session_token(grant, ASSET)
    async with connected(site) as (reader, writer):
        writer.write(ask(f"/hls/ast_{'1' * 26}/{token}/master.m3u8", "Connection: close"))
        (found,) = answers(await rest(reader), ["GET"])
    assert found.status == 403
    assert found.fields["access-control-allow-origin"] == "*"
