"""Coming in with a wallet (SEP-10), and linking one to an account that is open."""

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from api.area import RouteTable
from api.auth.account import Account, AccountKind, AccountStore, new_account
from api.auth.bearer import Bearers, shown_token
from api.auth.caller import Caller, Proof
from api.auth.challenge import ChallengeRefused, Claim, ClientDomain, Wish
from api.auth.client_domain import ClientDomains
from api.auth.documents import NO_STORE, granted_document, profile_document
from api.auth.door_limits import DoorLimits, admit
from api.auth.forms import AnswerChallenge
from api.auth.login import LastWayIn, LinkedWallet, LoginStore, TooManyWallets
from api.auth.sign_ins import SignIns
from api.auth.wallet_proof import WalletProof
from api.errors import Problem, forbidden, invalid, not_found
from api.input import parse, read_body
from config.clock import Clock

# Wallets in browsers are pages of other sites; nothing here knows them by cookies.
OPEN_TO_ALL = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT = {
    **OPEN_TO_ALL,
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "86400",
}
_FORM = "application/x-www-form-urlencoded"
_FIELDS_MAX = 4
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class WalletRoutes:
    """The routes `/auth` (also `/api/v1/auth/challenge` and `verify`) and `/api/v1/auth/wallets`.

    Attributes:
        domain: the only home domain that challenges are for.
        passphrase: of the network.
        client_domains: None: what wallets say about where they are from is not looked at.
        kind: of accounts that are made for wallets nobody has seen; None: none are made.
    """

    proof: WalletProof
    logins: LoginStore
    accounts: AccountStore
    sign_ins: SignIns
    bearers: Bearers
    limits: DoorLimits
    clock: Clock
    domain: str
    passphrase: str
    client_domains: ClientDomains | None
    kind: AccountKind | None

    def routes(self) -> RouteTable:
        return [
            web.get("/auth", self.challenge),
            web.post("/auth", self.answer),
            web.options("/auth", self.preflight),
            web.get("/api/v1/auth/challenge", self.challenge),
            web.post("/api/v1/auth/verify", self.answer),
            web.post("/api/v1/auth/wallets", self.link),
            web.delete("/api/v1/auth/wallets/{subject}", self.unlink),
        ]

    async def preflight(self, _request: web.Request) -> web.Response:
        return web.Response(status=204, headers=_PREFLIGHT)

    async def challenge(self, request: web.Request) -> web.Response:
        """SEP-10, "Challenge"."""
        try:
            admit(self.limits.challenges, request)
            transaction = await self.proof.challenge(await self._wish(request))
        except (ChallengeRefused, Problem) as error:
            raise _told_to_all(error) from None
        document = {"transaction": transaction, "network_passphrase": self.passphrase}
        return web.json_response(document, headers=OPEN_TO_ALL)

    async def answer(self, request: web.Request) -> web.Response:
        """SEP-10, "Token". A wallet that nobody has seen opens the account whose token comes with
        it, and a new one when none does.
        """
        try:
            admit(self.limits.answers, request)
            claim = await self.proof.accept((await _answer(request)).transaction)
            account = await self._account(request, claim)
        except (ChallengeRefused, Problem) as error:
            raise _told_to_all(error) from None
        device = request.headers.get("User-Agent", "")
        granted = await self.sign_ins.begin(account, claim.subject, device, claim.client_domain)
        document = {"token": granted.access_token, **granted_document(granted)}
        return web.json_response(document, headers={**OPEN_TO_ALL, **NO_STORE})

    async def link(self, request: web.Request) -> web.Response:
        """One more way into the account that asks. A guest, who would be left without a token, is
        sent to sign in with the wallet instead.
        """
        caller = await self.bearers.caller(request)
        account = caller.account
        if _is_guest(caller):
            raise Problem(409, "guest", "Sign in with the wallet instead", "POST /auth does both")
        admit(self.limits.answers, request)
        try:
            claim = await self.proof.accept((await read_body(request, AnswerChallenge)).transaction)
        except ChallengeRefused as error:
            raise _refused(error) from None
        if await self._open(account, claim) != account.id:
            raise Problem(409, "wallet_taken", "This wallet opens another account")
        return web.json_response(await self._profile(account), status=201)

    async def unlink(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        try:
            gone = await self.logins.unlink(account.id, request.match_info["subject"])
        except LastWayIn:
            detail = "add a password or another wallet first"
            raise Problem(409, "last_way_in", "Nobody could come in again", detail) from None
        if not gone:
            raise not_found("this account has no such wallet")
        return web.json_response(await self._profile(account))

    async def _wish(self, request: web.Request) -> Wish:
        query = request.query
        account, memo = query.get("account", ""), query.get("memo")
        if not account:
            raise invalid("account: who wants to sign in, G... or M...")
        if memo is not None and not (memo.isascii() and memo.isdecimal() and len(memo) <= 20):
            raise invalid("memo: a number")
        if query.get("home_domain", self.domain) != self.domain:
            raise invalid(f"home_domain: this is {self.domain}")
        client = await self._client(query.get("client_domain"))
        return Wish(account, None if memo is None else int(memo), client)

    async def _client(self, domain: str | None) -> ClientDomain | None:
        if domain is None or self.client_domains is None:
            return None
        return ClientDomain(domain, await self.client_domains.signing_key(domain))

    async def _account(self, request: web.Request, claim: Claim) -> Account:
        owner = await self.logins.by_wallet(claim.subject)
        account = await self._newcomer(request, claim) if owner is None else None
        if account is not None:
            owner = await self._open(account, claim)
        assert owner is not None, "one of both"
        found = await self.accounts.get(owner)
        assert found is not None, "accounts are never deleted"
        return found

    async def _newcomer(self, request: web.Request, claim: Claim) -> Account:
        name = f"{claim.subject[:_SHOWN]}…{claim.subject[-_SHOWN:]}"
        if shown_token(request) is not None:
            caller = await self.bearers.caller(request)
            # A guest has no name until now.
            return (
                replace(caller.account, display_name=name) if _is_guest(caller) else caller.account
            )
        if self.kind is None:
            raise forbidden("this server takes no new accounts")
        return new_account(self.kind, name, self.clock.wall_ms())

    async def _open(self, account: Account, claim: Claim) -> str:
        wallet = LinkedWallet(claim.subject, self.sign_ins.now())
        try:
            owner = await self.logins.open_with_wallet(account, wallet)
        except TooManyWallets:
            raise Problem(409, "too_many_wallets", "This account has enough wallets") from None
        self.bearers.forget(account.id)
        return owner

    async def _profile(self, account: Account) -> dict[str, Any]:
        login = await self.logins.password_of(account.id)
        wallets = await self.logins.wallets_of(account.id)
        return profile_document(account, None if login is None else login.email, wallets)


def _is_guest(caller: Caller) -> bool:
    """Whether somebody has a guest's token, and no other way in."""
    return caller.proof is Proof.TOKEN and caller.account.kind is AccountKind.GUEST


async def _answer(request: web.Request) -> AnswerChallenge:
    """SEP-10 allows JSON and forms."""
    if request.content_type != _FORM:
        return await read_body(request, AnswerChallenge)
    try:
        fields = parse_qs((await request.read()).decode(), max_num_fields=_FIELDS_MAX)
    except ValueError:
        raise invalid("the body is no form") from None
    return parse(json.dumps({name: values[0] for name, values in fields.items()}), AnswerChallenge)


def _refused(error: ChallengeRefused) -> Problem:
    title = "The challenge is not answered"
    # SEP-10 has the reason under `error`.
    return Problem(400, "challenge_refused", title, str(error), extra={"error": str(error)})


def _told_to_all(error: ChallengeRefused | Problem) -> Problem:
    problem = error if isinstance(error, Problem) else _refused(error)
    headers = {**problem.headers, **OPEN_TO_ALL}
    extra = {"error": problem.detail or problem.title, **problem.extra}
    return replace(problem, headers=headers, extra=extra)
