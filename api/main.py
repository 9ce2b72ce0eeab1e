"""The composition root: makes every part, hands each its neighbours, and starts them in order."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import structlog

from api.announcement import Announcement
from api.app import Routes, make_application
from api.auth.account import Account, AccountStore
from api.auth.account_postgres import PostgresAccountStore
from api.auth.bearer import Bearers
from api.auth.playback_token import PlaybackTokens
from api.broadcasts import Broadcasts, PipelineFactory
from api.catalogue.asset import AssetStore
from api.catalogue.asset_postgres import PostgresAssetStore
from api.catalogue.lookup import Catalogue
from api.content import Content
from api.demo import Demo, remove_recordings
from api.dependencies import database_dependency, disk_dependency, ingest_dependency
from api.earnings import EarningsRoutes
from api.first_start import DEMO_SOURCE, MAIN_SOURCE, FirstStart
from api.ground import Ground, Network, StartFailed
from api.health import Health
from api.http_server import HttpServer
from api.local_network import LocalNetworkFailed
from api.money import (
    Money,
    chain_dependency,
    wire_money,
)
from api.pages import Pages, PagesNotBuilt
from api.payments import GuestLimit, Payments
from api.playback import Playback
from api.sandbox import Sandbox
from api.secret_names import TOKEN_KEY
from api.sources import Sources
from api.streaming import Streaming
from api.system import System
from api.version import version
from config.clock import Clock, SystemClock
from config.postgres import Database
from config.secret_files import SecretExposed, SecretFiles
from config.settings import Settings
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
    LocalNetworkFailed,
    OSError,
    PagesNotBuilt,
    SecretExposed,
    WrongNetwork,
)


@dataclass(frozen=True, slots=True)
class _Stores:
    """The ground, and who owns and publishes what."""

    settings: Settings
    clock: Clock
    data: Path
    secrets: SecretFiles
    database: Database
    network: Network
    accounts: AccountStore
    sources: SourceStore
    assets: AssetStore


def _stores(ground: Ground) -> _Stores:
    return _Stores(
        ground.settings,
        SystemClock(),
        ground.data,
        SecretFiles(ground.data / "secrets"),
        ground.database,
        ground.network,
        PostgresAccountStore(ground.database),
        PostgresSourceStore(ground.database),
        PostgresAssetStore(ground.database),
    )


async def start(ground: Ground, stack: AsyncExitStack, stopping: asyncio.Event) -> Announcement:
    """Start everything; the stack ends it in reverse order, also when this fails half way.

    Raises:
        StartFailed: something that is needed is not there or not usable.
    """
    try:
        return await _start(_stores(ground), stack, stopping)
    except _EXPECTED as error:
        raise StartFailed(str(error)) from error


async def _start(ground: _Stores, stack: AsyncExitStack, stopping: asyncio.Event) -> Announcement:
    settings = ground.settings
    pages = Pages()
    intake = Intake(PostgresMeterStore(ground.database), ground.clock, MeterRules())
    stack.push_async_callback(intake.stop)
    await intake.start()
    media = await _start_media(ground, stack)
    first = FirstStart(
        ground.accounts, ground.sources, ground.secrets, ground.clock, _price(settings)
    )
    creator, creator_token = await first.creator()
    money = await _start_money(ground, creator, stack)
    routes = _routes(ground, media, money, intake, pages, stopping)
    http = HttpServer(make_application(routes), settings.http.host, settings.http.port)
    stack.push_async_callback(http.stop)
    await http.start()
    local_url = f"http://{settings.http.host}:{http.port}"
    http_url = settings.http.public_url or local_url
    stream_key = await first.main_source(creator)
    if settings.demo_is_on:
        source, key = await first.demo_source(creator)
        await remove_recordings(ground.assets, media.archive, source.id)
        publish_url = f"{media.rtmp_url}/{key}"
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

    archive: Archive
    library: Library
    broadcasts: Broadcasts
    rtmp: RtmpServer
    rtmp_url: str


async def _start_media(ground: _Stores, stack: AsyncExitStack) -> _Media:
    settings = ground.settings
    hls = HlsSettings(settings.media.segment_milliseconds, settings.media.window_segments)
    archive = Archive(ground.data / "media", ground.clock)
    library = Library(archive, ground.clock, hls)
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
    return _Media(
        archive, library, broadcasts, rtmp, f"rtmp://{settings.rtmp.host}:{rtmp.port}/live"
    )


def _pipelines(ground: _Stores) -> PipelineFactory:
    media = ground.settings.media
    transcode = TranscodeSettings(
        segment_ticks=media.segment_milliseconds * _TICKS_PER_MS,
        encoder=EncoderSettings(preset=media.preset),
    )
    return lambda reader, sink: LivePipeline(reader, sink, transcode, ground.clock)


async def _start_money(ground: _Stores, creator: Account, stack: AsyncExitStack) -> Money:
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
    ground: _Stores,
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
