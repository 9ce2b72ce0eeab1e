"""Where passes are kept, and the keeper in memory."""

from datetime import datetime
from typing import Protocol

from metering.ledger.ledger import Ledger
from metering.money import Stroops
from metering.passes.passes import Content, Pass, Sale, Sold


class PassStore(Protocol):
    """What `MemoryPassStore` and `store_postgres` both do."""

    async def buy(self, sale: Sale, content: Content) -> Pass:
        """Keep a pass and move its price, all or nothing. Again is as once.

        Args:
            sale: what is bought; its split is kept.
            content: what it is bought for.

        Returns:
            The pass that is good for the content now: the one of the sale, or another one that
            there was already; then nothing was sold.

        Raises:
            WouldOverdraw: its buyer has less; or another `LedgerRefusal`.
        """

    async def get(self, pass_id: str) -> Pass | None:
        """The pass of that id."""

    async def good(self, account: str, content: Content, at: datetime) -> Pass | None:
        """The one that an account watches something with at that moment; of several, the one that
        ends last.
        """

    async def of(self, account: str, limit: int) -> list[Pass]:
        """An account's passes, those that end last first."""

    async def sold(self, account: str, asset: str) -> Sold:
        """What came of passes for a creator."""


class MemoryPassStore:
    """Implements `PassStore` beside a ledger that is in memory too. Lost with the process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._sales: dict[str, Sale] = {}

    async def buy(self, sale: Sale, content: Content) -> Pass:
        if sale.sold.id in self._sales:
            return self._sales[sale.sold.id].sold
        held = await self.good(sale.sold.account, content, sale.sold.began)
        if held is not None:
            return held
        await self._ledger.open_accounts(sale.accounts)
        await self._ledger.post(sale.transfers)
        self._sales[sale.sold.id] = sale
        return sale.sold

    async def get(self, pass_id: str) -> Pass | None:
        sale = self._sales.get(pass_id)
        return None if sale is None else sale.sold

    async def good(self, account: str, content: Content, at: datetime) -> Pass | None:
        held = await self.of(account, len(self._sales))
        return next((each for each in held if each.is_good(content, at)), None)

    async def of(self, account: str, limit: int) -> list[Pass]:
        own = [each.sold for each in self._sales.values() if each.sold.account == account]
        return sorted(own, key=lambda each: (each.ends, each.id), reverse=True)[:limit]

    async def sold(self, account: str, asset: str) -> Sold:
        parts = [
            part.amount
            for sale in self._sales.values()
            for part in sale.parts
            if sale.sold.asset == asset and part.account == account
        ]
        return Sold(len(parts), Stroops(sum(parts)))
