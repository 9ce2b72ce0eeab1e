"""The outbox in Postgres: its rows and the ledger's move in the same transaction."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from config.postgres import Connection, Database, Record, UniqueViolationError
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.settlement.outbox import (
    MovedOn,
    Payment,
    PayoutView,
    Settlement,
    SignedEnvelope,
    SourceBusy,
    State,
    final_transfers,
    inflight_accounts,
    planned_transfers,
)

_PLAN = """
INSERT INTO payout_batch (id, asset, source, fee_max, created_ms) VALUES ($1, $2, $3, $4, $5)
"""

_PLAN_PAYOUTS = """
INSERT INTO payout (id, batch, place, creator, asset, address, amount)
SELECT line.id, $1, line.place, line.creator, $2, line.address, line.amount
FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[])
    WITH ORDINALITY AS line (id, creator, address, amount, place)
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

_UNFINISHED = """
SELECT * FROM payout_batch
WHERE source = $1 AND state IN ('planned', 'signed', 'sent')
ORDER BY id
"""

_PAYOUTS_OF_BATCHES = "SELECT * FROM payout WHERE batch = ANY ($1) ORDER BY batch, place"

_PAYOUTS = """
SELECT payout.id, payout.amount, state, envelope_hash, created_ms,
    CASE WHEN state IN ('failed', 'dead') THEN coalesce(payout.code, payout_batch.code) END AS code
FROM payout JOIN payout_batch ON payout_batch.id = payout.batch
WHERE creator = $1 AND payout.asset = $2
ORDER BY payout.id DESC LIMIT $3
"""

_TOTALS = """
SELECT
    coalesce(sum(amount) FILTER (WHERE state IN ('planned', 'signed', 'sent')), 0)::bigint
        AS in_flight,
    coalesce(sum(amount) FILTER (WHERE state = 'applied'), 0)::bigint AS settled
FROM payout JOIN payout_batch ON payout_batch.id = payout.batch
WHERE creator = $1 AND payout.asset = $2
"""

_REFUSED_SINCE = """
SELECT DISTINCT creator FROM payout JOIN payout_batch ON payout_batch.id = payout.batch
WHERE payout.asset = $1 AND payout.code = ANY ($2) AND state = 'failed' AND created_ms >= $3
"""

_FORGET_OBSTACLES = "DELETE FROM payout_obstacle WHERE asset = $1 AND creator <> ALL ($2)"

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
                await self._ledger.open_accounts_within(connection, inflight_accounts(settlement))
                await self._ledger.post_within(connection, planned_transfers(settlement))
        except UniqueViolationError:
            raise SourceBusy(settlement.source) from None

    async def advance(self, before: Settlement, after: Settlement) -> None:
        async with self._database.transaction() as connection:
            tag = await connection.execute(
                _ADVANCE, before.id, before.state.value, before.sent_ms, *_progress(after)
            )
            if tag != "UPDATE 1":
                raise MovedOn(before.id)
            if after.outcome is not None:
                codes = list(after.outcome.operations)
                await connection.execute(_JUDGE_PAYOUTS, after.id, codes)
                await self._ledger.post_within(connection, final_transfers(after))

    async def unfinished(self, source: str) -> list[Settlement]:
        batches = await self._database.fetch(_UNFINISHED, source)
        ids = [batch["id"] for batch in batches]
        payouts = await self._database.fetch(_PAYOUTS_OF_BATCHES, ids) if ids else []
        return [_settlement(batch, payouts) for batch in batches]

    async def payouts(self, creator: str, asset: str, limit: int) -> list[PayoutView]:
        rows = await self._database.fetch(_PAYOUTS, creator, asset, limit)
        return [_view(row) for row in rows]

    async def totals(self, creator: str, asset: str) -> tuple[Stroops, Stroops]:
        row = await self._database.fetchrow(_TOTALS, creator, asset)
        assert row is not None, "an aggregate always has a row"
        return Stroops(row["in_flight"]), Stroops(row["settled"])

    async def refused_since(self, asset: str, codes: Sequence[str], since_ms: int) -> set[str]:
        rows = await self._database.fetch(_REFUSED_SINCE, asset, list(codes), since_ms)
        return {row["creator"] for row in rows}

    async def note_obstacles(self, asset: str, obstacles: dict[str, str]) -> None:
        creators, reasons = list(obstacles), list(obstacles.values())
        async with self._database.transaction() as connection:
            await connection.execute(_FORGET_OBSTACLES, asset, creators)
            await connection.execute(_NOTE_OBSTACLES, asset, creators, reasons)

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
    )
    await connection.execute(
        _PLAN_PAYOUTS,
        settlement.id,
        settlement.asset,
        [payment.id for payment in settlement.payments],
        [payment.creator for payment in settlement.payments],
        [payment.address for payment in settlement.payments],
        [payment.amount for payment in settlement.payments],
    )


def _progress(settlement: Settlement) -> tuple[object, ...]:
    """What `_ADVANCE` writes, in its order."""
    signed, outcome = settlement.signed, settlement.outcome
    envelope: tuple[object, ...] = (None,) * 5
    if signed is not None:
        envelope = (signed.xdr, signed.hash, signed.sequence, signed.max_time, signed.ledger)
    ended: tuple[object, ...] = (None,) * 3
    if outcome is not None:
        ended = (outcome.ledger, outcome.fee_charged, outcome.code)
    return (settlement.state.value, settlement.sent_ms, *envelope, *ended)


def _settlement(batch: Record, payouts: Iterable[Record]) -> Settlement:
    mine = [row for row in payouts if row["batch"] == batch["id"]]
    payments = tuple(
        Payment(row["id"], row["creator"], row["address"], Stroops(row["amount"])) for row in mine
    )
    return Settlement(
        id=batch["id"],
        asset=batch["asset"],
        source=batch["source"],
        fee_max=batch["fee_max"],
        payments=payments,
        created_ms=batch["created_ms"],
        state=State(batch["state"]),
        signed=_signed(batch),
        sent_ms=batch["sent_ms"],
    )


def _signed(batch: Record) -> SignedEnvelope | None:
    if batch["envelope_xdr"] is None:
        return None
    return SignedEnvelope(
        xdr=batch["envelope_xdr"],
        hash=batch["envelope_hash"],
        source=batch["source"],
        sequence=batch["sequence"],
        max_time=batch["max_time"],
        fee=batch["fee_max"],
        ledger=batch["signed_ledger"],
    )


def _view(row: Record) -> PayoutView:
    return PayoutView(
        id=row["id"],
        amount=Stroops(row["amount"]),
        state=row["state"],
        transaction_hash=row["envelope_hash"],
        created_at=datetime.fromtimestamp(row["created_ms"] / 1000, UTC),
        code=row["code"],
    )
