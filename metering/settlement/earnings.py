"""What a creator earned, as they see it: still here, on its way, arrived."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from config.limits import EARNINGS_PAYOUTS_MAX, STELLAR_BALANCE_SECONDS_MAX
from metering.ledger.ledger import Ledger, UnknownAccount, creator_account
from metering.money import Stroops
from metering.settlement.chain import ChainUnreachable, OnChain, WrongNetwork
from metering.settlement.outbox import Outbox, PayoutView


@dataclass(frozen=True, slots=True)
class Earnings:
    """In stroops. `obstacle` says why due earnings are not paid: `no_address`, an `op_` code."""

    pending: Stroops
    in_flight: Stroops
    settled: Stroops
    payouts: list[PayoutView]
    obstacle: str | None = None

    @property
    def total(self) -> Stroops:
        return Stroops(self.pending + self.in_flight + self.settled)


class Holder(Protocol):
    """Who knows what an address holds on the chain."""

    async def holdings(self, address: str) -> OnChain | None: ...


class Shares(Protocol):
    """Who knows what waits to be shared out among several creators."""

    async def waiting_for(self, account: str, asset: str) -> Stroops: ...


class EarningsQuery:
    """Answers the questions of the earnings page; without `shares` nobody shares anything."""

    def __init__(
        self, ledger: Ledger, outbox: Outbox, chain: Holder, shares: Shares | None = None
    ) -> None:
        self._ledger = ledger
        self._outbox = outbox
        self._chain = chain
        self._shares = shares

    async def earnings(self, creator: str, asset: str) -> Earnings:
        """Everything about one creator's earnings in one asset."""
        try:
            pending = await self._ledger.balance(creator_account(creator, asset).id)
        except UnknownAccount:
            pending = Stroops(0)
        if self._shares is not None:
            pending = Stroops(pending + await self._shares.waiting_for(creator, asset))
        in_flight, settled = await self._outbox.totals(creator, asset)
        payouts = await self._outbox.payouts(creator, asset, EARNINGS_PAYOUTS_MAX)
        obstacle = await self._outbox.obstacle(creator, asset)
        return Earnings(pending, in_flight, settled, payouts, obstacle)

    async def on_chain_balance(self, address: str) -> Stroops | None:
        """What an address holds; None when it does not exist, or the chain is slow or away."""
        try:
            async with asyncio.timeout(STELLAR_BALANCE_SECONDS_MAX):
                holdings = await self._chain.holdings(address)
        except (TimeoutError, ChainUnreachable, WrongNetwork):
            return None
        return None if holdings is None else holdings.balance
