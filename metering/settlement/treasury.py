"""Play money: fills the hot account on a local network, and compares chain and ledger."""

from dataclasses import dataclass
from typing import Protocol

import structlog

from config.limits import TREASURY_LOW_STROOPS
from metering.ledger.ledger import (
    Ledger,
    LedgerRefusal,
    UnknownAccount,
    hot_account,
    treasury_account,
)
from metering.money import NATIVE, Stroops
from metering.settlement.chain import OnChain, WrongNetwork
from metering.settlement.feed import HistoryGap

_LOW = Stroops(TREASURY_LOW_STROOPS)

log = structlog.get_logger(__name__)


class ChainWasReset(WrongNetwork):
    """The ledger counts on money in the hot account, but the chain does not have that account.

    The local network's state was lost, or the ledger belongs to another network.
    """


class Deposits(Protocol):
    """Who books what comes in."""

    async def take(self) -> object:
        """Book all that has come in by now.

        Raises:
            HistoryGap, LedgerRefusal: some of it is not to be had any more, or cannot be booked.
            ChainUnreachable, WrongNetwork: as `chain.Chain`.
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


class HotAccount(Protocol):
    """An account on a chain; raises as `chain.Chain`."""

    @property
    def address(self) -> str:
        """The account that pays (G...)."""

    async def holdings(self, address: str) -> OnChain | None:
        """As `chain.Chain`."""


async def reconcile(chain: HotAccount, ledger: Ledger, asset: str = NATIVE) -> Reconciliation:
    """Compare the hot account with the ledger.

    Raises:
        ChainWasReset: the ledger expects money in an account that does not exist.
        ChainUnreachable, WrongNetwork: as `chain.Chain`.
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

    What friendbot gave is booked as every payment that comes in is, by its own event: a crash
    between the two loses nothing, and what a viewer pays in meanwhile is nobody else's.
    """

    def __init__(
        self,
        chain: HotAccount,
        friendbot: Friendbot,
        ledger: Ledger,
        deposits: Deposits,
        low: Stroops = _LOW,
    ) -> None:
        self._chain = chain
        self._friendbot = friendbot
        self._ledger = ledger
        self._deposits = deposits
        self._low = low

    async def replenish(self) -> Stroops:
        """Book what came in, and ask for more when the treasury is low.

        Returns:
            What the treasury holds now.

        Raises:
            ChainWasReset: the network lost the hot account.
            ChainUnreachable, WrongNetwork: as `chain.Chain`.
        """
        treasury = treasury_account(NATIVE)
        await self._ledger.open_accounts([treasury, hot_account(NATIVE)])
        await reconcile(self._chain, self._ledger)
        try:
            await self._deposits.take()
            if await self._ledger.balance(treasury.id) < self._low:
                hash_ = await self._friendbot.fund(self._chain.address)
                log.info("play money arrived", transaction=hash_)
                await self._deposits.take()
        except (HistoryGap, LedgerRefusal) as error:
            # Whatever friendbot gave could not be booked.
            log.warning("no play money: what comes in cannot be booked", reason=str(error))
        return await self._ledger.balance(treasury.id)
