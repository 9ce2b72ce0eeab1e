"""API keys in Postgres."""

from dataclasses import replace
from datetime import datetime

from api.auth.api_key import ApiKey, TooManyKeys
from api.auth.scopes import Scope
from config.limits import API_KEYS_OF_ACCOUNT_MAX
from config.postgres import Database, Record

_COLUMNS = "id, account, label, scopes, hint, created_at, expires_at, last_used_at"


class PostgresApiKeyStore:
    """Implements `ApiKeyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, key: ApiKey, key_hash: bytes) -> None:
        async with self._database.transaction() as connection:
            # One at a time for an account, so that they are counted.
            await connection.execute(
                "select from account where id = $1 for no key update", key.account_id
            )
            number = await connection.fetchval(
                "select count(*) from api_key where account = $1 and revoked_at is null",
                key.account_id,
            )
            if number >= API_KEYS_OF_ACCOUNT_MAX:
                raise TooManyKeys
            await connection.execute(
                f"insert into api_key ({_COLUMNS}, hash)"
                " values ($1, $2, $3, $4, $5, $6, $7, null, $8)",
                *(key.id, key.account_id, key.label, sorted(key.scopes), key.hint),
                *(key.created_at, key.expires_at, key_hash),
            )

    async def of_account(self, account_id: str) -> list[ApiKey]:
        rows = await self._database.fetch(
            f"select {_COLUMNS} from api_key"
            " where account = $1 and revoked_at is null order by id desc",
            account_id,
        )
        return [_key(row) for row in rows]

    async def use(self, key_hash: bytes, now: datetime) -> ApiKey | None:
        row = await self._database.fetchrow(
            f"select {_COLUMNS} from api_key where hash = $1 and revoked_at is null", key_hash
        )
        key = None if row is None else _key(row)
        if key is None or not key.is_good(now):
            return None
        if key.is_used(now):
            await self._database.execute(
                "update api_key set last_used_at = $2 where id = $1", key.id, now
            )
            return replace(key, last_used_at=now)
        return key

    async def good_of(self, key_ids: frozenset[str], now: datetime) -> frozenset[str]:
        rows = await self._database.fetch(
            "select id from api_key where id = any($1) and revoked_at is null"
            " and (expires_at is null or expires_at > $2)",
            *(list(key_ids), now),
        )
        return frozenset(row["id"] for row in rows)

    async def revoke(self, account_id: str, key_id: str) -> bool:
        row = await self._database.fetchrow(
            "update api_key set revoked_at = now()"
            " where id = $2 and account = $1 and revoked_at is null returning id",
            *(account_id, key_id),
        )
        return row is not None


def _key(row: Record) -> ApiKey:
    return ApiKey(
        id=row["id"],
        account_id=row["account"],
        label=row["label"],
        scopes=frozenset(Scope(each) for each in row["scopes"]),
        hint=row["hint"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        last_used_at=row["last_used_at"],
    )
