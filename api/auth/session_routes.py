"""Sessions of people: which there are, how they go on, and how they end."""

from dataclasses import dataclass

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.auth.caller import Caller, Proof
from api.auth.documents import NO_STORE, granted_document, session_document, user_document
from api.auth.door_limits import DoorLimits, admit
from api.auth.forms import LogOut, Refresh
from api.auth.sign_in import RefreshReused, SignInOver
from api.auth.sign_ins import SignIns
from api.errors import Problem, not_found
from api.input import read_body


@dataclass(frozen=True, slots=True)
class SessionRoutes:
    """The routes `/api/v1/auth/session`, `sessions`, `refresh` and `logout`."""

    sign_ins: SignIns
    bearers: Bearers
    limits: DoorLimits

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/auth/refresh", self.refresh),
            web.post("/api/v1/auth/logout", self.log_out),
            web.get("/api/v1/auth/session", self.get),
            web.get("/api/v1/auth/sessions", self.list),
            web.delete("/api/v1/auth/sessions/{session}", self.end),
        ]

    async def get(self, request: web.Request) -> web.Response:
        """Who asks; `session` is null for whoever shows a token that is of no session."""
        caller = await self.bearers.caller(request)
        current = _current(caller)
        sign_in = current and await self.sign_ins.store.get(current, self.sign_ins.now())
        document = {
            "proof": caller.proof.value,
            "scopes": None if caller.scopes is None else sorted(caller.scopes),
            "session": session_document(sign_in, current) if sign_in else None,
            "user": user_document(caller.account),
        }
        return web.json_response(document)

    async def list(self, request: web.Request) -> web.Response:
        caller = await self.bearers.caller(request)
        found = await self.sign_ins.store.of_account(caller.account.id, self.sign_ins.now())
        current = _current(caller)
        return web.json_response({"items": [session_document(each, current) for each in found]})

    async def end(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        sign_in_id = request.match_info["session"]
        if not await self.sign_ins.store.end(account.id, sign_in_id, self.sign_ins.now()):
            raise not_found("this account has no such session")
        self.bearers.forget(account.id)
        return web.Response(status=204)

    async def log_out(self, request: web.Request) -> web.Response:
        """End the session that asks, or all. An account's own token is of none and stays good."""
        caller = await self.bearers.caller(request)
        everywhere = (await read_body(request, LogOut)).everywhere
        current, now = _current(caller), self.sign_ins.now()
        if everywhere:
            await self.sign_ins.store.end_others(caller.account.id, None, now)
        elif current is not None:
            await self.sign_ins.store.end(caller.account.id, current, now)
        self.bearers.forget(caller.account.id)
        return web.Response(status=204)

    async def refresh(self, request: web.Request) -> web.Response:
        admit(self.limits.refreshes, request)
        token = (await read_body(request, Refresh)).refreshToken
        try:
            granted = await self.sign_ins.refresh(token)
        except RefreshReused:
            detail = "its token was used before, by you or somebody else"
            raise Problem(401, "refresh_reused", "This session has ended", detail) from None
        except SignInOver:
            raise Problem(401, "session_over", "This session has ended", "sign in again") from None
        return web.json_response(granted_document(granted), headers=NO_STORE)


def _current(caller: Caller) -> str | None:
    return caller.proof_id if caller.proof is Proof.SIGN_IN else None
