"""Which payouts carried what was earned with a session.

A payout takes all that its creator has at that moment. So the first one that was planned after the
session's last charge carried it: of those that came back to the creator, the next one did.
"""

from collections.abc import Sequence

from config.postgres import Database
from metering.ledger.ledger import creator_account
from metering.receipts.receipt import Receipt, Settled
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
    ORDER BY position LIMIT 1
) AS position
FROM ledger_account AS payee WHERE id = ANY ($3::text[])
"""

_PAID = """
SELECT found.* FROM unnest($1::bigint[], $2::bigint[]) AS earned (account, position)
CROSS JOIN LATERAL (
    SELECT payout.id, payout.creator, state, envelope_hash
    FROM ledger_transfer AS planned
    JOIN payout ON payout.id = split_part(planned.id, ':', 1)
    JOIN payout_batch AS batch ON batch.id = payout.batch
    WHERE planned.debit = earned.account AND planned.position > earned.position
        AND planned.cause = 'payout_planned' AND state NOT IN ('failed', 'dead')
    ORDER BY planned.position LIMIT 1
) AS found
ORDER BY found.creator
"""


class PayoutTrace:
    """Looks payouts up in the ledger. May raise `config.postgres.UNAVAILABLE`."""

    def __init__(self, database: Database, splits: SplitStore) -> None:
        self._database = database
        self._splits = splits

    async def settled(self, receipt: Receipt) -> list[Settled]:
        """The payouts that carried what a session earned, one for each payee who was paid; none
        when nothing was charged, or the transfers of that time are in an archive by now.
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

    async def _paid(self, earned: Sequence[tuple[int, int]]) -> list[Settled]:
        accounts, positions = [each[0] for each in earned], [each[1] for each in earned]
        rows = await self._database.fetch(_PAID, accounts, positions)
        return [
            Settled(row["creator"], row["id"], row["state"], row["envelope_hash"]) for row in rows
        ]


def _last_charge(receipt: Receipt) -> str | None:
    """The id of the transfer that moved the last of a session's charges."""
    ticks = receipt.document["ticks"]
    assert isinstance(ticks, list), "of a receipt's shape"
    posts = [tick["posts"][-1] for tick in ticks if tick["posts"]]
    return f"{receipt.session_id}:{posts[-1]}:post" if posts else None
