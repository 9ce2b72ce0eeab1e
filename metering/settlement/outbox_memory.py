"""The outbox in memory: for tests, for trying out, and to compare the other one with."""

from collections.abc import Sequence

from metering.ledger.ledger import Ledger
from metering.money import Stroops
from metering.settlement.outbox import (
    MovedOn,
    PayoutView,
    Settlement,
    SourceBusy,
    State,
    final_transfers,
    inflight_accounts,
    payout_view,
    planned_transfers,
)


class MemoryOutbox:
    """Implements `outbox.Outbox` beside a ledger that is in memory too. Lost with the process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._settlements: dict[str, Settlement] = {}
        self._obstacles: dict[str, dict[str, str]] = {}

    async def plan(self, settlement: Settlement) -> None:
        if await self.unfinished(settlement.source):
            raise SourceBusy(settlement.source)
        await self._ledger.open_accounts(inflight_accounts(settlement))
        await self._ledger.post(planned_transfers(settlement))
        self._settlements[settlement.id] = settlement

    async def advance(self, before: Settlement, after: Settlement) -> None:
        if self._settlements.get(before.id) != before:
            raise MovedOn(before.id)
        if after.state.final:
            await self._ledger.post(final_transfers(after))
        self._settlements[after.id] = after

    async def unfinished(self, source: str) -> list[Settlement]:
        mine = [s for s in self._settlements.values() if s.source == source]
        return sorted((s for s in mine if not s.state.final), key=lambda s: s.id)

    async def payouts(self, creator: str, asset: str, limit: int) -> list[PayoutView]:
        views = [
            payout_view(settlement, payment)
            for settlement in self._settlements.values()
            if settlement.asset == asset
            for payment in settlement.payments
            if payment.creator == creator
        ]
        return sorted(views, key=lambda view: view.id, reverse=True)[:limit]

    async def totals(self, creator: str, asset: str) -> tuple[Stroops, Stroops]:
        in_flight = settled = 0
        for settlement in self._settlements.values():
            paid = sum(p.amount for p in settlement.payments if p.creator == creator)
            if settlement.asset != asset:
                continue
            if settlement.state == State.APPLIED:
                settled += paid
            elif not settlement.state.final:
                in_flight += paid
        return Stroops(in_flight), Stroops(settled)

    async def refused_since(self, asset: str, codes: Sequence[str], since_ms: int) -> set[str]:
        return {
            payment.creator
            for settlement in self._settlements.values()
            if settlement.asset == asset and settlement.created_ms >= since_ms
            for payment in settlement.payments
            if payout_view(settlement, payment).code in codes
        }

    async def note_obstacles(self, asset: str, obstacles: dict[str, str]) -> None:
        self._obstacles[asset] = dict(obstacles)

    async def obstacle(self, creator: str, asset: str) -> str | None:
        return self._obstacles.get(asset, {}).get(creator)
