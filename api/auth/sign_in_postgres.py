"""Sign-ins in Postgres."""

from datetime import datetime

from api.auth.sign_in import RefreshReused, SignIn, SignInOver, expiry
from config.limits import SIGN_INS_OF_ACCOUNT_MAX, SIGN_INS_SWEPT_AT_ONCE
from config.postgres import Database, Record

_COLUMNS = "id, account, subject, client_domain, device, began_at, used_at, expires_at"

_BEGIN = f"""
insert into sign_in ({_COLUMNS}, refresh_hash) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_MAKE_ROOM = """
update sign_in set ended_at = $2 where id in (
    select id from sign_in where account = $1 and ended_at is null and expires_at > $2
    order by used_at desc, id desc offset $3
)
"""

# Whoever is swept by another at this moment is left to it.
_SWEEP = """
delete from sign_in where id in (
    select id from sign_in where expires_at < $1 limit $2 for update skip locked
)
"""

_REFRESH = f"""
update sign_in set refresh_hash = $3, used_at = $4, expires_at = $5
where id = $1 and refresh_hash = $2 and ended_at is null and expires_at > $4
returning {_COLUMNS}
"""


class PostgresSignInStore:
    """Implements `SignInStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, sign_in: SignIn, refresh_hash: bytes) -> None:
        now = sign_in.began_at
        async with self._database.transaction() as connection:
            await connection.execute(
                _BEGIN,
                *(sign_in.id, sign_in.account_id, sign_in.subject, sign_in.client_domain),
                *(sign_in.device, now, sign_in.used_at, sign_in.expires_at, refresh_hash),
            )
            await connection.execute(_MAKE_ROOM, sign_in.account_id, now, SIGN_INS_OF_ACCOUNT_MAX)
            await connection.execute(_SWEEP, now, SIGN_INS_SWEPT_AT_ONCE)

    async def get(self, sign_in_id: str, now: datetime) -> SignIn | None:
        row = await self._database.fetchrow(
            f"select {_COLUMNS} from sign_in"
            " where id = $1 and ended_at is null and expires_at > $2",
            *(sign_in_id, now),
        )
        return None if row is None else _sign_in(row)

    async def open_of(self, sign_in_ids: frozenset[str], now: datetime) -> frozenset[str]:
        rows = await self._database.fetch(
            "select id from sign_in where id = any($1) and ended_at is null and expires_at > $2",
            *(list(sign_in_ids), now),
        )
        return frozenset(row["id"] for row in rows)

    async def of_account(self, account_id: str, now: datetime) -> list[SignIn]:
        rows = await self._database.fetch(
            f"select {_COLUMNS} from sign_in"
            " where account = $1 and ended_at is null and expires_at > $2 order by id desc",
            *(account_id, now),
        )
        return [_sign_in(row) for row in rows]

    async def refresh(
        self, sign_in_id: str, shown: bytes, following: bytes, now: datetime
    ) -> SignIn:
        known = await self.get(sign_in_id, now)
        if known is None:
            raise SignInOver
        until = expiry(known.began_at, now)
        row = await self._database.fetchrow(_REFRESH, sign_in_id, shown, following, now, until)
        if row is not None:
            return _sign_in(row)
        # It was open, so what was shown is not the one that is due, or was a moment ago.
        await self.end(known.account_id, sign_in_id, now)
        raise RefreshReused

    async def end(self, account_id: str, sign_in_id: str, now: datetime) -> bool:
        row = await self._database.fetchrow(
            "update sign_in set ended_at = $3"
            " where id = $2 and account = $1 and ended_at is null and expires_at > $3 returning id",
            *(account_id, sign_in_id, now),
        )
        return row is not None

    async def end_others(self, account_id: str, kept: str | None, now: datetime) -> None:
        await self._database.execute(
            "update sign_in set ended_at = $3"
            " where account = $1 and id is distinct from $2 and ended_at is null",
            *(account_id, kept, now),
        )


def _sign_in(row: Record) -> SignIn:
    return SignIn(
        id=row["id"],
        account_id=row["account"],
        subject=row["subject"],
        client_domain=row["client_domain"],
        device=row["device"],
        began_at=row["began_at"],
        used_at=row["used_at"],
        expires_at=row["expires_at"],
    )
