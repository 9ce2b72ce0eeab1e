"""Sessions and money in Postgres: what belongs together is one statement."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from config.postgres import (
    CheckViolationError,
    Connection,
    Database,
    RaiseError,
    Record,
    UniqueViolationError,
)
from metering.batch_columns import columns_of, repriced_sessions
from metering.errors import BooksDisagree
from metering.leases.lease_postgres import PostgresLeases, fenced, require_within, unavailable
from metering.ledger.ledger import Account, Transfer
from metering.ledger.ledger_postgres import PostgresLedger, refusals
from metering.money import Stroops
from metering.repricing import PriceChange
from metering.session import Allowance, Batch, SavedSession, Session
from metering.tariff_postgres import keep_tariffs, tariff_of
from metering.terms import Terms

_OPEN = """
INSERT INTO playback_session (
    id, viewer, asset_id, payee, opened_at, viewer_account, hold_account, creator_account,
    fence, epoch, price_asset, price_stroops, price_seconds, view_stroops, free_seconds, cap,
    rung_stroops, rung_seconds, rung_ticks
)
SELECT new.id, viewer, asset_id, payee, opened_at, viewer_account.number, hold_account.number,
    creator_account.number, $10, epoch.number, epoch.asset, price_stroops, price_seconds,
    view_stroops, free_seconds, session_cap, rung_stroops, rung_seconds,
    CASE WHEN rung_stroops IS NOT NULL
        THEN array_fill(0::bigint, ARRAY[cardinality(rung_stroops)]) END
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
    $8::text[], $9::text[]
) AS new (
    id, viewer, asset_id, payee, opened_at, viewer_account_id, hold_account_id,
    creator_account_id, epoch_id
)
JOIN price_epoch AS epoch ON epoch.id = epoch_id
JOIN ledger_account AS viewer_account ON viewer_account.id = viewer_account_id
JOIN ledger_account AS hold_account ON hold_account.id = hold_account_id
JOIN ledger_account AS creator_account ON creator_account.id = creator_account_id
ON CONFLICT (id) DO NOTHING
"""

# The columns are those of `batch_columns`.
_COMMIT = """
SELECT metering_commit(
    string_to_array($1, E'\\n'), $2::text::bigint[], $3::text::bigint[], $4::text::bigint[],
    $5::text::bigint[], $6::text::bigint[], string_to_array($7, E'\\n'),
    $8::text::bigint[], $9::text::bigint[], $10::text::bigint[], string_to_array($11, E'\\n'),
    $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25
)
WHERE meter_lease_held($26)
"""

_BALANCES = "SELECT id, balance FROM ledger_account WHERE id = ANY ($1::text[])"

_ALLOWANCES = "SELECT * FROM viewer_allowance WHERE viewer = ANY ($1::text[])"

SESSIONS = """
SELECT kept.*, rung_heights
FROM playback_session AS kept JOIN price_epoch AS epoch ON epoch.number = kept.epoch
"""

_OPEN_SESSIONS = f"""
{SESSIONS} WHERE closed_at IS NULL AND ($1::bigint IS NULL OR fence = $1) ORDER BY kept.id
"""

_SESSION = f"{SESSIONS} WHERE kept.id = $1"

# Of a session that goes on over midnight, what it was charged since. None is as old as two days:
# their tokens are good for a shorter time.
_SPENT = """
SELECT coalesce(sum(CASE WHEN opened_at >= $3 THEN drawn ELSE charged END), 0)::bigint
FROM playback_session AS kept
CROSS JOIN LATERAL (
    SELECT coalesce(sum(posted.amount), 0) AS charged FROM ledger_transfer AS posted
    WHERE kept.opened_at < $3 AND posted.cause = 'post' AND posted.recorded_at >= $3
        AND posted.id > kept.id || ':' AND posted.id < kept.id || ';'
) AS since
WHERE viewer = $1 AND asset_id = $2 AND opened_at >= $3::timestamptz - interval '2 days'
    AND (opened_at >= $3 OR closed_at IS NULL OR closed_at >= $3)
"""

_ANNOUNCE = """
INSERT INTO price_change (asset_id, epoch, announced_at, effective_at)
SELECT $1, number, $3, $4 FROM price_epoch WHERE id = $2
"""

_PRICE_CHANGES = """
SELECT DISTINCT ON (asset_id) change.*, epoch.*
FROM price_change AS change JOIN price_epoch AS epoch ON epoch.number = change.epoch
WHERE asset_id = ANY ($1::text[])
ORDER BY asset_id, change.number DESC
"""

_CONSENT = """
INSERT INTO price_consent (session_id, epoch, given_at) VALUES ($1, $2, $3)
ON CONFLICT (session_id, epoch) DO NOTHING
"""

_CONSENTS = """
SELECT session_id, array_agg(epoch) AS epochs FROM price_consent
WHERE session_id = ANY ($1::text[]) GROUP BY session_id
"""


class PostgresMeterStore:
    """Implements `store.MeterStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.ledger = PostgresLedger(database)
        self.leases = PostgresLeases(database)

    async def open(self, sessions: Sequence[Session], fence: int) -> None:
        accounts = [account for session in sessions for account in session.accounts()]
        with unavailable(), fenced():
            async with self._database.transaction() as connection:
                await require_within(connection, fence)
                await self.ledger.open_accounts_within(connection, accounts)
                await keep_tariffs(connection, [each.tariff for each in sessions])
                await _insert(connection, sessions, fence)

    async def commit(self, batch: Batch) -> None:
        columns = columns_of(batch)
        new = [session.tariff for session in repriced_sessions(batch)]
        if new:
            with unavailable():
                await keep_tariffs(self._database, new)
        with unavailable(), fenced(), _disagreements(), refusals():
            await self._database.fetchval(_COMMIT, *columns)

    async def post(self, accounts: Sequence[Account], transfers: Sequence[Transfer]) -> None:
        with unavailable():
            async with self._database.transaction() as connection:
                await self.ledger.open_accounts_within(connection, accounts)
                await self.ledger.post_within(connection, transfers)

    async def balances(self, accounts: Sequence[str]) -> dict[str, Stroops]:
        with unavailable():
            rows = await self._database.fetch(_BALANCES, list(accounts))
        return {row["id"]: Stroops(row["balance"]) for row in rows}

    async def allowances(self, viewers: Sequence[str]) -> dict[str, Allowance]:
        with unavailable():
            rows = await self._database.fetch(_ALLOWANCES, list(viewers))
        return {
            row["viewer"]: Allowance(row["viewer"], row["window_started_at"], row["used_units"])
            for row in rows
        }

    async def open_sessions(self, fence: int | None = None) -> list[SavedSession]:
        with unavailable():
            return [saved_session(row) for row in await self._database.fetch(_OPEN_SESSIONS, fence)]

    async def spent(self, viewer: str, asset_id: str, since: datetime) -> Stroops:
        with unavailable():
            return Stroops(await self._database.fetchval(_SPENT, viewer, asset_id, since))

    async def announce(self, change: PriceChange) -> None:
        with unavailable():
            await keep_tariffs(self._database, [change.tariff])
            await self._database.execute(
                _ANNOUNCE,
                change.asset_id,
                change.tariff.id,
                change.announced_at,
                change.effective_at,
            )

    async def price_changes(self, assets: Collection[str]) -> list[PriceChange]:
        with unavailable():
            rows = await self._database.fetch(_PRICE_CHANGES, list(assets))
        return [
            PriceChange(
                asset_id=row["asset_id"],
                tariff=tariff_of(row, row["asset"], row["session_cap"]),
                announced_at=row["announced_at"],
                effective_at=row["effective_at"],
            )
            for row in rows
        ]

    async def consent(self, session_id: str, epoch: str, at: datetime) -> None:
        with unavailable():
            await self._database.execute(_CONSENT, session_id, epoch, at)

    async def consents(self, sessions: Sequence[str]) -> dict[str, set[str]]:
        with unavailable():
            rows = await self._database.fetch(_CONSENTS, list(sessions))
        return {row["session_id"]: set(row["epochs"]) for row in rows}

    async def session(self, session_id: str) -> SavedSession | None:
        with unavailable():
            row = await self._database.fetchrow(_SESSION, session_id)
        return None if row is None else saved_session(row)


@contextmanager
def _disagreements() -> Iterator[None]:
    try:
        yield
    except RaiseError as error:
        if error.message != "books_disagree":
            raise
        raise BooksDisagree(error.detail) from None
    except (CheckViolationError, UniqueViolationError) as error:
        raise BooksDisagree(f"{error.constraint_name}: {error.detail}") from None


async def _insert(connection: Connection, sessions: Sequence[Session], fence: int) -> None:
    await connection.execute(
        _OPEN,
        [session.id for session in sessions],
        [session.viewer for session in sessions],
        [session.asset_id for session in sessions],
        [session.payee for session in sessions],
        [session.opened_at for session in sessions],
        [session.viewer_account for session in sessions],
        [session.hold_account for session in sessions],
        [session.creator_account for session in sessions],
        [session.tariff.id for session in sessions],
        fence,
    )


def saved_session(row: Record) -> SavedSession:
    """A session from a row of `SESSIONS`."""
    terms = Terms(
        tariff=tariff_of(row, row["price_asset"], row["cap"]),
        seconds=row["since_ticks"],
        rungs=tuple(row["since_rungs"] or ()),
        paid=row["paid"],
    )
    return SavedSession(
        session=Session(
            id=row["id"],
            viewer=row["viewer"],
            asset_id=row["asset_id"],
            payee=row["payee"],
            terms=terms,
            opened_at=row["opened_at"],
        ),
        revision=row["revision"],
        drawn=row["drawn"],
        posted=row["posted_units"],
        amount=Stroops(row["amount"]),
        rungs=tuple(row["rung_ticks"] or ()),
        state=row["state"],
        closed_at=row["closed_at"],
    )
