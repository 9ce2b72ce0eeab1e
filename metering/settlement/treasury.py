"""Play money: fills the hot account on a local network, and compares chain and ledger."""

from dataclasses import dataclass
from typing import Protocol

import structlog

from config.limits import TREASURY_LOW_STROOPS
from metering.ledger.ledger import (
    ConflictingTransfer,
    Ledger,
    Transfer,
    UnknownAccount,
    hot_account,
    treasury_account,
)
from metering.money import NATIVE, Stroops
from metering.settlement.chain import Chain, WrongNetwork
from metering.settlement.outbox import Outbox

_LOW = Stroops(TREASURY_LOW_STROOPS)

log = structlog.get_logger(__name__)


class ChainWasReset(WrongNetwork):
    """The ledger counts on money in the hot account, but the chain does not have that account.

    The local network's state was lost, or the ledger belongs to another network.
    """


class Friendbot(Protocol):
    """Gives lumens to whoever asks."""

    async def fund(self, address: str) -> str:
        """Ask for lumens; the transaction's hash, once it is part of a ledger.

        Raises:
            ChainUnreachable: no answer, or no lumens.
        """


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What the hot account holds, and what the ledger says it should; all in stroops.

    While a settlement is under way the two may differ by what it pays.
    """

    on_chain: Stroops
    in_ledger: Stroops
    changed_in: int  # the ledger that changed the hot account last; 0 when it does not exist

    @property
    def difference(self) -> int:
        """Above zero: money on the chain that the ledger does not know of."""
        return self.on_chain - self.in_ledger


async def reconcile(chain: Chain, ledger: Ledger, asset: str = NATIVE) -> Reconciliation:
    """Compare the hot account with the ledger.

    Raises:
        ChainWasReset: the ledger expects money in an account that does not exist.
        ChainUnreachable, WrongNetwork: as `Chain`.
    """
    in_ledger = await _in_ledger(ledger, asset)
    holdings = await chain.holdings(chain.address)
    if holdings is None and in_ledger != 0:
        raise ChainWasReset(f"the ledger expects {in_ledger} stroops in {chain.address}")
    if holdings is None:
        return Reconciliation(Stroops(0), in_ledger, 0)
    return Reconciliation(holdings.balance, in_ledger, holdings.ledger)


async def _in_ledger(ledger: Ledger, asset: str) -> Stroops:
    try:
        return Stroops(-await ledger.balance(hot_account(asset).id))
    except UnknownAccount:
        return Stroops(0)


class PlayMoney:
    """Keeps the treasury of a local network filled: implements `worker.Treasury`.

    What friendbot gave is recorded by comparing chain and ledger, not by its answer: a crash
    between the two then loses nothing. The transfer's id is the ledger that changed the account
    last, so each gift is recorded once.
    """

    def __init__(
        self,
        chain: Chain,
        friendbot: Friendbot,
        ledger: Ledger,
        outbox: Outbox,
        low: Stroops = _LOW,
    ) -> None:
        self._chain = chain
        self._friendbot = friendbot
        self._ledger = ledger
        self._outbox = outbox
        self._low = low

    async def replenish(self) -> Stroops:
        """Record what came in, and ask for more when the treasury is low.

        Does nothing while a settlement is under way: chain and ledger may differ then.

        Returns:
            What the treasury holds now.

        Raises:
            ChainWasReset: the network lost the hot account.
            ChainUnreachable, WrongNetwork: as `Chain`.
        """
        treasury = treasury_account(NATIVE)
        await self._ledger.open_accounts([treasury, hot_account(NATIVE)])
        if not await self._outbox.unfinished(self._chain.address):
            await self._record()
            if await self._ledger.balance(treasury.id) < self._low:
                hash_ = await self._friendbot.fund(self._chain.address)
                log.info("play money arrived", transaction=hash_)
                await self._record()
        return await self._ledger.balance(treasury.id)

    async def _record(self) -> None:
        """Bring what the chain has more than the ledger into the treasury."""
        books = await reconcile(self._chain, self._ledger)
        if books.difference < 0:
            log.error("the hot account holds less than the ledger says", missing=-books.difference)
        if books.difference <= 0 or await self._may_be_a_payout(books):
            return
        gift = Transfer(
            id=f"funding:{self._chain.address}:{books.changed_in}",
            debit=hot_account(NATIVE).id,
            credit=treasury_account(NATIVE).id,
            amount=Stroops(books.difference),
            asset=NATIVE,
            cause="play_money",
        )
        try:
            await self._ledger.post([gift])
        except ConflictingTransfer:
            log.error("this ledger's gift was recorded as another amount", transfer=gift.id)

    async def _may_be_a_payout(self, books: Reconciliation) -> bool:
        """Whether another process of this server settled while chain and ledger were compared."""
        if await self._outbox.unfinished(self._chain.address):
            return True
        return await _in_ledger(self._ledger, NATIVE) != books.in_ledger
