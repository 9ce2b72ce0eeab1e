"""The composition root: makes every part, hands each its neighbours, and starts them in order."""

import asyncio
import secrets
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack

from api.announcement import Announcement
from api.books import start_books
from api.composition.media_side import start_media
from api.composition.parts import parts_of
from api.composition.routes import routes_of
from api.composition.terms import patience_ms, price_of
from api.demo import Demo, remove_recordings
from api.doors import open_doors
from api.first_start import DEMO_SOURCE, MAIN_SOURCE, FirstStart
from api.ground import Ground, StartFailed
from api.http_processes import HttpProcesses
from api.money import Money
from api.pages import Pages, PagesNotBuilt
from api.secret_names import TOKEN_KEY
from api.server_identity import take_identity
from api.serving.brief import Brief
from api.stores import Stores, open_stores
from api.version import version
from config.secret_files import SecretExposed
from ingest.rtmp_tls import CertificateUnusable
from metering.intake import Intake
from metering.leases.lease import Server, lease_terms
from metering.leases.others_postgres import PostgresOthers
from metering.outage import OutageRules
from metering.rules import MeterRules
from metering.store_postgres import PostgresMeterStore

_EXPECTED = (
    CertificateUnusable,
    OSError,
    PagesNotBuilt,
    SecretExposed,
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
    server_id = take_identity(stores.data, stores.clock, stack)
    intake = _intake(stores, server_id)
    stack.push_async_callback(intake.stop)
    await intake.start()
    media = await start_media(stores, stack, server_id)
    first = FirstStart(
        stores.accounts, stores.sources, stores.secrets, stores.clock, price_of(settings)
    )
    creator, creator_token = await first.creator()
    money = Money(stores, intake.balance_changed, server_id)
    stack.push_async_callback(money.stop)
    await money.start()
    own_url = f"http://{settings.http.host}:{listeners[0][0].getsockname()[1]}"
    http_url = settings.http.public_url or own_url
    doors = open_doors(stores, money, http_url)
    stack.push_async_callback(doors.stop)
    doors.start()
    routes = routes_of(parts_of(stores, media, money, intake, doors, stopping), pages)
    http = HttpProcesses(settings.http, listeners, routes, stores.clock)
    stack.push_async_callback(http.stop)
    await http.start(media.library, intake, _brief(stores))
    sockets = routes.watching.sockets
    stack.push_async_callback(sockets.stop)
    sockets.start()
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
    # Last: imports the Stellar SDK and starts the local network, a second's work for both cores.
    money.open(creator)
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


def _intake(stores: Stores, server_id: str) -> Intake:
    settings = stores.settings
    database, clock = stores.database, stores.clock
    return Intake(
        PostgresMeterStore(database),
        clock,
        MeterRules(),
        server=Server(server_id, settings.http.server_url or settings.http.public_url),
        others=PostgresOthers(database, clock, secrets.randbits(31)),
        lease=lease_terms(settings.metering.outage_seconds),
        outage=OutageRules(settings.metering.outage_seconds, settings.metering.outage_stroops),
    )


def _brief(stores: Stores) -> Brief:
    log_settings = stores.settings.log
    token_key = stores.secrets.create_or_read(TOKEN_KEY)[0]
    patience = patience_ms(stores.settings)
    proxies = stores.settings.http.trusted_proxies
    return Brief(token_key, patience, log_settings.level, log_settings.format, proxies)
