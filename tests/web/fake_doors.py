"""The real routes of signing in, over stores in memory, and a wallet that really signs."""

import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from playwright.async_api import Page
from stellar_sdk import Keypair, TransactionEnvelope

from api.auth.account import AccountKind, MemoryAccountStore, hash_token, new_account
from api.auth.api_key import MemoryApiKeyStore
from api.auth.login import MemoryLoginStore
from api.auth.sign_in import MemorySignInStore
from api.auth.spent import MemorySpentStore
from api.doors import DoorKeys, Kept, Premises, make_doors
from api.errors import Problem
from config.clock import ManualClock
from config.settings import Auth
from metering.settlement.chain import ChainAccount

_SECRET = b"s" * 32

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _EmptyChain:
    async def account(self, _address: str) -> ChainAccount | None:
        return None

    async def addresses(self) -> tuple[str, ...]:
        return ()


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
        kept = Kept(
            self.accounts,
            MemoryLoginStore(self.accounts),
            MemorySignInStore(),
            MemoryApiKeyStore(),
            MemorySpentStore(),
        )
        keys = DoorKeys(_SECRET, _SECRET, _SECRET, Keypair.from_raw_ed25519_seed(_SECRET).secret)
        premises = Premises(
            "https://live.example.org", "A network of the tests", Auth(), self.clock
        )
        self.doors = make_doors(kept, keys, premises, _EmptyChain())
        self.bearers = self.doors.bearers
        self.sign_ins = self.doors.sessions.sign_ins

    async def stop(self) -> None:
        await self.doors.stop()

    def routes(self) -> list[web.RouteDef]:
        handlers: list[tuple[str, str, _Handler]] = [
            ("GET", "challenge", self.doors.wallets.challenge),
            ("POST", "verify", self.doors.wallets.answer),
            ("POST", "wallets", self.doors.wallets.link),
            ("DELETE", "wallets/{subject}", self.doors.wallets.unlink),
            ("POST", "register", self.doors.passwords.register),
            ("POST", "login", self.doors.passwords.log_in),
            ("POST", "refresh", self._refresh),
            ("POST", "logout", self.doors.sessions.log_out),
            ("GET", "sessions", self.doors.sessions.list),
            ("DELETE", "sessions/{session}", self.doors.sessions.end),
            ("GET", "profile", self.doors.profile.get),
            ("PATCH", "profile", self.doors.profile.change),
            ("GET", "keys", self.doors.keys.list),
            ("POST", "keys", self.doors.keys.create),
            ("DELETE", "keys/{key}", self.doors.keys.revoke),
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
        return await self.doors.sessions.refresh(request)


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
