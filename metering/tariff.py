"""What a session costs: a tariff is a price for time, and what modifies it; it never changes.

A price is p stroops for q seconds, charged by cumulative floor: the k-th second costs
floor(p(k+1)/q) - floor(pk/q). The first K seconds therefore cost floor(pK/q) exactly, never a
stroop more than the exact price, and no single second is off by more than one. Rounding each
segment instead drifts: at 333 stroops a second, 1800 segments of 2.002 s come to 1 198 800 (rounded
down) or 1 200 600 (to nearest) where 1 199 998.8 is due.

All that is metered of a session are the distinct seconds that were watched, and how many of them at
each rung of pictures or a better one. A tariff makes money of just these numbers, so that whoever
has them and the tariff can check an amount. A part of a stroop always is the viewer's.
"""

import json
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from math import gcd
from typing import Any

from config.limits import (
    CAP_STROOPS_MAX,
    PRICE_SECONDS_MAX,
    PRICE_STROOPS_MAX,
    RUNG_HEIGHT_MAX,
    RUNGS_MAX,
)
from metering.money import BadAsset, Stroops, checked_asset

_ID_CHARACTERS = 26


class BadPrice(ValueError):
    """Below zero, per nothing, or beyond the bounds of `config.limits`."""


@dataclass(frozen=True, slots=True)
class Price:
    """`stroops` of `asset` for `seconds` of media, in lowest terms; 0 stroops is a free preview.

    Equal prices compare equal however they were written: 7200 per hour is 2 per second.
    """

    asset: str
    stroops: int
    seconds: int

    def __post_init__(self) -> None:
        checked_asset(self.asset)
        if not 0 <= self.stroops <= PRICE_STROOPS_MAX:
            raise BadPrice(f"{self.stroops} stroops is not a price")
        if not 0 < self.seconds <= PRICE_SECONDS_MAX:
            raise BadPrice(f"a price cannot be for {self.seconds} seconds")
        divisor = gcd(self.stroops, self.seconds)
        object.__setattr__(self, "stroops", self.stroops // divisor)
        object.__setattr__(self, "seconds", self.seconds // divisor)

    def tick(self, k: int) -> Stroops:
        """What the k-th second costs, counted from 0."""
        return self.cost(k, k + 1)

    def cost(self, first: int, last: int) -> Stroops:
        """What the seconds from `first` up to, not including, `last` cost together."""
        return Stroops(self.stroops * last // self.seconds - self.stroops * first // self.seconds)

    @property
    def tick_max(self) -> Stroops:
        """The most that any one second costs (rounded up)."""
        return Stroops(-(-self.stroops // self.seconds))

    def seconds_affordable(self, first: int, stroops: int) -> int | None:
        """How many seconds from `first` on can be paid with `stroops`; None when they are free.

        The largest n with cost(first, first + n) <= stroops.
        """
        if self.stroops == 0:
            return None
        # floor(p(first + n)/q) <= limit  <=>  p(first + n) < q(limit + 1)
        limit = self.stroops * first // self.seconds + max(stroops, 0)
        return (self.seconds * (limit + 1) - 1) // self.stroops - first


@dataclass(frozen=True, slots=True)
class RungPrice:
    """What pictures of `height_min` lines and more cost on top of what lower ones do."""

    height_min: int
    price: Price

    def __post_init__(self) -> None:
        if not 0 < self.height_min <= RUNG_HEIGHT_MAX:
            raise BadPrice(f"no picture has {self.height_min} lines")


def rungs_reached(rungs: Sequence[RungPrice], height: int) -> int:
    """How many surcharges a picture of so many lines has; sound has none."""
    return sum([rung.height_min <= height for rung in rungs])


@dataclass(frozen=True, slots=True)
class Tariff:
    """All that decides what a session costs. Equal content, equal `id`.

    Attributes:
        price: for each second beyond the free ones.
        view_stroops: due once, with the first second beyond the free ones.
        free_seconds: the first so many seconds cost nothing; so do as many at each rung.
        session_cap: what a session costs at most, in stroops.
        rungs: surcharges for better pictures, the lowest first.
    """

    price: Price
    view_stroops: int = 0
    free_seconds: int = 0
    session_cap: int | None = None
    rungs: tuple[RungPrice, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.view_stroops <= PRICE_STROOPS_MAX:
            raise BadPrice(f"{self.view_stroops} stroops is no price of a view")
        if not 0 <= self.free_seconds <= PRICE_SECONDS_MAX:
            raise BadPrice(f"{self.free_seconds} seconds cannot be free")
        if self.session_cap is not None and not 0 <= self.session_cap <= CAP_STROOPS_MAX:
            raise BadPrice(f"{self.session_cap} stroops is no cap")
        if len(self.rungs) > RUNGS_MAX:
            raise BadPrice(f"more than {RUNGS_MAX} prices for better pictures")
        if any(lower.height_min >= upper.height_min for lower, upper in pairwise(self.rungs)):
            raise BadPrice("prices for better pictures begin with the lowest, each height once")
        if any(rung.price.asset != self.asset for rung in self.rungs):
            raise BadPrice("all prices of a tariff are in one asset")

    @property
    def asset(self) -> str:
        """The currency of all its prices."""
        return self.price.asset

    @property
    def id(self) -> str:
        """`epc_` and a hash of the content."""
        text = json.dumps(self.to_document(), sort_keys=True, separators=(",", ":"))
        digest = b32encode(sha256(text.encode()).digest()).decode().lower()
        return f"epc_{digest[:_ID_CHARACTERS]}"

    @property
    def is_plain(self) -> bool:
        """Whether it is a price for time and nothing else."""
        return not (self.view_stroops or self.free_seconds or self.rungs) and (
            self.session_cap is None
        )

    def cost(self, seconds: int, rung_seconds: tuple[int, ...] = ()) -> Stroops:
        """What a session costs after `seconds`, so many of them at or above each rung (those that
        are left out: none). Never less after more.
        """
        due = self.due((0, ()), (seconds, rung_seconds))
        return due if self.session_cap is None else Stroops(min(due, self.session_cap))

    def due(self, first: tuple[int, tuple[int, ...]], last: tuple[int, tuple[int, ...]]) -> Stroops:
        """What is due without a cap for what was watched between two moments, given as the seconds
        until then and those at each rung. Rounded down once for each price.
        """
        (seconds_before, rungs_before), (seconds, rungs) = first, last
        price, free = self.price, self.free_seconds
        due = price.stroops * _beyond(free, seconds_before, seconds) // price.seconds
        if seconds_before <= free < seconds:
            due += self.view_stroops
        for place, rung in enumerate(self.rungs[: len(rungs)]):
            before = rungs_before[place] if place < len(rungs_before) else 0
            due += rung.price.stroops * _beyond(free, before, rungs[place]) // rung.price.seconds
        return Stroops(due)

    def to_document(self) -> dict[str, Any]:
        """As JSON: integers and the asset's name, every field; what `id` is made of."""
        return {
            "asset": self.asset,
            "freeSeconds": self.free_seconds,
            "price": _price_document(self.price),
            "rungs": [
                {"heightMin": rung.height_min, **_price_document(rung.price)} for rung in self.rungs
            ],
            "sessionCap": self.session_cap,
            "viewStroops": self.view_stroops,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Tariff":
        """What `to_document` wrote.

        Raises:
            BadPrice: it is no tariff.
        """
        try:
            asset = document["asset"]
            return cls(
                price=Price(asset, **_price_fields(document["price"])),
                view_stroops=_integer(document["viewStroops"]),
                free_seconds=_integer(document["freeSeconds"]),
                session_cap=_integer_or_none(document["sessionCap"]),
                rungs=tuple(
                    RungPrice(_integer(each["heightMin"]), Price(asset, **_price_fields(each)))
                    for each in document["rungs"]
                ),
            )
        except (KeyError, TypeError, BadAsset) as error:
            raise BadPrice(f"not a tariff: {error}") from error


def _beyond(free: int, first: int, last: int) -> int:
    """How many of the seconds from `first` up to `last` come after the free ones."""
    return max(last, free) - max(first, free)


def _price_document(price: Price) -> dict[str, int]:
    return {"seconds": price.seconds, "stroops": price.stroops}


def _price_fields(document: dict[str, Any]) -> dict[str, int]:
    return {
        "stroops": _integer(document["stroops"]),
        "seconds": _integer(document["seconds"]),
    }


def _integer(value: object) -> int:
    if type(value) is not int:
        raise BadPrice(f"not an integer: {value!r:.40}")
    return value


def _integer_or_none(value: object) -> int | None:
    return None if value is None else _integer(value)
