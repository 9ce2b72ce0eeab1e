"""Signing in: what somebody is given who proved who they are, and who shows it later."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from api.auth.access_token import Access, AccessRefused, AccessTokens
from api.auth.account import Account
from api.auth.caller import Caller, Proof
from api.auth.refresh_token import RefreshRefused, RefreshTokens, hash_refresh
from api.auth.sign_in import SignIn, SignInOver, SignInStore, new_sign_in
from config.clock import Clock
from config.limits import SIGN_IN_DEVICE_CHARACTERS_MAX
from config.telemetry import counter

_sign_ins = counter("sign_ins_total", "People who were let in, by which door", ("door",))


class Accounts(Protocol):
    async def get(self, account_id: str) -> Account | None: ...


@dataclass(frozen=True, slots=True)
class Granted:
    """What is given to who signed in, or came back with a refresh token."""

    account: Account
    sign_in: SignIn
    access_token: str
    refresh_token: str


class SignIns:
    """Begins, continues and recognises sign-ins; reads access tokens (see `TokenReader`)."""

    def __init__(
        self,
        store: SignInStore,
        accounts: Accounts,
        access: AccessTokens,
        refresh: RefreshTokens,
        clock: Clock,
    ) -> None:
        self.store = store
        self._accounts = accounts
        self._access = access
        self._refresh = refresh
        self._clock = clock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)

    async def begin(
        self, account: Account, subject: str, device: str, client_domain: str | None = None
    ) -> Granted:
        """Let somebody in who proved to be `subject`, which opens this account."""
        label = "".join(letter for letter in device if letter.isprintable())
        sign_in = new_sign_in(
            account.id,
            subject,
            label[:SIGN_IN_DEVICE_CHARACTERS_MAX],
            self._clock.wall_ms(),
            client_domain,
        )
        token = self._refresh.make(sign_in.id)
        _sign_ins.labels("password" if subject == account.id else "wallet").inc()
        await self.store.begin(sign_in, hash_refresh(token))
        return self._granted(account, sign_in, token)

    async def refresh(self, token: str) -> Granted:
        """Let somebody go on.

        Raises:
            SignInOver, RefreshReused: see there.
        """
        try:
            sign_in_id = self._refresh.sign_in_of(token)
        except RefreshRefused:
            raise SignInOver from None
        following = self._refresh.make(sign_in_id)
        sign_in = await self.store.refresh(
            sign_in_id, hash_refresh(token), hash_refresh(following), self.now()
        )
        account = await self._accounts.get(sign_in.account_id)
        assert account is not None, "accounts are never deleted"
        return self._granted(account, sign_in, following)

    def reads(self, token: str) -> bool:
        return token.startswith("eyJ")

    async def read(self, token: str) -> Caller | None:
        try:
            access = self._access.read(token, self._clock.wall_ms() // 1000)
        except AccessRefused:
            return None
        sign_in = await self.store.get(access.sign_in_id, self.now())
        if sign_in is None or sign_in.subject != access.subject:
            return None
        account = await self._accounts.get(sign_in.account_id)
        return None if account is None else Caller(account, Proof.SIGN_IN, sign_in.id)

    async def still_good(self, proof_ids: Iterable[str]) -> frozenset[str]:
        return await self.store.open_of(frozenset(proof_ids), self.now())

    def _granted(self, account: Account, sign_in: SignIn, refresh_token: str) -> Granted:
        access = Access(sign_in.id, sign_in.subject)
        token = self._access.sign(access, self._clock.wall_ms(), sign_in.client_domain)
        return Granted(account, sign_in, token, refresh_token)
