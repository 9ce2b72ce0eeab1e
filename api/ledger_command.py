"""`tollcast ledger`: whether the books are right, and the seal to note elsewhere."""

import json
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.command_database import command_database
from api.remote import CommandFailed
from api.storage import archive_directory
from config.limits import AUDIT_STATEMENT_MS_MAX
from config.postgres import Database
from config.settings import Settings
from metering.audit.audit import Audit, audit
from metering.audit.finding import Finding, Verdict
from metering.ledger.journal import Seal
from metering.ledger.journal_postgres import JournalReader

_COLUMNS = 100
_INDENT = " " * 17
_HASH_BYTES = 32


async def verify(settings: Settings, noted: str | None) -> Audit:
    """Look at a ledger, whether its server runs or not.

    Args:
        settings: say where it is.
        noted: a seal's hash in hexadecimal that has to be in the chain.

    Raises:
        CommandFailed: there is none, or it cannot be read.
    """
    hash_ = None if noted is None else _hash(noted)
    async with _ledger(settings) as database:
        return await audit(database, hash_, archive_directory(settings.data_directory))


async def head(settings: Settings) -> Seal | None:
    """The last seal; None when nothing was sealed.

    Raises:
        CommandFailed: there is no ledger, or it cannot be read.
    """
    async with _ledger(settings) as database:
        return await JournalReader(database).head()


def audit_text(found: Audit) -> str:
    """For a terminal."""
    lines = [head_text(found.head)]
    if found.unsealed:
        lines.append(f"Transfers that are newer than that, and not sealed yet: {found.unsealed:,}")
    lines += ["", *(_lines(finding) for finding in found.findings), ""]
    broken = sorted({each.rule for each in found.findings if each.verdict is Verdict.VIOLATED})
    lines.append(f"NOT RIGHT: {', '.join(broken)}" if broken else "The books are right.")
    return "\n".join(lines)


def head_text(seal: Seal | None) -> str:
    """The seal, for a terminal."""
    if seal is None:
        return "Nothing is sealed yet."
    return f"Seal {seal.number}, up to position {seal.last}:\n{seal.hash.hex()}"


def audit_json(found: Audit) -> str:
    """As one JSON document."""
    document = {
        "sound": found.sound,
        "head": _seal(found.head),
        "unsealed": found.unsealed,
        "findings": [
            {
                "rule": each.rule,
                "title": each.title,
                "verdict": each.verdict.lower(),
                "violations": each.violations,
                "state": each.state,
            }
            for each in found.findings
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def head_json(seal: Seal | None) -> str:
    """As one JSON document."""
    return json.dumps(_seal(seal), indent=2)


def _seal(seal: Seal | None) -> dict[str, object] | None:
    if seal is None:
        return None
    return {"number": seal.number, "position": seal.last, "hash": seal.hash.hex()}


def _lines(finding: Finding) -> str:
    first = f"  {finding.verdict:<9} {finding.rule:<4} {finding.title}"
    more = f" (the first of {finding.violations:,})" if finding.violations > 1 else ""
    text = f"{finding.state}{more}"
    if finding.verdict is Verdict.OK:
        return f"{first} ({text})"
    wrapped = textwrap.fill(
        text,
        width=_COLUMNS,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{first}\n{wrapped}"


def _hash(text: str) -> bytes:
    try:
        hash_ = bytes.fromhex(text)
    except ValueError:
        hash_ = b""
    if len(hash_) != _HASH_BYTES:
        raise CommandFailed(
            "--head takes the 64 hexadecimal digits that `tollcast ledger head` says"
        )
    return hash_


@asynccontextmanager
async def _ledger(settings: Settings) -> AsyncIterator[Database]:
    async with command_database(settings, AUDIT_STATEMENT_MS_MAX) as database:
        if await database.fetchval("SELECT to_regclass('journal_seal')") is None:
            raise CommandFailed(
                "this database has no journal yet: start this version's server once"
            )
        yield database
