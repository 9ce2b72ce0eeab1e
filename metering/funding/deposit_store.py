"""Deposits as they are kept: whose number is whose, how far the chain was read, what came in."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from config.limits import DEPOSIT_NUMBER_DRAWS_MAX
from metering.funding.deposit import NUMBER_LIMIT, Booking, Kind
from metering.ledger.ledger import Ledger
from metering.money import Stroops


class NumbersExhausted(Exception):
    """Every number that was drawn is somebody's: chance is broken."""


class ReadElsewhere(Exception):
    """Another process has read the address further; go on from where it is now."""


class Position(NamedTuple):
    """Up to where an address was read; `cursor` is None before the first page.

    What happened up to `booked_until`, a ledger, is in the books although it was not read.
    """

    cursor: str | None = None
    ledger: int = 0
    booked_until: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """A page of an address's payments: what was read, and where the next one begins."""

    address: str
    before: str | None
    cursor: str
    ledger: int
    bookings: tuple[Booking, ...]


@dataclass(frozen=True, slots=True)
class Deposit:
    """Money that was credited to somebody. `event` is the payment's id on its network."""

    event: str
    account: str
    asset: str
    amount: Stroops
    at: datetime
    source: str
    transaction: str
    ledger: int


class DepositStore(Protocol):
    """What `MemoryDeposits` and `deposits_postgres` both do, for one network."""

    async def number(self, account: str) -> int:
        """The account's own number, drawn when it is asked for the first time.

        Raises:
            NumbersExhausted: none could be drawn.
        """

    async def owners(self, numbers: Collection[int]) -> dict[int, str]:
        """Accounts by number; numbers that nobody has are left out."""

    async def position(self, address: str) -> Position:
        """Up to where an address was read."""

    async def take(self, reading: Reading) -> list[Booking]:
        """Keep and book what is new of a page, and move the position, all or nothing.

        Returns:
            What was new.

        Raises:
            ReadElsewhere: the position is not `reading.before` any more.
        """

    async def deposits(self, account: str, limit: int) -> list[Deposit]:
        """What was credited to an account, the newest first; also what the operator gave it."""


def draw_number() -> int:
    """1 to 2^63 - 1, by chance: who mistypes one most likely hits nobody's."""
    return secrets.randbelow(NUMBER_LIMIT - 1) + 1


class MemoryDeposits:
    """Implements `DepositStore` beside a ledger that is in memory too. Lost with the process."""

    def __init__(self, ledger: Ledger, draw: Callable[[], int] = draw_number) -> None:
        self._ledger = ledger
        self._draw = draw
        self._numbers: dict[str, int] = {}
        self._positions: dict[str, Position] = {}
        self.taken: dict[str, Booking] = {}
        self.assigned: dict[str, str] = {}
        """What the operator gave to whom; `suspense.MemorySuspense` writes it."""

    async def number(self, account: str) -> int:
        if account in self._numbers:
            return self._numbers[account]
        for _ in range(DEPOSIT_NUMBER_DRAWS_MAX):
            number = self._draw()
            if number not in self._numbers.values():
                return self._numbers.setdefault(account, number)
        raise NumbersExhausted(account)

    async def owners(self, numbers: Collection[int]) -> dict[int, str]:
        return {number: owner for owner, number in self._numbers.items() if number in numbers}

    async def position(self, address: str) -> Position:
        return self._positions.get(address, Position())

    async def take(self, reading: Reading) -> list[Booking]:
        position = await self.position(reading.address)
        if position.cursor != reading.before:
            raise ReadElsewhere(reading.address)
        fresh = [
            each
            for each in reading.bookings
            if each.kind is not Kind.KNOWN and each.payment.id not in self.taken
        ]
        await self._ledger.open_accounts([account for each in fresh for account in each.accounts])
        await self._ledger.post([each.transfer for each in fresh if each.transfer is not None])
        self.taken |= {each.payment.id: each for each in fresh}
        self._positions[reading.address] = position._replace(
            cursor=reading.cursor, ledger=max(position.ledger, reading.ledger)
        )
        return fresh

    async def deposits(self, account: str, limit: int) -> list[Deposit]:
        found = [
            _deposit(each, account)
            for each in self.taken.values()
            if account in (each.account, self.assigned.get(each.payment.id))
        ]
        return found[::-1][:limit]


def _deposit(booking: Booking, account: str) -> Deposit:
    payment = booking.payment
    return Deposit(
        event=payment.id,
        account=account,
        asset=payment.asset,
        amount=payment.amount,
        at=datetime.fromtimestamp(payment.closed_at, UTC),
        source=payment.source,
        transaction=payment.transaction,
        ledger=payment.ledger,
    )
