"""Accounts in Postgres."""

from typing import Any

from api.auth.account import Account, AccountKind
from config.postgres import Database

_COLUMNS = "id, kind, display_name, stellar_address, created_at"


class PostgresAccountStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, account: Account, token_hash: bytes) -> None:
        await self._database.execute(
            "insert into account (id, kind, display_name, stellar_address, created_at, token_hash)"
            " values ($1, $2, $3, $4, $5, $6)",
            account.id,
            account.kind.value,
            account.display_name,
            account.stellar_address,
            account.created_at,
            token_hash,
        )

    async def get(self, account_id: str) -> Account | None:
        return read_account(
            await self._database.fetchrow(
                f"select {_COLUMNS} from account where id = $1", account_id
            )
        )

    async def by_token_hash(self, token_hash: bytes) -> Account | None:
        return read_account(
            await self._database.fetchrow(
                f"select {_COLUMNS} from account where token_hash = $1", token_hash
            )
        )

    async def set_stellar_address(self, account_id: str, address: str) -> None:
        await self._database.execute(
            "update account set stellar_address = $2 where id = $1", account_id, address
        )

    async def set_display_name(self, account_id: str, name: str) -> None:
        await self._database.execute(
            "update account set display_name = $2 where id = $1", account_id, name
        )


def read_account(row: Any) -> Account | None:
    """The account of a row with these columns; None of no row."""
    if row is None:
        return None
    return Account(
        id=row["id"],
        kind=AccountKind(row["kind"]),
        display_name=row["display_name"],
        stellar_address=row["stellar_address"],
        created_at=row["created_at"],
    )
