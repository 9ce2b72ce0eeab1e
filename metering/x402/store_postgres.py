"""Presented payments in Postgres."""

from config.postgres import Database, Record, UniqueViolationError
from metering.money import Stroops
from metering.settlement.envelope_row import ending, envelope_of
from metering.settlement.outbox import MovedOn, Outcome, SourceBusy, State
from metering.x402.top_up import AlreadyPresented, TopUp

_BEGIN = """
INSERT INTO top_up (
    id, account, payer, nonce, asset, amount, created_ms, source, envelope_xdr, envelope_hash,
    sequence, max_time, signed_ledger, fee_max
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""

# The row as it was read, or nothing: another process may have taken it further.
_ADVANCE = """
UPDATE top_up SET state = $4, sent_ms = $5, applied_ledger = $6, fee_charged = $7, code = $8
WHERE id = $1 AND state = $2 AND sent_ms IS NOT DISTINCT FROM $3
"""

_PRESENTED = """
SELECT * FROM top_up
WHERE payer = $1 AND nonce = $2 AND state IN ('signed', 'sent', 'applied')
"""

_UNDER_WAY = "SELECT * FROM top_up WHERE source = $1 AND state IN ('signed', 'sent')"

_FEES = """
SELECT coalesce(sum(coalesce(fee_charged, fee_max)), 0)::bigint FROM top_up
WHERE source = $1 AND created_ms >= $2
"""


class PostgresTopUps:
    """Implements `store.TopUpStore`; each call may also raise one of `config.postgres.UNAVAILABLE`,
    and then nobody knows whether it was done.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, top_up: TopUp) -> None:
        signed = top_up.signed
        try:
            await self._database.execute(
                _BEGIN,
                top_up.id,
                top_up.account,
                top_up.payer,
                top_up.nonce,
                top_up.asset,
                top_up.amount,
                top_up.created_ms,
                signed.source,
                signed.xdr,
                signed.hash,
                signed.sequence,
                signed.max_time,
                signed.ledger,
                signed.fee,
            )
        except UniqueViolationError:
            if await self.presented(top_up.payer, top_up.nonce) is not None:
                raise AlreadyPresented(top_up.payer) from None
            raise SourceBusy(signed.source) from None

    async def advance(self, before: TopUp, after: TopUp) -> None:
        tag = await self._database.execute(
            _ADVANCE,
            before.id,
            before.state.value,
            before.sent_ms,
            after.state.value,
            after.sent_ms,
            *ending(after.outcome),
        )
        if tag != "UPDATE 1":
            raise MovedOn(before.id)

    async def presented(self, payer: str, nonce: int) -> TopUp | None:
        row = await self._database.fetchrow(_PRESENTED, payer, nonce)
        return None if row is None else _top_up(row)

    async def under_way(self, source: str) -> TopUp | None:
        row = await self._database.fetchrow(_UNDER_WAY, source)
        return None if row is None else _top_up(row)

    async def fees_since(self, source: str, since_ms: int) -> Stroops:
        return Stroops(await self._database.fetchval(_FEES, source, since_ms))


def _top_up(row: Record) -> TopUp:
    return TopUp(
        id=row["id"],
        account=row["account"],
        payer=row["payer"],
        nonce=row["nonce"],
        asset=row["asset"],
        amount=Stroops(row["amount"]),
        signed=envelope_of(row),
        created_ms=row["created_ms"],
        state=State(row["state"]),
        sent_ms=row["sent_ms"],
        outcome=_outcome(row),
    )


def _outcome(row: Record) -> Outcome | None:
    if row["code"] is None:
        return None
    return Outcome(row["applied_ledger"], row["fee_charged"], row["code"])
