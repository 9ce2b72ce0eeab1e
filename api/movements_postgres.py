"""Histories of accounts, from sessions, transfers and payouts."""

from collections.abc import Sequence
from heapq import merge

from api.movements import Cursor, Movement, Reason, kind_of, refund_reason
from config.postgres import Database, Record
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND
from metering.session import read_state

# The accounts of one owner: there is a pair for each currency.
_ACCOUNTS = """
SELECT number, id, asset FROM ledger_account
WHERE (id >= $1 AND id < $1 || chr(1114111)) OR (id >= $2 AND id < $2 || chr(1114111))
ORDER BY id
"""

_SESSIONS = """
SELECT session.*, asset.title FROM unnest($1::bigint[]) AS own (number)
CROSS JOIN LATERAL (
    (SELECT id, true AS spent, asset_id, price_asset, amount, drawn, ticks, state,
        opened_at, closed_at
     FROM playback_session
     WHERE viewer_account = number AND id < $2 AND payee <> viewer
        AND (amount > 0 OR closed_at IS NULL)
     ORDER BY id DESC LIMIT $3)
    UNION ALL
    (SELECT id, false, asset_id, price_asset, amount, drawn, ticks, state,
        opened_at, closed_at
     FROM playback_session
     WHERE creator_account = number AND id < $2 AND amount > 0
     ORDER BY id DESC LIMIT $3)
) AS session
LEFT JOIN asset ON asset.id = session.asset_id
ORDER BY session.id DESC LIMIT $3
"""

# A payout or a withdrawal that came back is told by its state, and a refund with its session. What
# came in from the chain is told by its transaction. A payment channel is one line, where its first
# voucher was: there is another one every few seconds while its owner watches.
_TRANSFERS = """
SELECT entry.*, account.asset,
    coalesce(
        CASE WHEN withdrawal.state = 'refused' THEN 'refused'
            WHEN withdrawal.id IS NULL THEN NULL
            WHEN batch.state = 'applied' THEN 'paid'
            WHEN batch.state IN ('planned', 'signed', 'sent') THEN 'in_flight'
            ELSE 'requested' END,
        batch.state
    ) AS state,
    CASE WHEN withdrawal.state = 'refused' THEN NULL
        ELSE coalesce(batch.envelope_hash, chain_payment.transaction_hash) END AS envelope_hash,
    pass.content AS content_id, content.title
FROM unnest($1::bigint[]) AS own (number)
JOIN ledger_account AS account USING (number)
CROSS JOIN LATERAL (
    (SELECT 2 * position AS place, id, cause, -amount AS amount, recorded_at
     FROM ledger_transfer
     WHERE debit = number AND position <= $2::bigint / 2 AND 2 * position < $2
        AND cause NOT IN ('hold', 'void', 'post') AND cause <> 'voucher_returned'
        AND (cause <> 'refund' OR left(id, 4) <> 'ses_')
     ORDER BY position DESC LIMIT $3)
    UNION ALL
    (SELECT 2 * position + 1, id, cause, amount, recorded_at
     FROM ledger_transfer
     WHERE credit = number AND position <= $2::bigint / 2 AND 2 * position + 1 < $2
        AND cause NOT IN ('hold', 'void', 'post', 'payout_returned', 'withdrawal_refused')
        AND cause <> 'voucher' AND (cause <> 'refund' OR left(id, 4) <> 'ses_')
     ORDER BY position DESC LIMIT $3)
    UNION ALL
    (SELECT 2 * first.position + 1, contract, 'payment_channel', greatest(signed, withdrawn),
        first.recorded_at
     FROM payment_channel AS channel
     JOIN ledger_account AS side
        ON side.id = 'chain:channel:' || contract || ':' || channel.asset
     CROSS JOIN LATERAL (
        SELECT position, recorded_at FROM ledger_transfer
        WHERE debit = side.number AND cause = 'voucher' ORDER BY position LIMIT 1
     ) AS first
     WHERE owner = split_part(account.id, ':', 2)
        AND account.id = 'viewer:' || owner || ':' || channel.asset AND 2 * first.position + 1 < $2
     ORDER BY first.position DESC LIMIT $3)
) AS entry
LEFT JOIN withdrawal
    ON entry.cause = 'withdrawal_requested' AND withdrawal.id = split_part(entry.id, ':', 1)
LEFT JOIN LATERAL (
    SELECT batch FROM payout
    WHERE entry.cause = 'payout_planned' AND payout.id = split_part(entry.id, ':', 1)
    UNION ALL
    (SELECT batch FROM payout WHERE due = withdrawal.id ORDER BY id DESC LIMIT 1)
) AS payout ON true
LEFT JOIN payout_batch AS batch ON batch.id = payout.batch
-- `deposit:{network}:{event}`, `suspense:{network}:{event}`: an event has a colon in it.
LEFT JOIN chain_payment
    ON entry.cause IN ('deposit', 'suspense_assigned')
    AND chain_payment.network = split_part(entry.id, ':', 2)
    AND chain_payment.event = split_part(entry.id, ':', 3) || ':' || split_part(entry.id, ':', 4)
LEFT JOIN pass
    ON entry.cause IN ('pass', 'pass_sold') AND pass.id = split_part(entry.id, ':', 1)
LEFT JOIN asset AS content ON content.id = pass.content
ORDER BY place DESC LIMIT $3
"""

# Of names with a common beginning, none sorts after it and the sign after the colon.
_REFUNDS = """
SELECT session, refund.id, amount, recorded_at FROM unnest($1::text[]) AS session
JOIN ledger_transfer AS refund
    ON refund.cause = 'refund' AND refund.id > session || ':' AND refund.id < session || ';'
ORDER BY position
"""


class PostgresMovements:
    """Reads histories; also implements `movements.Refunds`. May raise
    `config.postgres.UNAVAILABLE`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, owner: str, after: Cursor, limit: int
    ) -> tuple[list[Movement], Cursor | None]:
        """The newest movements behind `after`, and behind what the next page begins, if there may
        be one.
        """
        numbers = [row["number"] for row in await self.accounts(owner)]
        sessions = await self._database.fetch(_SESSIONS, numbers, after.session, limit)
        transfers = await self._database.fetch(_TRANSFERS, numbers, after.transfer, limit)
        merged = _newest(sessions, transfers)[:limit]
        refunds = await self._refunds([row["id"] for is_session, row in merged if is_session])
        movements = [
            _session(row, refunds.get(row["id"], [])) if is_session else _transfer(row)
            for is_session, row in merged
        ]
        return movements, _behind(merged, after) if len(merged) == limit else None

    async def accounts(self, owner: str) -> list[Record]:
        """Number, name and currency of all accounts of an owner, by name."""
        return await self._database.fetch(_ACCOUNTS, f"viewer:{owner}:", f"creator:{owner}:")

    async def refunds_of(self, session_id: str) -> list[Reason]:
        return (await self._refunds([session_id])).get(session_id, [])

    async def _refunds(self, sessions: Sequence[str]) -> dict[str, list[Reason]]:
        found: dict[str, list[Reason]] = {}
        for row in await self._database.fetch(_REFUNDS, sessions) if sessions else ():
            reason = Reason(
                "refund", refund_reason(row["id"]), Stroops(row["amount"]), row["recorded_at"]
            )
            found.setdefault(row["session"], []).append(reason)
        return found


def _newest(sessions: Sequence[Record], transfers: Sequence[Record]) -> list[tuple[bool, Record]]:
    """Both in one, the newest first; each keeps its order, which the next page goes on with."""
    merged = merge(
        ((row["opened_at"], True, row) for row in sessions),
        ((row["recorded_at"], False, row) for row in transfers),
        key=lambda entry: entry[0],
        reverse=True,
    )
    return [(is_session, row) for _, is_session, row in merged]


def _behind(merged: Sequence[tuple[bool, Record]], after: Cursor) -> Cursor:
    sessions = [row["id"] for is_session, row in merged if is_session]
    places = [row["place"] for is_session, row in merged if not is_session]
    return Cursor(min([after.session, *sessions]), min([after.transfer, *places]))


def _session(row: Record, refunds: Sequence[Reason]) -> Movement:
    amount = row["amount"] - sum(refund.amount for refund in refunds)
    charge = Reason("charge", "watched", Stroops(row["amount"]), seconds=row["ticks"])
    return Movement(
        kind="watched" if row["spent"] else "earned",
        reference=row["id"],
        asset=row["price_asset"],
        amount=-amount if row["spent"] else amount,
        at=row["opened_at"],
        ended_at=row["closed_at"],
        state="open" if row["closed_at"] is None else "closed",
        content_id=row["asset_id"],
        title=row["title"],
        held=row["drawn"] - row["amount"] if row["spent"] else 0,
        reasons=(*([charge] if row["ticks"] else []), *_waived(row["state"]), *refunds),
    )


def _waived(state: str | None) -> list[Reason]:
    """What was sent for nothing, since something was missing in it; whole seconds, rounded up."""
    units = 0 if state is None else read_state(state).waived
    seconds = -(-units // UNITS_PER_SECOND)
    return [Reason("waived", "lost", Stroops(0), seconds=seconds)] if seconds else []


def _transfer(row: Record) -> Movement:
    is_named = row["state"] is not None or row["content_id"] is not None
    return Movement(
        kind=kind_of(row["cause"]),
        reference=row["id"].split(":")[0] if is_named else row["id"],
        asset=row["asset"],
        amount=row["amount"],
        at=row["recorded_at"],
        state=row["state"],
        content_id=row["content_id"],
        title=row["title"],
        transaction_hash=row["envelope_hash"],
    )
