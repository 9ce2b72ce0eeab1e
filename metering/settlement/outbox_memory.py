"""The outbox in memory: for tests, for trying out, and to compare the other one with."""

from collections.abc import Mapping, Sequence

from metering.ledger.ledger import Ledger
from metering.money import Stroops
from metering.settlement.outbox import (
    Kind,
    MovedOn,
    Payment,
    PayoutView,
    Settlement,
    SourceBusy,
    Spending,
    State,
    accounts_of,
    bump_transfers,
    final_transfers,
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
        await self._ledger.open_accounts(accounts_of(settlement))
        await self._ledger.post(planned_transfers(settlement))
        self._settlements[settlement.id] = settlement

    async def advance(self, before: Settlement, after: Settlement) -> None:
        if self._settlements.get(before.id) != before:
            raise MovedOn(before.id)
        final = final_transfers(after) if after.state.final else []
        await self._ledger.post([*bump_transfers(before, after), *final])
        self._settlements[after.id] = after

    async def unfinished(self, source: str | None = None) -> list[Settlement]:
        under_way = (s for s in self._settlements.values() if not s.state.final)
        asked = [s for s in under_way if source is None or s.source == source]
        return sorted(asked, key=lambda s: s.id)

    async def settlement(self, settlement_id: str) -> Settlement | None:
        return self._settlements.get(settlement_id)

    async def settlement_of(self, payment: str) -> Settlement | None:
        return next((s for s, p in self._all() if p.id == payment), None)

    async def payouts(self, creator: str, asset: str, limit: int) -> list[PayoutView]:
        views = [
            payout_view(settlement, payment)
            for settlement, payment in self._all()
            if (settlement.asset, payment.creator, payment.kind) == (asset, creator, Kind.PAYOUT)
        ]
        return sorted(views, key=lambda view: view.id, reverse=True)[:limit]

    async def fates(self, dues: Sequence[str]) -> dict[str, PayoutView]:
        in_order = sorted(self._all(), key=lambda each: each[1].id)
        return {p.due: payout_view(s, p) for s, p in in_order if p.due in dues}

    async def totals(self, creator: str, asset: str) -> tuple[Stroops, Stroops]:
        in_flight = settled = 0
        for settlement, payment in self._all():
            if (settlement.asset, payment.creator) != (asset, creator):
                continue
            if settlement.state == State.APPLIED and payment.kind == Kind.RECLAIM:
                settled -= payment.amount
            elif settlement.state == State.APPLIED and payment.kind == Kind.PAYOUT:
                settled += payment.amount
            elif not settlement.state.final and payment.kind == Kind.PAYOUT:
                in_flight += payment.amount
        return Stroops(in_flight), Stroops(settled)

    async def spent_since(self, asset: str, since_ms: int) -> Spending:
        recent = [s for s in self._settlements.values() if s.created_ms >= since_ms]
        alive = [s for s in recent if s.state != State.DEAD]
        fees = sum(s.reserve if s.outcome is None else s.outcome.fee_charged for s in alive)
        paid = sum(
            payment.amount
            for settlement in alive
            if settlement.asset == asset and settlement.state != State.FAILED
            for payment in settlement.payments
            if payment.kind in (Kind.PAYOUT, Kind.WITHDRAWAL)
        )
        return Spending(Stroops(paid), Stroops(fees))

    async def refused_since(
        self, asset: str, codes: Sequence[str], since_ms: int
    ) -> dict[str, str]:
        codes_of: dict[str, str] = {}
        for settlement, payment in sorted(self._all(), key=lambda each: each[1].id):
            code = payout_view(settlement, payment).code
            asked = settlement.asset == asset and settlement.created_ms >= since_ms
            if asked and code is not None and code in codes:
                codes_of[payment.due] = code
        return codes_of

    async def carried(self, accounts: Sequence[str]) -> dict[str, int]:
        lost = (State.FAILED, State.DEAD)
        in_order = sorted(self._all(), key=lambda each: each[1].id)
        payouts = [p for s, p in in_order if s.state not in lost and p.kind == Kind.PAYOUT]
        return {p.account: p.earned_until for p in payouts if p.account in accounts}

    def _all(self) -> list[tuple[Settlement, Payment]]:
        return [(s, payment) for s in self._settlements.values() for payment in s.payments]

    async def note_obstacles(
        self, asset: str, looked_at: Sequence[str], obstacles: Mapping[str, str]
    ) -> None:
        known = self._obstacles.get(asset, {})
        others = {due: reason for due, reason in known.items() if due not in set(looked_at)}
        self._obstacles[asset] = others | dict(obstacles)

    async def obstacle(self, creator: str, asset: str) -> str | None:
        return self._obstacles.get(asset, {}).get(creator)
