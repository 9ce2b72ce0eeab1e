"""API keys: what programs of an account show, each allowed some things and not others."""

import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from api.auth.scopes import Scope
from config.ids import new_id
from config.limits import API_KEY_USED_SECONDS, API_KEYS_OF_ACCOUNT_MAX

PREFIX = "sk_"
_BYTES = 32
_HINT = 4


class TooManyKeys(Exception):
    """An account has as many API keys as it may."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of an account, without the secret itself.

    Attributes:
        hint: the last letters of the secret.
        expires_at: None: until it is revoked.
        last_used_at: about; None: never.
    """

    id: str
    account_id: str
    label: str
    scopes: frozenset[Scope]
    hint: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether its time is not over."""
        return self.expires_at is None or now < self.expires_at

    def is_used(self, now: datetime) -> bool:
        """Whether a use now is worth being noted."""
        before = self.last_used_at
        return before is None or now - before >= timedelta(seconds=API_KEY_USED_SECONDS)


class ApiKeyStore(Protocol):
    """Keys that were revoked are in no answer; those whose time is over are only listed."""

    async def create(self, key: ApiKey, key_hash: bytes) -> None:
        """Raises: TooManyKeys."""

    async def of_account(self, account_id: str) -> list[ApiKey]:
        """The newest first."""

    async def use(self, key_hash: bytes, now: datetime) -> ApiKey | None:
        """The good key of that hash, which is noted as used."""

    async def good_of(self, key_ids: frozenset[str], now: datetime) -> frozenset[str]:
        """Which of these are good."""

    async def revoke(self, account_id: str, key_id: str) -> bool:
        """End a key of an account; False when there is no such."""


class KeySeal:
    """Hashes secrets with a key of this server's: whoever has the database alone can neither show a
    key nor put one there.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("a signing key has at least 32 bytes")
        self._key = key

    def hash(self, secret: str) -> bytes:
        """What is stored instead of a secret."""
        return hmac.digest(self._key, f"api key\0{secret}".encode(), "sha256")


def new_secret() -> str:
    """256 random bits, which are shown to the owner once."""
    return f"{PREFIX}{secrets.token_urlsafe(_BYTES)}"


def new_key(
    account_id: str, label: str, scopes: Iterable[Scope], secret: str, wall_ms: int
) -> ApiKey:
    """A key for a secret, which is good until it is revoked."""
    return ApiKey(
        id=new_id("key", wall_ms),
        account_id=account_id,
        label=label,
        scopes=frozenset(scopes),
        hint=secret[-_HINT:],
        created_at=datetime.fromtimestamp(wall_ms / 1000, UTC),
    )


class MemoryApiKeyStore:
    """Implements `ApiKeyStore`. Lost with the process."""

    def __init__(self) -> None:
        self._kept: dict[bytes, ApiKey] = {}

    async def create(self, key: ApiKey, key_hash: bytes) -> None:
        if len(await self.of_account(key.account_id)) >= API_KEYS_OF_ACCOUNT_MAX:
            raise TooManyKeys
        self._kept[key_hash] = key

    async def of_account(self, account_id: str) -> list[ApiKey]:
        found = [key for key in self._kept.values() if key.account_id == account_id]
        return sorted(found, key=lambda key: key.id, reverse=True)

    async def use(self, key_hash: bytes, now: datetime) -> ApiKey | None:
        key = self._kept.get(key_hash)
        if key is None or not key.is_good(now):
            return None
        if key.is_used(now):
            key = self._kept[key_hash] = replace(key, last_used_at=now)
        return key

    async def good_of(self, key_ids: frozenset[str], now: datetime) -> frozenset[str]:
        good = [key.id for key in self._kept.values() if key.is_good(now)]
        return key_ids & frozenset(good)

    async def revoke(self, account_id: str, key_id: str) -> bool:
        for key_hash, key in self._kept.items():
            if (key.account_id, key.id) == (account_id, key_id):
                del self._kept[key_hash]
                return True
        return False
