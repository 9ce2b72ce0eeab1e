"""What seconds of media cost: a price is p stroops for q seconds, charged by cumulative floor.

The k-th second costs floor(p(k+1)/q) - floor(pk/q). The first K seconds therefore cost floor(pK/q)
exactly, never a stroop more than the exact price, and no single second is off by more than one.
Rounding each segment instead drifts: at 333 stroops a second, 1800 segments of 2.002 s come to
1 198 800 (rounded down) or 1 200 600 (to nearest) where 1 199 998.8 is due.
"""

from dataclasses import dataclass
from math import gcd

from config.limits import PRICE_SECONDS_MAX, PRICE_STROOPS_MAX
from metering.money import Stroops, checked_asset


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
