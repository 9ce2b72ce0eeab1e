"""The outbox in Postgres: its rows and the ledger's move in the same transaction."""

from collections.abc import Mapping, Sequence

from config.postgres import Connection, Database, Record, UniqueViolationError
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.settlement import outbox_rows
from metering.settlement.outbox import (
    Left,
    MovedOn,
    PayoutView,
    Settlement,
    SourceBusy,
    Spending,
    accounts_of,
    bump_transfers,
    final_transfers,
    planned_transfers,
)

_PLAN = """
INSERT INTO payout_batch
    (id, asset, source, fee_max, created_ms, fee_account, statement, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_PLAN_PAYOUTS = """
INSERT INTO payout (id, batch, place, creator, asset, address, amount, account, kind, claimable,
    due, memo, earned_after, earned_until)
SELECT line.id, $1, line.place, line.creator, $2, line.address, line.amount, line.account,
    line.kind, line.claimable, line.due, line.memo, line.earned_after, line.earned_until
FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
    $9::boolean[], $10::text[], $11::text[], $12::bigint[], $13::bigint[])
    WITH ORDINALITY AS line (id, creator, address, amount, account, kind, claimable, due, memo,
        earned_after, earned_until, place)
"""

# The row as it was read, or nothing: another worker may have taken it further.
_ADVANCE = """
UPDATE payout_batch SET
    state = $4, sent_ms = $5, envelope_xdr = $6, envelope_hash = $7, sequence = $8, max_time = $9,
    signed_ledger = $10, applied_ledger = $11, fee_charged = $12, code = $13
WHERE id = $1 AND state = $2 AND sent_ms IS NOT DISTINCT FROM $3
"""

_JUDGE_PAYOUTS = """
UPDATE payout SET code = line.code
FROM unnest($2::text[]) WITH ORDINALITY AS line (code, place)
WHERE batch = $1 AND payout.place = line.place
"""

_BUMP = """
INSERT INTO payout_bump (batch, number, envelope_xdr, envelope_hash, fee, signed_ledger)
VALUES ($1, $2, $3, $4, $5, $6)
"""

_UNFINISHED = """
SELECT * FROM payout_batch
WHERE ($1::text IS NULL OR source = $1) AND state IN ('planned', 'signed', 'sent')
ORDER BY id
"""

_BATCH = "SELECT * FROM payout_batch WHERE id = $1"

_BATCH_OF = """
SELECT payout_batch.* FROM payout_batch JOIN payout ON payout.batch = payout_batch.id
WHERE payout.id = $1
"""

_PAYOUTS_OF_BATCHES = "SELECT * FROM payout WHERE batch = ANY ($1) ORDER BY batch, place"

_BUMPS_OF_BATCHES = "SELECT * FROM payout_bump WHERE batch = ANY ($1) ORDER BY batch, number"

# The envelope that the chain took is told by its result: of a bump another one than of what is in
# it. Which of several bumps it was nobody has to know: each of their hashes leads to it.
_VIEW = """
SELECT payout.id, payout.amount, state, place, claimable, source, sequence, envelope_hash,
    created_ms,
    CASE WHEN state IN ('failed', 'dead') THEN coalesce(payout.code, payout_batch.code) END AS code,
    claimable AND EXISTS (
        SELECT FROM payout_claimed AS told WHERE told.payout = payout.id
    ) AS claimed,
    claimable AND EXISTS (
        SELECT FROM payout AS back JOIN payout_batch AS taken ON taken.id = back.batch
        WHERE back.due = payout.id AND back.kind = 'reclaim' AND taken.state = 'applied'
    ) AS reclaimed
FROM payout JOIN payout_batch ON payout_batch.id = payout.batch
"""

_PAYOUTS = f"""
{_VIEW}
WHERE creator = $1 AND payout.asset = $2 AND kind = 'payout'
ORDER BY payout.id DESC LIMIT $3
"""

_FATES = f"""
SELECT asked.due, last.*
FROM unnest($1::text[]) AS asked (due)
CROSS JOIN LATERAL ({_VIEW} WHERE payout.due = asked.due ORDER BY payout.id DESC LIMIT 1) AS last
"""

_TOTALS = """
SELECT
    coalesce(sum(amount) FILTER (WHERE state IN ('planned', 'signed', 'sent')), 0)::bigint
        AS in_flight,
    coalesce(sum(CASE kind WHEN 'reclaim' THEN -amount ELSE amount END)
        FILTER (WHERE state = 'applied'), 0)::bigint AS settled
FROM payout JOIN payout_batch ON payout_batch.id = payout.batch
WHERE creator = $1 AND payout.asset = $2
    AND (kind = 'payout' OR kind = 'reclaim' AND state = 'applied')
"""

_SPENT_SINCE = """
WITH recent AS (SELECT * FROM payout_batch WHERE created_ms >= $2 AND state <> 'dead')
SELECT
    (SELECT coalesce(sum(amount), 0) FROM payout JOIN recent ON recent.id = batch
        WHERE payout.asset = $1 AND state <> 'failed' AND kind IN ('payout', 'withdrawal'))::bigint
        AS paid,
    (SELECT coalesce(sum(coalesce(fee_charged, (
            SELECT greatest(fee_max, max(fee)) FROM payout_bump WHERE batch = recent.id
        ))), 0) FROM recent)::bigint AS fees
"""

_REFUSED_SINCE = """
SELECT DISTINCT ON (due) due, payout.code
FROM payout JOIN payout_batch ON payout_batch.id = payout.batch
WHERE payout.asset = $1 AND payout.code = ANY ($2) AND state = 'failed' AND created_ms >= $3
ORDER BY due, payout.id DESC
"""

# A reclaim is due by the name of the payout that it takes back. All that was claimed in years is
# passed over by two indexes (OFFSET 0 keeps that apart). For each that is left, one after another,
# its settlement and whether it is being taken back are looked up (LIMIT 1, and a count): joined,
# they are found out for all payouts that there ever were.
_LEFT = """
SELECT payout.*, source, sequence, max_time
FROM (
    SELECT id FROM payout
    WHERE claimable AND asset = $1 AND id > $3
        AND NOT EXISTS (SELECT FROM payout_claimed AS told WHERE told.payout = payout.id)
    ORDER BY id OFFSET 0
) AS unclaimed
JOIN payout USING (id)
CROSS JOIN LATERAL (
    SELECT source, sequence, max_time FROM payout_batch
    WHERE id = payout.batch AND state = 'applied' AND max_time <= $2
    LIMIT 1
) AS settled
WHERE 0 = (
    SELECT count(*) FROM payout AS back JOIN payout_batch AS taken ON taken.id = back.batch
    WHERE back.due = payout.id AND back.kind = 'reclaim'
        AND (taken.state NOT IN ('failed', 'dead') OR taken.created_ms > $2 * 1000)
)
ORDER BY unclaimed.id LIMIT $4
"""

_NOTE_CLAIMED = """
INSERT INTO payout_claimed (payout) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING
"""

_RECLAIMED = """
SELECT asked.account
FROM unnest($1::text[]) AS asked (account)
CROSS JOIN LATERAL (
    SELECT kind FROM payout JOIN payout_batch ON payout_batch.id = payout.batch
    WHERE account = asked.account AND kind IN ('payout', 'reclaim') AND state = 'applied'
    ORDER BY payout.id DESC LIMIT 1
) AS last
WHERE kind = 'reclaim'
"""

_CARRIED = """
SELECT asked.account, last.earned_until
FROM unnest($1::text[]) AS asked (account)
CROSS JOIN LATERAL (
    SELECT earned_until FROM payout JOIN payout_batch ON payout_batch.id = payout.batch
    WHERE account = asked.account AND kind = 'payout' AND state NOT IN ('failed', 'dead')
    ORDER BY payout.id DESC LIMIT 1
) AS last
"""

_FORGET_OBSTACLES = "DELETE FROM payout_obstacle WHERE asset = $1 AND creator = ANY ($2)"

_NOTE_OBSTACLES = """
INSERT INTO payout_obstacle (creator, asset, reason)
SELECT line.creator, $1, line.reason
FROM unnest($2::text[], $3::text[]) AS line (creator, reason)
ON CONFLICT (creator, asset) DO UPDATE SET reason = excluded.reason, noted_at = now()
"""

_OBSTACLE = "SELECT reason FROM payout_obstacle WHERE creator = $1 AND asset = $2"


class PostgresOutbox:
    """Implements `outbox.Outbox`. Each call may also raise one of `config.postgres.UNAVAILABLE`,
    and then nobody knows whether it was done: read `unfinished` anew.
    """

    def __init__(self, database: Database, ledger: PostgresLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def plan(self, settlement: Settlement) -> None:
        try:
            async with self._database.transaction() as connection:
                await _insert(connection, settlement)
                await self._ledger.open_accounts_within(connection, accounts_of(settlement))
                await self._ledger.post_within(connection, planned_transfers(settlement))
        except UniqueViolationError:
            raise SourceBusy(settlement.source) from None

    async def advance(self, before: Settlement, after: Settlement) -> None:
        try:
            async with self._database.transaction() as connection:
                tag = await connection.execute(
                    _ADVANCE,
                    before.id,
                    before.state.value,
                    before.sent_ms,
                    *outbox_rows.progress(after),
                )
                if tag != "UPDATE 1":
                    raise MovedOn(before.id)
                await self._bid(connection, before, after)
                if after.outcome is not None:
                    codes = list(after.outcome.operations)
                    await connection.execute(_JUDGE_PAYOUTS, after.id, codes)
                    await self._ledger.post_within(connection, final_transfers(after))
        except UniqueViolationError:
            raise MovedOn(before.id) from None

    async def _bid(self, connection: Connection, before: Settlement, after: Settlement) -> None:
        """Store the bids that are new."""
        for number, bump in enumerate(after.bumps[len(before.bumps) :], len(before.bumps) + 1):
            row = (after.id, number, bump.xdr, bump.hash, bump.fee, bump.ledger)
            await connection.execute(_BUMP, *row)
        more = bump_transfers(before, after)
        if more:
            await self._ledger.post_within(connection, more)

    async def unfinished(self, source: str | None = None) -> list[Settlement]:
        return await self._settlements(await self._database.fetch(_UNFINISHED, source))

    async def settlement(self, settlement_id: str) -> Settlement | None:
        found = await self._settlements(await self._database.fetch(_BATCH, settlement_id))
        return found[0] if found else None

    async def settlement_of(self, payment: str) -> Settlement | None:
        found = await self._settlements(await self._database.fetch(_BATCH_OF, payment))
        return found[0] if found else None

    async def _settlements(self, batches: Sequence[Record]) -> list[Settlement]:
        ids = [batch["id"] for batch in batches]
        if not ids:
            return []
        payouts = await self._database.fetch(_PAYOUTS_OF_BATCHES, ids)
        bumps = await self._database.fetch(_BUMPS_OF_BATCHES, ids)
        return [outbox_rows.settlement(batch, payouts, bumps) for batch in batches]

    async def payouts(self, creator: str, asset: str, limit: int) -> list[PayoutView]:
        rows = await self._database.fetch(_PAYOUTS, creator, asset, limit)
        return [outbox_rows.view(row) for row in rows]

    async def fates(self, dues: Sequence[str]) -> dict[str, PayoutView]:
        rows = await self._database.fetch(_FATES, list(dues))
        return {row["due"]: outbox_rows.view(row) for row in rows}

    async def totals(self, creator: str, asset: str) -> tuple[Stroops, Stroops]:
        row = await self._database.fetchrow(_TOTALS, creator, asset)
        assert row is not None, "an aggregate always has a row"
        return Stroops(row["in_flight"]), Stroops(row["settled"])

    async def spent_since(self, asset: str, since_ms: int) -> Spending:
        row = await self._database.fetchrow(_SPENT_SINCE, asset, since_ms)
        assert row is not None, "an aggregate always has a row"
        return Spending(Stroops(row["paid"]), Stroops(row["fees"]))

    async def refused_since(
        self, asset: str, codes: Sequence[str], since_ms: int
    ) -> dict[str, str]:
        rows = await self._database.fetch(_REFUSED_SINCE, asset, list(codes), since_ms)
        return {row["due"]: row["code"] for row in rows}

    async def left(self, asset: str, until: int, after: str, limit: int) -> list[Left]:
        rows = await self._database.fetch(_LEFT, asset, until, after, limit)
        return [outbox_rows.left(row) for row in rows]

    async def note_claimed(self, payouts: Sequence[str]) -> None:
        await self._database.execute(_NOTE_CLAIMED, list(payouts))

    async def reclaimed(self, accounts: Sequence[str]) -> set[str]:
        rows = await self._database.fetch(_RECLAIMED, list(accounts))
        return {row["account"] for row in rows}

    async def carried(self, accounts: Sequence[str]) -> dict[str, int]:
        rows = await self._database.fetch(_CARRIED, list(accounts))
        return {row["account"]: row["earned_until"] for row in rows}

    async def note_obstacles(
        self, asset: str, looked_at: Sequence[str], obstacles: Mapping[str, str]
    ) -> None:
        clear = [due for due in looked_at if due not in obstacles]
        async with self._database.transaction() as connection:
            await connection.execute(_FORGET_OBSTACLES, asset, clear)
            dues, reasons = list(obstacles), list(obstacles.values())
            await connection.execute(_NOTE_OBSTACLES, asset, dues, reasons)

    async def obstacle(self, creator: str, asset: str) -> str | None:
        reason: str | None = await self._database.fetchval(_OBSTACLE, creator, asset)
        return reason


async def _insert(connection: Connection, settlement: Settlement) -> None:
    await connection.execute(
        _PLAN,
        settlement.id,
        settlement.asset,
        settlement.source,
        settlement.fee_max,
        settlement.created_ms,
        settlement.fee_account,
        settlement.statement,
        settlement.sealed,
    )
    columns = outbox_rows.payment_columns(settlement.payments)
    await connection.execute(_PLAN_PAYOUTS, settlement.id, settlement.asset, *columns)
