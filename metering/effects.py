"""What a session did to the books between two moments."""

from typing import NamedTuple

from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND


# A named tuple: it is made with every segment, and a frozen dataclass takes several times as long.
class Totals(NamedTuple):
    """What a session did since it began: stroops taken from the viewer and not given back (they
    were charged or are held), units posted, and stroops charged.

    `rungs` are the completed seconds charged at each rung of the tariff, if it has any.
    """

    drawn: int = 0
    posted: int = 0
    amount: Stroops = Stroops(0)
    rungs: tuple[int, ...] = ()

    @property
    def ticks(self) -> int:
        """Completed seconds."""
        return self.posted // UNITS_PER_SECOND


class Effects(NamedTuple):
    """What happened between two totals: ticks [first_tick, last_tick) were posted and `amount` was
    charged, all under one tariff, and `drawn` stroops went from the viewer into the hold (below
    zero: came back). Better pictures of what was charged before are an amount without ticks.
    """

    first_tick: int
    last_tick: int
    amount: Stroops
    drawn: int
