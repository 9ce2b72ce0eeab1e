"""Receipts in Postgres (tables `receipt`, `receipt_due` and `session_terms`)."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence

from config.postgres import Connection, Database, Record
from metering.leases.lease_postgres import unavailable
from metering.money import Stroops
from metering.receipts.receipt import Receipt, Refund
from metering.receipts.sources import ChargedRun, PastTerms, Sources, closed_session
from metering.receipts.store import REFUND, Make
from metering.receipts.text import write
from metering.store_postgres import SESSIONS, saved_session
from metering.tariff_postgres import tariff_of
from metering.terms import Terms

_DUE = "SELECT DISTINCT viewer FROM receipt_due ORDER BY viewer LIMIT $1"

# Of one viewer one after the other, whichever process makes them.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('receipt ' || $1, 0))"

_SESSIONS_DUE = f"""
{SESSIONS} JOIN receipt_due AS due ON due.session_id = kept.id
WHERE due.viewer = $1
ORDER BY due.closed_at, kept.id LIMIT $2
"""

_LAST = "SELECT number, hash FROM receipt WHERE viewer = $1 ORDER BY number DESC LIMIT 1"

_RUNS = """
SELECT session_id, revision, first_tick, last_tick, amount FROM tick_run
WHERE session_id = ANY ($1::text[])
ORDER BY session_id, revision
"""

_PAST = """
SELECT past.*, epoch.asset, price_stroops, price_seconds, view_stroops, free_seconds, session_cap,
    rung_heights, rung_stroops, rung_seconds
FROM session_terms AS past JOIN price_epoch AS epoch ON epoch.number = past.epoch
WHERE session_id = ANY ($1::text[])
ORDER BY session_id, revision
"""

_REFUNDS = f"""
SELECT session.id AS session_id, refund.id, cause, amount
FROM unnest($1::text[]) AS session (id)
JOIN ledger_transfer AS refund
    ON refund.id >= session.id || ':{REFUND}' AND refund.id < session.id || ':{REFUND}' || chr(127)
ORDER BY refund.position
"""

_KEEP = """
INSERT INTO receipt (session_id, viewer, number, hash, previous, document)
VALUES ($1, $2, $3, $4, $5, $6)
"""

_DONE = "DELETE FROM receipt_due WHERE viewer = $1 AND session_id = ANY ($2::text[])"

_GET = "SELECT * FROM receipt WHERE session_id = $1"


class PostgresReceiptStore:
    """Implements `receipt_store.ReceiptStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, limit: int) -> list[str]:
        with unavailable():
            return [row["viewer"] for row in await self._database.fetch(_DUE, limit)]

    async def make(self, viewer: str, limit: int, make: Make) -> int:
        with unavailable():
            async with self._database.transaction() as connection:
                await connection.execute(_LOCK, viewer)
                sources = await _sources(connection, viewer, limit)
                if sources:
                    await _keep(connection, viewer, sources, make)
                return len(sources)

    async def get(self, session_id: str) -> Receipt | None:
        with unavailable():
            row = await self._database.fetchrow(_GET, session_id)
        if row is None:
            return None
        document = json.loads(row["document"])  # as it was written: nothing has to be checked
        return Receipt(row["session_id"], row["viewer"], row["hash"], row["previous"], document)


async def _keep(
    connection: Connection, viewer: str, sources: Sequence[Sources], make: Make
) -> None:
    last = await connection.fetchrow(_LAST, viewer)
    count, previous = (0, None) if last is None else (last["number"], last["hash"])
    rows = []
    for number, each in enumerate(sources, start=count + 1):
        receipt = make(closed_session(each), previous)
        text = write(receipt.document)
        rows.append((receipt.session_id, viewer, number, receipt.hash, previous, text))
        previous = receipt.hash
    await connection.executemany(_KEEP, rows)
    await connection.execute(_DONE, viewer, [each.saved.session.id for each in sources])


async def _sources(connection: Connection, viewer: str, limit: int) -> list[Sources]:
    kept = [saved_session(row) for row in await connection.fetch(_SESSIONS_DUE, viewer, limit)]
    ids = [saved.session.id for saved in kept]
    if not ids:
        return []
    runs = _by_session(await connection.fetch(_RUNS, ids))
    past = _by_session(await connection.fetch(_PAST, ids))
    refunds = _by_session(await connection.fetch(_REFUNDS, ids))
    return [
        Sources(
            saved,
            tuple(map(_past_terms, past[saved.session.id])),
            tuple(map(_run, runs[saved.session.id])),
            tuple(map(_refund, refunds[saved.session.id])),
        )
        for saved in kept
    ]


def _by_session(rows: Sequence[Record]) -> Mapping[str, list[Record]]:
    found: defaultdict[str, list[Record]] = defaultdict(list)
    for row in rows:
        found[row["session_id"]].append(row)
    return found


def _run(row: Record) -> ChargedRun:
    return ChargedRun(row["revision"], row["first_tick"], row["last_tick"], Stroops(row["amount"]))


def _refund(row: Record) -> Refund:
    return Refund(row["id"], row["cause"], Stroops(row["amount"]))


def _past_terms(row: Record) -> PastTerms:
    terms = Terms(
        tariff=tariff_of(row, row["asset"], row["session_cap"]),
        seconds=row["since_ticks"],
        rungs=tuple(row["since_rungs"] or ()),
        paid=row["paid"],
    )
    rungs = tuple(row["rung_ticks"] or ())
    return PastTerms(terms, row["revision"], row["ticks"], rungs, row["amount"])
