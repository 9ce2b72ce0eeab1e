"""Archived files' bytes: read once for however many viewers ask at the same time."""

import asyncio

import structlog

from config.limits import ARCHIVE_READ_SECONDS_MAX, SEGMENT_CACHE_BYTES_MAX
from config.tasks import spawn
from packager.archive import Archive
from packager.least_recent import LeastRecent
from packager.package import NotReady, UnknownSegment

log = structlog.get_logger(__name__)

type _Key = tuple[str, str, str]


class SegmentCache:
    """Reads through to the archive and keeps what was asked for last."""

    def __init__(self, archive: Archive, bytes_max: int = SEGMENT_CACHE_BYTES_MAX) -> None:
        self.archive = archive
        self._bodies: LeastRecent[_Key, bytes] = LeastRecent(bytes_max)
        self._reading: dict[_Key, asyncio.Task[bytes | None]] = {}

    def at_hand(self, asset_id: str, folder: str, name: str) -> bytes | None:
        """Bytes that are in memory."""
        return self._bodies.get((asset_id, folder, name))

    async def read(self, asset_id: str, folder: str, name: str, sha256: str | None) -> bytes:
        """A segment's or picture's bytes.

        Args:
            name: on disk.
            sha256: what they must be, when known.

        Raises:
            UnknownSegment: they are not there, or not what they were.
            NotReady: the disk does not answer in time.
        """
        key = (asset_id, folder, name)
        body = self._bodies.get(key)
        if body is not None:
            return body
        reading = self._reading.get(key) or self._start(key, sha256)
        try:
            async with asyncio.timeout(ARCHIVE_READ_SECONDS_MAX):
                body = await asyncio.shield(reading)
        except TimeoutError:
            raise NotReady("the archive does not answer") from None
        if body is None:
            raise UnknownSegment(f"{folder}/{name}")
        return body

    def _start(self, key: _Key, sha256: str | None) -> asyncio.Task[bytes | None]:
        task = spawn(self._read(key, sha256), name=f"read {'/'.join(key)}")
        self._reading[key] = task
        return task

    async def _read(self, key: _Key, sha256: str | None) -> bytes | None:
        try:
            body = await self.archive.read_file(*key, sha256)
        except OSError as error:
            log.warning("archived file cannot be read", file="/".join(key), error=str(error))
            body = None
        finally:
            del self._reading[key]
        if body is not None:
            self._bodies.put(key, body, len(body))
        return body
