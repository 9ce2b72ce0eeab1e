"""The stream keys of a source: listed, made, replaced and revoked by its owner."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aiohttp import web

from api.area import RouteTable
from api.errors import Problem, not_found
from api.input import CreateKey, RegenerateKey, read_body
from api.wire import timestamp
from config.clock import Clock
from config.ids import new_id
from config.limits import SOURCE_KEYS_MAX
from ingest.source import Source, UnknownSource
from ingest.source_store import SourceStore
from ingest.stream_key import StreamKey, TooManyKeys, UnknownKey, hash_key, new_key

OwnSource = Callable[[web.Request], Awaitable[Source]]
"""The source that a request names, if it belongs to whoever asks; raises Problem."""

Dismiss = Callable[[str, str, str], None]
"""Sends away who publishes to a source with a key, and why: source id, key id, reason."""

_REVOKED = "this stream key is no longer good"


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """The routes `keys` and `regenerate-key` of a source. A key itself is told once."""

    store: SourceStore
    own: OwnSource
    clock: Clock
    dismiss: Dismiss

    def routes(self) -> RouteTable:
        return [
            web.post("/api/v1/sources/{source}/regenerate-key", self.regenerate),
            web.get("/api/v1/sources/{source}/keys", self.list),
            web.post("/api/v1/sources/{source}/keys", self.create),
            web.delete("/api/v1/sources/{source}/keys/{key}", self.revoke),
        ]

    async def list(self, request: web.Request) -> web.Response:
        source = await self.own(request)
        keys = await self.store.keys_of(source.id)
        return web.json_response({"items": [key_json(key, self._now()) for key in keys]})

    async def create(self, request: web.Request) -> web.Response:
        source = await self.own(request)
        body = await read_body(request, CreateKey)
        now, secret = self._now(), new_key()
        lives = body.expiresInSeconds
        key = StreamKey(
            id=self._new_id(),
            source_id=source.id,
            label=body.label,
            hash=hash_key(secret),
            created_at=now,
            expires_at=None if lives is None else now + timedelta(seconds=lives),
            ends_publication=body.endsPublication,
            bitrate_max=body.bitrateMax or 0,
            addresses=tuple(body.addresses),
        )
        try:
            await self.store.add_key(key)
        except TooManyKeys:
            raise _too_many() from None
        except UnknownSource:
            raise not_found("no such source") from None
        return web.json_response({"key": key_json(key, now), "streamKey": secret}, status=201)

    async def revoke(self, request: web.Request) -> web.Response:
        """Nobody is let in with it from now on, and who was let in is sent away."""
        source, key_id = await self.own(request), request.match_info["key"]
        try:
            await self.store.remove_key(source.id, key_id)
        except UnknownKey:
            raise not_found("no such stream key") from None
        self.dismiss(source.id, key_id, _REVOKED)
        return web.Response(status=204)

    async def regenerate(self, request: web.Request) -> web.Response:
        """Another main key, with the limits of the one before; further keys stay as they are.

        Without a grace, who publishes with the one before is sent away.
        """
        source = await self.own(request)
        body = await read_body(request, RegenerateKey)
        try:
            secret, before = await replace_main_key(
                self.store, source, self.clock, body.graceSeconds
            )
        except TooManyKeys:
            raise _too_many() from None
        except UnknownSource:
            raise not_found("no such source") from None
        if before is not None and not body.graceSeconds:
            self.dismiss(source.id, before.id, _REVOKED)
        return web.json_response({"streamKey": secret})

    def _now(self) -> datetime:
        return _moment(self.clock)

    def _new_id(self) -> str:
        return new_id("key", self.clock.wall_ms())


async def replace_main_key(
    store: SourceStore, source: Source, clock: Clock, grace_seconds: int = 0
) -> tuple[str, StreamKey | None]:
    """Give a source another main key; the one before is good for the grace only.

    Returns the secret of the new one, and the one before.

    Raises:
        TooManyKeys: see there; never without grace.
        UnknownSource: there is no such source.
    """
    now, secret = _moment(clock), new_key()
    before = next((key for key in await store.keys_of(source.id) if key.is_main), None)
    key = StreamKey(
        id=new_id("key", clock.wall_ms()),
        source_id=source.id,
        label="main" if before is None else before.label,
        hash=hash_key(secret),
        created_at=now,
        is_main=True,
        bitrate_max=0 if before is None else before.bitrate_max,
        addresses=() if before is None else before.addresses,
    )
    await store.replace_key(key, ends_at=now + timedelta(seconds=grace_seconds))
    return secret, before


def key_json(key: StreamKey, now: datetime) -> dict[str, object]:
    """A key without its secret, of which only a hash is kept."""
    return {
        "id": key.id,
        "label": key.label,
        "main": key.is_main,
        "createdAt": timestamp(key.created_at),
        "expiresAt": None if key.expires_at is None else timestamp(key.expires_at),
        "expired": key.has_expired(now),
        "endsPublication": key.ends_publication,
        "bitrateMax": key.bitrate_max or None,
        "addresses": list(key.addresses),
        "lastUsedAt": None if key.last_used_at is None else timestamp(key.last_used_at),
    }


def _too_many() -> Problem:
    detail = f"a source has at most {SOURCE_KEYS_MAX}; revoke one, or replace it without a grace"
    return Problem(409, "too_many_keys", "The source has too many stream keys", detail)


def _moment(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
