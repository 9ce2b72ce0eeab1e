"""API keys over HTTP: made and shown once, listed, revoked."""

from dataclasses import dataclass, replace
from datetime import timedelta

from aiohttp import web

from api.area import RouteTable
from api.auth.api_key import TooManyKeys, new_key, new_secret
from api.auth.api_keys import ApiKeys
from api.auth.bearer import Bearers
from api.auth.documents import NO_STORE, key_document
from api.auth.forms import CreateApiKey
from api.errors import Problem, not_found
from api.input import read_body
from config.clock import Clock


@dataclass(frozen=True, slots=True)
class KeyRoutes:
    """The routes `/api/v1/auth/keys`. No key makes or ends keys."""

    keys: ApiKeys
    bearers: Bearers
    clock: Clock

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/auth/keys", self.list),
            web.post("/api/v1/auth/keys", self.create),
            web.delete("/api/v1/auth/keys/{key}", self.revoke),
        ]

    async def list(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        found = await self.keys.store.of_account(account.id)
        return web.json_response({"items": [key_document(key) for key in found]})

    async def create(self, request: web.Request) -> web.Response:
        """`secret` is told now and never again."""
        account = await self.bearers.account(request)
        wish = await read_body(request, CreateApiKey)
        secret = new_secret()
        key = new_key(account.id, wish.label, wish.scopes, secret, self.clock.wall_ms())
        if wish.expiresInSeconds is not None:
            until = key.created_at + timedelta(seconds=wish.expiresInSeconds)
            key = replace(key, expires_at=until)
        try:
            await self.keys.keep(key, secret)
        except TooManyKeys:
            raise Problem(409, "too_many_keys", "This account has enough keys") from None
        document = {"key": key_document(key), "secret": secret}
        return web.json_response(document, status=201, headers=NO_STORE)

    async def revoke(self, request: web.Request) -> web.Response:
        account = await self.bearers.account(request)
        if not await self.keys.store.revoke(account.id, request.match_info["key"]):
            raise not_found("this account has no such key")
        self.bearers.forget(account.id)
        return web.Response(status=204)
