"""For how much a piece of content is offered: a tariff for its sessions, and a cap for a day."""

from dataclasses import dataclass, replace
from typing import Any

from config.limits import CAP_STROOPS_MAX
from metering.tariff import BadPrice, Price, Tariff


@dataclass(frozen=True, slots=True)
class Offer:
    """What a creator asks for.

    Attributes:
        day_cap: what a viewer pays at most, in stroops, for all sessions of a day (UTC) on the
            content. It becomes the cap of each session that begins, so that what a session costs
            can be told from its tariff alone.
    """

    tariff: Tariff
    day_cap: int | None = None

    def __post_init__(self) -> None:
        if self.day_cap is not None and not 0 <= self.day_cap <= CAP_STROOPS_MAX:
            raise BadPrice(f"{self.day_cap} stroops is no cap")

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

    def tariff_after(self, spent: int) -> Tariff:
        """What a session is charged by that begins when the viewer has spent so much today."""
        if self.day_cap is None:
            return self.tariff
        return capped(self.tariff, max(0, self.day_cap - spent))

    def to_document(self) -> dict[str, Any]:
        """As JSON; see `Tariff.to_document`."""
        return {**self.tariff.to_document(), "dayCap": self.day_cap}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Offer":
        """What `to_document` wrote.

        Raises:
            BadPrice: it is no offer.
        """
        day_cap = document.get("dayCap")
        if day_cap is not None and type(day_cap) is not int:
            raise BadPrice(f"not an integer: {day_cap!r:.40}")
        return cls(Tariff.from_document(document), day_cap)


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
