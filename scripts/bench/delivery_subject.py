"""Our server for the delivery benchmark:
`python -m scripts.bench.delivery_subject DIRECTORY [DATABASE]`.

The real core: a live origin with parts, the raw protocol, tokens, and the meter with its store in
Postgres. Without a database it is the same with a meter that lets everybody have everything. It
takes orders as lines of JSON and answers each with one: `fund` the next viewers, `open` sessions of
theirs and list the targets that they ask for, `arrive` (the next part).
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from api.auth.playback_token import Grant, PlaybackTokens
from api.auth.session_clients import SessionClients
from api.delivery.playback import Metering, Playback
from api.http_server import HttpServer
from config import logs
from config.clock import SystemClock
from config.collector import collect_rarely
from config.postgres import Database
from media.transcode.rendition import Rendition
from media.units import MediaKind, Packet, Track
from metering.intake import Delivery, Intake, Promise
from metering.leases.lease import Server
from metering.ledger.ledger import Transfer, hot_account, viewer_account
from metering.money import Stroops
from metering.rules import MeterRules
from metering.store import MemoryMeterStore, MeterStore
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price
from packager.archive import Archive
from packager.hls.origin import Origin
from packager.library import HlsSettings, Library
from packager.playlist_text import token_group

ASSET = f"ast_{'0' * 26}"
SEGMENTS = 9
PARTS_OF_SEGMENT = 10
PARTS = 2 * PARTS_OF_SEGMENT  # that each viewer is given targets of
_PATIENCE_MS = 9_000
_FUNDS = Stroops(10**7)
_FRAMES_OF_PART, _FRAME_TICKS = 6, 3_000
_START_TICKS = 900_000
# Bytes of a frame: parts of 60 kB, and segments of 1.3 MB.
_FRAME_BYTES = {"medium": 10_000, "large": 21_667}
_EXTRADATA = bytes.fromhex(
    "0142c01fffe100166742c01fda014016e840000003004000afc803c60ca801000468ce0fc8"
)


class Everybody:
    """A meter that lets everybody have everything."""

    def look(self, session_id: str) -> None:
        del session_id

    async def locate(self, session_id: str) -> None:
        del session_id

    def require_open(self, session_id: str) -> None:
        del session_id

    def waive(self, session_id: str, lo: int, hi: int) -> None:
        del session_id, lo, hi

    def finish(self, delivery: Delivery, complete: bool, taken: int = 0) -> None:
        del delivery, complete, taken

    def request_at_once(
        self, session_id: str, sequence: int, lo: int, hi: int, *, prompt: bool, height: int
    ) -> Delivery | None:
        del lo, hi, prompt, height
        return Delivery(session_id, sequence, 0)

    def request_soon(
        self, session_id: str, sequence: int, lo: int, hi: int, *, height: int
    ) -> Promise | None:
        del session_id, sequence, lo, hi, height
        return None

    async def request(
        self, session_id: str, sequence: int, lo: int, hi: int, *, prompt: bool, height: int
    ) -> Delivery:
        del lo, hi, prompt, height
        return Delivery(session_id, sequence, 0)


class Film:
    """Feeds a live asset, part by part, as fast as it is told to."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._frames = 0
        track = Track(MediaKind.VIDEO, "avc1.42c01f", 90_000, _EXTRADATA, 1280, 720, (30, 1))
        origin.begin([Rendition(name, track, 0, passed_through=False) for name in _FRAME_BYTES])

    def add(self, parts: int) -> None:
        for _ in range(parts * _FRAMES_OF_PART):
            self._frame()

    def _frame(self) -> None:
        time_ticks = _START_TICKS + self._frames * _FRAME_TICKS
        is_first = self._frames % (_FRAMES_OF_PART * PARTS_OF_SEGMENT) == 0
        for name, size in _FRAME_BYTES.items():
            kind = b"\x65" if is_first else b"\x41"
            # Compressed media is not all zeros, and no two frames are alike.
            payload = (kind + self._frames.to_bytes(4) * (size // 4))[: size - 4]
            packet = Packet(
                dts=time_ticks,
                pts=time_ticks,
                duration=_FRAME_TICKS,
                keyframe=is_first,
                data=len(payload).to_bytes(4) + payload,
                boundary=is_first,
            )
            self._origin.packet(name, packet)
        self._frames += 1


class Audience:
    """Opens sessions, and lists what their viewers ask for."""

    def __init__(
        self, store: MeterStore, intake: Intake, tokens: PlaybackTokens, clock: SystemClock
    ) -> None:
        self._store = store
        self._intake = intake
        self._tokens = tokens
        self._clock = clock
        self._funded: list[str] = []
        self._viewers = itertools.count()
        self._watching: list[str] = []

    async def fund(self, count: int) -> None:
        """Give so many new viewers money: the next who open sessions."""
        names = [f"acc_{next(self._viewers)}" for _ in range(count)]
        hot, accounts = hot_account("XLM"), [viewer_account(each, "XLM") for each in names]
        funds = [Transfer(each.id, hot.id, each.id, _FUNDS, "XLM", "fund") for each in accounts]
        await self._store.post([hot, *accounts], funds)
        self._funded += names

    async def open(self, path: Path, count: int, kind: str) -> None:
        """Write the targets of so many new viewers, a line each; those before them have left."""
        await asyncio.gather(*(self._intake.close(each) for each in self._watching))
        await self.fund(count - len(self._funded))
        viewers, self._funded = self._funded[:count], self._funded[count:]
        grants = await asyncio.gather(*(self._session(each) for each in viewers))
        self._watching = [each.session_id for each in grants]
        text = "\n".join(self._targets(kind, grants)) + "\n"
        await asyncio.to_thread(path.write_text, text)

    async def _session(self, viewer: str) -> Grant:
        session = await self._intake.open(viewer, ASSET, "acc_creator", Price("XLM", 10, 1))
        return Grant(session.session_id, self._clock.wall_ms() // 1000 + 36_000)

    def _targets(self, kind: str, grants: list[Grant]) -> Iterator[str]:
        """All viewers ask for the same at about the same time, as at a live edge."""
        first = SEGMENTS - 4
        match kind:
            case "playlist":
                yield from (self._playlist(grant) for grant in grants)
            case "part":
                for number in range(PARTS):
                    sequence, part = first + number // PARTS_OF_SEGMENT, number % PARTS_OF_SEGMENT
                    name = f"medium/{sequence}.{part}.m4s"
                    yield from (self._media(grant, sequence, name) for grant in grants)
            case _:
                rendition = "medium" if kind == "medium mix" else "large"
                for sequence in (first, first + 1):
                    for grant in grants:
                        if kind != "segment":
                            yield self._playlist(grant)
                        yield self._media(grant, sequence, f"{rendition}/{sequence}.m4s")

    def _playlist(self, grant: Grant) -> str:
        return f"/hls/{ASSET}/{self._tokens.session_token(grant, ASSET)}/medium/index.m3u8"

    def _media(self, grant: Grant, sequence: int, name: str) -> str:
        token = self._tokens.media_token(grant, ASSET, token_group(sequence)).decode()
        return f"/hls/{ASSET}/{token}/{name}"


async def _serve(directory: Path, url: str | None) -> None:
    clock, store = SystemClock(), await _store(url)
    intake = Intake(store, clock, MeterRules(), server=Server(str(directory)))
    tokens = PlaybackTokens(bytes(32))
    await intake.start()
    library = Library(Archive(directory, clock), clock, HlsSettings(segment_target_ms=2_000))
    await library.start()
    film = Film(library.start_live(ASSET))
    film.add(SEGMENTS * PARTS_OF_SEGMENT + 1)
    meter: Metering = Everybody() if url is None else intake
    clients = None if url is None else SessionClients(clock)
    playback = Playback(library, meter, tokens, clock, _PATIENCE_MS, clients)
    server = HttpServer(web.Application(), "127.0.0.1", 0, playback, clock)
    await server.start()
    collect_rarely()
    _say({"port": server.port})
    audience = Audience(store, intake, tokens, clock)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        order = json.loads(line)
        match order["do"]:
            case "arrive":
                _say({"at_ns": time.monotonic_ns()})
                film.add(1)
            case "fund":
                await audience.fund(order["count"])
                _say({})
            case _:
                await audience.open(Path(order["path"]), order["count"], order["kind"])
                _say({})


async def _store(url: str | None) -> MeterStore:
    return MemoryMeterStore() if url is None else PostgresMeterStore(await Database.connect(url))


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    logs.set_up("warning")
    uvloop.run(_serve(Path(sys.argv[1]), next(iter(sys.argv[2:]), None)))
