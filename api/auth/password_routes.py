"""Coming in with an e-mail address and a password.

No e-mail is ever sent: an address is a name to sign in with, nobody has proved that it is theirs,
and a password that is forgotten is gone. A wallet is the other way in, and needs neither.
"""

from dataclasses import dataclass, replace

from aiohttp import web

from api.area import RouteTable
from api.auth.account import Account, AccountKind, AccountStore, new_account
from api.auth.bearer import Bearers, shown_token
from api.auth.caller import Proof
from api.auth.documents import NO_STORE, granted_document
from api.auth.door_limits import DoorLimits, admit, require
from api.auth.forms import ChangePassword, LogIn, Register
from api.auth.login import EmailTaken, HasPassword, LoginStore, PasswordLogin
from api.auth.password import faults_of, hash_password, is_dated, is_password
from api.auth.side_threads import SideThreads
from api.auth.sign_ins import Granted, SignIns
from api.errors import Problem, forbidden, invalid
from api.input import read_body
from config.clock import Clock


@dataclass(frozen=True, slots=True)
class PasswordRoutes:
    """The routes `/api/v1/auth/register`, `login` and `password`.

    Attributes:
        threads: where passwords are hashed.
        kind: of accounts that are made for who registers; None: only who has one may.
    """

    logins: LoginStore
    accounts: AccountStore
    sign_ins: SignIns
    bearers: Bearers
    threads: SideThreads
    limits: DoorLimits
    clock: Clock
    kind: AccountKind | None

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/auth/register", self.register),
            web.post("/api/v1/auth/login", self.log_in),
            web.post("/api/v1/auth/password", self.change),
        ]

    async def register(self, request: web.Request) -> web.Response:
        """A new account; or, with a token, a password for the account that it stands for."""
        admit(self.limits.registrations, request)
        wish = await read_body(request, Register)
        fault = faults_of(wish.password, wish.email, wish.email.partition("@")[0], wish.username)
        if fault is not None:
            raise invalid(f"password: {fault}")
        account = replace(await self._newcomer(request), display_name=wish.username)
        stored = await self.threads.run(hash_password, wish.password)
        try:
            login = PasswordLogin(account.id, wish.email, stored)
            await self.logins.open_with_password(account, login)
        except EmailTaken:
            title = "Somebody signs in with this e-mail address"
            raise Problem(409, "email_taken", title) from None
        except HasPassword:
            raise Problem(409, "has_password", "This account has a password") from None
        self.bearers.forget(account.id)
        granted = await self._begin(account, request)
        return web.json_response(granted_document(granted), status=201, headers=NO_STORE)

    async def log_in(self, request: web.Request) -> web.Response:
        """Who is unknown waits as long as who is wrong, and is told the same."""
        admit(self.limits.logins, request)
        wish = await read_body(request, LogIn)
        require(self.limits.logins_of_email, wish.email)
        login = await self.logins.by_email(wish.email)
        stored = None if login is None else login.password
        if not await self.threads.run(is_password, wish.password, stored) or login is None:
            raise _wrong()
        if is_dated(login.password):
            fresh = await self.threads.run(hash_password, wish.password)
            await self.logins.set_password(login.account_id, fresh)
        account = await self.accounts.get(login.account_id)
        assert account is not None, "accounts are never deleted"
        granted = await self._begin(account, request)
        return web.json_response(granted_document(granted), headers=NO_STORE)

    async def change(self, request: web.Request) -> web.Response:
        """Another password; all other sessions of the account end."""
        caller = await self.bearers.caller(request)
        account = caller.account
        wish = await read_body(request, ChangePassword)
        login = await self.logins.password_of(account.id)
        if login is None:
            raise Problem(409, "no_password", "This account has no password")
        require(self.limits.logins_of_email, login.email)
        fault = faults_of(wish.newPassword, login.email, account.display_name)
        if fault is not None:
            raise invalid(f"newPassword: {fault}")
        if not await self.threads.run(is_password, wish.currentPassword, login.password):
            raise _wrong()
        await self.logins.set_password(
            account.id, await self.threads.run(hash_password, wish.newPassword)
        )
        kept = caller.proof_id if caller.proof is Proof.SIGN_IN else None
        await self.sign_ins.store.end_others(account.id, kept, self.sign_ins.now())
        self.bearers.forget(account.id)
        return web.Response(status=204)

    async def _newcomer(self, request: web.Request) -> Account:
        if shown_token(request) is not None:
            return await self.bearers.account(request)
        if self.kind is None:
            raise forbidden("this server takes no new accounts")
        return new_account(self.kind, "", self.clock.wall_ms())

    async def _begin(self, account: Account, request: web.Request) -> Granted:
        device = request.headers.get("User-Agent", "")
        return await self.sign_ins.begin(account, account.id, device)


def _wrong() -> Problem:
    title = "The e-mail address or the password is wrong"
    return Problem(401, "wrong_password", title)
