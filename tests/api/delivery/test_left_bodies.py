"""Who leaves before the last byte of each body has the void budget for nothing, and no more."""

import asyncio
import socket

import pytest
import uvloop

from api.auth.playback_token import Grant
from metering.rules import UNITS_PER_SECOND, MeterRules
from packager.naming import MP4
from packager.package import Charge, MediaFile
from tests.api.delivery.site import RENDITION, Film, Site, open_site

SEGMENTS, SECONDS = 40, 6
# More than the kernels hold, of which the end is in nobody's hands when the client goes. What it
# reads is more than a quarter of that, and what it does not read is more than the kernels have.
BODY, READ = bytes(8_000_000), 3_000_000
FREE_SECONDS = MeterRules().void_units_max // UNITS_PER_SECOND
SECONDS_MAX = 30


def film() -> Film:
    units = SECONDS * UNITS_PER_SECOND
    charges = [Charge(i, i * units, (i + 1) * units) for i in range(SEGMENTS)]
    files = {each.sequence: MediaFile(BODY, MP4, each) for each in charges}
    return Film(segments=SEGMENTS, remembered=files)


async def read_and_go(site: Site, grant: Grant, number: int, count: int, field: str) -> None:
    """Read so many bytes of a segment, and hang up."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", site.port))
        target = site.url(grant, f"{RENDITION}/{number}.m4s")
        asked = f"GET {target} HTTP/1.1\r\nHost: a\r\n{field}\r\n"
        await loop.sock_sendall(connection, asked.encode())
        while count > 0:
            count -= len(await loop.sock_recv(connection, min(count, 1 << 18)))


async def under_way(site: Site, grant: Grant) -> bool:
    return (await site.intake.summary(grant.session_id)).held > 0


async def settled(site: Site, grant: Grant) -> None:
    """The server has heard that the client went: nothing is held any more."""
    async with asyncio.timeout(SECONDS_MAX):
        while await under_way(site, grant):
            await site.intake.sweep()


async def watched(count: int, field: str, *, raw: bool) -> int:
    """Seconds charged for all segments, of each of which a client takes `count` bytes."""
    async with open_site(raw=raw, film=film()) as site:
        grant = await site.session()
        for number in range(SEGMENTS):
            async with asyncio.timeout(SECONDS_MAX):
                await read_and_go(site, grant, number, count, field)
            await settled(site, grant)
        return await site.billed_seconds(grant)


@pytest.mark.parametrize("raw", [True, False], ids=["raw", "by aiohttp"])
@pytest.mark.parametrize(
    ("count", "field", "charged"),
    [
        (READ, "", SEGMENTS * SECONDS - FREE_SECONDS),
        (100_000, "", 0),
        (100_000, "Range: bytes=2000000-\r\n", SEGMENTS * SECONDS - FREE_SECONDS),
    ],
    ids=["most of it", "little of it", "little of a later piece"],
)
def test_who_always_leaves_before_the_last_byte_pays_beyond_the_budget(
    count: int, field: str, charged: int, *, raw: bool
) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(watched(count, field, raw=raw)) == charged
