"""Passes in Postgres: a pass, its shares and its transfers in one transaction."""

from datetime import datetime

from config.postgres import Connection, Database, Record
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.passes.passes import Content, Pass, Sale, Sold
from metering.shares.store import SplitStore

# One account buys one after the other: whoever comes second sees the pass that it has.
_IN_TURN = "SELECT 1 FROM account WHERE id = $1 FOR NO KEY UPDATE"

_KEEP = """
INSERT INTO pass (id, account, content, source, hours, asset, price, fee, split, began, ends)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""

_KEEP_PARTS = """
INSERT INTO pass_part (pass, account, asset, amount)
SELECT $1, account, $2, amount FROM unnest($3::text[], $4::bigint[]) AS part (account, amount)
"""

_GET = "SELECT * FROM pass WHERE id = $1"

_GOOD = """
SELECT * FROM pass
WHERE account = $1 AND ends > $2 AND began <= $2
    AND (content = $3 OR (source = $4 AND began <= $5))
ORDER BY ends DESC, id DESC LIMIT 1
"""

_OF = "SELECT * FROM pass WHERE account = $1 ORDER BY ends DESC, id DESC LIMIT $2"

_SOLD = """
SELECT count(*) AS count, coalesce(sum(amount), 0)::bigint AS amount
FROM pass_part WHERE account = $1 AND asset = $2
"""


class PostgresPassStore:
    """Implements `store.PassStore`. Each call may also raise one of `config.postgres.UNAVAILABLE`,
    and then nobody knows whether it was done: do it again.
    """

    def __init__(self, database: Database, ledger: PostgresLedger, splits: SplitStore) -> None:
        self._database = database
        self._ledger = ledger
        self._splits = splits

    async def buy(self, sale: Sale, content: Content) -> Pass:
        await self._splits.keep(sale.split)
        async with self._database.transaction() as connection:
            await connection.execute(_IN_TURN, sale.sold.account)
            held = await connection.fetchrow(_GET, sale.sold.id)
            if held is None:
                asked = (sale.sold.account, sale.sold.began, content)
                held = await connection.fetchrow(_GOOD, *_question(*asked))
            if held is not None:
                return _pass(held)
            await self._sell(connection, sale)
        return sale.sold

    async def get(self, pass_id: str) -> Pass | None:
        row = await self._database.fetchrow(_GET, pass_id)
        return None if row is None else _pass(row)

    async def good(self, account: str, content: Content, at: datetime) -> Pass | None:
        row = await self._database.fetchrow(_GOOD, *_question(account, at, content))
        return None if row is None else _pass(row)

    async def of(self, account: str, limit: int) -> list[Pass]:
        return [_pass(row) for row in await self._database.fetch(_OF, account, limit)]

    async def sold(self, account: str, asset: str) -> Sold:
        row = await self._database.fetchrow(_SOLD, account, asset)
        assert row is not None, "sums have a row"
        return Sold(row["count"], Stroops(row["amount"]))

    async def _sell(self, connection: Connection, sale: Sale) -> None:
        await connection.execute(_KEEP, *_columns(sale))
        parts, sold = sale.parts, sale.sold
        accounts, amounts = [each.account for each in parts], [each.amount for each in parts]
        await connection.execute(_KEEP_PARTS, sold.id, sold.asset, accounts, amounts)
        await self._ledger.open_accounts_within(connection, sale.accounts)
        await self._ledger.post_within(connection, sale.transfers)


def _question(account: str, at: datetime, content: Content) -> tuple[object, ...]:
    return account, at, content.id, content.source, content.began


def _columns(sale: Sale) -> tuple[object, ...]:
    sold = sale.sold
    return (
        sold.id,
        sold.account,
        sold.content,
        sold.source,
        sold.hours,
        sold.asset,
        sold.price,
        sale.fee,
        sale.split.id,
        sold.began,
        sold.ends,
    )


def _pass(row: Record) -> Pass:
    return Pass(
        id=row["id"],
        account=row["account"],
        content=row["content"],
        source=row["source"],
        hours=row["hours"],
        asset=row["asset"],
        price=Stroops(row["price"]),
        began=row["began"],
    )
