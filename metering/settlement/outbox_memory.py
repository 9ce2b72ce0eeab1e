"""The outbox in memory: for tests, for trying out, and to compare the other one with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from metering.ledger.ledger import Ledger
from metering.money import Stroops
from metering.settlement.outbox import (
    Kind,
    Left,
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

_LOST = (State.FAILED, State.DEAD)


class _Spent(NamedTuple):
    """What a settlement takes of a day's caps."""

    created_ms: int
    asset: str
    paid: int
    fees: int

    @classmethod
    def of(cls, settlement: Settlement) -> "_Spent":
        kinds = (Kind.PAYOUT, Kind.WITHDRAWAL)
        paid = sum(payment.amount for payment in settlement.payments if payment.kind in kinds)
        outcome = settlement.outcome
        return cls(
            settlement.created_ms,
            settlement.asset,
            0 if settlement.state in _LOST else paid,
            settlement.reserve if outcome is None else outcome.fee_charged,
        )


class MemoryOutbox:
    """Implements `outbox.Outbox` beside a ledger that is in memory too. Lost with the process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        # In the order of planning, as all that is below.
        self._settlements: dict[str, Settlement] = {}
        self._unfinished: set[str] = set()
        self._settlement_of: dict[str, str] = {}
        self._by_due: defaultdict[str, list[Payment]] = defaultdict(list)
        self._by_account: defaultdict[str, list[Payment]] = defaultdict(list)
        self._failed: list[str] = []
        self._claimable: dict[str, Payment] = {}
        self._claimed: set[str] = set()
        self._spent: dict[str, _Spent] = {}
        self._obstacles: dict[str, dict[str, str]] = {}

    async def plan(self, settlement: Settlement) -> None:
        if await self.unfinished(settlement.source):
            raise SourceBusy(settlement.source)
        await self._ledger.open_accounts(accounts_of(settlement))
        await self._ledger.post(planned_transfers(settlement))
        self._settlements[settlement.id] = settlement
        self._unfinished.add(settlement.id)
        self._spent[settlement.id] = _Spent.of(settlement)
        for payment in settlement.payments:
            self._settlement_of[payment.id] = settlement.id
            self._by_due[payment.due].append(payment)
            self._by_account[payment.account].append(payment)
            if payment.claimable:
                self._claimable[payment.id] = payment

    async def advance(self, before: Settlement, after: Settlement) -> None:
        if self._settlements.get(before.id) != before:
            raise MovedOn(before.id)
        final = final_transfers(after) if after.state.final else []
        await self._ledger.post([*bump_transfers(before, after), *final])
        self._settlements[after.id] = after
        self._spent[after.id] = _Spent.of(after)
        if after.state.final:
            self._unfinished.discard(after.id)
        if after.state == State.FAILED:
            self._failed.append(after.id)

    async def unfinished(self, source: str | None = None) -> list[Settlement]:
        under_way = [self._settlements[each] for each in sorted(self._unfinished)]
        return [each for each in under_way if source is None or each.source == source]

    async def settlement(self, settlement_id: str) -> Settlement | None:
        return self._settlements.get(settlement_id)

    async def settlement_of(self, payment: str) -> Settlement | None:
        return self._settlements.get(self._settlement_of.get(payment, ""))

    async def payouts(self, creator: str, asset: str, limit: int) -> list[PayoutView]:
        views = [
            self._view(payment)
            for settlement, payment in self._all()
            if (settlement.asset, payment.creator, payment.kind) == (asset, creator, Kind.PAYOUT)
        ]
        return sorted(views, key=lambda view: view.id, reverse=True)[:limit]

    async def fates(self, dues: Sequence[str]) -> dict[str, PayoutView]:
        return {due: self._view(self._by_due[due][-1]) for due in dues if due in self._by_due}

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
        recent = [each for each in self._spent.values() if each.created_ms >= since_ms]
        paid = sum(each.paid for each in recent if each.asset == asset)
        return Spending(Stroops(paid), Stroops(sum(each.fees for each in recent)))

    async def refused_since(
        self, asset: str, codes: Sequence[str], since_ms: int
    ) -> dict[str, str]:
        refused: dict[str, str] = {}
        for settlement in map(self._settlements.__getitem__, self._failed):
            if settlement.asset != asset or settlement.created_ms < since_ms:
                continue
            for payment in settlement.payments:
                code = payout_view(settlement, payment).code
                if code is not None and code in codes:
                    refused[payment.due] = code
        return refused

    async def left(self, asset: str, until: int, after: str, limit: int) -> list[Left]:
        found = []
        for id_ in sorted(self._claimable.keys() - self._claimed):
            left = self._left(self._claimable[id_])
            if left is None or left.max_time > until or id_ <= after:
                continue
            if self._of(left.payout).asset == asset and not self._is_taken_back(id_, until):
                found.append(left)
        return found[:limit]

    async def note_claimed(self, payouts: Sequence[str]) -> None:
        self._claimed |= set(payouts)

    async def reclaimed(self, accounts: Sequence[str]) -> set[str]:
        return {each for each in accounts if self._arrived_last(each) == Kind.RECLAIM}

    async def carried(self, accounts: Sequence[str]) -> dict[str, int]:
        last = {account: self._last_payout(account) for account in accounts}
        return {account: each.earned_until for account, each in last.items() if each is not None}

    async def note_obstacles(
        self, asset: str, looked_at: Sequence[str], obstacles: Mapping[str, str]
    ) -> None:
        known = self._obstacles.get(asset, {})
        others = {due: reason for due, reason in known.items() if due not in set(looked_at)}
        self._obstacles[asset] = others | dict(obstacles)

    async def obstacle(self, creator: str, asset: str) -> str | None:
        return self._obstacles.get(asset, {}).get(creator)

    def _last_payout(self, account: str) -> Payment | None:
        """The last one that did not come back."""
        for payment in reversed(self._by_account.get(account, [])):
            if payment.kind == Kind.PAYOUT and self._of(payment).state not in _LOST:
                return payment
        return None

    def _arrived_last(self, account: str) -> Kind | None:
        for payment in reversed(self._by_account.get(account, [])):
            counts = payment.kind in (Kind.PAYOUT, Kind.RECLAIM)
            if counts and self._of(payment).state == State.APPLIED:
                return payment.kind
        return None

    def _left(self, payment: Payment) -> Left | None:
        settlement = self._of(payment)
        signed = settlement.signed
        if settlement.state != State.APPLIED or signed is None:
            return None
        place = settlement.payments.index(payment)
        return Left(payment, settlement.source, signed.sequence, signed.max_time, place)

    def _is_taken_back(self, payout: str, since: int) -> bool:
        """Whether it is, is being, or was tried to be since then."""
        taken = [self._of(back) for back in self._by_due.get(payout, [])]
        return any(s.state not in _LOST or s.created_ms > since * 1000 for s in taken)

    def _of(self, payment: Payment) -> Settlement:
        return self._settlements[self._settlement_of[payment.id]]

    def _view(self, payment: Payment) -> PayoutView:
        taken = [self._of(back).state for back in self._by_due.get(payment.id, [])]
        return replace(
            payout_view(self._of(payment), payment),
            claimed=payment.id in self._claimed,
            reclaimed=State.APPLIED in taken,
        )

    def _all(self) -> list[tuple[Settlement, Payment]]:
        return [(s, payment) for s in self._settlements.values() for payment in s.payments]
