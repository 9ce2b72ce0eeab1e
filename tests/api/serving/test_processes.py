"""Several real processes on one port: what they serve, what is billed, and what survives them."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from aiohttp import web

from api.app import answer_errors
from api.auth.playback_token import Grant, PlaybackTokens
from api.auth.session_clients import SessionClients
from api.delivery.playback import Playback
from api.health import NotWorking
from api.http_server import HttpServer
from api.serving.brief import Brief, brief_to_bytes
from api.serving.conversation import House
from api.serving.listeners import open_listeners
from api.serving.processes import ServingProcesses
from config.clock import SystemClock
from config.telemetry import render
from metering.intake import Intake
from metering.ledger.ledger import Transfer, hot_account, treasury_account
from metering.money import Stroops
from metering.rules import MeterRules
from metering.store import MemoryMeterStore
from tests.api.delivery.site import RENDITION, Film, Site, body_of
from tests.api.serving.wire import SECONDS_MAX, Wire, owner

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="SO_REUSEPORT balances on Linux"),
]

_COMMAND = (sys.executable, "-P", "-m", "api.serving")
_TOKEN_KEY = "k" * 32
_PATIENCE_MS = 30_000
# What a busy machine keeps from its turn for a while is not stuck.
_SILENCE_SECONDS, _SHORT_SILENCE_SECONDS = 30, 2
_SEGMENT_BYTES = 60_000
_BIG_BYTES = 20_000_000  # more than the buffers of two sockets
# Of the six segments that came, two came from the process that was killed within its first second.
_COUNTED_ANSWERS = 4


@dataclass
class Shop:
    """A site of three processes, of which this one is the main one."""

    site: Site
    processes: ServingProcesses
    opened: list[Wire] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.site.port

    def owner(self, wire: Wire) -> int | None:
        return owner(wire, self.port, (os.getpid(), *self.processes.process_ids))

    async def wire(self, source: str = "127.0.0.1") -> Wire:
        """A connection to whichever process."""
        wire = await Wire.open(self.port, source)
        self.opened.append(wire)
        return wire

    async def wires(self, each: int, source: str = "127.0.0.1") -> dict[int, list[Wire]]:
        """So many connections to each process."""
        found: dict[int, list[Wire]] = {
            process: [] for process in (os.getpid(), *self.processes.process_ids)
        }
        while any(len(wires) < each for wires in found.values()):
            wire = await self.wire(source)
            process = await until(partial(self.owner, wire), "somebody accepts")
            found[process].append(wire)
        return {process: wires[:each] for process, wires in found.items()}


async def until[T](probe: Callable[[], T | None], what: str) -> T:
    """Other processes give no events."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS_MAX):
            while (found := probe()) is None or found is False:  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.01)
            return found
    raise AssertionError(f"not in time: {what}")


async def _echo(request: web.Request) -> web.Response:
    body = await request.read()
    assert request.transport is not None
    peer = request.transport.get_extra_info("peername")
    return web.json_response({"bytes": len(body), "sum": sum(body), "peer": peer[1]})


async def _events(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for number in range(3):
        await response.write(f"data: {number}\n\n".encode())
        await asyncio.sleep(0.05)
    return response


@contextlib.asynccontextmanager
async def open_shop(
    *,
    command: Sequence[str] = _COMMAND,
    serving: int = 2,
    silence_seconds: int = _SILENCE_SECONDS,
    clients: SessionClients | None = None,
) -> AsyncIterator[Shop]:
    """Yields when so many processes serve beside this one."""
    clock, store = SystemClock(), MemoryMeterStore()
    hot, treasury = hot_account("XLM"), treasury_account("XLM")
    filled = Transfer("fill", hot.id, treasury.id, Stroops(10**12), "XLM", "fund")
    await store.post([hot, treasury], [filled])
    intake = Intake(store, clock, MeterRules())
    await intake.start()
    site = Site(Film(), intake, PlaybackTokens(_TOKEN_KEY.encode()), clock)
    playback = Playback(site, intake, site.tokens, clock, _PATIENCE_MS, clients)
    application = web.Application(middlewares=[answer_errors], client_max_size=1 << 30)
    application.add_routes([web.post("/api/echo", _echo), web.get("/api/events", _events)])
    site.server = HttpServer(application, "127.0.0.1", 0, playback, clock)
    listeners = open_listeners("127.0.0.1", 0, 3)
    await site.server.start(listeners[0])
    processes = ServingProcesses(clock)
    brief = brief_to_bytes(Brief(_TOKEN_KEY, _PATIENCE_MS, "warning"))
    house = House(site, intake, site.server, brief, command, silence_seconds, clients)
    await processes.start(house, listeners[1:])
    try:
        await until(lambda: processes.serving == serving, "they serve")
        shop = Shop(site, processes)
        yield shop
        await asyncio.gather(*(wire.close() for wire in shop.opened))
    finally:
        await asyncio.gather(processes.stop(), site.server.stop())
        await intake.stop()
        for listener in listeners[0]:
            listener.close()


def _counted(name: str) -> float:
    found = re.findall(rf"^tollcast_{name}(?:{{[^}}]*}})? ([\d.e+]+)$", render().decode(), re.M)
    return sum(map(float, found))


async def test_one_viewer_on_three_processes_is_billed_for_what_came_and_loses_nothing() -> None:
    """Each kind of request over connections to every process; one of them is killed with an answer
    half way and viewers waiting.
    """
    before = _counted("delivered_bytes_total")
    async with open_shop() as shop:
        viewer, another = await shop.site.session(), await shop.site.session("acc_another")
        wires = await shop.wires(3)
        await _distinct_media_is_billed_once(shop, viewer, wires)
        await _whoever_waits_is_told(shop, viewer, wires)
        await _a_process_is_killed(shop, another, wires)
        assert await shop.site.delivered_seconds(viewer) == 6  # three segments of 2 s
        assert await shop.site.delivered_seconds(another) == 2  # and not what was half way
        children = shop.processes.process_ids
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert _counted("delivered_bytes_total") - before >= _COUNTED_ANSWERS * _SEGMENT_BYTES


type _Wires = dict[int, list[Wire]]


async def _distinct_media_is_billed_once(shop: Shop, viewer: Grant, wires: _Wires) -> None:
    """Whoever serves it, and however often."""
    first, second, third = (each[0] for each in wires.values())
    for sequence, wire in ((0, first), (1, second), (2, third), (0, second), (0, third)):
        status, body = await wire.get(shop.site.url(viewer, f"{RENDITION}/{sequence}.m4s"))
        assert (status, body) == (200, body_of(sequence, _SEGMENT_BYTES)[:_SEGMENT_BYTES])
    status, body = await second.get(shop.site.url(viewer, f"{RENDITION}/99.m4s"))
    assert (status, json.loads(body)["code"]) == (404, "not_found")


async def _whoever_waits_is_told(shop: Shop, viewer: Grant, wires: _Wires) -> None:
    """In every process, of each of which one waits in the main one."""
    film = shop.site.film
    waiting = [wire for each in wires.values() for wire in each]
    for wire in waiting:
        wire.ask(shop.site.url(viewer, f"{RENDITION}/index.m3u8?_HLS_msn=3"))
    await until(lambda: len(film.coming) == len(wires[os.getpid()]) + 2, "all wait")
    film.add()
    answers = {await wire.answer() for wire in waiting}
    ((status, body),) = answers  # the tokens in it are the same as well
    assert (status, body.count(b".m4s")) == (200, 4)
    status, _ = await waiting[-1].get(shop.site.url(viewer, f"{RENDITION}/index.m3u8?_HLS_msn=99"))
    assert status == 400


async def _a_process_is_killed(shop: Shop, viewer: Grant, wires: _Wires) -> None:
    """With an answer half way and a viewer waiting. Its share of connections is served at once by
    the main process, and then by another one.
    """
    site, film = shop.site, shop.site.film
    process, (sending, unread, waiting) = list(wires.items())[2]
    film.sizes[4] = _BIG_BYTES
    film.add()
    for wire in (sending, unread):
        wire.ask(site.url(viewer, f"{RENDITION}/4.m4s"))
    head = await sending.reader.readuntil(b"\r\n\r\n")
    assert f"Content-Length: {_BIG_BYTES}\r\n".encode() in head
    waiting.ask(site.url(viewer, f"{RENDITION}/index.m3u8?_HLS_msn=5"))
    await until(lambda: len(film.coming) == 1, "a viewer waits")
    os.kill(process, signal.SIGKILL)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await sending.reader.readexactly(_BIG_BYTES)
    for wire in (unread, waiting):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await wire.answer()
    for path in (f"{RENDITION}/3.m4s", *["master.m3u8"] * 20):
        status, _ = await (await shop.wire()).get(site.url(viewer, path))
        assert status == 200
    assert len(film.coming) == 0
    await until(lambda: shop.processes.serving == 2, "another one serves")
    assert process not in shop.processes.process_ids


async def test_a_session_is_for_one_client_whoever_serves_it() -> None:
    async with open_shop(clients=SessionClients(SystemClock())) as shop:
        viewer = await shop.site.session()
        own = [each[0] for each in (await shop.wires(1)).values()]
        others = [each[0] for each in (await shop.wires(1, "127.0.1.1")).values()]

        async def ask(wire: Wire, sequence: int) -> int:
            status, _ = await wire.get(shop.site.url(viewer, f"{RENDITION}/{sequence}.m4s"))
            return status

        # By turns, each time at another process: three copies, and then no more.
        for sequence in range(3):
            assert await ask(own[sequence], sequence) == 200
            assert await ask(others[sequence - 1], sequence) == 200
        assert [await ask(wire, 2) for wire in own] == [200] * 3
        assert [await ask(wire, 2) for wire in others] == [403] * 3
        assert await shop.site.delivered_seconds(viewer) == 6


async def test_whatever_is_no_media_goes_on_in_the_main_process_on_the_same_connection() -> None:
    async with open_shop() as shop:
        site = shop.site
        viewer = await site.session()
        wires = await shop.wires(2)
        ours, theirs = wires[os.getpid()], wires[list(wires)[1]]
        segment = site.url(viewer, f"{RENDITION}/1.m4s")
        upload = bytes(range(256)) * 40_000  # more than any buffer of a socket

        # Pipelined: media, then an upload, then media again.
        wire = theirs[0]
        wire.ask(segment)
        wire.ask("/api/echo", method="POST", body=upload)
        wire.ask(segment)
        status, body = await wire.answer()
        assert (status, len(body)) == (200, 60_000)
        status, body = await wire.answer()
        assert json.loads(body) == {
            "bytes": len(upload),
            "sum": sum(upload),
            "peer": wire.local_port,
        }
        status, body = await wire.answer()
        assert (status, len(body)) == (200, 60_000)
        assert shop.owner(wire) == os.getpid()

        # An event stream, and a head that comes in two pieces.
        wire = theirs[1]
        wire.writer.write(b"GET /api/ev")
        await until(lambda: shop.owner(wire) == list(wires)[1], "it is accepted")
        wire.writer.write(b"ents HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(SECONDS_MAX):
            for number in range(3):
                await wire.reader.readuntil(f"data: {number}\n\n".encode())
            await wire.reader.readuntil(b"0\r\n\r\n")  # the last chunk
        status, _ = await wire.get(segment)
        assert status == 200
        assert shop.owner(wire) == os.getpid()
        status, body = await ours[0].get(site.url(viewer, "master.m3u8"))
        assert status == 200
        assert await site.delivered_seconds(viewer) == 2


async def test_a_process_that_is_stuck_is_replaced_and_one_that_never_comes_up_is_not_missed() -> (
    None
):
    async with (
        open_shop(silence_seconds=_SHORT_SILENCE_SECONDS) as shop,
        open_shop(command=["false"], serving=0) as alone,
    ):
        stuck = shop.processes.process_ids[0]
        os.kill(stuck, signal.SIGSTOP)
        viewer = await alone.site.session()
        for _ in range(20):
            status, _ = await (await alone.wire()).get(alone.site.url(viewer, "master.m3u8"))
            assert status == 200
        await until(lambda: stuck not in shop.processes.process_ids, "it is given up")
        await until(lambda: shop.processes.serving == 2, "another one serves")
        assert alone.processes.serving == 0
        assert "tollcast_serving_processes" in render().decode()
        dependency = alone.processes.dependency()
        with pytest.raises(NotWorking, match="0 of 2"):
            await dependency.probe()
        assert (await shop.processes.dependency().probe()).startswith("2 of 2")
