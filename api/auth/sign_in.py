"""Sign-ins: one for each browser or program somebody came in with, kept open by refresh tokens.

A refresh token is good once and is answered with the next one (RFC 9700, section 4.14). Whoever
shows one that was used before has it from somewhere else than the last answer, or somebody else
has: which of both is the thief cannot be told, so the sign-in ends for both.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from config.ids import new_id
from config.limits import SIGN_IN_IDLE_SECONDS, SIGN_IN_SECONDS_MAX, SIGN_INS_OF_ACCOUNT_MAX


class SignInOver(Exception):
    """There is no such sign-in, or it has ended."""


class RefreshReused(SignInOver):
    """A refresh token was shown twice: the sign-in has ended."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One way in that is open.

    Attributes:
        subject: who proved to be there: an account's id, or an address as SEP-10's tokens have it
            (G..., M..., G...:memo).
        client_domain: of the wallet that proved to be of there (SEP-10); None of any other.
        device: what the client said that it is; for its owner to recognise.
        used_at: when it was refreshed last.
    """

    id: str
    account_id: str
    subject: str
    client_domain: str | None
    device: str
    began_at: datetime
    used_at: datetime
    expires_at: datetime


class SignInStore(Protocol):
    """Times are the caller's. Every look leaves out what has ended or expired."""

    async def begin(self, sign_in: SignIn, refresh_hash: bytes) -> None:
        """Keep a new one; of its account, those that were used longest ago make room."""

    async def get(self, sign_in_id: str, now: datetime) -> SignIn | None: ...

    async def open_of(self, sign_in_ids: frozenset[str], now: datetime) -> frozenset[str]:
        """Which of these are open."""

    async def of_account(self, account_id: str, now: datetime) -> list[SignIn]:
        """The newest first."""

    async def refresh(
        self, sign_in_id: str, shown: bytes, following: bytes, now: datetime
    ) -> SignIn:
        """Put the hash of the next refresh token in the place of the one that is shown.

        Raises:
            SignInOver: it is not open.
            RefreshReused: it was; another token was due.
        """

    async def end(self, account_id: str, sign_in_id: str, now: datetime) -> bool:
        """End one of an account; False when there is no such."""

    async def end_others(self, account_id: str, kept: str | None, now: datetime) -> None:
        """End all of an account but one."""


def new_sign_in(
    account_id: str, subject: str, device: str, wall_ms: int, client_domain: str | None = None
) -> SignIn:
    """One that begins now."""
    now = datetime.fromtimestamp(wall_ms / 1000, UTC)
    return SignIn(
        id=new_id("sgn", wall_ms),
        account_id=account_id,
        subject=subject,
        client_domain=client_domain,
        device=device,
        began_at=now,
        used_at=now,
        expires_at=expiry(now, now),
    )


def expiry(began_at: datetime, used_at: datetime) -> datetime:
    """Until when a sign-in may be refreshed again."""
    last = began_at + timedelta(seconds=SIGN_IN_SECONDS_MAX)
    return min(last, used_at + timedelta(seconds=SIGN_IN_IDLE_SECONDS))


class MemorySignInStore:
    """Implements `SignInStore`. Lost with the process."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[SignIn, bytes]] = {}

    async def begin(self, sign_in: SignIn, refresh_hash: bytes) -> None:
        now = sign_in.began_at
        self._kept[sign_in.id] = (sign_in, refresh_hash)
        used = sorted(
            (each.used_at, each.id) for each in await self.of_account(sign_in.account_id, now)
        )
        for _, sign_in_id in used[:-SIGN_INS_OF_ACCOUNT_MAX]:
            del self._kept[sign_in_id]

    async def get(self, sign_in_id: str, now: datetime) -> SignIn | None:
        kept = self._kept.get(sign_in_id)
        return kept[0] if kept is not None and kept[0].expires_at > now else None

    async def open_of(self, sign_in_ids: frozenset[str], now: datetime) -> frozenset[str]:
        return frozenset([each for each in sign_in_ids if await self.get(each, now) is not None])

    async def of_account(self, account_id: str, now: datetime) -> list[SignIn]:
        found = [each for each, _ in self._kept.values() if each.account_id == account_id]
        return sorted(
            (each for each in found if each.expires_at > now),
            key=lambda each: each.id,
            reverse=True,
        )

    async def refresh(
        self, sign_in_id: str, shown: bytes, following: bytes, now: datetime
    ) -> SignIn:
        sign_in = await self.get(sign_in_id, now)
        if sign_in is None:
            raise SignInOver
        if self._kept[sign_in_id][1] != shown:
            del self._kept[sign_in_id]
            raise RefreshReused
        renewed = replace(sign_in, used_at=now, expires_at=expiry(sign_in.began_at, now))
        self._kept[sign_in_id] = (renewed, following)
        return renewed

    async def end(self, account_id: str, sign_in_id: str, now: datetime) -> bool:
        sign_in = await self.get(sign_in_id, now)
        if sign_in is None or sign_in.account_id != account_id:
            return False
        del self._kept[sign_in_id]
        return True

    async def end_others(self, account_id: str, kept: str | None, now: datetime) -> None:
        for sign_in in await self.of_account(account_id, now):
            if sign_in.id != kept:
                del self._kept[sign_in.id]
