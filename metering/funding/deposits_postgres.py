"""Deposits in Postgres: what came in, the ledger and the position move in one transaction."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from config.limits import DEPOSIT_NUMBER_DRAWS_MAX
from config.postgres import Connection, Database, Record
from metering.funding.deposit import Booking, Kind
from metering.funding.deposit_store import (
    Deposit,
    NumbersExhausted,
    Position,
    ReadElsewhere,
    Reading,
    draw_number,
)
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops

_NUMBER = "SELECT number FROM deposit_number WHERE account = $1"

_GIVE_NUMBER = "INSERT INTO deposit_number (account, number) VALUES ($1, $2) ON CONFLICT DO NOTHING"

_OWNERS = "SELECT number, account FROM deposit_number WHERE number = ANY ($1::numeric[])"

_POSITION = "SELECT cursor, ledger FROM feed_position WHERE network = $1 AND address = $2"

_ORIGIN = "SELECT ledger FROM feed_origin WHERE address = $1"

# The row as it was read, or nothing: another process may have read further.
_MOVE = """
INSERT INTO feed_position AS position (network, address, cursor, ledger) VALUES ($1, $2, $4, $5)
ON CONFLICT (network, address) DO UPDATE
    SET cursor = excluded.cursor, ledger = greatest(position.ledger, excluded.ledger),
        moved_at = now()
    WHERE position.cursor = $3::text
"""

_KEEP = """
INSERT INTO chain_payment (network, event, ledger, closed_at, transaction_hash, source, destination,
    muxed_id, memo_id, asset, amount, kind, account, reason)
SELECT $1, line.* FROM unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[],
    $7::text[], $8::numeric[], $9::numeric[], $10::text[], $11::bigint[], $12::text[], $13::text[],
    $14::text[]) AS line
ON CONFLICT (network, event) DO NOTHING
RETURNING event
"""

_DEPOSITS = """
SELECT payment.* FROM (
    (SELECT * FROM chain_payment WHERE account = $2 AND network = $1 ORDER BY place DESC LIMIT $3)
    UNION ALL
    (SELECT payment.* FROM suspense_decision AS decision
     JOIN chain_payment AS payment USING (network, event)
     WHERE decision.assigned_to = $2 AND network = $1 ORDER BY place DESC LIMIT $3)
) AS payment
ORDER BY place DESC LIMIT $3
"""


class PostgresDeposits:
    """Implements `deposit_store.DepositStore` for one network. Each call may also raise one of
    `config.postgres.UNAVAILABLE`, and then nobody knows whether it was done: read `position` anew.
    """

    def __init__(
        self,
        database: Database,
        ledger: PostgresLedger,
        network: str,
        draw: Callable[[], int] = draw_number,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._network = network
        self._draw = draw

    async def number(self, account: str) -> int:
        for _ in range(DEPOSIT_NUMBER_DRAWS_MAX):
            known: int | None = await self._database.fetchval(_NUMBER, account)
            if known is not None:
                return known
            await self._database.execute(_GIVE_NUMBER, account, self._draw())
        raise NumbersExhausted(account)

    async def owners(self, numbers: Collection[int]) -> dict[int, str]:
        if not numbers:
            return {}
        rows = await self._database.fetch(_OWNERS, list(numbers))
        return {row["number"]: row["account"] for row in rows}

    async def position(self, address: str) -> Position:
        booked_until = await self._database.fetchval(_ORIGIN, address) or 0
        row = await self._database.fetchrow(_POSITION, self._network, address)
        if row is None:
            return Position(booked_until=booked_until)
        return Position(row["cursor"], row["ledger"], booked_until)

    async def take(self, reading: Reading) -> list[Booking]:
        told = [each for each in reading.bookings if each.kind is not Kind.KNOWN]
        async with self._database.transaction() as connection:
            await self._move(connection, reading)
            if not told:
                return []
            rows = await connection.fetch(_KEEP, self._network, *_columns(told))
            new = {row["event"] for row in rows}
            fresh = [each for each in told if each.payment.id in new]
            accounts = [account for each in fresh for account in each.accounts]
            transfers = [each.transfer for each in fresh if each.transfer is not None]
            await self._ledger.open_accounts_within(connection, accounts)
            await self._ledger.post_within(connection, transfers)
        return fresh

    async def deposits(self, account: str, limit: int) -> list[Deposit]:
        rows = await self._database.fetch(_DEPOSITS, self._network, account, limit)
        return [_deposit(row, account) for row in rows]

    async def _move(self, connection: Connection, reading: Reading) -> None:
        tag = await connection.execute(
            _MOVE,
            self._network,
            reading.address,
            reading.before,
            reading.cursor,
            reading.ledger,
        )
        if tag != "INSERT 0 1":
            raise ReadElsewhere(reading.address)


def _columns(bookings: Sequence[Booking]) -> tuple[list[object], ...]:
    """What `_KEEP` takes, in its order."""
    lines = [
        (
            each.payment.id,
            each.payment.ledger,
            datetime.fromtimestamp(each.payment.closed_at, UTC),
            each.payment.transaction,
            each.payment.source,
            each.payment.destination,
            each.payment.muxed_id,
            each.payment.memo_id,
            each.payment.asset,
            each.payment.amount,
            each.kind.value,
            each.account,
            each.reason,
        )
        for each in bookings
    ]
    return tuple(list(column) for column in zip(*lines, strict=True))


def _deposit(row: Record, account: str) -> Deposit:
    return Deposit(
        event=row["event"],
        account=account,
        asset=row["asset"],
        amount=Stroops(row["amount"]),
        at=row["closed_at"],
        source=row["source"],
        transaction=row["transaction_hash"],
        ledger=row["ledger"],
    )
