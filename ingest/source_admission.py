"""Admits whoever has a stream key or a publish token of a source."""

from collections.abc import Sequence
from datetime import UTC, datetime

from config.clock import Clock
from config.limits import STREAM_KEY_USED_MS
from config.postgres import UNAVAILABLE
from ingest.admission import Admitted, PublishRefused, PublishRequest
from ingest.credentials import Credentials, parse_credentials
from ingest.publish_token import (
    IssuerKeys,
    KeysUnknown,
    TokenRefused,
    key_id_of,
    source_id_of,
)
from ingest.source import Source
from ingest.source_store import SourceStore
from ingest.stream_key import StreamKey, hash_key, matches

APP = "live"
"""What publishers connect to."""

_UNCHECKED: tuple[type[Exception], ...] = (*UNAVAILABLE, KeysUnknown)


class SourceAdmission:
    """Looks at what a publisher shows.

    A source that does not exist, a key or token that is wrong, over, revoked or not for this
    address: whoever is refused for one of these is told the same.

    Args:
        issuers: whose tokens are good; the first one that has a key decides.
    """

    def __init__(self, store: SourceStore, issuers: Sequence[IssuerKeys], clock: Clock) -> None:
        self._store = store
        self._issuers = issuers
        self._clock = clock

    async def admit(self, request: PublishRequest) -> Admitted:
        if request.app.partition("?")[0] != APP:
            raise PublishRefused(f"the server's address ends in /{APP}")
        shown = parse_credentials(request.stream_name, request.app, request.url)
        try:
            if shown.token:
                admitted = await self._by_token(shown)
            else:
                admitted = await self._by_key(shown, request.address)
        except _UNCHECKED:
            # Closed when in doubt: nobody publishes under a name that could not be checked.
            description = "stream keys cannot be checked now, try again"
            raise PublishRefused(description, is_mistake=False) from None
        if admitted is None:
            raise PublishRefused("unknown stream key")
        return admitted

    async def _by_key(self, shown: Credentials, address: str) -> Admitted | None:
        now_ms = self._clock.wall_ms()
        found = await self._store.by_key_hash(hash_key(shown.key))
        if found is None or not matches(shown.key, found[1].hash):
            return None
        source, key = found
        if not (_is_called(source, shown) and key.opens(address, _moment(now_ms))):
            return None
        await self._note_use(key, now_ms)
        return Admitted(
            source.id,
            source.terms,
            bitrate_max=key.bitrate_max,
            ends_ms=_ends_ms(key),
            key_id=key.id,
        )

    async def _by_token(self, shown: Credentials) -> Admitted | None:
        try:
            source_id = await self._verified(shown.token)
        except TokenRefused:
            return None
        source = await self._store.get(source_id)
        if source is None or not _is_called(source, shown):
            return None
        return Admitted(source.id, source.terms)

    async def _verified(self, token: str) -> str:
        key_id = key_id_of(token)
        for issuer in self._issuers:
            key = await issuer.find(key_id)
            if key is not None:
                return source_id_of(token, key, self._clock.wall_ms() // 1000)
        raise TokenRefused

    async def _note_use(self, key: StreamKey, now_ms: int) -> None:
        last = key.last_used_at
        if last is None or now_ms - last.timestamp() * 1000 >= STREAM_KEY_USED_MS:
            await self._store.use_key(key.id, _moment(now_ms))


def _is_called(source: Source, shown: Credentials) -> bool:
    return shown.names <= {source.id, source.name}


def _ends_ms(key: StreamKey) -> int | None:
    if key.expires_at is None or not key.ends_publication:
        return None
    return int(key.expires_at.timestamp() * 1000)


def _moment(wall_ms: int) -> datetime:
    return datetime.fromtimestamp(wall_ms / 1000, UTC)
