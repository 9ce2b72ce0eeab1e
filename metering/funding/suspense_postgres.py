"""Money in suspense in Postgres: a decision and what it moves are one transaction."""

from config.postgres import Connection, Database, Record
from metering.funding.suspense import Decided, Item, UnknownItem, assignment
from metering.funding.withdrawal import Withdrawal
from metering.funding.withdrawals_postgres import PostgresWithdrawals
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops

_ITEM = """
SELECT payment.*, assigned_to, withdrawal,
    decision.event IS NULL OR coalesce(withdrawal.state = 'refused', false) AS is_open
FROM chain_payment AS payment
LEFT JOIN suspense_decision AS decision USING (network, event)
LEFT JOIN withdrawal ON withdrawal.id = decision.withdrawal
WHERE kind = 'suspense' AND payment.network = $1
"""

_ONE = f"{_ITEM} AND payment.event = $2"

_ITEMS = f"""
SELECT * FROM ({_ITEM} AND place > $2) AS item WHERE is_open OR $4 ORDER BY place LIMIT $3
"""

# Two decisions about one payment wait for each other here: its row is never changed, so the server
# could not lock it.
_TURN = "SELECT pg_advisory_xact_lock(hashtextextended('suspense:' || $1 || ':' || $2, 0))"

_DECIDE = """
INSERT INTO suspense_decision (network, event, assigned_to, withdrawal) VALUES ($1, $2, $3, $4)
ON CONFLICT (network, event) DO UPDATE
    SET assigned_to = excluded.assigned_to, withdrawal = excluded.withdrawal, decided_at = now()
"""


class PostgresSuspense:
    """Implements `suspense.SuspenseStore` for one network. Each call may also raise one of
    `config.postgres.UNAVAILABLE`, and then nobody knows whether it was done: do it again.
    """

    def __init__(
        self,
        database: Database,
        ledger: PostgresLedger,
        withdrawals: PostgresWithdrawals,
        network: str,
    ) -> None:
        self._database = database
        self._ledger = ledger
        self._withdrawals = withdrawals
        self._network = network

    async def items(self, after: int, limit: int, *, all_: bool = False) -> list[Item]:
        rows = await self._database.fetch(_ITEMS, self._network, after, limit, all_)
        return [_item(row) for row in rows]

    async def item(self, event: str) -> Item | None:
        row = await self._database.fetchrow(_ONE, self._network, event)
        return None if row is None else _item(row)

    async def assign(self, event: str, to: str) -> None:
        async with self._database.transaction() as connection:
            item = await self._open(connection, event, to)
            if item is None:
                return
            target, transfer = assignment(item, to, self._network)
            await connection.execute(_DECIDE, self._network, event, to, None)
            await self._ledger.open_accounts_within(connection, [target])
            await self._ledger.post_within(connection, [transfer])

    async def give_back(self, event: str, withdrawal: Withdrawal) -> None:
        async with self._database.transaction() as connection:
            if await self._open(connection, event, withdrawal.id) is None:
                return
            await self._withdrawals.request_within(connection, withdrawal)
            await connection.execute(_DECIDE, self._network, event, None, withdrawal.id)

    async def _open(self, connection: Connection, event: str, by: str) -> Item | None:
        """The item to decide about; None when that was decided just so."""
        await connection.execute(_TURN, self._network, event)
        row = await connection.fetchrow(_ONE, self._network, event)
        if row is None:
            raise UnknownItem(event)
        if row["is_open"]:
            return _item(row)
        if by in (row["assigned_to"], row["withdrawal"]):
            return None
        raise Decided(event)


def _item(row: Record) -> Item:
    number, memo = row["muxed_id"], row["memo_id"]
    return Item(
        event=row["event"],
        place=row["place"],
        reason=row["reason"],
        asset=row["asset"],
        amount=Stroops(row["amount"]),
        at=row["closed_at"],
        source=row["source"],
        destination=row["destination"],
        transaction=row["transaction_hash"],
        number=None if number is None else int(number),
        memo=None if memo is None else int(memo),
        assigned_to=row["assigned_to"],
        withdrawal=row["withdrawal"],
        is_open=row["is_open"],
    )
