"""Accounts and the bearer tokens that stand for them."""

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from config.ids import new_id

TOKEN_BYTES = 20


class AccountKind(StrEnum):
    GUEST = "guest"
    CREATOR = "creator"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who watches (guest) or earns (creator); `stellar_address` is where payouts go."""

    id: str
    kind: AccountKind
    display_name: str
    stellar_address: str | None
    created_at: datetime


class AccountStore(Protocol):
    async def create(self, account: Account, token_hash: bytes) -> None: ...

    async def get(self, account_id: str) -> Account | None: ...

    async def by_token_hash(self, token_hash: bytes) -> Account | None: ...

    async def set_stellar_address(self, account_id: str, address: str) -> None: ...

    async def set_display_name(self, account_id: str, name: str) -> None: ...


class MemoryAccountStore:
    """Implements `AccountStore`. Lost with the process."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.tokens: dict[bytes, str] = {}

    async def create(self, account: Account, token_hash: bytes) -> None:
        self.accounts[account.id] = account
        self.tokens[token_hash] = account.id

    async def get(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    async def by_token_hash(self, token_hash: bytes) -> Account | None:
        return self.accounts.get(self.tokens.get(token_hash, ""))

    async def set_stellar_address(self, account_id: str, address: str) -> None:
        self.accounts[account_id] = replace(self.accounts[account_id], stellar_address=address)

    async def set_display_name(self, account_id: str, name: str) -> None:
        self.accounts[account_id] = replace(self.accounts[account_id], display_name=name)


def new_token() -> str:
    """A bearer token of 160 random bits."""
    return f"tc_{secrets.token_urlsafe(TOKEN_BYTES)}"


def new_account(kind: AccountKind, display_name: str, wall_ms: int) -> Account:
    """An account that does not exist yet in any store."""
    return Account(
        id=new_id("acc", wall_ms),
        kind=kind,
        display_name=display_name,
        stellar_address=None,
        created_at=datetime.fromtimestamp(wall_ms / 1000, UTC),
    )


def hash_token(token: str) -> bytes:
    """What is stored instead of a token."""
    return hashlib.sha256(token.encode()).digest()
