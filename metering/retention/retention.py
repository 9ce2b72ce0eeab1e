"""Takes transfers of long ago out of the database, after all of them were sealed and exported."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import structlog

from config.limits import AUDIT_STATEMENT_MS_MAX, JOURNAL_PAGE_MAX
from config.postgres import Connection, Database
from metering.audit.accounts import check_accounts
from metering.audit.finding import Verdict
from metering.ledger.archive_file import ArchiveWriter, archive_path
from metering.ledger.journal import PART_BITS, Content
from metering.ledger.journal_postgres import JournalReader
from metering.retention.parts import month_of, month_start
from metering.retention.session_retention import close_sessions
from metering.retention.upkeep import NotSound

log = structlog.get_logger(__name__)

# The oldest part, if the one after it was begun before a time: all of it is older then.
_DUE = """
SELECT part.number FROM ledger_part AS part
JOIN ledger_part AS next ON next.number = part.number + 1
WHERE part.closing_seal IS NULL AND next.begun_at < $1
ORDER BY part.number LIMIT 1
"""

_CLOSE = "SELECT number FROM ledger_part_close($1, $2, $3, $4)"


class _Exported(NamedTuple):
    hash: bytes
    transfers: int


class LedgerRetention:
    """Implements `upkeep.Retention`; needs the schema's owner, and connects only when something
    is due.
    """

    def __init__(self, owner_url: str, directory: Path, months: int) -> None:
        """Files go to `directory`. At least the last `months` months stay in the database, but for
        the first minutes of the first one, which may be in the part of the month before.
        """
        self._owner_url = owner_url
        self._directory = directory
        self._months = months

    async def close_due(self, now_ms: int) -> int:
        """Close the parts that are due; how many those were.

        Raises:
            NotSound: balances and transfers do not agree, or a seal does not fit its transfers.
            OSError: a file cannot be written.
        """
        owner = await Database.connect(
            self._owner_url, pool_size=1, statement_ms_max=AUDIT_STATEMENT_MS_MAX
        )
        try:
            closed = 0
            while (part := await owner.fetchval(_DUE, self._limit(now_ms))) is not None:
                await self._close(owner, part, now_ms)
                closed += 1
            closed += await close_sessions(owner, self._directory, self._months, now_ms)
        finally:
            await owner.close()
        return closed

    def _limit(self, now_ms: int) -> datetime:
        # A part that ends within this month's beginning is of the month before.
        return month_start(month_of(now_ms) - self._months + 1)

    async def _close(self, owner: Database, part: int, now_ms: int) -> None:
        async with owner.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await _require_sound(connection)
            exported = await self._export(connection, part)
        at = datetime.fromtimestamp(now_ms // 1000, UTC)
        seal = await owner.fetchval(_CLOSE, part, at, *exported)
        log.info(
            "a part of the ledger was closed", part=part, seal=seal, transfers=exported.transfers
        )

    async def _export(self, connection: Connection, part: int) -> _Exported:
        """Write the part's file, and see that each seal fits what is written."""
        writer = await asyncio.to_thread(ArchiveWriter, archive_path(self._directory, part))
        try:
            transfers = await _write(connection, part, writer)
            return _Exported(await asyncio.to_thread(writer.finish), transfers)
        finally:
            await asyncio.to_thread(writer.abandon)


async def _require_sound(connection: Connection) -> None:
    for finding in await check_accounts(connection):
        if finding.verdict is Verdict.VIOLATED:
            raise NotSound(f"{finding.title}: {finding.state}")


async def _write(connection: Connection, part: int, writer: ArchiveWriter) -> int:
    journal = JournalReader(connection)
    position, transfers = (part << PART_BITS) - 1, 0
    async for seal in journal.seals_of(part):
        content = Content()
        while lines := await journal.lines(position, seal.last, JOURNAL_PAGE_MAX):
            await asyncio.to_thread(writer.add, [line.text for line in lines])
            for line in lines:
                content.add(line.position, line.hash)
            position = lines[-1].position
        if content.hash != seal.content:
            raise NotSound(f"seal {seal.number} does not fit its transfers")
        transfers += content.transfers
    return transfers
