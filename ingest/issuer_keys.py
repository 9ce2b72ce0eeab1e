"""The keys of an operator's own issuer: fetched, kept, and fetched again."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from config.clock import Clock
from config.limits import (
    KEY_SET_FRESH_MS,
    KEY_SET_KEPT_MS,
    KEY_SET_RETRY_MS,
)
from ingest.key_set import MalformedKeySet, read_key_set
from ingest.publish_token import IssuerKey, KeysUnknown

log = structlog.get_logger(__name__)

Fetch = Callable[[], Awaitable[bytes]]
"""Gets the key set as it is now. Raises FetchFailed."""


class FetchFailed(Exception):
    """The key set cannot be had now; the text says why."""


class FetchedKeys:
    """An issuer's keys.

    They are fetched when the first token comes, again when they are some minutes old, and when a
    token names a key that is not among them, but never more often than `KEY_SET_RETRY_MS`. What
    was fetched last is good until something else has been fetched, for a day at most: then a key
    that the issuer has withdrawn could be in use still.
    """

    def __init__(self, issuer: str, fetch: Fetch, clock: Clock) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched_ms: int | None = None
        self._tried_ms: int | None = None
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str) -> IssuerKey | None:
        is_known = key_id in self._keys
        if not is_known or (self._age_ms() >= KEY_SET_FRESH_MS and not self._fetching.locked()):
            async with self._fetching:
                await self._fetch_unless_just_tried()
        if self._age_ms() >= KEY_SET_KEPT_MS:
            raise KeysUnknown
        key = self._keys.get(key_id)
        return None if key is None else IssuerKey(self._issuer, key)

    def _age_ms(self) -> int:
        if self._fetched_ms is None:
            return KEY_SET_KEPT_MS
        return self._clock.monotonic_ms() - self._fetched_ms

    async def _fetch_unless_just_tried(self) -> None:
        now_ms = self._clock.monotonic_ms()
        if self._tried_ms is not None and now_ms - self._tried_ms < KEY_SET_RETRY_MS:
            return
        self._tried_ms = now_ms
        try:
            self._keys = read_key_set(await self._fetch())
        except (FetchFailed, MalformedKeySet) as error:
            log.warning("the issuer's keys cannot be had", issuer=self._issuer, reason=str(error))
        else:
            self._fetched_ms = now_ms
