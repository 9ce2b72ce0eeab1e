"""One simulated session as it is seen from outside, and what such sessions cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from metering.ledger.ledger import viewer_account
from metering.meter_state import MeterState
from metering.session import Session
from metering.tariff import Price
from metering.terms import Terms

NOTHING = MeterState(0, 0, 0, 0, 0, 0, None, [], [])


@dataclass(slots=True)
class Watched:
    """One session, seen from outside.

    Attributes:
        waiting: how many requests of it are not answered.
        promised: cells of parts that were sent ahead of their hold.
        lent: cells that were sent on credit and are not saved yet, by meter.
        delivered: cells whose bodies were completed, ever.
        better: those of them that were, by the lines of their pictures.
        sending: bodies under way, as (from, to, lines of its pictures).
        owed: those of them that a meter was told of, and that it did not lose since.
        disturbed: the meter was lost at some time, so that `owed` may be the viewer's.
        durable: what the store had of the session, after each commit.
        meter: who gave leave last.
    """

    session: Session
    touched_ms: int
    starts: int
    presence_ms: int = 0
    waiting: int = 0
    promised: set[int] = field(default_factory=set)
    lent: dict[object, set[int]] = field(default_factory=dict)
    delivered: set[int] = field(default_factory=set)
    better: dict[int, set[int]] = field(default_factory=dict)
    sending: list[tuple[int, int, int]] = field(default_factory=list)
    owed: set[int] = field(default_factory=set)
    disturbed: bool = False
    revision: int = -1
    state: MeterState = NOTHING
    ticks: int = 0
    amount: int = 0
    drawn: int = 0
    closed_at: datetime | None = None
    answer: tuple[int, int] | None = None
    consents: set[str] = field(default_factory=set)
    durable: list[list[tuple[int, int]]] = field(default_factory=list)
    meter: object = None

    def present(self, now_ms: int, keepalive_ms: int) -> int:
        """For how long somebody may have watched until now: while requests wait, and for a while
        after each.
        """
        gap = now_ms - self.touched_ms
        return self.presence_ms + (gap if self.waiting else min(gap, keepalive_ms))

    def touch(self, now_ms: int, keepalive_ms: int) -> None:
        """Somebody is there now."""
        self.presence_ms = self.present(now_ms, keepalive_ms)
        self.touched_ms = now_ms


def cost(terms: Terms, seconds: int, rungs: Sequence[int] = ()) -> int:
    """What a session costs, written once more from the design."""
    tariff, free = terms.tariff, terms.tariff.free_seconds

    def due(price: Price, before: int, count: int) -> int:
        return price.stroops * (max(count, free) - max(before, free)) // price.seconds

    total = terms.paid + due(tariff.price, terms.seconds, seconds)
    total += tariff.view_stroops if terms.seconds <= free < seconds else 0
    before = (*terms.rungs, *[0] * len(tariff.rungs))
    for rung, first, last in zip(tariff.rungs, before, rungs, strict=False):
        total += due(rung.price, first, last)
    cap = tariff.session_cap
    return total if cap is None else min(total, max(cap, terms.paid))


def wallet(viewer: str) -> str:
    """The name of a viewer's account."""
    return viewer_account(viewer, "XLM").id
