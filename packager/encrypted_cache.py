"""Encrypted segments: made once for however many ask at the same time, and kept for a while."""

import asyncio
from collections.abc import Callable

from config.limits import ENCRYPTED_CACHE_BYTES_MAX
from config.tasks import spawn
from packager.least_recent import LeastRecent
from packager.naming import SegmentPath

type _Key = tuple[str, SegmentPath]


class EncryptedCache:
    """Of all assets of a process. What a CDN asks for, it asks for once; then it has it."""

    def __init__(self, bytes_max: int = ENCRYPTED_CACHE_BYTES_MAX) -> None:
        self._bodies: LeastRecent[_Key, bytes] = LeastRecent(bytes_max)
        self._making: dict[_Key, asyncio.Task[bytes]] = {}

    def at_hand(self, asset_id: str, path: SegmentPath) -> bytes | None:
        """One that is in memory."""
        return self._bodies.get((asset_id, path))

    async def get(
        self, asset_id: str, path: SegmentPath, encrypt: Callable[[], bytes], *, at_once: bool
    ) -> bytes:
        """A segment as `encrypt` makes it.

        Args:
            at_once: it takes less than to have it done in a thread.

        Raises: what `encrypt` raises, to everybody who waits for it.
        """
        key = (asset_id, path)
        body = self._bodies.get(key)
        if body is None and at_once:
            body = encrypt()
            self._bodies.put(key, body, len(body))
        return body if body is not None else await asyncio.shield(self._made(key, encrypt))

    def _made(self, key: _Key, encrypt: Callable[[], bytes]) -> asyncio.Task[bytes]:
        task = self._making.get(key)
        if task is None:
            task = spawn(self._make(key, encrypt), name=f"encrypt {key[0]} {key[1].sequence}")
            self._making[key] = task
        return task

    async def _make(self, key: _Key, encrypt: Callable[[], bytes]) -> bytes:
        try:
            body = await asyncio.to_thread(encrypt)
        finally:
            del self._making[key]
        self._bodies.put(key, body, len(body))
        return body
