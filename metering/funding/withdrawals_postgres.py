"""Withdrawals in Postgres: a row and its money move in one transaction."""

from config.postgres import Connection, Database, Record
from metering.funding.withdrawal import End, Withdrawal
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops

_KEEP = """
INSERT INTO withdrawal (id, owner, origin, asset, amount, address, memo, requested_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (id) DO NOTHING
"""

_GET = "SELECT * FROM withdrawal WHERE id = $1"

_OF = "SELECT * FROM withdrawal WHERE owner = $1 ORDER BY id DESC LIMIT $2"

_OPEN = "SELECT * FROM withdrawal WHERE state = 'open' AND asset = $1 ORDER BY id LIMIT $2"

_PAID = "UPDATE withdrawal SET state = 'paid' WHERE id = $1 AND state = 'open'"

_REFUSE = """
UPDATE withdrawal SET state = 'refused', code = $2 WHERE id = $1 AND state = 'open' RETURNING *
"""


class PostgresWithdrawals:
    """Implements `withdrawal.WithdrawalStore`. Each call may also raise one of
    `config.postgres.UNAVAILABLE`, and then nobody knows whether it was done: do it again.
    """

    def __init__(self, database: Database, ledger: PostgresLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def request(self, withdrawal: Withdrawal) -> None:
        async with self._database.transaction() as connection:
            await self.request_within(connection, withdrawal)

    async def request_within(self, connection: Connection, withdrawal: Withdrawal) -> None:
        """As `request`, in a transaction of the caller's."""
        tag = await connection.execute(
            _KEEP,
            withdrawal.id,
            withdrawal.owner,
            withdrawal.origin,
            withdrawal.asset,
            withdrawal.amount,
            withdrawal.address,
            withdrawal.memo,
            withdrawal.requested_at,
        )
        if tag == "INSERT 0 1":
            await self._ledger.open_accounts_within(connection, [withdrawal.account])
            await self._ledger.post_within(connection, [withdrawal.set_aside])

    async def get(self, withdrawal_id: str) -> Withdrawal | None:
        row = await self._database.fetchrow(_GET, withdrawal_id)
        return None if row is None else _withdrawal(row)

    async def of(self, owner: str, limit: int) -> list[Withdrawal]:
        return [_withdrawal(row) for row in await self._database.fetch(_OF, owner, limit)]

    async def open(self, asset: str, limit: int) -> list[Withdrawal]:
        return [_withdrawal(row) for row in await self._database.fetch(_OPEN, asset, limit)]

    async def paid(self, withdrawal_id: str) -> None:
        await self._database.execute(_PAID, withdrawal_id)

    async def refuse(self, withdrawal_id: str, code: str) -> None:
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_REFUSE, withdrawal_id, code)
            if row is not None:
                await self._ledger.post_within(connection, [_withdrawal(row).given_back])


def _withdrawal(row: Record) -> Withdrawal:
    return Withdrawal(
        id=row["id"],
        owner=row["owner"],
        origin=row["origin"],
        asset=row["asset"],
        amount=Stroops(row["amount"]),
        address=row["address"],
        requested_at=row["requested_at"],
        memo=row["memo"],
        end=End(row["state"]),
        code=row["code"],
    )
