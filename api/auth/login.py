"""How people come in: which password or wallet opens which account.

An account may have a password and several wallets. A guest who signs up keeps the account, with
all that is in it, and gives the token back that was good for ever.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from api.auth.account import Account, AccountKind, MemoryAccountStore
from config.limits import WALLETS_OF_ACCOUNT_MAX


class EmailTaken(Exception):
    """Somebody signs in with this e-mail address already."""


class HasPassword(Exception):
    """This account has an e-mail address and a password."""


class TooManyWallets(Exception):
    """An account has as many wallets as it may."""


class LastWayIn(Exception):
    """Without this wallet nobody could come in again."""


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """An e-mail address (in lower case) and what is stored of the password."""

    account_id: str
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class LinkedWallet:
    """`subject` as SEP-10's tokens have it: G..., M..., or G...:memo."""

    subject: str
    linked_at: datetime


class LoginStore(Protocol):
    async def open_with_password(self, account: Account, login: PasswordLogin) -> None:
        """Let an account, which is made if it is not there, be opened by a password.

        Raises:
            EmailTaken, HasPassword: nothing was done.
        """

    async def open_with_wallet(self, account: Account, wallet: LinkedWallet) -> str:
        """The id of the account that a wallet opens: this one, unless it opens another already.

        Raises:
            TooManyWallets: nothing was done.
        """

    async def by_email(self, email: str) -> PasswordLogin | None: ...

    async def password_of(self, account_id: str) -> PasswordLogin | None: ...

    async def set_password(self, account_id: str, password: str) -> None: ...

    async def by_wallet(self, subject: str) -> str | None:
        """The id of the account that a wallet opens."""

    async def wallets_of(self, account_id: str) -> list[LinkedWallet]:
        """The oldest first."""

    async def unlink(self, account_id: str, subject: str) -> bool:
        """Take a wallet away; False when there is no such.

        Raises:
            LastWayIn: see there.
        """


class MemoryLoginStore:
    """Implements `LoginStore`. Lost with the process."""

    def __init__(self, accounts: MemoryAccountStore) -> None:
        self._accounts = accounts
        self._passwords: dict[str, PasswordLogin] = {}
        self._wallets: dict[str, tuple[str, LinkedWallet]] = {}

    async def open_with_password(self, account: Account, login: PasswordLogin) -> None:
        if account.id in self._passwords:
            raise HasPassword
        if await self.by_email(login.email) is not None:
            raise EmailTaken
        self._open(account)
        self._passwords[account.id] = login

    async def open_with_wallet(self, account: Account, wallet: LinkedWallet) -> str:
        owner = await self.by_wallet(wallet.subject)
        if owner is not None:
            return owner
        if len(await self.wallets_of(account.id)) >= WALLETS_OF_ACCOUNT_MAX:
            raise TooManyWallets
        self._open(account)
        self._wallets[wallet.subject] = (account.id, wallet)
        return account.id

    async def by_email(self, email: str) -> PasswordLogin | None:
        return next((each for each in self._passwords.values() if each.email == email), None)

    async def password_of(self, account_id: str) -> PasswordLogin | None:
        return self._passwords.get(account_id)

    async def set_password(self, account_id: str, password: str) -> None:
        self._passwords[account_id] = replace(self._passwords[account_id], password=password)

    async def by_wallet(self, subject: str) -> str | None:
        return self._wallets[subject][0] if subject in self._wallets else None

    async def wallets_of(self, account_id: str) -> list[LinkedWallet]:
        found = [wallet for owner, wallet in self._wallets.values() if owner == account_id]
        return sorted(found, key=lambda wallet: (wallet.linked_at, wallet.subject))

    async def unlink(self, account_id: str, subject: str) -> bool:
        if await self.by_wallet(subject) != account_id:
            return False
        if len(await self.wallets_of(account_id)) == 1 and account_id not in self._passwords:
            raise LastWayIn
        del self._wallets[subject]
        return True

    def _open(self, account: Account) -> None:
        self._accounts.accounts[account.id] = account
        if account.kind is AccountKind.GUEST:
            tokens = self._accounts.tokens
            self._accounts.tokens = {key: own for key, own in tokens.items() if own != account.id}
