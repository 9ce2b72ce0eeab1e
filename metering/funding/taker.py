"""Takes deposits: reads what the chain shows of our addresses, and books each payment once."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from prometheus_client import Counter, Gauge

from config.limits import (
    DEPOSIT_HALT_MS,
    DEPOSIT_PAGE_PAYMENTS_MAX,
    DEPOSIT_PAGES_MAX,
    DEPOSIT_POLL_MS,
)
from config.postgres import UNAVAILABLE
from config.tasks import cancel, spawn
from metering.funding.deposit import Booking, Kind, Rules, book, known, numbers_of
from metering.funding.deposit_store import DepositStore, Position, ReadElsewhere, Reading
from metering.ledger.ledger import LedgerRefusal
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.settlement.feed import ChainPayment, Feed, FeedPage, HistoryGap

log = structlog.get_logger(__name__)

_taken = Counter("tollcast_chain_payments_total", "Payments that came in, by kind.", ["kind"])
_halted = Gauge("tollcast_deposits_halted", "1 while payments are missing that nobody can read.")

_AWAY: tuple[type[Exception], ...] = (ChainUnreachable, WrongNetwork, *UNAVAILABLE)


class Elsewhere(Protocol):
    """Whoever books payments that come in for another reason, by other events."""

    async def books(self, payment: ChainPayment) -> bool:
        """Whether the payment is theirs. May raise one of `config.postgres.UNAVAILABLE`."""


Credited = Callable[[str, str], None]
"""Told of an account and an asset, after a deposit was booked."""


class DepositTaker:
    """Follows the feeds of all watched addresses of one network.

    Any number of processes may do so at once: who is second finds that the position has moved.

    Args:
        feeds: one for each watched address.
        store: what was read and booked.
        rules: what is a deposit.
        credited: told of each deposit.
        elsewhere: whose some payments are.
    """

    def __init__(
        self,
        feeds: Sequence[Feed],
        store: DepositStore,
        rules: Rules,
        credited: Credited,
        elsewhere: Sequence[Elsewhere] = (),
    ) -> None:
        self._feeds = feeds
        self._store = store
        self._rules = rules
        self._credited = credited
        self._elsewhere = elsewhere
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.halted: str | None = None
        """Why nothing more is taken: the operator has to find out what happened."""

    async def start(self) -> None:
        self._task = spawn(self._run(), "deposits")

    async def stop(self) -> None:
        """End; what was read and not booked is read again."""
        await cancel(self._task)

    async def take(self) -> list[Booking]:
        """Book what has come in by now.

        Returns:
            What was new, of all kinds.

        Raises:
            HistoryGap: some of it is not to be had any more; nothing behind it is taken.
            LedgerRefusal: the books say something else about it.
            ChainUnreachable, WrongNetwork, or one of `config.postgres.UNAVAILABLE`.
        """
        async with self._turn:
            taken: list[Booking] = []
            for feed in self._feeds:
                await self._follow(feed, taken)
            self._resume()
            return taken

    async def _run(self) -> None:
        while True:
            wait_ms = DEPOSIT_POLL_MS
            try:
                await self.take()
            except HistoryGap as gap:
                self._halt(f"the node forgot payments: {gap}")
                wait_ms = DEPOSIT_HALT_MS
            except LedgerRefusal as refusal:
                self._halt(f"the books refuse a payment: {refusal}")
                wait_ms = DEPOSIT_HALT_MS
            except _AWAY as error:
                log.info("deposits wait", reason=str(error))
            await asyncio.sleep(wait_ms / 1000)

    async def _follow(self, feed: Feed, taken: list[Booking]) -> None:
        """Read one address to its end, or as far as a turn goes."""
        for _ in range(DEPOSIT_PAGES_MAX):
            position = await self._store.position(feed.address)
            page = await feed.after(position.cursor, DEPOSIT_PAGE_PAYMENTS_MAX)
            if page.cursor != position.cursor:
                taken += await self._book(feed.address, position, page)
            if page.finished:
                return

    async def _book(self, address: str, position: Position, page: FeedPage) -> list[Booking]:
        owners = await self._store.owners(numbers_of(page.payments))
        bookings = [
            known(payment)
            if payment.ledger <= position.booked_until or await self._is_elsewhere(payment)
            else book(payment, self._rules, owners)
            for payment in page.payments
        ]
        reading = Reading(address, position.cursor, page.cursor, page.ledger, tuple(bookings))
        try:
            fresh = await self._store.take(reading)
        except ReadElsewhere:
            return []
        for booking in fresh:
            self._tell(booking)
        return fresh

    async def _is_elsewhere(self, payment: ChainPayment) -> bool:
        for each in self._elsewhere:
            if await each.books(payment):
                return True
        return False

    def _tell(self, booking: Booking) -> None:
        payment = booking.payment
        _taken.labels(booking.kind.value).inc()
        if booking.account is not None:
            self._credited(booking.account, payment.asset)
        about = {"payment": payment.id, "amount": payment.amount, "asset": payment.asset}
        if booking.kind is Kind.SUSPENSE:
            log.warning("money came in for nobody known", reason=booking.reason, **about)
        else:
            log.info("money came in", kind=booking.kind.value, account=booking.account, **about)

    def _halt(self, reason: str) -> None:
        """Nothing is skipped: what was paid in is on the chain, and in no book of ours."""
        self.halted = reason
        _halted.set(1)
        log.error("no deposits are taken", reason=reason)

    def _resume(self) -> None:
        if self.halted is not None:
            log.info("deposits are taken again")
        self.halted = None
        _halted.set(0)
