"""Media that is sent as soon as the meter has saved it: nothing is billed that was not sent."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from api.delivery.connection import Connection, Others
from api.delivery.connection import Site as Shared
from api.delivery.watch import Deadlines, Watch
from metering.errors import MeterUnavailable, SessionClosed
from metering.intake import Delivery, Intake, Promise
from tests.api.delivery.site import RENDITION, UNITS, Site, open_site


@dataclass
class Slow:
    """A meter that saves when the test says so."""

    saved: Promise = field(default_factory=lambda: Promise(Delivery("", 0, 1)))
    finished: list[bool] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)

    def look(self, session_id: str) -> None:
        del session_id

    def require_open(self, session_id: str) -> None:
        del session_id

    async def locate(self, session_id: str) -> None:
        self.require_open(session_id)

    def waive(self, session_id: str, lo: int, hi: int) -> None:
        raise AssertionError("nothing is missing")

    def request_at_once(self, *_: object, **__: object) -> None:
        return None

    def request_soon(self, session_id: str, sequence: int, *_: object, **__: object) -> Promise:
        self.saved.delivery = Delivery(session_id, sequence, 1)
        return self.saved

    async def request(self, *_: object, **__: object) -> Delivery:
        raise AssertionError("it was promised already")

    def finish(self, delivery: Delivery, complete: bool, taken: int = 0) -> None:
        del delivery
        self.finished.append(complete)
        self.taken.append(taken)


@dataclass
class Socket:
    """A transport that takes everything, as far as it can tell."""

    sent: bytes = b""
    aborted: bool = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.sent += b"".join(pieces)

    def set_write_buffer_limits(self, high: int) -> None:
        del high

    def get_write_buffer_size(self) -> int:
        return 0

    def get_extra_info(self, name: str) -> None:
        del name

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


@dataclass
class Asked:
    """A connection on which a segment was asked for, and what surprised the loop."""

    meter: Slow
    socket: Socket
    connection: Connection
    surprises: list[dict[str, Any]] = field(default_factory=list)

    async def settle(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    meter = Slow()
    async with open_site(metering=meter) as site:
        shared = Shared(site.playback, cast(Others, None), Watch(site.clock, Deadlines()))
        case = Asked(meter, Socket(), Connection(shared))
        asyncio.get_running_loop().set_exception_handler(lambda _, it: case.surprises.append(it))
        case.connection.connection_made(cast(asyncio.Transport, case.socket))
        target = site.url(await site.session(), f"{RENDITION}/0.m4s")
        case.connection.data_received(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        yield case


async def test_nothing_is_sent_before_it_is_saved(asked: Asked) -> None:
    await asked.settle()
    assert (asked.socket.sent, asked.meter.finished) == (b"", [])
    asked.meter.saved.set_result(None)
    await asked.settle()
    assert asked.socket.sent.startswith(b"HTTP/1.1 200 ")
    assert (asked.meter.finished, asked.surprises) == ([True], [])


async def test_what_cannot_be_saved_is_refused(asked: Asked) -> None:
    asked.meter.saved.set_exception(MeterUnavailable("the store does not answer"))
    await asked.settle()
    assert asked.socket.sent.startswith(b"HTTP/1.1 503 ")
    assert (asked.meter.finished, asked.surprises) == ([False], [])


async def test_what_nobody_expects_ends_the_connection(asked: Asked) -> None:
    asked.meter.saved.set_exception(ZeroDivisionError())
    await asked.settle()
    assert (asked.socket.sent, asked.socket.aborted) == (b"", True)
    assert (asked.meter.finished, len(asked.surprises)) == ([False], 1)


@pytest.mark.parametrize("is_saved", [True, False], ids=["just saved", "not saved yet"])
async def test_who_leaves_meanwhile_pays_nothing(asked: Asked, *, is_saved: bool) -> None:
    if is_saved:
        asked.meter.saved.set_result(None)
    asked.connection.connection_lost(None)
    if not is_saved:
        asked.meter.saved.set_result(None)
    await asked.settle()
    assert asked.socket.sent == b""
    assert (asked.meter.finished, asked.surprises) == ([False], [])


@pytest.mark.parametrize(("ours", "taken"), [(False, 1_000), (True, 0)])
async def test_a_body_that_we_cut_ourselves_was_not_left_by_its_viewer(
    asked: Asked, *, ours: bool, taken: int
) -> None:
    asked.connection.pause_writing()
    asked.meter.saved.set_result(None)
    await asked.settle()
    assert asked.meter.finished == []
    if ours:
        asked.connection.abort()
    asked.connection.connection_lost(None)
    assert (asked.meter.finished, asked.meter.taken) == ([False], [taken])


async def _promised(intake: Intake, site: Site) -> tuple[str, Promise]:
    session_id = (await site.session()).session_id
    promise = intake.request_soon(session_id, 0, 0, UNITS)
    assert promise is not None
    return session_id, promise


async def test_a_promise_is_kept_when_the_store_has_it() -> None:
    async with open_site() as site:
        session_id, promise = await _promised(site.intake, site)
        # The second request of the same waits for the same commit, and costs nothing.
        again = site.intake.request_soon(session_id, 0, 0, UNITS)
        assert again is not None
        await asyncio.wait_for(asyncio.gather(promise, again), 10)
        for each in (promise, again):
            site.intake.finish(each.delivery, complete=True)
        await site.intake.sweep()
        assert (await site.intake.close(session_id)).delivered_seconds == 2


async def test_closed_sessions_and_stopped_meters_promise_nothing() -> None:
    async with open_site() as site:
        session_id, promise = await _promised(site.intake, site)
        await asyncio.wait_for(promise, 10)
        await site.intake.close(session_id)
        assert site.intake.request_soon(session_id, 1, UNITS, 2 * UNITS) is None
        with pytest.raises(SessionClosed):
            site.intake.require_open(session_id)
        other = (await site.session()).session_id
        await site.intake.stop()
        assert site.intake.request_soon(other, 0, 0, UNITS) is None
