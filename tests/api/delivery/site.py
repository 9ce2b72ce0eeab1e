"""A server of media on a real port, with the real meter and tokens, and a package in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from aiohttp import web

from api.app import answer_errors
from api.auth.client import Clients
from api.auth.playback_token import Grant, PlaybackTokens
from api.auth.session_clients import SessionClients
from api.behind_fronts import BehindFronts
from api.delivery.playback import Metering, Playback
from api.delivery.route import MediaRoutes
from api.delivery.watch import Deadlines
from api.http_server import HttpServer
from config.clock import Clock, SystemClock
from metering.intake import Intake
from metering.ledger.ledger import Transfer, hot_account, treasury_account
from metering.money import Stroops
from metering.rules import MeterRules
from metering.store import MemoryMeterStore
from metering.tariff import Price
from packager.arrival import Arrival
from packager.choices import AudioRendition, CaptionRendition
from packager.naming import (
    MP4,
    FilePath,
    InitPath,
    PartPath,
    PlaylistPath,
    SegmentPath,
    init_name,
)
from packager.package import (
    BadReload,
    Charge,
    MediaFile,
    Package,
    UnknownPicture,
    UnknownRendition,
    UnknownSegment,
)
from packager.playlist_text import PlaylistText, opened_by_token, token_group

ASSET = f"ast_{'0' * 26}"
RENDITION = "720p"
UNITS = 180_000
PATIENCE_MS = 1_000
PRICE = Price("XLM", 10, 1)
MULTIVARIANT = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n720p/index.m3u8\n"


def body_of(sequence: int, size: int) -> bytes:
    """Bytes that differ from segment to segment, at each place."""
    return bytes((sequence + place) & 0xFF for place in range(251)) * (size // 251 + 1)


@dataclass
class Film:
    """A package whose segments come when the test says so."""

    segments: int = 3
    sizes: dict[int, int] = field(default_factory=dict)
    at_hand: bool = True
    coming: Arrival = field(default_factory=Arrival)
    live: bool = True
    growing: bool = False
    settled: bool = False
    whole: bool = False
    has_poster: bool = False
    audio: tuple[AudioRendition, ...] = ()
    captions: tuple[CaptionRendition, ...] = ()
    public: bool = False
    remembered: dict[int, MediaFile] = field(default_factory=dict)

    def add(self) -> None:
        """The next segment is there, whole."""
        self.segments += 1
        came, self.coming = self.coming, Arrival()
        came.come()

    @property
    def duration(self) -> int:
        return self.segments * UNITS

    def renditions(self) -> tuple[str, ...]:
        return (RENDITION,)

    def multivariant(self) -> bytes:
        return MULTIVARIANT

    def playlist(self, path: PlaylistPath, *, skip: bool = False) -> PlaylistText:
        self._require(path.rendition)
        lines = [(0, f"#EXTM3U{' skip' if skip else ''}")]
        lines += [
            (token_group(number), opened_by_token(f"{RENDITION}/{number}.m4s"))
            for number in range(self.segments)
        ]
        return PlaylistText.of(lines)

    def arrival(self, rendition: str, sequence: int, part: int | None) -> Arrival | None:
        self._require(rendition)
        if sequence > self.segments + 1:
            raise BadReload("too far ahead")
        return self.coming if sequence >= self.segments else None

    def file_at_hand(self, path: FilePath) -> MediaFile | None:
        return self._file(path) if self.at_hand else None

    async def file(self, path: FilePath) -> MediaFile:
        self._require(path.rendition)
        await asyncio.sleep(0)
        file = self._file(path)
        if file is None:
            raise UnknownSegment(str(path))
        return file

    async def read_picture(self, name: str) -> bytes:
        raise UnknownPicture(name)

    def storyboard(self) -> bytes | None:
        return None

    def _file(self, path: FilePath) -> MediaFile | None:
        if path == InitPath(RENDITION, init_name(0)):
            return MediaFile(b"init" * 200, MP4)
        if not isinstance(path, SegmentPath | PartPath) or path.sequence >= self.segments:
            return None
        start = path.sequence * UNITS
        size = self.sizes.get(path.sequence, 60_000)
        if isinstance(path, PartPath):
            charge = Charge(path.sequence, start, start + UNITS // 10, prompt=True)
            return MediaFile(body_of(path.sequence, size)[: size // 10], MP4, charge)
        if path.sequence in self.remembered:
            return self.remembered[path.sequence]
        charge = Charge(path.sequence, start, start + UNITS)
        return MediaFile(body_of(path.sequence, size)[:size], MP4, charge)

    def _require(self, rendition: str | None) -> None:
        if rendition != RENDITION:
            raise UnknownRendition(rendition)


@dataclass
class Site:
    """The running server and what is behind it."""

    film: Film
    intake: Intake
    tokens: PlaybackTokens
    clock: Clock
    playback: Playback | None = None
    server: HttpServer | None = None

    @property
    def port(self) -> int:
        assert self.server is not None
        return self.server.port

    def at_hand(self, asset_id: str) -> Package | None:
        return self.film if asset_id == ASSET and self.film.at_hand else None

    async def get(self, asset_id: str) -> Package | None:
        return self.film if asset_id == ASSET else None

    async def session(self, viewer: str = "acc_viewer") -> Grant:
        """Of a viewer who has money enough."""
        await self.intake.fund(viewer, Stroops(10_000_000), cause=f"fund {viewer}")
        summary = await self.intake.open(viewer, ASSET, "acc_creator", PRICE)
        return Grant(summary.session_id, self.clock.wall_ms() // 1000 + 3_600)

    def url(self, grant: Grant, path: str) -> str:
        """With the session's token, which opens all of it."""
        return f"/hls/{ASSET}/{self.tokens.session_token(grant, ASSET)}/{path}"

    async def billed_seconds(self, grant: Grant) -> int:
        """Closes the session; what was delivered and had time to play."""
        return (await self.intake.close(grant.session_id)).seconds_billed

    async def delivered_seconds(self, grant: Grant) -> int:
        await self.intake.sweep()
        return (await self.intake.close(grant.session_id)).delivered_seconds


async def _echo(request: web.Request) -> web.Response:
    body = await request.read()
    return web.json_response({"method": request.method, "path": request.path, "body": len(body)})


def _application(playback: Playback, trusted: Sequence[str] = ()) -> web.Application:
    routes = MediaRoutes(playback)
    application = web.Application(middlewares=[answer_errors, BehindFronts(trusted).middleware])
    application.add_routes(
        [
            web.get("/hls/{asset}/{token}/{path:.+}", routes.handle),
            web.options("/hls/{asset}/{token}/{path:.+}", routes.handle),
            web.get("/media/{asset}/{path:.+}", routes.handle),
            web.options("/media/{asset}/{path:.+}", routes.handle),
            web.route("*", "/api/echo", _echo),
        ]
    )
    return application


@contextlib.asynccontextmanager
async def open_site(
    deadlines: Deadlines | None = None,
    *,
    raw: bool = True,
    metering: Metering | None = None,
    film: Film | None = None,
    clients: SessionClients | None = None,
    clock: Clock | None = None,
    trusted: Sequence[str] = (),
) -> AsyncIterator[Site]:
    """A site.

    Args:
        raw: without, every request is left to aiohttp.
        metering: another one than the real one.
        clients: which of them sessions are for; of any by default.
        trusted: proxies.
    """
    clock = clock or SystemClock()
    store = MemoryMeterStore()
    hot, treasury = hot_account("XLM"), treasury_account("XLM")
    filled = Transfer("fill", hot.id, treasury.id, Stroops(10**12), "XLM", "fund")
    await store.post([hot, treasury], [filled])
    intake = Intake(store, clock, MeterRules())
    await intake.start()
    site = Site(film or Film(), intake, PlaybackTokens(bytes(32)), clock)
    site.playback = Playback(site, metering or intake, site.tokens, clock, PATIENCE_MS, clients)
    application = _application(site.playback, trusted)
    known = site.playback if raw else None
    own = Clients.behind(trusted)
    site.server = HttpServer(application, "127.0.0.1", 0, known, clock, deadlines, own)
    await site.server.start()
    try:
        yield site
    finally:
        await site.server.stop()
        await intake.stop()


@contextlib.asynccontextmanager
async def aiohttp_alone(site: Site) -> AsyncIterator[int]:
    """The same routes on a port where nobody but aiohttp reads."""
    assert site.playback is not None
    runner = web.AppRunner(_application(site.playback), access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
