"""Splits in Postgres (tables `split`, `split_assignment` and `split_moved`)."""

import json
from collections.abc import Sequence

from config.postgres import Database
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.shares.splits import Share, Split, share_accounts, share_transfers, unsplit_account
from metering.shares.store import split_of_account

_KEEP = """
WITH new AS (
    INSERT INTO split (id, document) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING id
)
INSERT INTO split_payee (account, split) SELECT unnest($3::text[]), id FROM new
"""

_GET = "SELECT document FROM split WHERE id = $1"

_ASSIGN = """
INSERT INTO split_assignment (target, shares) VALUES ($1, $2)
ON CONFLICT (target) DO UPDATE SET shares = excluded.shares, changed_at = now()
"""

_ASSIGNED_FIRST = """
SELECT shares FROM unnest($1::text[]) WITH ORDINALITY AS wanted (target, place)
JOIN split_assignment USING (target)
WHERE shares <> '[]'
ORDER BY place LIMIT 1
"""

# As in `ledger_postgres`: no name with this prefix sorts after it and the last character.
_UNSPLIT = """
SELECT id FROM ledger_account
WHERE id >= 'unsplit:' AND id < 'unsplit:' || chr(1114111) AND balance > 0
ORDER BY id LIMIT $1
"""

_WAITING_FOR = """
SELECT document, coalesce(moved, 0) AS moved, balance
FROM split_payee JOIN split ON split.id = split_payee.split
JOIN ledger_account AS unsplit ON unsplit.id = 'unsplit:' || split.id || ':' || $2
LEFT JOIN split_moved ON split_moved.split = split.id AND split_moved.asset = $2
WHERE account = $1 AND balance > 0
"""

_BEGIN = "INSERT INTO split_moved (split, asset) VALUES ($1, $2) ON CONFLICT DO NOTHING"

# One at a time: whoever comes second sees what the first one moved.
_MOVED = "SELECT moved FROM split_moved WHERE split = $1 AND asset = $2 FOR NO KEY UPDATE"

_MOVE = "UPDATE split_moved SET moved = $3 WHERE split = $1 AND asset = $2"


class PostgresSplitStore:
    """Implements `split_store.SplitStore`; each call may also raise one of
    `config.postgres.UNAVAILABLE`. What then was done or not can be done again.
    """

    def __init__(self, database: Database, ledger: PostgresLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def keep(self, split: Split) -> None:
        payees = [share.account for share in split.shares]
        await self._database.execute(_KEEP, split.id, json.dumps(split.to_document()), payees)

    async def get(self, split_id: str) -> Split | None:
        document = await self._database.fetchval(_GET, split_id)
        return None if document is None else Split.from_document(json.loads(document))

    async def assign(self, target: str, shares: Sequence[Share]) -> None:
        pairs = [[share.account, share.basis_points] for share in shares]
        await self._database.execute(_ASSIGN, target, json.dumps(pairs))

    async def assigned(self, target: str) -> tuple[Share, ...]:
        return await self.assigned_first([target])

    async def assigned_first(self, targets: Sequence[str]) -> tuple[Share, ...]:
        found = await self._database.fetchval(_ASSIGNED_FIRST, list(targets))
        return () if found is None else tuple(Share(*pair) for pair in json.loads(found))

    async def unsplit(self, limit: int) -> list[tuple[str, str]]:
        rows = await self._database.fetch(_UNSPLIT, limit)
        return [split_of_account(row["id"]) for row in rows]

    async def waiting_for(self, account: str, asset: str) -> Stroops:
        rows = await self._database.fetch(_WAITING_FOR, account, asset)
        return Stroops(
            sum(
                Split.from_document(json.loads(row["document"])).due_to(
                    account, row["moved"], row["balance"]
                )
                for row in rows
            )
        )

    async def share_out(self, split_id: str, asset: str) -> Stroops:
        split = await self.get(split_id)
        assert split is not None, "sessions begin after their split is kept"
        await self._database.execute(_BEGIN, split_id, asset)
        async with self._database.transaction() as connection:
            moved = await connection.fetchval(_MOVED, split_id, asset)
            waiting: int = await connection.fetchval(
                "SELECT balance FROM ledger_account WHERE id = $1",
                unsplit_account(split_id, asset).id,
            )
            total = moved + waiting
            await self._ledger.open_accounts_within(connection, share_accounts(split, asset))
            await self._ledger.post_within(connection, share_transfers(split, asset, moved, total))
            await connection.execute(_MOVE, split_id, asset, total)
        return Stroops(waiting)
