"""What a session did to the books between two moments."""

from dataclasses import dataclass

from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND
from metering.tariff import Price


@dataclass(frozen=True, slots=True)
class Totals:
    """What a session did since it began: stroops reserved and released, units posted."""

    reserved: int = 0
    released: int = 0
    posted: int = 0

    @property
    def drawn(self) -> int:
        """What the session took out of the viewer's balance: spent or held."""
        return self.reserved - self.released

    @property
    def ticks(self) -> int:
        """Completed seconds."""
        return self.posted // UNITS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Effects:
    """What happened between two totals: ticks [first_tick, last_tick) worth `amount` were posted,
    and `drawn` stroops went from the viewer into the hold (below zero: came back).
    """

    first_tick: int
    last_tick: int
    amount: Stroops
    drawn: int


def effects(price: Price, before: Totals, after: Totals) -> Effects:
    """What to enter in the books; opposite movements in between cancel out."""
    return Effects(
        first_tick=before.ticks,
        last_tick=after.ticks,
        amount=price.cost(before.ticks, after.ticks),
        drawn=after.drawn - before.drawn,
    )
