"""Statements of accounts, from sessions and transfers.

A line is what one session was charged in the period, or one other transfer: reserving and releasing
are left out, so that a viewer's balance is all that is theirs. The opening balance is what there is
now without all that was recorded since: so it is right also where old transfers have been put away,
and opening balance and lines come to what the ledger has.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from api.movements import kind_of
from api.movements_postgres import PostgresMovements
from api.statement import AccountStatement, Line, Period, Statement
from config.limits import (
    STATEMENT_PAGE_LINES,
    STATEMENT_SETTLED_SECONDS,
    STATEMENT_SUM_SESSIONS,
)
from config.postgres import Database, Record

_NOW = "SELECT now()"

# A part that was put away has been followed by others.
_KEPT_SINCE = """
SELECT max(begun_at) FROM ledger_part
WHERE number > (SELECT max(number) FROM ledger_part WHERE closing_seal IS NOT NULL)
"""

_WITHOUT_SESSIONS = """
SELECT own.balance
    + (SELECT coalesce(sum(hold.balance), 0) FROM playback_session
       JOIN ledger_account AS hold ON hold.number = hold_account
       WHERE viewer_account = own.number AND closed_at IS NULL)
    - (SELECT coalesce(sum(amount), 0) FROM ledger_transfer
       WHERE credit = own.number AND cause NOT IN ('hold', 'void', 'post') AND recorded_at >= $2)
    + (SELECT coalesce(sum(amount), 0) FROM ledger_transfer
       WHERE debit = own.number AND cause NOT IN ('hold', 'void', 'post') AND recorded_at >= $2)
FROM ledger_account AS own WHERE own.number = $1
"""

# What some sessions moved since then, behind the last ones. Their times are of another clock than
# those of transfers: a day is more than they differ by.
_CHARGED_SINCE = """
SELECT max(id) AS last, count(*) AS count,
    sum(CASE WHEN viewer_account = $1 THEN -1 ELSE 1 END
        * session_charged(id, opened_at, amount, closed_at IS NOT NULL, $2, 'infinity')) AS moved
FROM (
    (SELECT * FROM playback_session WHERE viewer_account = $1 AND id > $3 AND amount > 0
        AND (closed_at IS NULL OR closed_at >= $2::timestamptz - interval '1 day')
     ORDER BY id LIMIT $4)
    UNION ALL
    (SELECT * FROM playback_session WHERE creator_account = $1 AND id > $3 AND amount > 0
        AND (closed_at IS NULL OR closed_at >= $2::timestamptz - interval '1 day')
     ORDER BY id LIMIT $4)
) AS session
"""

_SESSIONS = """
SELECT session.id, opened_at, ticks, asset_id, asset.title,
    CASE WHEN viewer_account = $1 THEN -charged ELSE charged END AS amount,
    closed_at IS NOT NULL AND charged = amount AS whole
FROM (
    (SELECT * FROM playback_session WHERE viewer_account = $1 AND id > $4 AND amount > 0
        AND opened_at < $3::timestamptz + interval '1 day'
        AND (closed_at IS NULL OR closed_at >= $2::timestamptz - interval '1 day')
     ORDER BY id LIMIT $5)
    UNION ALL
    (SELECT * FROM playback_session WHERE creator_account = $1 AND id > $4 AND amount > 0
        AND opened_at < $3::timestamptz + interval '1 day'
        AND (closed_at IS NULL OR closed_at >= $2::timestamptz - interval '1 day')
     ORDER BY id LIMIT $5)
) AS session
LEFT JOIN asset ON asset.id = asset_id
CROSS JOIN LATERAL session_charged(
    session.id, opened_at, amount, closed_at IS NOT NULL, $2, $3
) AS charged
ORDER BY session.id LIMIT $5
"""

_TRANSFERS = """
SELECT entry.*, pass.content AS content_id, content.title FROM (
    (SELECT position, id, cause, -amount AS amount, recorded_at FROM ledger_transfer
     WHERE debit = $1 AND position > $4 AND cause NOT IN ('hold', 'void', 'post')
        AND recorded_at >= $2 AND recorded_at < $3
     ORDER BY position LIMIT $5)
    UNION ALL
    (SELECT position, id, cause, amount, recorded_at FROM ledger_transfer
     WHERE credit = $1 AND position > $4 AND cause NOT IN ('hold', 'void', 'post')
        AND recorded_at >= $2 AND recorded_at < $3
     ORDER BY position LIMIT $5)
) AS entry
LEFT JOIN pass ON cause IN ('pass', 'pass_sold') AND pass.id = split_part(entry.id, ':', 1)
LEFT JOIN asset AS content ON content.id = pass.content
ORDER BY position LIMIT $5
"""


class PutAway(Exception):
    """The transfers of this time are in files of the operator's by now."""

    def __init__(self, since: datetime) -> None:
        super().__init__(f"transfers before {since.isoformat()} were put away")
        self.since = since


class PostgresStatements:
    """Reads statements; may raise `config.postgres.UNAVAILABLE`, also in the middle of one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._movements = PostgresMovements(database)

    async def settled_until(self) -> datetime:
        """Nothing is recorded any more under an earlier time."""
        now: datetime = await self._database.fetchval(_NOW)
        return now - timedelta(seconds=STATEMENT_SETTLED_SECONDS)

    async def statement(self, owner: str, period: Period) -> Statement:
        """All accounts of an owner; their lines are read as they are asked for.

        Raises:
            PutAway: the period begins before what the database has.
        """
        kept_since = await self._database.fetchval(_KEPT_SINCE)
        if kept_since is not None and period.since < kept_since:
            raise PutAway(kept_since)
        accounts = [
            AccountStatement(
                role=row["id"].partition(":")[0],
                asset=row["asset"],
                opening=await self._opening(row["number"], period),
                lines=self._lines(row["number"], period),
            )
            for row in await self._movements.accounts(owner)
        ]
        return Statement(owner, period, tuple(accounts))

    async def _opening(self, number: int, period: Period) -> int:
        """In one view of the database, and in pieces: no statement takes long."""
        async with self._database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            opening = int(await connection.fetchval(_WITHOUT_SESSIONS, number, period.since))
            after, size = "", STATEMENT_SUM_SESSIONS
            while True:
                row = await connection.fetchrow(_CHARGED_SINCE, number, period.since, after, size)
                assert row is not None, "sums have a row"
                opening -= int(row["moved"] or 0)
                if row["count"] < size:
                    return opening
                after = row["last"]

    async def _lines(self, number: int, period: Period) -> AsyncIterator[Line]:
        """Sessions and transfers as they began; both are read a page at a time."""
        sessions = self._pages(_SESSIONS, "id", "", number, period)
        transfers = self._pages(_TRANSFERS, "position", 0, number, period)
        session, transfer = await anext(sessions, None), await anext(transfers, None)
        while session is not None or transfer is not None:
            if transfer is None or (
                session is not None and session["opened_at"] <= transfer["recorded_at"]
            ):
                assert session is not None, "one of them is there"
                if session["amount"]:
                    yield _of_session(session)
                session = await anext(sessions, None)
            else:
                yield _of_transfer(transfer)
                transfer = await anext(transfers, None)

    async def _pages(
        self, query: str, key: str, first: object, number: int, period: Period
    ) -> AsyncIterator[Record]:
        after, size = first, STATEMENT_PAGE_LINES
        while True:
            rows = await self._database.fetch(
                query, number, period.since, period.until, after, size
            )
            for row in rows:
                yield row
            if len(rows) < size:
                return
            after = rows[-1][key]


def _of_session(row: Record) -> Line:
    return Line(
        at=row["opened_at"],
        kind="watched" if row["amount"] < 0 else "earned",
        reference=row["id"],
        amount=int(row["amount"]),
        content_id=row["asset_id"],
        title=row["title"] or "",
        # Of a part of a session nobody counts seconds: they are charged in runs.
        seconds=row["ticks"] if row["whole"] else None,
    )


def _of_transfer(row: Record) -> Line:
    return Line(
        at=row["recorded_at"],
        kind=kind_of(row["cause"]),
        reference=row["id"],
        amount=row["amount"],
        content_id=row["content_id"] or "",
        title=row["title"] or "",
    )
