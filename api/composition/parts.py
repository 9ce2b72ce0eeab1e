"""What the areas are made of."""

import asyncio
from dataclasses import dataclass

from api.auth.bearer import Bearers
from api.catalogue.lookup import Catalogue
from api.composition.media_side import MediaSide
from api.doors import Doors
from api.event_stream import EventStreams
from api.idempotency import Idempotency
from api.idempotency_postgres import PostgresIdempotencyStore
from api.minute_limit import MinuteLimit
from api.money import Money
from api.secret_names import TOKEN_KEY
from api.splits import Payees
from api.stores import Stores
from config.clock import Clock
from config.settings import Settings
from metering.intake import Intake


@dataclass(frozen=True, slots=True)
class Parts:
    """Attributes:
    stopping: ends what would go on for as long as somebody listens.
    """

    stores: Stores
    media: MediaSide
    money: Money
    intake: Intake
    doors: Doors
    stopping: asyncio.Event
    catalogue: Catalogue
    idempotency: Idempotency
    payees: Payees

    @property
    def settings(self) -> Settings:
        return self.stores.settings

    @property
    def clock(self) -> Clock:
        return self.stores.clock

    @property
    def bearers(self) -> Bearers:
        return self.doors.bearers

    @property
    def token_key(self) -> bytes:
        """What tokens in media's addresses are signed with."""
        return self.stores.secrets.create_or_read(TOKEN_KEY)[0].encode()

    def limit(self, per_minute: int) -> MinuteLimit:
        return MinuteLimit(self.clock, per_minute)

    def streams(self, name: str, streams_max: int) -> EventStreams:
        return EventStreams(name, streams_max, self.stopping)


def parts_of(
    stores: Stores,
    media: MediaSide,
    money: Money,
    intake: Intake,
    doors: Doors,
    stopping: asyncio.Event,
) -> Parts:
    catalogue = Catalogue(stores.assets, stores.sources)
    idempotency = Idempotency(PostgresIdempotencyStore(stores.database), stores.clock)
    payees = Payees(money.splits, stores.settings.payments.platform_fee_bps)
    return Parts(stores, media, money, intake, doors, stopping, catalogue, idempotency, payees)
