"""What a session did to the books between two moments."""

from typing import NamedTuple

from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND
from metering.tariff import Price


# Named tuples, not dataclasses: they are made with every segment, and a frozen dataclass takes
# several times as long to make.
class Totals(NamedTuple):
    """What a session did since it began: stroops taken from the viewer and not given back (they
    were charged or are held), and units posted.
    """

    drawn: int = 0
    posted: int = 0

    @property
    def ticks(self) -> int:
        """Completed seconds."""
        return self.posted // UNITS_PER_SECOND


class Effects(NamedTuple):
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
