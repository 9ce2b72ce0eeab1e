"""To watch, and what it costs by the second."""

from dataclasses import dataclass

from api.area import RouteTable, tables
from api.auth.playback_token import PlaybackTokens
from api.auth.session_clients import SessionClients
from api.composition.parts import Parts
from api.composition.terms import patience_ms, sessions_at_once
from api.delivery.playback import Playback
from api.delivery.route import MediaRoutes
from api.movements_postgres import PostgresMovements
from api.session_limits import SessionLimits
from api.session_sockets import SessionSockets
from api.streaming import Streaming
from api.subscriptions import SubscribedTiers
from api.tiers_postgres import PostgresTierStore
from config.limits import SESSION_STREAMS_MAX
from metering.passes.admitted import Admitted
from metering.subscriptions.included import Included
from metering.viewings import PostgresViewings
from metering.vouchers.desk import VoucherDesk


@dataclass(frozen=True, slots=True)
class Watching:
    media: MediaRoutes
    streaming: Streaming
    sockets: SessionSockets
    clients: SessionClients

    def routes(self) -> RouteTable:
        return tables(self.media, self.streaming, self.sockets)


def watching(parts: Parts, vouchers: VoucherDesk) -> Watching:
    tokens, clients = PlaybackTokens(parts.token_key), SessionClients(parts.clock)
    streaming = Streaming(
        parts.catalogue,
        parts.intake,
        tokens,
        parts.bearers,
        parts.clock,
        _limits(parts),
        PostgresMovements(parts.stores.database),
        parts.idempotency,
        parts.streams("session", SESSION_STREAMS_MAX),
        parts.payees,
        Admitted(parts.money.passes),
        Included(parts.money.subscriptions),
        vouchers.paying,
        clients,
    )
    patience = patience_ms(parts.settings)
    playback = Playback(parts.media.library, parts.intake, tokens, parts.clock, patience, clients)
    public_url = parts.settings.http.public_url
    sockets = SessionSockets(streaming, parts.bearers, parts.clock, public_url, parts.stopping)
    return Watching(MediaRoutes(playback), streaming, sockets, clients)


def _limits(parts: Parts) -> SessionLimits:
    database = parts.stores.database
    return SessionLimits(
        SubscribedTiers(PostgresTierStore(database), parts.money.subscriptions),
        sessions_at_once(parts.settings),
        PostgresViewings(database),
        parts.intake.close,
    )
