"""The composition root: makes every part, hands each its neighbours, and starts them in order."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import structlog

from api.announcement import Announcement
from api.app import Routes
from api.auth.account import hash_token, new_token
from api.auth.bearer import Bearers
from api.auth.download_link import DownloadLinks
from api.auth.playback_token import PlaybackTokens
from api.books import journal_dependency, start_books
from api.broadcasts import Broadcasts, PipelineFactory
from api.captions import Captions
from api.catalogue.lookup import Catalogue
from api.channel_losses import ChannelLossRoutes
from api.clips import ClipRoutes
from api.content import Content
from api.content_document import ContentDocuments
from api.content_upload import ContentUpload
from api.delivery.playback import Playback
from api.delivery.route import MediaRoutes
from api.demo import Demo, remove_recordings
from api.dependencies import (
    database_dependency,
    disk_dependency,
    ingest_dependency,
    jail_dependency,
    signer_dependency,
)
from api.deposits import Deposits
from api.doors import Doors, open_doors
from api.download import Downloads
from api.download_gate import DownloadGate
from api.earnings import EarningsRoutes
from api.event_stream import EventStreams
from api.first_start import DEMO_SOURCE, MAIN_SOURCE, FirstStart
from api.ground import Ground, StartFailed
from api.health import Health
from api.http_processes import HttpProcesses
from api.idempotency import Idempotency
from api.idempotency_postgres import PostgresIdempotencyStore
from api.jobs import Jobs
from api.local_network import LocalNetworkFailed
from api.making import Making, hls_settings, media_directory, open_making
from api.minute_limit import MinuteLimit
from api.money import Money, books_dependency, chain_dependency
from api.movements_postgres import PostgresMovements
from api.obs_multitrack import ObsMultitrack
from api.operator import Operator
from api.originals import Originals
from api.pages import Pages, PagesNotBuilt
from api.passes import PassRoutes
from api.payment_channels import PaymentChannels
from api.payments import Payments
from api.pictures import Pictures
from api.presented_payments import PresentedPayments
from api.proofs import ProofRoutes
from api.protections import protections
from api.publish_tokens import PublishTokens, open_token_signer
from api.publish_urls import PublishUrls, publish_urls
from api.publisher_admission import open_admission
from api.receipts import ReceiptRoutes
from api.reconciliation import ReconciliationRoutes
from api.removal import Removal
from api.rtmp_listeners import rtmp_listeners
from api.sandbox import Sandbox
from api.secret_names import CREATOR_TOKEN, TOKEN_KEY
from api.server_identity import take_identity
from api.serving.brief import Brief
from api.session_limits import SessionLimits
from api.session_sockets import SessionSockets
from api.source_document import SourceDocuments
from api.sources import Sources
from api.splits import Payees, SplitRoutes
from api.statement_postgres import PostgresStatements
from api.statements import Statements
from api.stores import Stores, open_stores
from api.stream_keys import StreamKeys
from api.streaming import Streaming
from api.subscriptions import SubscribedTiers, SubscriptionRoutes, plans_on_sale
from api.suspense import SuspenseRoutes
from api.system import System
from api.tiers import Tier
from api.tiers_postgres import PostgresTierStore
from api.top_ups import TopUps
from api.uploads import UploadRoutes
from api.version import version
from api.withdrawals import Withdrawals
from config.limits import (
    CLIPS_PER_MINUTE_MAX,
    CONTENT_STREAMS_MAX,
    GUESTS_PER_MINUTE_MAX,
    JOB_STREAMS_MAX,
    PAYMENT_CHANNELS_PER_MINUTE_MAX,
    PRICE_CHANGES_PER_MINUTE_MAX,
    SESSION_STREAMS_MAX,
    SOURCE_STREAMS_MAX,
    WITHDRAWALS_PER_MINUTE_MAX,
    X402_PER_MINUTE_MAX,
    X402_STROOPS_MIN,
)
from config.secret_files import SecretExposed
from config.settings import Settings
from ingest.publish_token import TokenSigner
from ingest.rtmp_server import RtmpServer
from ingest.rtmp_tls import CertificateUnusable
from media.hub import Hub
from media.transcode.live import LivePipeline, TranscodeSettings
from media.transcode.plan import EncoderSettings
from metering.intake import Intake
from metering.leases.lease import Server, lease_terms
from metering.ledger.balances import Balances
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import NATIVE, Stroops
from metering.outage import OutageRules
from metering.passes.admitted import Admitted
from metering.rules import MeterRules
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.settlement.payout_trace import PayoutTrace
from metering.settlement.signer import SignerAway
from metering.store_postgres import PostgresMeterStore
from metering.subscriptions.included import Included
from metering.tariff import Price
from metering.viewings import PostgresViewings
from metering.vouchers.desk import VoucherDesk
from metering.vouchers.losses_postgres import PostgresLosses
from packager.archive import Archive
from packager.clips import Clips
from packager.hls.boundaries import target_duration_s
from packager.library import Library
from packager.movies import Movies

log = structlog.get_logger(__name__)

_TICKS_PER_MS = 90
_EXPECTED = (
    CertificateUnusable,
    ChainUnreachable,
    LocalNetworkFailed,
    OSError,
    PagesNotBuilt,
    SecretExposed,
    SignerAway,
    WrongNetwork,
)


async def start(ground: Ground, stack: AsyncExitStack, stopping: asyncio.Event) -> Announcement:
    """Start everything; the stack ends it in reverse order, also when this fails half way.

    Raises:
        StartFailed: something that is needed is not there or not usable.
    """
    try:
        return await _start(open_stores(ground), ground.listeners, stack, stopping)
    except _EXPECTED as error:
        raise StartFailed(str(error)) from error


async def _start(
    stores: Stores,
    listeners: Sequence[Sequence[socket.socket]],
    stack: AsyncExitStack,
    stopping: asyncio.Event,
) -> Announcement:
    settings = stores.settings
    pages = Pages(settings.delivery.media_url)
    await start_books(stores, stack)
    intake = _intake(stores, stack)
    stack.push_async_callback(intake.stop)
    await intake.start()
    media = await _start_media(stores, stack)
    first = FirstStart(
        stores.accounts, stores.sources, stores.secrets, stores.clock, _price(settings)
    )
    creator, creator_token = await first.creator()
    money = Money(stores, intake.balance_changed)
    stack.push_async_callback(money.stop)
    await money.start(creator)
    own_url = f"http://{settings.http.host}:{listeners[0][0].getsockname()[1]}"
    http_url = settings.http.public_url or own_url
    doors = open_doors(stores, money, http_url)
    stack.push_async_callback(doors.stop)
    doors.start()
    routes = _routes(stores, media, money, intake, _Front(pages, doors), stopping)
    http = HttpProcesses(settings.http, listeners, routes, stores.clock)
    stack.push_async_callback(http.stop)
    await http.start(media.library, intake, _brief(stores))
    stack.push_async_callback(routes.sockets.stop)
    routes.sockets.start()
    stream_key = await first.main_source(creator)
    if settings.demo_is_on:
        source, key = await first.demo_source(creator)
        await remove_recordings(stores.assets, media.archive, source.id)
        publish_url = f"{media.urls.local}/{key}"
        demo = Demo(publish_url, own_url, DEMO_SOURCE, stores.data / "demo.log")
        stack.push_async_callback(demo.stop)
        await demo.start()
    # Before anything else ends: what publishers send until they move is watched here.
    stack.push_async_callback(media.rtmp.drain, settings.rtmp.drain_seconds)
    return Announcement(
        version=version(),
        http_url=http_url,
        rtmp_url=media.urls.rtmp,
        rtmps_url=media.urls.rtmps,
        source=MAIN_SOURCE,
        stream_key=stream_key,
        watch_url=f"{http_url}/watch/{MAIN_SOURCE}",
        studio_url=f"{http_url}/studio#token={creator_token}",
        demo_url=f"{http_url}/watch/{DEMO_SOURCE}" if settings.demo_is_on else None,
        creator_token=creator_token,
        play_money=stores.network.play_money,
        network_url=stores.network.rpc_url or stores.network.horizon_url,
    )


def _intake(stores: Stores, stack: AsyncExitStack) -> Intake:
    settings = stores.settings
    return Intake(
        PostgresMeterStore(stores.database),
        stores.clock,
        MeterRules(),
        server=Server(take_identity(stores.data, stores.clock, stack), settings.http.public_url),
        lease=lease_terms(settings.metering.outage_seconds),
        outage=OutageRules(settings.metering.outage_seconds, settings.metering.outage_stroops),
    )


@dataclass(frozen=True, slots=True)
class _Media:
    """How streams and files come in, become assets and are found."""

    archive: Archive
    library: Library
    broadcasts: Broadcasts
    rtmp: RtmpServer
    urls: PublishUrls
    signer: TokenSigner
    making: Making


async def _start_media(stores: Stores, stack: AsyncExitStack) -> _Media:
    settings = stores.settings
    archive = Archive(media_directory(stores.data), stores.clock)
    packaging = replace(hls_settings(settings), protections=protections(settings, stores.secrets))
    library = Library(archive, stores.clock, packaging)
    stack.push_async_callback(library.stop)
    await library.start()
    broadcasts = Broadcasts(
        stores.assets, stores.sources, library, _pipelines(stores), stores.clock
    )
    stack.push_async_callback(broadcasts.stop)
    await broadcasts.recover()
    hub = Hub(broadcasts.published, stores.clock)
    stack.callback(hub.end_all, "server stops")  # also what waits for its publisher
    signer = open_token_signer(stores.secrets)
    rtmp = RtmpServer(
        rtmp_listeners(settings, stores.data, stores.clock),
        await open_admission(settings.rtmp, stores.sources, signer, stores.clock, stack),
        hub,
        stores.clock,
        settings.rtmp.reconnect_url,
    )
    stack.push_async_callback(rtmp.stop)
    await rtmp.start()
    urls = publish_urls(settings, rtmp.ports)
    making = await _start_making(stores, stack)
    return _Media(archive, library, broadcasts, rtmp, urls, signer, making)


async def _start_making(stores: Stores, stack: AsyncExitStack) -> Making:
    making = open_making(stores.settings, stores.data, stores.database, stores.assets, stores.clock)
    stack.push_async_callback(making.uploads.stop)
    await making.uploads.start()
    originals = Originals(making.uploads, making.jobs)
    stack.push_async_callback(originals.stop)
    await originals.start()
    stack.push_async_callback(making.runner.stop)
    if making.workers > 0:
        await making.runner.start()
    return making


def _pipelines(stores: Stores) -> PipelineFactory:
    media = stores.settings.media
    transcode = TranscodeSettings(
        segment_ticks=media.segment_milliseconds * _TICKS_PER_MS,
        encoder=EncoderSettings(preset=media.preset),
        jail_minimum=stores.settings.jail_level_minimum,
    )
    return lambda reader, sink: LivePipeline(reader, sink, transcode, stores.clock)


@dataclass(frozen=True, slots=True)
class _Front:
    """What people see first, and how they come in."""

    pages: Pages
    doors: Doors


def _price(settings: Settings) -> Price:
    return Price(NATIVE, settings.price.stroops, settings.price.seconds)


def _at_once(settings: Settings) -> dict[Tier, int]:
    sessions = settings.sessions
    return {
        Tier.FREE: sessions.free,
        Tier.BRONZE: sessions.bronze,
        Tier.SILVER: sessions.silver,
        Tier.GOLD: sessions.gold,
    }


def _patience_ms(settings: Settings) -> int:
    """How long a player's request for what is to come may wait (rfc8216bis, 6.2.5.2)."""
    return 3 * 1000 * target_duration_s(settings.media.segment_milliseconds)


def _brief(stores: Stores) -> Brief:
    log_settings = stores.settings.log
    token_key = stores.secrets.create_or_read(TOKEN_KEY)[0]
    patience_ms = _patience_ms(stores.settings)
    return Brief(token_key, patience_ms, log_settings.level, log_settings.format)


def _payment_channels(
    stores: Stores, money: Money, intake: Intake, bearers: Bearers
) -> PaymentChannels:
    clock = stores.clock
    return PaymentChannels(
        VoucherDesk(money.vouchers, money.channels, intake, clock),
        money.channels,
        bearers,
        clock,
        stores.network.rpc_url if stores.network.play_money else None,
        MinuteLimit(clock, PAYMENT_CHANNELS_PER_MINUTE_MAX),
    )


def _presented_payments(stores: Stores, money: Money) -> PresentedPayments:
    return PresentedPayments(
        money.funding.deposits,
        money.top_ups,
        money.deposit_address,
        Stroops(max(stores.settings.payments.deposit_minimum_stroops, X402_STROOPS_MIN)),
        MinuteLimit(stores.clock, X402_PER_MINUTE_MAX),
        stores.settings.http.public_url,
    )


def _routes(
    stores: Stores,
    media: _Media,
    money: Money,
    intake: Intake,
    front: _Front,
    stopping: asyncio.Event,
) -> Routes:
    clock, play_money, making = stores.clock, stores.network.play_money, media.making
    fee = stores.settings.payments.platform_fee_bps
    bearers = front.doors.bearers
    catalogue = Catalogue(stores.assets, stores.sources)
    token_key = stores.secrets.create_or_read(TOKEN_KEY)[0].encode()
    tokens = PlaybackTokens(token_key)
    sandbox = Sandbox(intake) if play_money else None
    idempotency = Idempotency(PostgresIdempotencyStore(stores.database), clock)
    operator = Operator(hash_token(stores.secrets.create_or_read(CREATOR_TOKEN, new_token)[0]))
    dependencies = (
        database_dependency(stores.database),
        ingest_dependency(media.rtmp),
        disk_dependency(stores.data),
        journal_dependency(stores.database),
        chain_dependency(money),
        books_dependency(money),
        signer_dependency(stores.signer),
        jail_dependency(stores.jail, stores.settings.jail_level_minimum),
    )
    documents = ContentDocuments(
        stores.accounts, media.library, intake, making.jobs, media.broadcasts
    )

    sources = Sources(
        stores.sources,
        SourceDocuments(
            media.broadcasts.get, media.rtmp.publishers, media.urls.rtmp, media.urls.rtmps
        ),
        bearers,
        clock,
        _price(stores.settings),
        EventStreams("sources", SOURCE_STREAMS_MAX, stopping),
    )

    channels = _payment_channels(stores, money, intake, bearers)
    trace = PayoutTrace(stores.database, money.splits)
    payees, payments = Payees(money.splits, fee), _presented_payments(stores, money)
    streaming = Streaming(
        catalogue,
        intake,
        tokens,
        bearers,
        clock,
        SessionLimits(
            SubscribedTiers(PostgresTierStore(stores.database), money.subscriptions),
            _at_once(stores.settings),
            PostgresViewings(stores.database),
            intake.close,
        ),
        PostgresMovements(stores.database),
        idempotency,
        EventStreams("session", SESSION_STREAMS_MAX, stopping),
        payees,
        Admitted(money.passes),
        Included(money.subscriptions),
        channels.desk.paying,
    )

    async def own_document(asset_id: str) -> dict[str, object]:
        return await documents.for_owner(await catalogue.asset(asset_id))

    return Routes(
        pages=front.pages,
        doors=front.doors,
        media=MediaRoutes(
            Playback(media.library, intake, tokens, clock, _patience_ms(stores.settings))
        ),
        streaming=streaming,
        sockets=SessionSockets(
            streaming, bearers, clock, stores.settings.http.public_url, stopping
        ),
        content=Content(
            catalogue,
            documents,
            bearers,
            Removal(stores.assets, making.jobs, making.uploads, media.library),
            intake,
            MinuteLimit(clock, PRICE_CHANGES_PER_MINUTE_MAX),
            EventStreams("content", CONTENT_STREAMS_MAX, stopping),
        ),
        content_upload=ContentUpload(
            making.uploads, bearers, _price(stores.settings), own_document
        ),
        captions=Captions(catalogue, media.library, bearers),
        pictures=Pictures(catalogue, media.library),
        clips=ClipRoutes(
            catalogue,
            bearers,
            Clips(media_directory(stores.data)),
            MinuteLimit(clock, CLIPS_PER_MINUTE_MAX),
            own_document,
            clock,
        ),
        downloads=Downloads(
            catalogue,
            bearers,
            Movies(media_directory(stores.data)),
            DownloadLinks(token_key),
            DownloadGate(),
            clock,
        ),
        uploads=UploadRoutes(making.uploads, bearers, _price(stores.settings)),
        jobs=Jobs(making.jobs, bearers, EventStreams("jobs", JOB_STREAMS_MAX, stopping)),
        sources=sources,
        stream_keys=StreamKeys(stores.sources, sources.own, clock, media.rtmp.dismiss),
        publish_tokens=PublishTokens(
            media.signer,
            sources.own,
            clock,
            media.urls.rtmp,
            media.urls.rtmps,
            other_keys=(money.receipt_key.public,),
        ),
        obs_multitrack=ObsMultitrack(sources.own, media.urls.rtmp),
        payments=Payments(
            stores.accounts,
            bearers,
            intake,
            sandbox,
            MinuteLimit(clock, GUESTS_PER_MINUTE_MAX),
            clock,
            NATIVE,
            idempotency,
            Balances(PostgresLedger(stores.database), intake),
        ),
        payment_channels=channels,
        deposits=Deposits(
            money.funding.deposits,
            bearers,
            money.deposit_address,
            stores.network.passphrase,
            stores.settings.stellar.assets,
            Stroops(stores.settings.payments.deposit_minimum_stroops),
        ),
        top_ups=TopUps(payments, bearers, intake, stores.settings.stellar.assets),
        withdrawals=Withdrawals(
            money.funding.withdrawals,
            money.outbox,
            intake,
            bearers,
            idempotency,
            MinuteLimit(clock, WITHDRAWALS_PER_MINUTE_MAX),
            money.addresses,
            money.obstacle,
            stores.settings.stellar.assets,
            Stroops(stores.settings.payments.withdrawal_minimum_stroops),
            Stroops(stores.settings.settlement.daily_cap_stroops),
        ),
        suspense=SuspenseRoutes(
            money.funding.suspense,
            stores.accounts,
            operator,
            idempotency,
            intake.balance_changed,
        ),
        reconciliation=ReconciliationRoutes(
            money.reconciliation, money.restorer, operator, idempotency
        ),
        channel_losses=ChannelLossRoutes(
            PostgresLosses(stores.database, PostgresLedger(stores.database)),
            operator,
            idempotency,
            clock,
        ),
        statements=Statements(
            PostgresMovements(stores.database), PostgresStatements(stores.database), bearers
        ),
        receipts=ReceiptRoutes(
            money.receipts,
            money.sessions,
            money.splits,
            trace,
            money.receipt_key.sign,
            bearers,
            clock,
        ),
        proofs=ProofRoutes(money.outbox, trace, stores.network.passphrase, bearers),
        splits=SplitRoutes(money.splits, stores.accounts, catalogue, sources.own, bearers, fee),
        subscriptions=SubscriptionRoutes(
            money.subscriptions,
            plans_on_sale(stores.settings.subscriptions, NATIVE),
            stores.settings.subscriptions.trial_days,
            _at_once(stores.settings),
            bearers,
            idempotency,
            intake,
            clock,
        ),
        passes=PassRoutes(
            money.passes, catalogue, payees, intake, bearers, idempotency, payments, clock
        ),
        earnings=EarningsRoutes(
            money.earnings, money.passes, intake, media.broadcasts, bearers, NATIVE, stopping
        ),
        health=Health(dependencies, media.broadcasts, version()),
        system=System(version(), play_money, media.urls.rtmp, stores.network.passphrase),
    )
