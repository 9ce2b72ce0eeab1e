"""What the reconciler remembers, in Postgres."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from config.limits import RECONCILE_LISTED_MAX
from config.postgres import Database, Record
from metering.ledger.ledger_postgres import PostgresLedger
from metering.reconciliation.difference import read_difference
from metering.reconciliation.store import (
    MadeGood,
    NoSuchDifference,
    Open,
    Pass,
    Progress,
    Reading,
    Report,
)
from metering.settlement.feed import ChainPayment

_READINGS = "SELECT * FROM reconciliation_address WHERE network = $1"

_BEGIN = """
INSERT INTO reconciliation_address (network, address, cursor, ledger, sequence)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""

# The row as it was read, or nothing: another process may have read further.
_MOVE = """
UPDATE reconciliation_address SET cursor = $4, ledger = greatest(ledger, $5)
WHERE network = $1 AND address = $2 AND cursor = $3
"""

_KEEP = """
INSERT INTO chain_movement (network, event, ledger, closed_at, transaction_hash, source,
    destination, asset, amount)
SELECT $1, line.* FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
    $7::text[], $8::text[], $9::bigint[]) AS line
ON CONFLICT (network, event) DO NOTHING
"""

_PROGRESS = "SELECT ledger, position FROM reconciliation_progress WHERE network = $1"

_ADVANCE = """
INSERT INTO reconciliation_progress AS progress (network, ledger, position) VALUES ($1, $2, $3)
ON CONFLICT (network) DO UPDATE
    SET ledger = greatest(progress.ledger, excluded.ledger),
        position = greatest(progress.position, excluded.position)
"""

_OPEN = """
SELECT document, found_at FROM reconciliation_difference
WHERE network = $1 AND over_at IS NULL ORDER BY found_at, key LIMIT $2
"""

_ACCEPTED = """
SELECT key FROM reconciliation_difference
WHERE network = $1 AND accepted_by IS NOT NULL AND key = ANY ($2)
"""

_FIND = """
INSERT INTO reconciliation_difference AS known (network, key, kind, ledger, document, found_at)
SELECT $1, line.key, line.kind, line.ledger, line.document, $6
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[]) AS line (key, kind, ledger, document)
ON CONFLICT (network, key) DO UPDATE
    SET kind = excluded.kind, ledger = excluded.ledger, document = excluded.document,
        found_at = CASE WHEN known.over_at IS NULL THEN known.found_at ELSE excluded.found_at END,
        over_at = NULL, accepted_by = NULL
"""

_END = """
UPDATE reconciliation_difference SET over_at = $4
WHERE network = $1 AND over_at IS NULL AND key = ANY ($2) AND key <> ALL ($3)
"""

_ACCEPT = """
UPDATE reconciliation_difference SET over_at = $3, accepted_by = $4
WHERE network = $1 AND key = $2 AND over_at IS NULL
RETURNING document
"""

_SEQUENCE = """
UPDATE reconciliation_address SET sequence = greatest(sequence, $3)
WHERE network = $1 AND address = $2
"""

_WITHDRAWN = "UPDATE withdrawal SET state = 'paid' WHERE id = $1 AND state = 'open'"

_WRITE = """
INSERT INTO reconciliation_report AS report (network, day, document, final, made_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (network, day) DO UPDATE
    SET document = excluded.document, final = excluded.final, made_at = excluded.made_at
    WHERE NOT report.final
"""

_REPORT = """
SELECT day, document, final FROM reconciliation_report WHERE network = $1 AND day = $2
"""

_LATEST = """
SELECT day, document, final FROM reconciliation_report WHERE network = $1
ORDER BY day DESC LIMIT 1
"""


class PostgresReconciliation:
    """For one network. Each call may also raise one of `config.postgres.UNAVAILABLE`."""

    def __init__(self, database: Database, ledger: PostgresLedger, network: str) -> None:
        self._database = database
        self._ledger = ledger
        self._network = network

    # --- reading the chain -----------------------------------------------------------------------

    async def readings(self) -> dict[str, Reading]:
        """How far each address was read."""
        rows = await self._database.fetch(_READINGS, self._network)
        return {r["address"]: Reading(r["cursor"], r["ledger"], r["sequence"]) for r in rows}

    async def begin(self, address: str, reading: Reading) -> None:
        """An address is read from here on."""
        values = (reading.cursor, reading.ledger, reading.sequence)
        await self._database.execute(_BEGIN, self._network, address, *values)

    async def keep(
        self, address: str, before: str, cursor: str, ledger: int, payments: Iterable[ChainPayment]
    ) -> None:
        """What a page brought, unless another process was quicker."""
        async with self._database.transaction() as connection:
            tag = await connection.execute(_MOVE, self._network, address, before, cursor, ledger)
            if tag == "UPDATE 1":
                await connection.execute(_KEEP, self._network, *_columns(payments))

    async def add(self, payments: Iterable[ChainPayment]) -> None:
        """Payments that were not told when their ledger was read."""
        await self._database.execute(_KEEP, self._network, *_columns(payments))

    # --- what came of it -------------------------------------------------------------------------

    async def progress(self) -> Progress | None:
        """How far everything was looked at."""
        row = await self._database.fetchrow(_PROGRESS, self._network)
        return None if row is None else Progress(row["ledger"], row["position"])

    async def open(self) -> list[Open]:
        """The differences that are not over, the oldest first."""
        rows = await self._database.fetch(_OPEN, self._network, RECONCILE_LISTED_MAX)
        return [Open(read_difference(json.loads(row["document"])), row["found_at"]) for row in rows]

    async def accepted(self, keys: Sequence[str]) -> frozenset[str]:
        """Which of these somebody accepted."""
        rows = await self._database.fetch(_ACCEPTED, self._network, list(keys))
        return frozenset(row["key"] for row in rows)

    async def save(self, done: Pass) -> None:
        """What a pass comes to, all or nothing."""
        found = list(done.differences.values())
        columns = (
            [each.key for each in found],
            [each.kind.value for each in found],
            [each.ledger for each in found],
            [json.dumps(each.document()) for each in found],
        )
        report = done.report
        async with self._database.transaction() as connection:
            await connection.execute(_FIND, self._network, *columns, done.at)
            await connection.execute(_END, self._network, list(done.checked), columns[0], done.at)
            await connection.execute(
                _ADVANCE, self._network, done.progress.ledger, done.progress.position
            )
            await connection.execute(
                _WRITE, self._network, report.day, report.document, report.final, done.at
            )

    async def accept(self, made_good: MadeGood) -> None:
        """End a difference, and book what makes it good, all or nothing.

        Raises:
            NoSuchDifference: it is over, or changed.
            WouldOverdraw: an account has too little.
        """
        difference = made_good.difference
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(
                _ACCEPT, self._network, difference.key, made_good.at, made_good.by
            )
            if row is None or read_difference(json.loads(row["document"])) != difference:
                raise NoSuchDifference(difference.key)
            if difference.key.startswith("sequence:"):
                await connection.execute(
                    _SEQUENCE, self._network, difference.about, difference.on_chain
                )
            if (seen := difference.seen) is not None:
                await connection.execute(_SEQUENCE, self._network, seen.source, seen.sequence)
            if made_good.withdrawal is not None:
                tag = await connection.execute(_WITHDRAWN, made_good.withdrawal)
                if tag != "UPDATE 1":
                    raise NoSuchDifference(difference.key)
            await self._ledger.open_accounts_within(connection, made_good.accounts)
            await self._ledger.post_within(connection, made_good.transfers)

    # --- reports ---------------------------------------------------------------------------------

    async def write(self, report: Report, at: datetime) -> None:
        """Replace a day's report, unless that day is over."""
        values = (report.day, report.document, report.final, at)
        await self._database.execute(_WRITE, self._network, *values)

    async def report(self, day: date | None) -> Report | None:
        """A day's report; without a day the latest."""
        if day is None:
            row = await self._database.fetchrow(_LATEST, self._network)
        else:
            row = await self._database.fetchrow(_REPORT, self._network, day)
        return None if row is None else _report(row)


def _report(row: Record) -> Report:
    return Report(row["day"], row["document"], row["final"])


def _columns(payments: Iterable[ChainPayment]) -> list[list[object]]:
    """What `_KEEP` takes, in its order."""
    rows = [
        (
            each.id,
            each.ledger,
            each.closed_at,
            each.transaction,
            each.source,
            each.destination,
            each.asset,
            each.amount,
        )
        for each in payments
    ]
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(8)]
