"""Exported files of closed parts, compared with the seals of what is in them."""

import asyncio
from pathlib import Path

from config.postgres import Connection
from metering.audit.finding import Check, Finding
from metering.ledger.archive_file import ArchiveReader, archive_path, file_hash, rows_path
from metering.ledger.journal_postgres import JournalReader

_CLOSED = """
SELECT number, export_hash FROM ledger_part WHERE closing_seal IS NOT NULL ORDER BY number
"""


_SESSION_FILES = """
SELECT 'tick_run_' || name, tick_run_hash, tick_run_rows FROM session_part
WHERE closing_seal IS NOT NULL
UNION ALL
SELECT 'delivery_' || name, delivery_hash, delivery_rows FROM session_part
WHERE closing_seal IS NOT NULL
ORDER BY 1
"""


async def check_archive(connection: Connection, directory: Path) -> list[Finding]:
    """Read every file; no finding where no part was ever closed."""
    return [
        *await _check_transfers(connection, directory),
        *await _check_sessions(connection, directory),
    ]


async def _check_sessions(connection: Connection, directory: Path) -> list[Finding]:
    files = await connection.fetch(_SESSION_FILES)
    check = Check("J5", "exported ticks and deliveries are as they were sealed", "rows")
    for table, hash_, rows in files:
        path = rows_path(directory, table)
        check.saw(rows)
        try:
            found = await asyncio.to_thread(file_hash, path)
        except OSError as error:
            check.violated(f"{path}: {error}")
        else:
            otherwise = f"{path}: has another hash than was sealed when it was written"
            check.require(holds=found == hash_, otherwise=otherwise)
    return [check.finding(f"files: {len(files)}")] if files else []


async def _check_transfers(connection: Connection, directory: Path) -> list[Finding]:
    parts = await connection.fetch(_CLOSED)
    check = Check("J4", "exported transfers are as they were sealed", "transfers")
    for number, export_hash in parts:
        path = archive_path(directory, number)
        try:
            what = await _difference(connection, number, export_hash, path, check)
        except (OSError, ValueError) as error:
            what = f"{path}: {error}"
        if what:
            check.violated(what)
    return [check.finding(f"files: {len(parts)}")] if parts else []


async def _difference(
    connection: Connection, part: int, export_hash: bytes, path: Path, check: Check
) -> str:
    reader = await asyncio.to_thread(ArchiveReader, path)
    try:
        async for seal in JournalReader(connection).seals_of(part):
            content = await asyncio.to_thread(reader.content_through, seal.last)
            check.saw(content.transfers)
            if content.hash != seal.content:
                where = f"positions {seal.first} to {seal.last}"
                return f"{path}: {where} are not as in seal {seal.number}"
        if await asyncio.to_thread(reader.hash) != export_hash:
            return f"{path}: has another hash than was sealed when it was written"
        return ""
    finally:
        reader.close()
