"""Passwords and wallets in Postgres."""

from api.auth.account import Account
from api.auth.login import (
    EmailTaken,
    HasPassword,
    LastWayIn,
    LinkedWallet,
    PasswordLogin,
    TooManyWallets,
)
from config.limits import WALLETS_OF_ACCOUNT_MAX
from config.postgres import Connection, Database, Record, UniqueViolationError

_OPEN = """
insert into account (id, kind, display_name, stellar_address, created_at)
values ($1, $2, $3, $4, $5)
on conflict (id) do update set display_name = excluded.display_name,
    token_hash = case when account.kind = 'guest' then null else account.token_hash end
"""

_PASSWORD = "select account, email, password from login_password"


class PostgresLoginStore:
    """Implements `LoginStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_with_password(self, account: Account, login: PasswordLogin) -> None:
        try:
            async with self._database.transaction() as connection:
                await _open(connection, account)
                if await connection.fetchval(
                    "select exists (select from login_password where account = $1)", account.id
                ):
                    raise HasPassword
                await connection.execute(
                    "insert into login_password (account, email, password, changed_at)"
                    " values ($1, $2, $3, now())",
                    *(account.id, login.email, login.password),
                )
        except UniqueViolationError:
            raise EmailTaken from None

    async def open_with_wallet(self, account: Account, wallet: LinkedWallet) -> str:
        try:
            async with self._database.transaction() as connection:
                owner: str | None = await connection.fetchval(
                    "select account from login_wallet where subject = $1", wallet.subject
                )
                if owner is not None:
                    return owner
                await _open(connection, account)
                await _link(connection, account.id, wallet)
        except UniqueViolationError:
            # Somebody else was first, between the two statements.
            owner = await self.by_wallet(wallet.subject)
            assert owner is not None, "wallets are unlinked one at a time, and rarely"
            return owner
        return account.id

    async def by_email(self, email: str) -> PasswordLogin | None:
        return _password(await self._database.fetchrow(f"{_PASSWORD} where email = $1", email))

    async def password_of(self, account_id: str) -> PasswordLogin | None:
        return _password(
            await self._database.fetchrow(f"{_PASSWORD} where account = $1", account_id)
        )

    async def set_password(self, account_id: str, password: str) -> None:
        await self._database.execute(
            "update login_password set password = $2, changed_at = now() where account = $1",
            *(account_id, password),
        )

    async def by_wallet(self, subject: str) -> str | None:
        owner: str | None = await self._database.fetchval(
            "select account from login_wallet where subject = $1", subject
        )
        return owner

    async def wallets_of(self, account_id: str) -> list[LinkedWallet]:
        rows = await self._database.fetch(
            "select subject, linked_at from login_wallet where account = $1"
            " order by linked_at, subject",
            account_id,
        )
        return [LinkedWallet(row["subject"], row["linked_at"]) for row in rows]

    async def unlink(self, account_id: str, subject: str) -> bool:
        async with self._database.transaction() as connection:
            await _lock(connection, account_id)
            gone = await connection.fetchval(
                "delete from login_wallet where account = $1 and subject = $2 returning subject",
                *(account_id, subject),
            )
            if gone is None:
                return False
            if not await connection.fetchval(
                "select exists (select from login_wallet where account = $1)"
                " or exists (select from login_password where account = $1)",
                account_id,
            ):
                raise LastWayIn
        return True


async def _open(connection: Connection, account: Account) -> None:
    """Make the account or, of one that is there, take the guest's token back. It stays locked."""
    await connection.execute(
        _OPEN,
        *(account.id, account.kind.value, account.display_name),
        *(account.stellar_address, account.created_at),
    )


async def _link(connection: Connection, account_id: str, wallet: LinkedWallet) -> None:
    """Raises: TooManyWallets."""
    number = await connection.fetchval(
        "select count(*) from login_wallet where account = $1", account_id
    )
    if number >= WALLETS_OF_ACCOUNT_MAX:
        raise TooManyWallets
    await connection.execute(
        "insert into login_wallet (subject, account, linked_at) values ($1, $2, $3)",
        *(wallet.subject, account_id, wallet.linked_at),
    )


async def _lock(connection: Connection, account_id: str) -> None:
    await connection.execute("select from account where id = $1 for no key update", account_id)


def _password(row: Record | None) -> PasswordLogin | None:
    return None if row is None else PasswordLogin(row["account"], row["email"], row["password"])
