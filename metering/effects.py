"""What a session did to the books between two moments."""

from typing import NamedTuple

from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND


# Named tuples, not dataclasses: they are made with every segment, and a frozen dataclass takes
# several times as long to make.
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


def effects(before: Totals, after: Totals) -> Effects:
    """What to enter in the books; opposite movements in between cancel out."""
    drawn_before, posted_before, amount_before, _ = before
    drawn, posted, amount, _ = after
    first_tick, last_tick = posted_before // UNITS_PER_SECOND, posted // UNITS_PER_SECOND
    # What a NamedTuple's own constructor does, for a third of its time.
    return tuple.__new__(
        Effects, (first_tick, last_tick, amount - amount_before, drawn - drawn_before)
    )
