"""The ledger in Postgres. The rules that need the database's view are functions of the schema.

Reads go to the one database there is: a replica may be behind, and money is not (facts: L7).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from config.limits import LEDGER_PAGE_MAX
from config.postgres import Connection, Database, RaiseError, UniqueViolationError
from metering.ledger.ledger import (
    Account,
    AssetMismatch,
    ConflictingTransfer,
    Entry,
    LedgerReport,
    Standing,
    Transfer,
    UnknownAccount,
    WouldOverdraw,
    unrepeated,
)
from metering.money import Stroops

_OPEN = """
INSERT INTO ledger_account (id, asset, floor)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
ORDER BY 1
ON CONFLICT (id) DO NOTHING
"""

_MISMATCHED = """
SELECT id FROM unnest($1::text[], $2::text[]) AS wanted (id, asset)
JOIN ledger_account AS opened USING (id)
WHERE opened.asset <> wanted.asset
ORDER BY id LIMIT 1
"""

_POST = "SELECT ledger_post($1, $2, $3, $4, $5, $6)"

# Of names with a common prefix, none sorts after the prefix and the highest code point.
_BALANCES = """
SELECT id, balance FROM ledger_account
WHERE id >= $1 AND id < $1 || chr(1114111)
ORDER BY id
"""

_STANDINGS = """
SELECT id, balance, last_position FROM ledger_account
WHERE id >= $1 AND id < $1 || chr(1114111) AND balance >= $2
ORDER BY id
"""

# Of what moves while somebody watches there is no index by account.
_TRANSFERS_OF = """
WITH own AS (SELECT number FROM ledger_account WHERE id = $1)
SELECT entry.*, debit.id AS debit_id, credit.id AS credit_id, debit.asset
FROM (
    SELECT * FROM ledger_transfer
    WHERE (SELECT number FROM own) IN (debit, credit) AND position > $2
    ORDER BY position LIMIT $3
) AS entry
JOIN ledger_account AS debit ON debit.number = entry.debit
JOIN ledger_account AS credit ON credit.number = entry.credit
ORDER BY entry.position LIMIT $3
"""

_UNBALANCED = """
SELECT asset, sum(balance) AS total FROM ledger_account GROUP BY asset HAVING sum(balance) <> 0
"""

DRIFTED = """
FROM ledger_account
LEFT JOIN (
    SELECT number, sum(amount) AS moved
    FROM (
        SELECT account, balance FROM journal_balance
        WHERE seal = (SELECT max(closing_seal) FROM ledger_part)
        UNION ALL
        SELECT debit, -amount FROM ledger_transfer
        UNION ALL
        SELECT credit, amount FROM ledger_transfer
    ) AS line (number, amount)
    GROUP BY number
) AS moved USING (number)
WHERE balance <> coalesce(moved, 0)
"""
"""The accounts that do not hold what their transfers come to (`moved`), as a statement's end."""

_DRIFTED = f"SELECT id, balance - coalesce(moved, 0) AS drift {DRIFTED}"

_OVERDRAWN = "SELECT id, balance FROM ledger_account WHERE balance < floor"

# The key of any part.
_TRANSFER_ID = re.compile(r"ledger_transfer_\d+_pkey")

_REFUSALS: dict[str, type[UnknownAccount | AssetMismatch | WouldOverdraw | ConflictingTransfer]] = {
    "unknown_account": UnknownAccount,
    "asset_mismatch": AssetMismatch,
    "would_overdraw": WouldOverdraw,
    "conflicting_transfer": ConflictingTransfer,
}


class PostgresLedger:
    """Implements `ledger.Ledger`; besides what it says there, each call may raise
    `config.postgres.UNAVAILABLE`, and then nobody knows whether a batch was posted: post it again,
    as it was.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_accounts(self, accounts: Sequence[Account]) -> None:
        async with self._database.transaction() as connection:
            await self.open_accounts_within(connection, accounts)

    async def open_accounts_within(
        self, connection: Connection, accounts: Sequence[Account]
    ) -> None:
        """As `open_accounts`, in a transaction of the caller's."""
        ids = [account.id for account in accounts]
        assets = [account.asset for account in accounts]
        await connection.execute(_OPEN, ids, assets, [account.floor for account in accounts])
        mismatched = await connection.fetchval(_MISMATCHED, ids, assets)
        if mismatched is not None:
            raise AssetMismatch(mismatched)

    async def post(self, transfers: Sequence[Transfer]) -> frozenset[str]:
        async with self._database.transaction() as connection:
            return await self.post_within(connection, transfers)

    async def post_within(
        self, connection: Connection, transfers: Sequence[Transfer]
    ) -> frozenset[str]:
        """As `post`, in a transaction of the caller's, which fails with it when refused.

        The accounts stay locked until that transaction ends, so it should be short.
        """
        columns = transfer_columns(list(unrepeated(transfers).values()))
        with refusals():
            return frozenset(await connection.fetchval(_POST, *columns))

    async def balance(self, account: str) -> Stroops:
        balance = await self._database.fetchval(
            "SELECT balance FROM ledger_account WHERE id = $1", account
        )
        if balance is None:
            raise UnknownAccount(account)
        return Stroops(balance)

    async def balances(self, prefix: str) -> dict[str, Stroops]:
        rows = await self._database.fetch(_BALANCES, prefix)
        return {row["id"]: Stroops(row["balance"]) for row in rows}

    async def standings(self, prefix: str, at_least: Stroops) -> dict[str, Standing]:
        rows = await self._database.fetch(_STANDINGS, prefix, at_least)
        return {row["id"]: Standing(Stroops(row["balance"]), row["last_position"]) for row in rows}

    async def transfers_of(
        self, account: str, after: int = 0, limit: int = LEDGER_PAGE_MAX
    ) -> list[Entry]:
        limit = min(limit, LEDGER_PAGE_MAX)
        return [
            Entry(
                row["position"],
                Transfer(
                    id=row["id"],
                    debit=row["debit_id"],
                    credit=row["credit_id"],
                    amount=Stroops(row["amount"]),
                    asset=row["asset"],
                    cause=row["cause"],
                ),
            )
            for row in await self._database.fetch(_TRANSFERS_OF, account, after, limit)
        ]

    async def check(self) -> LedgerReport:
        async with self._database.transaction() as connection:
            # One snapshot for the three questions, or a batch in between looks like a drift.
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            unbalanced = await connection.fetch(_UNBALANCED)
            drifted = await connection.fetch(_DRIFTED)
            overdrawn = await connection.fetch(_OVERDRAWN)
        return LedgerReport(
            unbalanced={row["asset"]: int(row["total"]) for row in unbalanced},
            drifted={row["id"]: int(row["drift"]) for row in drifted},
            overdrawn={row["id"]: row["balance"] for row in overdrawn},
        )


def transfer_columns(transfers: Sequence[Transfer]) -> tuple[list[object], ...]:
    """The arrays that the schema's functions take, in their order."""
    return (
        [transfer.id for transfer in transfers],
        [transfer.debit for transfer in transfers],
        [transfer.credit for transfer in transfers],
        [transfer.amount for transfer in transfers],
        [transfer.asset for transfer in transfers],
        [transfer.cause for transfer in transfers],
    )


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the schema's functions raise into the ledger's own errors."""
    try:
        yield
    except RaiseError as error:
        refusal = _REFUSALS.get(error.message)
        if refusal is None:
            raise
        raise refusal(error.detail) from None
    except UniqueViolationError as error:
        if _TRANSFER_ID.fullmatch(error.constraint_name) is None:
            raise
        # Two batches under one id at once, over different accounts: the second comes to this.
        raise ConflictingTransfer(error.detail) from None
