"""Writes ticks and deliveries of long ago to files, and keeps what they come to."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import structlog

from config.limits import JOURNAL_PAGE_MAX
from config.postgres import Connection, Database, Record
from metering.audit.finding import Verdict
from metering.audit.sessions import check_sessions
from metering.ledger.archive_file import ArchiveWriter, rows_path
from metering.ledger.journal import array_text
from metering.retention.parts import first_session_id, month_of
from metering.retention.upkeep import NotSound

log = structlog.get_logger(__name__)

# Of sessions that are all over and have their receipts.
_DUE = """
SELECT name, lo, hi FROM session_part AS part
WHERE closing_seal IS NULL AND hi <= $1
    AND NOT EXISTS (SELECT FROM playback_session
        WHERE id >= lo AND id < hi AND closed_at IS NULL)
    AND NOT EXISTS (SELECT FROM receipt_due WHERE session_id >= lo AND session_id < hi)
ORDER BY hi LIMIT 1
"""

_CLOSE = "SELECT number FROM session_part_close($1, $2, $3, $4, $5, $6)"

# Both with the key of the last row of a page, for the next one.
_TICKS = """
SELECT session_id, revision, first_tick, last_tick, amount, price_epoch.id,
    (extract(epoch FROM tick_run.recorded_at) * 1000000)::bigint
FROM tick_run LEFT JOIN price_epoch ON price_epoch.number = tick_run.epoch
WHERE session_id >= $1 AND session_id < $2 AND (session_id, revision) > ($3, $4)
ORDER BY session_id, revision LIMIT $5
"""

_DELIVERIES = """
SELECT session_id, sequence, revision, lo, hi,
    (extract(epoch FROM recorded_at) * 1000000)::bigint
FROM delivery
WHERE session_id >= $1 AND session_id < $2 AND (session_id, sequence, revision) > ($3, $4, $5)
ORDER BY session_id, sequence, revision LIMIT $6
"""

_LEAST = -(2**63)


class _Written(NamedTuple):
    hash: bytes
    rows: int


async def close_sessions(owner: Database, directory: Path, months: int, now_ms: int) -> int:
    """Close the parts of sessions that began more than `months` whole months ago; how many.

    Raises:
        NotSound: some session breaks a rule.
        OSError: a file cannot be written.
    """
    limit = first_session_id(month_of(now_ms) - months)
    closed = 0
    while (part := await owner.fetchrow(_DUE, limit)) is not None:
        name = part["name"]
        async with owner.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await _require_sound(connection)
            ticks = await _write(_ticks(connection, part), directory, f"tick_run_{name}")
            deliveries = await _write(_deliveries(connection, part), directory, f"delivery_{name}")
        at = datetime.fromtimestamp(now_ms // 1000, UTC)
        await owner.fetchval(_CLOSE, name, at, *ticks, *deliveries)
        log.info("sessions of a month were closed", part=name, runs=ticks.rows)
        closed += 1
    return closed


async def _require_sound(connection: Connection) -> None:
    for finding in await check_sessions(connection):
        if finding.verdict is Verdict.VIOLATED:
            raise NotSound(f"{finding.title}: {finding.state}")


async def _write(pages: AsyncIterator[list[Record]], directory: Path, table: str) -> _Written:
    writer = await asyncio.to_thread(ArchiveWriter, rows_path(directory, table))
    rows = 0
    try:
        async for page in pages:
            await asyncio.to_thread(writer.add, [array_text(*row) for row in page])
            rows += len(page)
        return _Written(await asyncio.to_thread(writer.finish), rows)
    finally:
        await asyncio.to_thread(writer.abandon)


async def _ticks(connection: Connection, part: Record) -> AsyncIterator[list[Record]]:
    bounds = (part["lo"], part["hi"])
    last: tuple[object, ...] = ("", _LEAST)
    while page := await connection.fetch(_TICKS, *bounds, *last, JOURNAL_PAGE_MAX):
        yield page
        last = (page[-1]["session_id"], page[-1]["revision"])


async def _deliveries(connection: Connection, part: Record) -> AsyncIterator[list[Record]]:
    bounds = (part["lo"], part["hi"])
    last: tuple[object, ...] = ("", _LEAST, _LEAST)
    while page := await connection.fetch(_DELIVERIES, *bounds, *last, JOURNAL_PAGE_MAX):
        yield page
        last = (page[-1]["session_id"], page[-1]["sequence"], page[-1]["revision"])
