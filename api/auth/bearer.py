"""Find out which account a request speaks for."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from api.auth.account import Account, AccountKind, hash_token
from api.auth.caller import Caller, Proof, TokenReader
from api.auth.open_requests import OpenRequests
from api.auth.scopes import Need, Scope, allows, needed
from api.errors import Problem, forbidden, unauthorised
from config.clock import Clock
from config.limits import BEARER_CACHE_ACCOUNTS_MAX, BEARER_RECHECK_MS
from config.postgres import UNAVAILABLE


class AccountsByToken(Protocol):
    async def by_token_hash(self, token_hash: bytes) -> Account | None: ...


class Bearers:
    """Resolves `Authorization: Bearer` tokens; the most recent ones without asking the store.

    What was looked up is believed for `BEARER_RECHECK_MS`: by then, whatever was revoked on another
    server has stopped working here. What is revoked here stops at once (`forget`). Without the
    database, whoever was known goes on.

    Args:
        readers: know tokens of other kinds than the accounts' own.
    """

    def __init__(
        self, accounts: AccountsByToken, clock: Clock, readers: Sequence[TokenReader] = ()
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._readers = readers
        self._recent: OrderedDict[bytes, tuple[Caller, int]] = OrderedDict()
        self._open = OpenRequests()

    async def caller(self, request: web.Request) -> Caller:
        """Who a request speaks for, and by which proof.

        Raises:
            Problem: 401 without a token that we know; 403 for an API key that may not do this.
        """
        token = shown_token(request)
        if token is None:
            raise unauthorised("send the account's token as `Authorization: Bearer TOKEN`")
        caller = await self.caller_of(token)
        resource = request.match_info.route.resource
        _require(caller, needed(request.method, "" if resource is None else resource.canonical))
        self._open.add(request, caller)
        return caller

    async def account(self, request: web.Request) -> Account:
        """The account behind the request's token; raises as `caller`."""
        return (await self.caller(request)).account

    async def account_of(
        self, token: str, request: web.Request, need: Need = Scope.STREAM
    ) -> Account:
        """As `account`, of a token that came in another way, to do something that needs that."""
        caller = await self.caller_of(token)
        _require(caller, need)
        self._open.add(request, caller)
        return caller.account

    async def creator(self, request: web.Request) -> Account:
        """As `account`, but 403 for an account that does not publish."""
        account = await self.account(request)
        if account.kind is not AccountKind.CREATOR:
            raise forbidden("this needs a creator's token")
        return account

    async def caller_of(self, token: str) -> Caller:
        """Who shows a token, whatever it is to be used for.

        Raises:
            Problem: 401 for one that we do not know.
        """
        token_hash, now_ms = hash_token(token), self._clock.monotonic_ms()
        known = self._recent.get(token_hash)
        if known is not None and now_ms < known[1]:
            return known[0]
        try:
            caller = await self._read(token, token_hash)
        except UNAVAILABLE:
            # While the database is away nobody can be shut out either: who was known goes on.
            if known is None:
                raise
            return known[0]
        if caller is None:
            self._recent.pop(token_hash, None)
            raise unauthorised("this token is not known, or not any more")
        self._remember(token_hash, caller, now_ms)
        return caller

    def forget(self, account_id: str) -> None:
        """Look up again who speaks for an account: something of theirs was revoked or changed."""
        gone = [key for key, (caller, _) in self._recent.items() if caller.account.id == account_id]
        for key in gone:
            del self._recent[key]

    async def hang_up(self) -> None:
        """End what is still answered to whoever was shut out since: event streams, sockets.

        Without the database they go on, since nobody can be shut out then.
        """
        shown = self._open.proofs()
        if not shown:
            return
        try:
            good = [await reader.still_good(shown) for reader in self._readers]
        except UNAVAILABLE:
            return
        self._open.close(shown.difference(*good))

    async def _read(self, token: str, token_hash: bytes) -> Caller | None:
        for reader in self._readers:
            if reader.reads(token):
                return await reader.read(token)
        account = await self._accounts.by_token_hash(token_hash)
        return None if account is None else Caller(account, Proof.TOKEN, account.id)

    def _remember(self, token_hash: bytes, caller: Caller, now_ms: int) -> None:
        self._recent[token_hash] = (caller, now_ms + BEARER_RECHECK_MS)
        self._recent.move_to_end(token_hash)
        if len(self._recent) > BEARER_CACHE_ACCOUNTS_MAX:
            self._recent.popitem(last=False)


def shown_token(request: web.Request) -> str | None:
    """The token in the request's `Authorization`, if there is one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token else None


def _require(caller: Caller, need: Need) -> None:
    if caller.scopes is not None and not allows(caller.scopes, need):
        raise _too_little(need)


def _too_little(need: Need) -> Problem:
    """RFC 6750, section 3.1."""
    if need == "person":
        return forbidden("no API key may do this, sign in")
    headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{need}"'}
    title = "The key is not allowed to"
    detail = f"this needs an API key with the scope {need}"
    return Problem(403, "insufficient_scope", title, detail, headers)
