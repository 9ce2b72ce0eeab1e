"""Payments as a chain shows them, made up."""

import asyncio
from hashlib import sha256

from stellar_sdk import Keypair

from metering.funding.deposit import Addresses, Rules, network_name
from metering.money import Stroops
from metering.settlement.feed import ChainPayment, FeedPage, HistoryGap

PASSPHRASE = "Made-up Network ; play money"


def address(name: str) -> str:
    """Somebody's account."""
    return Keypair.from_raw_ed25519_seed(sha256(name.encode()).digest()).public_key


HOT, DEPOSIT, FRIENDBOT, WALLET = map(address, ("hot", "deposit", "friendbot", "wallet"))
CHANNEL, ISSUER = address("channel"), address("issuer")
USDC = f"USDC:{ISSUER}"
XLM = 10**7


def rules(deposit: str = HOT, minimum: int = 1_000, *assets: str) -> Rules:
    return Rules(
        network_name(PASSPHRASE),
        Addresses(HOT, deposit, frozenset([CHANNEL]), FRIENDBOT),
        frozenset(assets or ("XLM", USDC)),
        Stroops(minimum),
    )


def paid(
    event: int,
    amount: int = XLM,
    *,
    number: int | None = None,
    memo: int | None = None,
    asset: str = "XLM",
    source: str = WALLET,
    destination: str = HOT,
) -> ChainPayment:
    """One payment, `event` in the order of the chain."""
    transaction = sha256(f"transaction {event}".encode()).hexdigest()
    return ChainPayment(
        id=f"{transaction}:0",
        cursor=f"{event:010d}",
        ledger=100 + event,
        closed_at=1_790_000_000 + 5 * event,
        transaction=transaction,
        source=source,
        destination=destination,
        muxed_id=number,
        memo_id=memo,
        asset=asset,
        amount=Stroops(amount),
    )


class MemoryFeed:
    """A feed whose payments a test puts in; its cursors are those of payments.

    Attributes:
        payments: all there were.
        forgotten: those up to this event are not to be had any more.
        failures: raised instead of the next answers.
        gap_found: set when somebody asked for what was forgotten.
    """

    def __init__(self, address: str = HOT) -> None:
        self._address = address
        self.payments: list[ChainPayment] = []
        self.forgotten = 0
        self.failures: list[Exception] = []
        self.gap_found = asyncio.Event()
        self.page_max = 100

    @property
    def address(self) -> str:
        return self._address

    def pay(self, *payments: ChainPayment) -> None:
        self.payments += payments

    async def after(self, cursor: str | None, limit: int) -> FeedPage:
        if self.failures:
            raise self.failures.pop(0)
        if cursor is not None and int(cursor) < self.forgotten:
            self.gap_found.set()
            raise HistoryGap(cursor, 100 + self.forgotten)
        mine = (p for p in self.payments if self._address in (p.source, p.destination))
        behind = [p for p in mine if cursor is None or p.cursor > cursor]
        page = behind[: min(limit, self.page_max)]
        last = page[-1].cursor if page else cursor or "0000000000"
        return FeedPage(tuple(page), last, 100 + int(last), finished=len(page) == len(behind))
