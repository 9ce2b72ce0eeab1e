"""Which payouts carried what was earned with a session, and which paid again what came back.

A payout takes all that its creator has at that moment. So the first one that was planned after the
session's last charge carried it: of those that came back to the creator, the next one did. What was
left to be claimed comes back after some months, when a reclaim is applied: the first payout that
was planned after that carried it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from config.limits import PAYOUT_RETURNS_MAX
from config.postgres import Database, Record
from metering.ledger.ledger import creator_account
from metering.receipts.receipt import Receipt, Settled
from metering.settlement.outbox import Payment, Settlement
from metering.settlement.proof import Returns
from metering.shares.store import SplitStore, split_of_account

_CHARGED = """
SELECT position, credit, account.id AS account
FROM ledger_transfer JOIN ledger_account AS account ON account.number = credit
WHERE ledger_transfer.id = $1
"""

# When each payee got the first share of what was earned by then.
_SHARED = """
SELECT payee.number AS credit, (
    SELECT position FROM ledger_transfer
    WHERE debit = $1 AND credit = payee.number AND position > $2
        AND cause NOT IN ('hold', 'void', 'post')
    ORDER BY position LIMIT 1
) AS position
FROM ledger_account AS payee WHERE id = ANY ($3::text[])
"""

_PAID = """
SELECT found.* FROM unnest($1::bigint[], $2::bigint[]) AS earned (account, position)
CROSS JOIN LATERAL (
    SELECT payout.id, payout.creator, state, envelope_hash, earned.account
    FROM ledger_transfer AS planned
    JOIN payout ON payout.id = split_part(planned.id, ':', 1)
    JOIN payout_batch AS batch ON batch.id = payout.batch
    WHERE planned.debit = earned.account AND planned.position > earned.position
        AND planned.cause = 'payout_planned' AND state NOT IN ('failed', 'dead')
    ORDER BY planned.position LIMIT 1
) AS found
ORDER BY found.creator
"""

# What was left to be claimed by these payouts, and came back; with where that is in the journal,
# unless the transfers of that time are in an archive by now.
_BACK = """
SELECT back.due AS payout, back.id, envelope_hash, moved.position
FROM payout AS back
JOIN payout_batch AS batch ON batch.id = back.batch
LEFT JOIN ledger_transfer AS moved ON moved.id = back.id || ':applied'
WHERE back.due = ANY ($1::text[]) AND back.kind = 'reclaim' AND state = 'applied'
"""

_ACCOUNT = "SELECT number FROM ledger_account WHERE id = $1"

# Behind the payout before this one, up to this one.
_CAME_BACK = """
SELECT back.due
FROM ledger_transfer AS planned
JOIN payout_batch AS mine ON mine.id = $2 AND mine.state NOT IN ('failed', 'dead')
CROSS JOIN LATERAL (
    SELECT coalesce((
        SELECT earlier.position
        FROM ledger_transfer AS earlier
        JOIN payout ON payout.id = split_part(earlier.id, ':', 1)
        JOIN payout_batch AS batch ON batch.id = payout.batch
        WHERE earlier.debit = planned.debit AND earlier.position < planned.position
            AND earlier.cause = 'payout_planned' AND batch.state NOT IN ('failed', 'dead')
        ORDER BY earlier.position DESC LIMIT 1
    ), 0) AS position
) AS last
JOIN ledger_transfer AS moved ON moved.credit = planned.debit
    AND moved.position > last.position AND moved.position < planned.position
    AND moved.cause = 'reclaim_applied'
JOIN payout AS back ON back.id = split_part(moved.id, ':', 1)
WHERE planned.id = $1 || ':plan'
ORDER BY moved.position
"""


RECLAIMED = "reclaimed"
"""How a payout is that was left to be claimed and came back."""


@dataclass(frozen=True, slots=True)
class _Back:
    """A reclaim that was applied, and where the journal has it."""

    reclaim: str
    transaction: str
    position: int | None


class PayoutTrace:
    """Looks payouts up in the ledger. May raise `config.postgres.UNAVAILABLE`."""

    def __init__(self, database: Database, splits: SplitStore) -> None:
        self._database = database
        self._splits = splits

    async def settled(self, receipt: Receipt) -> list[Settled]:
        """The payouts that carried what a session earned, one for each payee who was paid, and
        behind one that was reclaimed the one that paid again; none when nothing was charged, or
        the transfers of that time are in an archive by now.
        """
        charge = _last_charge(receipt)
        charged = None if charge is None else await self._database.fetchrow(_CHARGED, charge)
        if charged is None:
            return []
        earned = [(charged["credit"], charged["position"])]
        if charged["account"].startswith("unsplit:"):
            earned = await self._shared(charged["account"], *earned[0])
        return await self._paid(earned)

    async def _shared(self, unsplit: str, number: int, position: int) -> list[tuple[int, int]]:
        split_id, asset = split_of_account(unsplit)
        split = await self._splits.get(split_id)
        assert split is not None, "sessions begin after their split is kept"
        payees = [creator_account(share.account, asset).id for share in split.shares]
        rows = await self._database.fetch(_SHARED, number, position, payees)
        return [(row["credit"], row["position"]) for row in rows if row["position"] is not None]

    async def returns(self, settlement: Settlement, payment: Payment) -> Returns:
        """What came back of a payout, and of payouts before it."""
        back = (await self._back([payment.id])).get(payment.id)
        came_back = await self._database.fetch(_CAME_BACK, payment.id, settlement.id)
        again = None
        if back is not None and back.position is not None:
            account = await self._database.fetchval(_ACCOUNT, payment.account)
            rows = await self._database.fetch(_PAID, [account], [back.position])
            again = rows[0]["id"] if rows else None
        return Returns(
            reclaim=None if back is None else back.reclaim,
            reclaim_hash=None if back is None else back.transaction,
            paid_again_by=again,
            pays_again=tuple(row["due"] for row in came_back),
        )

    async def _paid(self, earned: Sequence[tuple[int, int]]) -> list[Settled]:
        found: list[Settled] = []
        # What came back is followed to the payout that paid it again, and so on.
        for _ in range(PAYOUT_RETURNS_MAX):
            accounts, positions = [each[0] for each in earned], [each[1] for each in earned]
            rows = await self._database.fetch(_PAID, accounts, positions)
            back = await self._back([row["id"] for row in rows])
            found += [_settled(row, is_back=row["id"] in back) for row in rows]
            earned = [
                (row["account"], position)
                for row in rows
                if row["id"] in back and (position := back[row["id"]].position) is not None
            ]
            if not earned:
                break
        return sorted(found, key=lambda each: each.payee)

    async def _back(self, payouts: Sequence[str]) -> dict[str, _Back]:
        rows = await self._database.fetch(_BACK, list(payouts))
        return {r["payout"]: _Back(r["id"], r["envelope_hash"], r["position"]) for r in rows}


def _settled(row: Record, *, is_back: bool) -> Settled:
    state = RECLAIMED if is_back else row["state"]
    return Settled(row["creator"], row["id"], state, row["envelope_hash"])


def _last_charge(receipt: Receipt) -> str | None:
    """The id of the transfer that moved the last of a session's charges."""
    ticks = receipt.document["ticks"]
    assert isinstance(ticks, list), "of a receipt's shape"
    posts = [tick["posts"][-1] for tick in ticks if tick["posts"]]
    return f"{receipt.session_id}:{posts[-1]}:post" if posts else None
