"""The real routes of signing in, over stores in memory, and a wallet that really signs."""

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from playwright.async_api import Page
from stellar_sdk import Keypair, TransactionEnvelope

from api.auth.access_token import AccessTokens
from api.auth.account import AccountKind, MemoryAccountStore, hash_token, new_account
from api.auth.api_key import KeySeal, MemoryApiKeyStore
from api.auth.api_keys import ApiKeys
from api.auth.bearer import Bearers
from api.auth.door_limits import door_limits
from api.auth.key_routes import KeyRoutes
from api.auth.login import MemoryLoginStore
from api.auth.password_routes import PasswordRoutes
from api.auth.profile_routes import ProfileRoutes
from api.auth.refresh_token import RefreshTokens
from api.auth.session_routes import SessionRoutes
from api.auth.side_threads import SideThreads
from api.auth.sign_in import MemorySignInStore
from api.auth.sign_ins import SignIns
from api.auth.spent import MemorySpentStore
from api.auth.wallet_proof import ChallengeTerms, WalletProof
from api.auth.wallet_routes import WalletRoutes
from api.errors import Problem
from config.clock import ManualClock
from metering.settlement.chain import ChainAccount

DOMAIN, PASSPHRASE = "live.example.org", "A network of the tests"
_SECRET = b"s" * 32

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _EmptyChain:
    async def account(self, _address: str) -> ChainAccount | None:
        return None


class FakeDoors:
    """Knows the tokens of one guest and one creator."""

    def __init__(self, guest_token: str, creator_token: str) -> None:
        self.clock = ManualClock(time.time_ns() // 1_000_000)
        self.accounts = MemoryAccountStore()
        self.refreshed = 0
        self.owners: dict[str, str] = {}
        for token, kind in ((guest_token, AccountKind.GUEST), (creator_token, AccountKind.CREATOR)):
            account = new_account(kind, kind.value.title(), self.clock.wall_ms())
            self.accounts.accounts[account.id] = account
            self.accounts.tokens[hash_token(token)] = account.id
            self.owners[token] = account.id
        self.threads = SideThreads("door", threads=2, waiting_max=50)
        tokens = AccessTokens(_SECRET, f"https://{DOMAIN}/auth")
        refresh = RefreshTokens(_SECRET)
        self.sign_ins = SignIns(MemorySignInStore(), self.accounts, tokens, refresh, self.clock)
        keys = ApiKeys(MemoryApiKeyStore(), self.accounts, KeySeal(_SECRET), self.clock)
        self.bearers = Bearers(self.accounts, self.clock, (self.sign_ins, keys))
        logins, limits = MemoryLoginStore(self.accounts), door_limits(self.clock)
        seed = Keypair.from_raw_ed25519_seed(_SECRET).secret
        terms = ChallengeTerms(seed, PASSPHRASE, DOMAIN)
        proof = WalletProof(terms, _EmptyChain(), MemorySpentStore(), self.threads, self.clock)
        self._wallets = WalletRoutes(
            *(proof, logins, self.accounts, self.sign_ins, self.bearers, limits, self.clock),
            *(DOMAIN, PASSPHRASE, None, AccountKind.GUEST),
        )
        self._passwords = PasswordRoutes(
            *(logins, self.accounts, self.sign_ins, self.bearers, self.threads, limits),
            *(self.clock, AccountKind.GUEST),
        )
        self._sessions = SessionRoutes(self.sign_ins, self.bearers, limits)
        self._profile = ProfileRoutes(logins, self.accounts, self.bearers)
        self._keys = KeyRoutes(keys, self.bearers, self.clock)

    def routes(self) -> list[web.RouteDef]:
        handlers: list[tuple[str, str, _Handler]] = [
            ("GET", "challenge", self._wallets.challenge),
            ("POST", "verify", self._wallets.answer),
            ("POST", "wallets", self._wallets.link),
            ("DELETE", "wallets/{subject}", self._wallets.unlink),
            ("POST", "register", self._passwords.register),
            ("POST", "login", self._passwords.log_in),
            ("POST", "refresh", self._refresh),
            ("POST", "logout", self._sessions.log_out),
            ("GET", "sessions", self._sessions.list),
            ("DELETE", "sessions/{session}", self._sessions.end),
            ("GET", "profile", self._profile.get),
            ("PATCH", "profile", self._profile.change),
            ("GET", "keys", self._keys.list),
            ("POST", "keys", self._keys.create),
            ("DELETE", "keys/{key}", self._keys.revoke),
        ]
        return [
            web.route(method, f"/api/v1/auth/{path}", _answering(handler))
            for method, path, handler in handlers
        ]

    async def whose(self, token: str) -> str:
        """The account that a token stands for; empty of one that is not good."""
        try:
            return (await self.bearers.caller_of(token)).account.id
        except Problem:
            return ""

    async def require(self, request: web.Request) -> None:
        """Refuse a token of a session that is over, as any other route would."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token.startswith("eyJ"):
            await self.bearers.caller_of(token)

    async def _refresh(self, request: web.Request) -> web.StreamResponse:
        self.refreshed += 1
        return await self._sessions.refresh(request)


def _answering(handler: _Handler) -> _Handler:
    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Problem as refused:
            return refused.response("req_1")

    return answer


# What Freighter's content script does on every page: it hears what the page says to itself.
_CONTENT_SCRIPT = """
window.freighter = true;
window.addEventListener("message", async ({ source, data }) => {
  if (source !== window || data?.source !== "FREIGHTER_EXTERNAL_MSG_REQUEST") return;
  const answer = await window.fakeFreighter(data);
  const said = { source: "FREIGHTER_EXTERNAL_MSG_RESPONSE", messagedId: data.messageId, ...answer };
  window.postMessage(said, window.location.origin);
});
"""


class FakeFreighter:
    """A wallet with one key, whose owner may decline."""

    def __init__(self) -> None:
        self.key = Keypair.random()
        self.declines = False
        self.signed: list[str] = []

    async def install(self, page: Page) -> None:
        await page.expose_function("fakeFreighter", self._answer)
        await page.add_init_script(_CONTENT_SCRIPT)

    async def _answer(self, message: dict[str, Any]) -> dict[str, Any]:
        if self.declines:
            return {"apiError": {"code": -4, "message": "The user rejected this request."}}
        if message["type"] == "REQUEST_ACCESS":
            return {"publicKey": self.key.public_key}
        assert message["type"] == "SUBMIT_TRANSACTION", message
        assert message["accountToSign"] == self.key.public_key
        transaction, network = message["transactionXdr"], message["networkPassphrase"]
        envelope = TransactionEnvelope.from_xdr(transaction, network)
        assert envelope.transaction.sequence == 0, "nothing that could be submitted"
        envelope.sign(self.key)
        self.signed.append(transaction)
        signed = envelope.to_xdr()
        return {"signedTransaction": signed, "signerAddress": self.key.public_key}
