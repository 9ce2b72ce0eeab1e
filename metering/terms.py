"""Under what a session is charged: a tariff, and where in the session it took over."""

from bisect import bisect_right
from dataclasses import dataclass, field

from metering.money import Stroops
from metering.tariff import Price, Tariff


@dataclass(frozen=True, slots=True)
class Terms:
    """A session begins under the terms of its content, and goes on under others when the price is
    changed. All counts are of the whole session, so that free seconds are free once and a fee is
    due once; each tariff charges for what was watched since it took over.

    Attributes:
        seconds: that were charged until then.
        rungs: of those, how many at each rung of `tariff`.
        paid: what they had cost.
    """

    tariff: Tariff
    seconds: int = 0
    rungs: tuple[int, ...] = ()
    paid: int = 0

    # Nearly all sessions have a price and nothing else, and are asked for a cost with every
    # segment: p and q of a session that costs floor(pK/q); q is 0 where it is not that simple.
    rate: tuple[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_simple = self.tariff.is_plain and not self.seconds and not self.paid
        price = self.tariff.price
        object.__setattr__(self, "rate", (price.stroops, price.seconds if is_simple else 0))

    @classmethod
    def of(cls, offered: Tariff | Price) -> "Terms":
        """The terms of a session that begins; a price alone is a tariff without anything else."""
        return cls(Tariff(offered) if isinstance(offered, Price) else offered)

    def cost(self, seconds: int, rungs: tuple[int, ...] = ()) -> Stroops:
        """What the session costs in all after so many seconds, not fewer than `self.seconds`, and
        so many at each rung. Never less after more.
        """
        stroops, per = self.rate
        if per:
            return Stroops(stroops * seconds // per)
        tariff = self.tariff
        due = self.paid + tariff.due((self.seconds, self.rungs), (seconds, rungs))
        cap = tariff.session_cap
        if cap is not None and due > cap:
            due = max(cap, self.paid)
        return Stroops(due)

    @property
    def entry(self) -> Stroops:
        """What a viewer has to have to begin: the first second that is not free, or nothing when
        there are free ones before.
        """
        tariff = self.tariff
        if tariff.free_seconds:
            return Stroops(0)
        first = tariff.view_stroops + tariff.price.tick_max
        return Stroops(first if tariff.session_cap is None else min(first, tariff.session_cap))

    def seconds_affordable(self, seconds: int, rungs: tuple[int, ...], stroops: int) -> int | None:
        """How many seconds more of the lowest pictures can be paid with `stroops`; None when all
        of them.
        """
        if self.rate[1]:
            return self.tariff.price.seconds_affordable(seconds, stroops)
        limit = self.cost(seconds, rungs) + max(stroops, 0)
        end = seconds + self._beyond_all(stroops)
        if self.cost(end, rungs) <= limit:
            return None
        return bisect_right(range(seconds, end), limit, key=lambda s: self.cost(s, rungs)) - 1

    def _beyond_all(self, stroops: int) -> int:
        """More seconds than can be paid, unless all that follow can."""
        price = self.tariff.price
        paid = price.seconds * (max(stroops, 0) + 2) // max(price.stroops, 1)
        return self.tariff.free_seconds + paid + price.seconds + 1
