"""A source of payments whose turn comes rarely: what many small sums come to is sent at once."""

from collections.abc import Sequence

from config.clock import Clock
from config.limits import SETTLEMENT_PAYMENTS_MAX
from metering.settlement.source import Due, PaymentSource


class Paced:
    """Implements `source.PaymentSource`: asks another one at most once an interval, and again at
    once while there may be more than one transaction has room for.
    """

    def __init__(self, source: PaymentSource, clock: Clock, interval_ms: int) -> None:
        self._source = source
        self._clock = clock
        self._interval_ms = interval_ms
        self._next_ms = clock.monotonic_ms()

    async def due(self, asset: str, limit: int) -> Sequence[Due]:
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._next_ms:
            return ()
        found = await self._source.due(asset, limit)
        if len(found) < SETTLEMENT_PAYMENTS_MAX:
            self._next_ms = now_ms + self._interval_ms
        return found

    async def refused(self, due_id: str, code: str) -> None:
        await self._source.refused(due_id, code)
