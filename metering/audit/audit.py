"""Looks at everything: the chain, the accounts, sessions, payouts, and what forbids changes."""

from dataclasses import dataclass, replace
from pathlib import Path

from config.postgres import Connection, Database
from config.roles import changeable_tables
from metering.audit.accounts import check_accounts
from metering.audit.archive import check_archive
from metering.audit.chain import check_chain
from metering.audit.chain_side import check_chain_side
from metering.audit.finding import Finding, Verdict
from metering.audit.funding import check_funding
from metering.audit.passes import check_passes
from metering.audit.payouts import check_payouts
from metering.audit.protection import check_protection
from metering.audit.sessions import check_sessions
from metering.audit.splits import check_splits
from metering.audit.vouchers import check_vouchers
from metering.ledger.journal import Seal
from metering.ledger.journal_postgres import JournalReader
from metering.rules import MeterRules

_UNSEALED = """
SELECT count(*) FROM ledger_transfer
WHERE position > (SELECT coalesce(max(last_position), 0) FROM journal_seal WHERE kind = 'transfers')
"""

_SERVERS_RULES = MeterRules()


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found. `unsealed` transfers are newer than the last seal, `head`."""

    head: Seal | None
    unsealed: int
    findings: tuple[Finding, ...]

    @property
    def sound(self) -> bool:
        return all(finding.verdict is not Verdict.VIOLATED for finding in self.findings)


async def audit(
    database: Database,
    noted: bytes | None = None,
    archive: Path | None = None,
    rules: MeterRules = _SERVERS_RULES,
) -> Audit:
    """Look at a ledger as it is at one moment, while it may be written to; changes nothing.

    Args:
        database: connected with time for long statements.
        noted: the hash of a seal that somebody wrote down.
        archive: where the files of closed parts are, to be looked at as well.
        rules: those that sessions were metered by.

    Raises:
        One of `config.postgres.UNAVAILABLE`.
    """
    changeable = await changeable_tables(database)
    async with database.transaction() as connection:
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        found = await audit_within(connection, changeable, noted, rules)
        if archive is None:
            return found
        files = await check_archive(connection, archive)
        return replace(found, findings=(*files, *found.findings))


async def audit_within(
    connection: Connection,
    changeable: list[str],
    noted: bytes | None = None,
    rules: MeterRules = _SERVERS_RULES,
) -> Audit:
    """As `audit`, in a transaction of the caller's; `changeable` as `config.roles` tells them."""
    journal = JournalReader(connection)
    findings = [
        *await check_chain(journal, noted),
        *await check_accounts(connection),
        *await check_sessions(connection, rules),
        await check_chain_side(connection),
        *await check_payouts(connection),
        await check_splits(connection),
        *await check_passes(connection),
        await check_vouchers(connection),
        *await check_funding(connection),
        *await check_protection(connection, changeable),
    ]
    unsealed = await connection.fetchval(_UNSEALED)
    return Audit(await journal.head(), unsealed, tuple(sorted(findings, key=_place)))


def _place(finding: Finding) -> tuple[int, int]:
    """The chain, the ledger, then the invariants by number."""
    return "JLI".index(finding.rule[0]), int(finding.rule[1:])
