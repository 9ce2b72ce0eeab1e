"""For how much content is offered: a tariff for its sessions, a cap for a day, and passes."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from config.limits import CAP_STROOPS_MAX, PASS_HOURS_MAX, PASS_OFFERS_MAX, PRICE_STROOPS_MAX
from metering.money import Stroops
from metering.tariff import BadPrice, Price, Tariff


@dataclass(frozen=True, slots=True)
class PassOffer:
    """For so many stroops, once, a viewer watches for so many hours as much as they like."""

    hours: int
    stroops: Stroops

    def __post_init__(self) -> None:
        if not 0 < self.hours <= PASS_HOURS_MAX:
            raise BadPrice(f"no pass is good for {self.hours} hours")
        if not 0 < self.stroops <= PRICE_STROOPS_MAX:
            raise BadPrice(f"{self.stroops} stroops is no price of a pass")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a creator asks for.

    Attributes:
        day_cap: what a viewer pays at most, in stroops, for the content on a day (UTC). What is
            left of it becomes the cap of each session that begins, so that what a session costs
            can be told from its tariff alone.
        passes: what may be bought in place of being charged by the second, in the tariff's asset;
            the shortest first.
    """

    tariff: Tariff
    day_cap: int | None = None
    passes: tuple[PassOffer, ...] = ()

    def __post_init__(self) -> None:
        if self.day_cap is not None and not 0 <= self.day_cap <= CAP_STROOPS_MAX:
            raise BadPrice(f"{self.day_cap} stroops is no cap")
        if len(self.passes) > PASS_OFFERS_MAX:
            raise BadPrice(f"more than {PASS_OFFERS_MAX} passes")
        if any(shorter.hours >= longer.hours for shorter, longer in pairwise(self.passes)):
            raise BadPrice("passes begin with the shortest, each number of hours once")

    @classmethod
    def of(cls, offered: "Offer | Tariff | Price") -> "Offer":
        """An offer of a tariff, or of a price, and nothing else."""
        if isinstance(offered, Price):
            offered = Tariff(offered)
        return cls(offered) if isinstance(offered, Tariff) else offered

    @property
    def price(self) -> Price:
        """For time, in the lowest pictures."""
        return self.tariff.price

    def pass_for(self, hours: int) -> PassOffer | None:
        """The pass that is good for so long, if there is one."""
        return next((each for each in self.passes if each.hours == hours), None)

    def tariff_after(self, spent: int) -> Tariff:
        """What a session is charged by that begins when the viewer has spent so much today."""
        if self.day_cap is None:
            return self.tariff
        return capped(self.tariff, max(0, self.day_cap - spent))

    def to_document(self) -> dict[str, Any]:
        """As JSON; see `Tariff.to_document`."""
        passes = [{"hours": each.hours, "stroops": each.stroops} for each in self.passes]
        return {**self.tariff.to_document(), "dayCap": self.day_cap, "passes": passes}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Offer":
        """What `to_document` wrote.

        Raises:
            BadPrice: it is no offer.
        """
        day_cap = document.get("dayCap")
        if day_cap is not None and type(day_cap) is not int:
            raise BadPrice(f"not an integer: {day_cap!r:.40}")
        return cls(Tariff.from_document(document), day_cap, _passes(document.get("passes", [])))


def _passes(documents: Any) -> tuple[PassOffer, ...]:
    try:
        pairs = [(each["hours"], each["stroops"]) for each in documents]
    except (KeyError, TypeError) as error:
        raise BadPrice(f"not passes: {error}") from error
    if any(type(number) is not int for pair in pairs for number in pair):
        raise BadPrice("a pass is made of integers")
    return tuple(PassOffer(hours, Stroops(stroops)) for hours, stroops in pairs)


def capped(tariff: Tariff, cap: int | None) -> Tariff:
    """A tariff with a cap that is no higher than this."""
    if cap is None or (tariff.session_cap is not None and tariff.session_cap <= cap):
        return tariff
    return replace(tariff, session_cap=cap)


def is_dearer(tariff: Tariff, before: Tariff) -> bool:
    """Whether anything that a running session is charged by is more than before. Caps are not
    looked at: that of a session never rises.
    """
    if tariff.view_stroops > before.view_stroops or tariff.free_seconds < before.free_seconds:
        return True
    heights = {0, *(rung.height_min for each in (tariff, before) for rung in each.rungs)}
    return any(_exceeds(_rates(tariff, height), _rates(before, height)) for height in heights)


def _rates(tariff: Tariff, height: int) -> list[Price]:
    """The prices for time that pictures of a height are charged by."""
    surcharges = [rung.price for rung in tariff.rungs if rung.height_min <= height]
    return [tariff.price, *surcharges]


def _exceeds(rates: list[Price], others: list[Price]) -> bool:
    """Compare sums of fractions by what they are of a common denominator: exactly."""
    denominator = 1
    for price in [*rates, *others]:
        denominator *= price.seconds
    totals = [
        sum(price.stroops * (denominator // price.seconds) for price in prices)
        for prices in (rates, others)
    ]
    return totals[0] > totals[1]
