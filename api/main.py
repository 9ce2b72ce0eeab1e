"""The composition root: makes every part, hands each its neighbours, and starts them in order."""

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvloop

from api.announcement import Announcement, print_announcement
from api.app import Routes, make_application
from api.auth.account import AccountStore
from api.auth.account_postgres import PostgresAccountStore
from api.auth.bearer import Bearers
from api.auth.playback_token import PlaybackTokens
from api.broadcasts import Broadcasts, PipelineFactory
from api.catalogue.asset import AssetStore
from api.catalogue.asset_postgres import PostgresAssetStore
from api.catalogue.lookup import Catalogue
from api.cli import version
from api.content import Content
from api.demo import Demo
from api.dependencies import database_dependency, disk_dependency, ingest_dependency
from api.earnings import EarningsRoutes
from api.first_start import DEMO_SOURCE, MAIN_SOURCE, FirstStart
from api.health import Health
from api.http_server import HttpServer
from api.local_network import LocalNetworkFailed
from api.money import (
    Money,
    Network,
    chain_dependency,
    open_network,
    wire_money,
)
from api.pages import Pages, PagesNotBuilt
from api.payments import GuestLimit, Payments
from api.playback import Playback
from api.sandbox import Sandbox
from api.secret_names import TOKEN_KEY
from api.sources import Sources
from api.storage import open_database
from api.streaming import Streaming
from api.system import System
from config import logs
from config.clock import Clock, SystemClock
from config.layout import PackageShadowed, check_layout
from config.migrate import MigrationRefused
from config.postgres import Database, DatabaseUnavailable
from config.postgres_cluster import EmbeddedPostgresFailed
from config.secret_files import SecretExposed, SecretFiles
from config.settings import Settings
from config.tasks import cancel, spawn
from ingest.admission import KeyAdmission
from ingest.rtmp_server import RtmpServer
from ingest.source_postgres import PostgresSourceStore
from ingest.source_store import SourceStore
from media.hub import Hub
from media.transcode.live import LivePipeline, TranscodeSettings
from media.transcode.plan import EncoderSettings
from metering.intake import Intake
from metering.money import NATIVE
from metering.rules import MeterRules
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price
from packager.archive import Archive
from packager.library import HlsSettings, Library

log = structlog.get_logger(__name__)

_TICKS_PER_MS = 90
_EXPECTED = (
    ChainUnreachable,
    DatabaseUnavailable,
    EmbeddedPostgresFailed,
    LocalNetworkFailed,
    MigrationRefused,
    OSError,
    PackageShadowed,
    PagesNotBuilt,
    SecretExposed,
    WrongNetwork,
)


class StartFailed(Exception):
    """The server could not start; the text says why."""


def serve(settings: Settings, *, announce_json: bool) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        StartFailed: something that it needs is not there or not usable.
    """
    logs.set_up(settings.log.level, settings.log.format)
    try:
        uvloop.run(_serve(settings, announce_json=announce_json))
    except _EXPECTED as error:
        raise StartFailed(str(error)) from error


async def _serve(settings: Settings, *, announce_json: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        start = spawn(_start(settings, stack, stopping), name="start")
        stop = spawn(stopping.wait(), name="stop signal")
        await asyncio.wait((start, stop), return_when=asyncio.FIRST_COMPLETED)
        if not start.done():
            await cancel(start)
            return
        print_announcement(await start, as_json=announce_json)
        await stop


@dataclass(frozen=True, slots=True)
class _Ground:
    """What everything else stands on."""

    settings: Settings
    clock: Clock
    data: Path
    secrets: SecretFiles
    database: Database
    network: Network
    accounts: AccountStore
    sources: SourceStore
    assets: AssetStore


async def _start(
    settings: Settings, stack: AsyncExitStack, stopping: asyncio.Event
) -> Announcement:
    """Start everything; the stack ends it in reverse order, also when this fails half way."""
    check_layout()
    pages = Pages()
    ground = await _lay_ground(settings, stack)
    intake = Intake(PostgresMeterStore(ground.database), ground.clock, MeterRules())
    stack.push_async_callback(intake.stop)
    await intake.start()
    media = await _start_media(ground, stack)
    first = FirstStart(
        ground.accounts, ground.sources, ground.secrets, ground.clock, _price(settings)
    )
    creator, creator_token = await first.creator()
    money = await _start_money(ground, creator.id, stack)
    routes = _routes(ground, media, money, intake, pages, stopping)
    http = HttpServer(make_application(routes), settings.http.host, settings.http.port)
    stack.push_async_callback(http.stop)
    await http.start()
    local_url = f"http://{settings.http.host}:{http.port}"
    http_url = settings.http.public_url or local_url
    stream_key = await first.main_source(creator)
    if settings.demo_is_on:
        publish_url = f"{media.rtmp_url}/{await first.demo_key(creator)}"
        demo = Demo(publish_url, local_url, DEMO_SOURCE, ground.data / "demo.log")
        stack.push_async_callback(demo.stop)
        await demo.start()
    return Announcement(
        version=version(),
        http_url=http_url,
        rtmp_url=media.rtmp_url,
        source=MAIN_SOURCE,
        stream_key=stream_key,
        watch_url=f"{http_url}/watch/{MAIN_SOURCE}",
        studio_url=f"{http_url}/studio#token={creator_token}",
        demo_url=f"{http_url}/watch/{DEMO_SOURCE}" if settings.demo_is_on else None,
        creator_token=creator_token,
        play_money=ground.network.play_money,
        network_url=ground.network.rpc_url,
    )


@dataclass(frozen=True, slots=True)
class _Media:
    """How streams come in, become assets and are found."""

    library: Library
    broadcasts: Broadcasts
    rtmp: RtmpServer
    rtmp_url: str


async def _start_media(ground: _Ground, stack: AsyncExitStack) -> _Media:
    settings = ground.settings
    hls = HlsSettings(settings.media.segment_milliseconds, settings.media.window_segments)
    library = Library(Archive(ground.data / "media", ground.clock), ground.clock, hls)
    stack.push_async_callback(library.stop)
    await library.start()
    broadcasts = Broadcasts(
        ground.assets, ground.sources, library, _pipelines(ground), ground.clock
    )
    stack.push_async_callback(broadcasts.stop)
    await broadcasts.recover()
    rtmp = RtmpServer(
        settings.rtmp.host,
        settings.rtmp.port,
        KeyAdmission(ground.sources),
        Hub(broadcasts.published),
        ground.clock,
    )
    stack.push_async_callback(rtmp.stop)
    await rtmp.start()
    return _Media(library, broadcasts, rtmp, f"rtmp://{settings.rtmp.host}:{rtmp.port}/live")


def _pipelines(ground: _Ground) -> PipelineFactory:
    media = ground.settings.media
    transcode = TranscodeSettings(
        segment_ticks=media.segment_milliseconds * _TICKS_PER_MS,
        encoder=EncoderSettings(preset=media.preset),
    )
    return lambda reader, sink: LivePipeline(reader, sink, transcode, ground.clock)


async def _start_money(ground: _Ground, creator: str, stack: AsyncExitStack) -> Money:
    money = wire_money(
        ground.settings,
        ground.network,
        ground.database,
        ground.accounts,
        ground.secrets,
        ground.clock,
    )
    stack.push_async_callback(money.close)
    await money.give_play_money(ground.accounts, creator, ground.secrets)
    stack.push_async_callback(money.settlement.stop)
    await money.settlement.start()
    return money


def _price(settings: Settings) -> Price:
    return Price(NATIVE, settings.price.stroops, settings.price.seconds)


def _routes(
    ground: _Ground,
    media: _Media,
    money: Money,
    intake: Intake,
    pages: Pages,
    stopping: asyncio.Event,
) -> Routes:
    clock, play_money = ground.clock, ground.network.play_money
    bearers = Bearers(ground.accounts)
    catalogue = Catalogue(ground.assets, ground.sources)
    tokens = PlaybackTokens(ground.secrets.create_or_read(TOKEN_KEY)[0].encode())
    sandbox = Sandbox(intake, clock) if play_money else None
    dependencies = (
        database_dependency(ground.database),
        ingest_dependency(media.rtmp),
        disk_dependency(ground.data),
        chain_dependency(money),
    )
    return Routes(
        pages=pages,
        playback=Playback(media.library, intake, tokens, clock),
        streaming=Streaming(catalogue, intake, tokens, bearers, clock),
        content=Content(catalogue, ground.accounts, media.broadcasts, media.library, intake),
        sources=Sources(
            ground.sources,
            media.broadcasts,
            bearers,
            clock,
            media.rtmp_url,
            _price(ground.settings),
        ),
        payments=Payments(
            ground.accounts, bearers, intake, sandbox, GuestLimit(clock), clock, NATIVE
        ),
        earnings=EarningsRoutes(
            money.earnings, intake, media.broadcasts, bearers, NATIVE, stopping
        ),
        health=Health(dependencies, media.broadcasts, version()),
        system=System(version(), play_money, media.rtmp_url, ground.network.passphrase),
    )


async def _lay_ground(settings: Settings, stack: AsyncExitStack) -> _Ground:
    data = settings.data_directory.absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        async with asyncio.TaskGroup() as together:
            database = together.create_task(open_database(settings, data, stack))
            network = together.create_task(open_network(settings, data, stack))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return _Ground(
        settings,
        SystemClock(),
        data,
        SecretFiles(data / "secrets"),
        database.result(),
        network.result(),
        PostgresAccountStore(database.result()),
        PostgresSourceStore(database.result()),
        PostgresAssetStore(database.result()),
    )
