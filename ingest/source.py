"""A source: a place to publish to, which outlives its connections."""

import re
from dataclasses import dataclass
from datetime import datetime

from config.limits import SOURCE_RECONNECT_SECONDS
from media.delivery import Delivery
from media.terms import Takeover, Terms

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"

_NAME = re.compile(NAME_PATTERN)


class InvalidName(ValueError):
    """A source's name is 1 to 64 of a-z, 0-9, _ and -, and starts with a letter or a digit."""


class NameTaken(Exception):
    """Another source has this name."""


class UnknownSource(Exception):
    """No source has this id."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a creator set up once to publish to as often as they like.

    Attributes:
        id: also the name of its stream in the hub.
        owner: account id of the creator.
        price_stroops, price_seconds: so many stroops for so many seconds, copied into each asset.
        price_more: what there is to the price besides, as JSON that is not read here.
        created_at: aware.
        reconnect_seconds: how long its stream waits for a publisher that has gone.
        takeover: what becomes of a second publisher.
        dvr_seconds: how far back viewers may seek while it is live; None for to the beginning, 0
            for the window of a plain live playlist.
        delivery: how viewers get its segments.

    Raises:
        InvalidName: see there.
    """

    id: str
    owner: str
    name: str
    title: str
    price_stroops: int
    price_seconds: int
    price_asset: str
    created_at: datetime
    reconnect_seconds: int = SOURCE_RECONNECT_SECONDS
    takeover: Takeover = Takeover.REPLACE
    dvr_seconds: int | None = 0
    delivery: Delivery = Delivery.DIRECT
    price_more: str = "{}"

    @property
    def terms(self) -> Terms:
        return Terms(self.reconnect_seconds * 1000, self.takeover)

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise InvalidName(self.name)
