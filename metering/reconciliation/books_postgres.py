"""What journal and outbox say of some ledgers, out of Postgres."""

from collections.abc import Collection, Sequence
from datetime import datetime

from config.limits import RECONCILE_LISTED_MAX, RECONCILE_STATEMENTS_MAX
from config.postgres import Connection, Database, Record
from metering.reconciliation.evidence import (
    Evidence,
    Line,
    Movement,
    Posted,
    Settled,
    Suspended,
    Taken,
)
from metering.reconciliation.store import Digests
from metering.settlement import outbox_rows, statement
from metering.settlement.outbox import Settlement, State
from metering.vouchers.loss import Loss
from metering.vouchers.losses_postgres import losses

_READ_ONLY = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_MOVEMENTS = """
SELECT * FROM chain_movement WHERE network = $1 AND ledger > $2 AND ledger <= $3
ORDER BY ledger, event
"""

# What a transfer moved, in closed parts too.
_POSTED = """
LEFT JOIN LATERAL (
    SELECT amount FROM ledger_transfer WHERE id = {id}
    UNION ALL
    SELECT amount FROM ledger_closed_transfer WHERE id = {id}
    LIMIT 1
) AS entry ON true
"""

_TAKEN = f"""
SELECT event, ledger, asset, payment.amount, entry.amount AS posted
FROM chain_payment AS payment
{_POSTED.format(id="'deposit:' || network || ':' || event")}
WHERE network = $1 AND (ledger > $2 AND ledger <= $3 OR event = ANY ($4))
"""

_SETTLED = """
SELECT * FROM payout_batch
WHERE applied_ledger > $1 AND applied_ledger <= $2 OR envelope_hash = ANY ($3)
    OR id IN (SELECT batch FROM payout_bump WHERE envelope_hash = ANY ($3))
"""

_UNDER_WAY = "SELECT * FROM payout_batch WHERE state IN ('signed', 'sent') ORDER BY id"

_LINES = f"""
SELECT payout.*, entry.amount AS posted FROM payout
{_POSTED.format(id="payout.id || ':applied'")}
WHERE batch = ANY ($1) ORDER BY batch, place
"""

_BUMPS = "SELECT batch, envelope_hash FROM payout_bump WHERE batch = ANY ($1) ORDER BY number"

_COLLECTED = """
SELECT envelope_hash, code IS NOT NULL AS ended FROM channel_collection
WHERE envelope_hash = ANY ($1)
"""

_CONTRACTS = "SELECT contract FROM payment_channel WHERE contract = ANY ($1)"

_SUSPENDED = """
SELECT payment.* FROM chain_payment AS payment
LEFT JOIN suspense_decision AS decision USING (network, event)
LEFT JOIN withdrawal ON withdrawal.id = decision.withdrawal
WHERE network = $1 AND kind = 'suspense'
    AND (decision.event IS NULL OR withdrawal.state = 'refused')
ORDER BY place LIMIT $2
"""

_SEALED = """
SELECT number, last_position, hash FROM journal_seal WHERE kind = 'transfers'
ORDER BY number DESC LIMIT 1
"""

# Each kind of entry about the chain, and what has to be there for it. (The schema's functions let
# no move of a session be about the chain.)
_UNEXPLAINED = """
WITH side AS (
    SELECT number, id, asset FROM ledger_account WHERE id >= 'chain:' AND id < 'chain;'
)
SELECT entry.id, account, asset, amount
FROM (
    SELECT entry.id, side.id AS account, asset, -amount AS amount
    FROM side JOIN ledger_transfer AS entry ON debit = number
    WHERE position > $2 AND position <= $3 AND cause NOT IN ('hold', 'void', 'post')
    UNION
    SELECT entry.id, side.id, asset, amount
    FROM side JOIN ledger_transfer AS entry ON credit = number
    WHERE position > $2 AND position <= $3 AND cause NOT IN ('hold', 'void', 'post')
    UNION
    SELECT entry.id, side.id, asset, CASE WHEN debit = number THEN -amount ELSE amount END
    FROM side JOIN ledger_transfer AS entry ON number IN (debit, credit)
    WHERE entry.id = ANY ($4)
) AS entry
WHERE CASE split_part(entry.id, ':', 1)
        WHEN 'deposit' THEN NOT EXISTS (SELECT FROM chain_payment
            WHERE network = $1 AND 'deposit:' || network || ':' || event = entry.id)
        WHEN 'channel' THEN NOT EXISTS (SELECT FROM payment_channel
            WHERE contract = split_part(entry.id, ':', 2))
        WHEN 'restored' THEN NOT EXISTS (SELECT FROM reconciliation_difference
            WHERE network = $1 AND (starts_with(entry.id, 'restored:' || key)
                OR entry.id = 'restored:event:' || split_part(key, ':', 2) || ':fee'))
        ELSE NOT EXISTS (SELECT FROM payout
                WHERE payout.id = split_part(entry.id, ':', 1))
            AND NOT EXISTS (SELECT FROM payout_batch
                WHERE payout_batch.id = split_part(entry.id, ':', 1))
    END
ORDER BY entry.id LIMIT $5
"""

_BALANCES = """
SELECT id, balance FROM ledger_account WHERE id >= 'chain:' AND id < 'chain;'
"""

# What was booked of ledgers behind $2.
_AHEAD = """
WITH booked (id) AS (
    SELECT 'deposit:' || network || ':' || event FROM chain_payment
    WHERE network = $1 AND ledger > $2
    UNION ALL
    SELECT payout.id || ':applied' FROM payout JOIN payout_batch ON payout_batch.id = batch
    WHERE applied_ledger > $2
    UNION ALL
    SELECT id || ':network_fee' FROM payout_batch WHERE applied_ledger > $2
)
SELECT account.id, sum(CASE WHEN debit = account.number THEN -amount ELSE amount END)::bigint
    AS moved
FROM booked
JOIN ledger_transfer AS entry USING (id)
JOIN ledger_account AS account ON account.number IN (debit, credit)
WHERE account.id >= 'chain:' AND account.id < 'chain;'
GROUP BY account.id
"""

_SEQUENCES = """
SELECT source, max(sequence) AS sequence FROM (
    SELECT source, sequence FROM payout_batch WHERE source = ANY ($2)
    UNION ALL
    SELECT source, sequence FROM channel_collection WHERE source = ANY ($2)
    UNION ALL
    SELECT address, sequence FROM reconciliation_address WHERE network = $1 AND address = ANY ($2)
) AS used
GROUP BY source
"""

_NEWEST = "SELECT * FROM payout_batch ORDER BY id DESC LIMIT $1"

_PAYOUTS = "SELECT * FROM payout WHERE batch = ANY ($1) ORDER BY batch, place"

_FEES_BOOKED = """
SELECT hash FROM unnest($1::text[]) AS asked (hash)
WHERE EXISTS (SELECT FROM ledger_transfer WHERE id = 'restored:event:' || hash || ':fee')
    OR EXISTS (SELECT FROM ledger_closed_transfer WHERE id = 'restored:event:' || hash || ':fee')
"""

_WITHDRAWALS = """
SELECT id, address FROM withdrawal WHERE state = 'open' AND asset = $1 AND amount = $2
ORDER BY id LIMIT $3
"""

# Who is paid at an address: its creator, or else the one viewer who paid in from there.
_OWNER = """
WITH creator AS (SELECT 'creator:' || id AS owner FROM account WHERE stellar_address = $2),
viewer AS (
    SELECT DISTINCT 'viewer:' || account AS owner FROM chain_payment
    WHERE network = $1 AND source = $2 AND kind = 'deposit'
    LIMIT 2
)
SELECT CASE
    WHEN (SELECT count(*) FROM creator) = 1 THEN (SELECT owner FROM creator)
    WHEN (SELECT count(*) FROM creator) = 0 AND (SELECT count(*) FROM viewer) = 1
        THEN (SELECT owner FROM viewer)
END
"""

_CHAIN_DIGEST = """
SELECT count(*) AS movements, encode(sha256(convert_to(coalesce(string_agg(
    concat_ws(E'\\t', event, ledger, source, destination, asset, amount), E'\\n'
    ORDER BY ledger, event), ''), 'UTF8')), 'hex') AS digest
FROM chain_movement WHERE network = $1 AND ledger > $2 AND ledger <= $3
"""

_OUTBOX_DIGEST = """
SELECT count(*) AS settlements, encode(sha256(convert_to(coalesce(string_agg(
    concat_ws(E'\\t', id, envelope_hash, state, applied_ledger, fee_charged), E'\\n'
    ORDER BY id), ''), 'UTF8')), 'hex') AS digest
FROM payout_batch WHERE applied_ledger > $1 AND applied_ledger <= $2
"""


class PostgresBooks:
    """For one network. Each call may also raise one of `config.postgres.UNAVAILABLE`."""

    def __init__(self, database: Database, network: str) -> None:
        self._database = database
        self._network = network

    async def evidence(self, after: int, until: int) -> Evidence:
        """Everything about the ledgers behind `after`, up to and with `until`."""
        async with self._database.transaction() as connection:
            await connection.execute(_READ_ONLY)
            rows = await connection.fetch(_MOVEMENTS, self._network, after, until)
            movements = tuple(map(_movement, rows))
            hashes = list({each.transaction for each in movements})
            events = [each.event for each in movements]
            sources = list({each.source for each in movements})
            taken = await connection.fetch(_TAKEN, self._network, after, until, events)
            batches = await connection.fetch(_SETTLED, after, until, hashes)
            collected = await connection.fetch(_COLLECTED, hashes)
            contracts = await connection.fetch(_CONTRACTS, sources)
            settled = await _settled(connection, batches)
        return Evidence(
            movements=movements,
            taken=tuple(map(_taken, taken)),
            settled=settled,
            collected={row["envelope_hash"]: row["ended"] for row in collected},
            contracts=frozenset(row["contract"] for row in contracts),
        )

    async def movements(self, after: int, until: int) -> list[Movement]:
        """What the feeds told of the ledgers behind `after`, up to and with `until`."""
        rows = await self._database.fetch(_MOVEMENTS, self._network, after, until)
        return list(map(_movement, rows))

    async def under_way(self) -> tuple[Settled, ...]:
        """Settlements that were signed and have not ended."""
        async with self._database.transaction() as connection:
            await connection.execute(_READ_ONLY)
            return await _settled(connection, await connection.fetch(_UNDER_WAY))

    async def suspended(self) -> list[Suspended]:
        """Money that nobody decided about, the oldest first."""
        rows = await self._database.fetch(_SUSPENDED, self._network, RECONCILE_LISTED_MAX)
        return [
            Suspended(
                event=row["event"],
                ledger=row["ledger"],
                transaction=row["transaction_hash"],
                source=row["source"],
                asset=row["asset"],
                amount=row["amount"],
                reason=row["reason"],
            )
            for row in rows
        ]

    async def sealed(self) -> tuple[int, str]:
        """The position up to which the journal does not change, and its last seal as text."""
        row = await self._database.fetchrow(_SEALED)
        if row is None:
            return 0, ""
        return row["last_position"], f"{row['number']}:{row['hash'].hex()}"

    async def unexplained(self, after: int, until: int, ids: Sequence[str]) -> list[Posted]:
        """Entries about the chain that nothing explains: between two positions, and of these."""
        limit = RECONCILE_LISTED_MAX
        rows = await self._database.fetch(
            _UNEXPLAINED, self._network, after, until, list(ids), limit
        )
        return [Posted(row["id"], row["account"], row["asset"], row["amount"]) for row in rows]

    async def balances(self, ledger: int) -> tuple[dict[str, int], dict[str, int]]:
        """What accounts about the chain hold, and how much of it was booked of later ledgers."""
        async with self._database.transaction() as connection:
            await connection.execute(_READ_ONLY)
            held = await connection.fetch(_BALANCES)
            ahead = await connection.fetch(_AHEAD, self._network, ledger)
        return {r["id"]: r["balance"] for r in held}, {r["id"]: r["moved"] for r in ahead}

    async def sequences(self, addresses: Sequence[str]) -> dict[str, int]:
        """The highest sequence number of each account that we used, or need not explain."""
        rows = await self._database.fetch(_SEQUENCES, self._network, list(addresses))
        return {row["source"]: row["sequence"] for row in rows if row["sequence"] is not None}

    async def stated(self, roots: Collection[str]) -> dict[str, Settlement]:
        """The settlements whose statements have these roots (hex), among the newest ones."""
        if not roots:
            return {}
        batches = await self._database.fetch(_NEWEST, RECONCILE_STATEMENTS_MAX)
        payouts = await self._database.fetch(_PAYOUTS, [batch["id"] for batch in batches])
        newest = [outbox_rows.settlement(batch, payouts, ()) for batch in batches]
        named = {statement.root(statement.leaves(each)).hex(): each for each in newest}
        return {root: each for root, each in named.items() if root in roots}

    async def fees_booked(self, hashes: Sequence[str]) -> set[str]:
        """Those of these transactions whose fee was booked when somebody accepted them."""
        rows = await self._database.fetch(_FEES_BOOKED, list(hashes))
        return {row["hash"] for row in rows}

    async def owner(self, address: str) -> str | None:
        """Who is paid at an address, as the first two parts of an account's name; None: nobody
        knows, or several are.
        """
        owner: str | None = await self._database.fetchval(_OWNER, self._network, address)
        return owner

    async def withdrawals(self, asset: str, amount: int) -> list[tuple[str, str]]:
        """Withdrawals of an amount that are still to be paid, with their addresses (G..., M...)."""
        limit = RECONCILE_LISTED_MAX
        rows = await self._database.fetch(_WITHDRAWALS, asset, amount, limit)
        return [(row["id"], row["address"]) for row in rows]

    async def losses(self, since: datetime) -> list[Loss]:
        """What payment channels lost and is a claim still, or was written off since then."""
        return await losses(self._database, since)

    async def digests(self, after: int, until: int) -> Digests:
        """What there was to compare."""
        chain = await self._database.fetchrow(_CHAIN_DIGEST, self._network, after, until)
        outbox = await self._database.fetchrow(_OUTBOX_DIGEST, after, until)
        assert chain is not None, "an aggregate always has a row"
        assert outbox is not None, "an aggregate always has a row"
        _, seal = await self.sealed()
        return Digests(
            chain["movements"], chain["digest"], outbox["settlements"], outbox["digest"], seal
        )


async def _settled(connection: Connection, batches: Sequence[Record]) -> tuple[Settled, ...]:
    ids = [batch["id"] for batch in batches]
    lines = await connection.fetch(_LINES, ids) if ids else []
    bumps = await connection.fetch(_BUMPS, ids) if ids else []
    return tuple(
        Settled(
            id=batch["id"],
            state=State(batch["state"]),
            asset=batch["asset"],
            source=batch["source"],
            hashes=frozenset(hashes := _hashes(batch, bumps)),
            latest=hashes[-1] if hashes else "",
            max_time=batch["max_time"] or 0,
            ledger=batch["applied_ledger"],
            lines=tuple(_line(row) for row in lines if row["batch"] == batch["id"]),
        )
        for batch in batches
    )


def _hashes(batch: Record, bumps: Sequence[Record]) -> list[str]:
    bumped = [row["envelope_hash"] for row in bumps if row["batch"] == batch["id"]]
    return [hash_ for hash_ in (batch["envelope_hash"], *bumped) if hash_]


def _line(row: Record) -> Line:
    return Line(
        id=row["id"],
        address=row["address"],
        amount=row["amount"],
        posted=row["posted"],
        alone=row["claimable"] or row["kind"] == "reclaim",
    )


def _taken(row: Record) -> Taken:
    return Taken(row["event"], row["ledger"], row["asset"], row["amount"], row["posted"])


def _movement(row: Record) -> Movement:
    return Movement(
        event=row["event"],
        ledger=row["ledger"],
        closed_at=row["closed_at"],
        transaction=row["transaction_hash"],
        source=row["source"],
        destination=row["destination"],
        asset=row["asset"],
        amount=row["amount"],
    )
