"""The journal in Postgres: the schema's functions seal, and what is sealed is read in pages."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from config.limits import JOURNAL_SEALS_MAX
from config.postgres import Database, LockNotAvailableError, Record
from metering.ledger.journal import PART_BITS, Kind, Line, Seal, array_text

_HORIZON = "SELECT journal_horizon()"

_SEAL = "SELECT * FROM journal_seal_next($1, $2, $3)"

_HEAD = "SELECT * FROM journal_seal ORDER BY number DESC LIMIT 1"

_SEALS = "SELECT * FROM journal_seal WHERE number > $1 ORDER BY number LIMIT $2"

_SEAL_BEFORE = """
SELECT coalesce(max(number), 0) FROM journal_seal
WHERE kind = 'transfers' AND last_position < $1
"""

_LINES = """
SELECT entry.*, debit.id AS debit_id, credit.id AS credit_id, debit.asset,
    (extract(epoch FROM recorded_at) * 1000000)::bigint AS recorded_us
FROM (
    SELECT * FROM ledger_transfer WHERE position > $1 AND position <= $2
    ORDER BY position LIMIT $3
) AS entry
LEFT JOIN ledger_account AS debit ON debit.number = entry.debit
LEFT JOIN ledger_account AS credit ON credit.number = entry.credit
ORDER BY entry.position
"""

_CLOSED_THROUGH = "SELECT max(last_position) FROM journal_seal WHERE kind = 'closing'"

_FILES = """
SELECT encode(export_hash, 'hex'), transfers
FROM ledger_part JOIN journal_seal ON journal_seal.number = closing_seal WHERE closing_seal = $1
"""

_SESSION_FILES = """
SELECT 'tick_run_' || name, encode(tick_run_hash, 'hex'), tick_run_rows
FROM session_part WHERE closing_seal = $1
UNION ALL
SELECT 'delivery_' || name, encode(delivery_hash, 'hex'), delivery_rows
FROM session_part WHERE closing_seal = $1
"""

_BALANCES = """
SELECT id, asset, journal_balance.balance
FROM journal_balance JOIN ledger_account ON ledger_account.number = account
WHERE seal = $1 ORDER BY id
"""


class Reader(Protocol):
    """What reads: a database, or a connection with a snapshot."""

    async def fetch(self, query: str, *args: object) -> list[Record]: ...

    async def fetchrow(self, query: str, *args: object) -> Record | None: ...


class JournalReader:
    """All of `journal.Journal` but `seal`."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def head(self) -> Seal | None:
        row = await self._reader.fetchrow(_HEAD)
        return None if row is None else _seal(row)

    async def seals(self, after: int, limit: int) -> list[Seal]:
        return [_seal(row) for row in await self._reader.fetch(_SEALS, after, limit)]

    async def seals_of(self, part: int) -> AsyncIterator[Seal]:
        """The seals of a part's transfers."""
        row = await self._reader.fetchrow(_SEAL_BEFORE, part << PART_BITS)
        number = 0 if row is None else row[0]
        end = (part + 1) << PART_BITS
        while seals := await self.seals(number, JOURNAL_SEALS_MAX):
            for seal in seals:
                if seal.kind is Kind.TRANSFERS and seal.first >= end:
                    return
                if seal.kind is Kind.TRANSFERS:
                    yield seal
            number = seals[-1].number

    async def lines(self, after: int, through: int, limit: int) -> list[Line]:
        return [_line(row) for row in await self._reader.fetch(_LINES, after, through, limit)]

    async def closed_through(self) -> int:
        row = await self._reader.fetchrow(_CLOSED_THROUGH)
        return 0 if row is None or row[0] is None else int(row[0])

    async def closing(self, number: int) -> Sequence[str]:
        files = [
            *await self._reader.fetch(_FILES, number),
            *await self._reader.fetch(_SESSION_FILES, number),
        ]
        balances = await self._reader.fetch(_BALANCES, number)
        return [array_text(*row) for row in (*files, *balances)]


class PostgresJournal(JournalReader):
    """Implements `journal.Journal`; each call may raise `config.postgres.UNAVAILABLE`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._database = database

    async def seal(self, now_ms: int, limit: int) -> Seal | None:
        try:
            horizon = await self._database.fetchval(_HORIZON)
        except LockNotAvailableError:
            return None
        at = datetime.fromtimestamp(now_ms // 1000, UTC).replace(microsecond=now_ms % 1000 * 1000)
        row = await self._database.fetchrow(_SEAL, horizon, at, limit)
        return None if row is None else _seal(row)


def _seal(row: Record) -> Seal:
    return Seal(
        number=row["number"],
        kind=Kind(row["kind"]),
        first=row["first_position"],
        last=row["last_position"],
        transfers=row["transfers"],
        content=row["content"],
        sealed_us=_microseconds(row["sealed_at"]),
        previous=row["previous"],
        hash=row["hash"],
        marks=row["marks"],
    )


def _line(row: Record) -> Line:
    return Line(
        position=row["position"],
        id=row["id"],
        # An account that does not exist shows by its number; the chain will not agree.
        debit=row["debit_id"] or f"#{row['debit']}",
        credit=row["credit_id"] or f"#{row['credit']}",
        amount=row["amount"],
        asset=row["asset"] or "",
        cause=row["cause"],
        recorded_us=row["recorded_us"],
    )


def _microseconds(at: datetime) -> int:
    seconds = at.replace(microsecond=0)
    return int(seconds.timestamp()) * 1_000_000 + at.microsecond
