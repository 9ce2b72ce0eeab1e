"""Takes one request's bytes into an upload's file."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from config.clock import Clock
from config.limits import SNIFF_BYTES, UPLOAD_PACE_MS
from ingest.upload.checksum import Checksum
from ingest.upload.disk import UploadDisk, UploadFile
from ingest.upload.pace import Pace
from ingest.upload.upload import BodyTooSlow, Upload, UploadTooLarge

Judge = Callable[[bytes], object]
"""Looks at a file's first bytes; raises `media.file.refusal.Refused`."""


class Body(Protocol):
    """What a request brings."""

    async def read(self) -> bytes:
        """What has come by now, at least one byte; nothing at the end.

        Raises:
            ConnectionError: the connection was lost before the end.
        """


@dataclass(frozen=True, slots=True)
class Piece:
    """What one request adds to an upload.

    Attributes:
        offset: where in the file its bytes begin.
        body: the bytes.
        size: how many, where that is known.
        checksum: of these bytes; they count only if they have it.
        cut: ends the connection that the body comes by.
    """

    offset: int
    body: Body
    cut: Callable[[], None]
    size: int | None = None
    checksum: Checksum | None = None


class Reception:
    """The bytes of one request on their way to the disk."""

    def __init__(
        self, disk: UploadDisk, judge: Judge, clock: Clock, pace_ms: int = UPLOAD_PACE_MS
    ) -> None:
        self._disk = disk
        self._judge = judge
        self._clock = clock
        self._pace_ms = pace_ms
        self._looked = False
        self.length = 0
        """Of the upload, after the reception also when it failed."""

    async def receive(self, upload: Upload, piece: Piece) -> None:
        """Add a piece to an upload, for which nobody else may do the same.

        What came is kept when the connection is lost, unless it has a checksum.

        Raises:
            OffsetMismatch, UploadTooLarge, ChecksumMismatch, StorageFull, BodyTooSlow, UploadBusy
            Refused: this is no media file.
            ConnectionError: the body was not complete.
        """
        if piece.offset + (piece.size or 0) > upload.size:
            raise UploadTooLarge
        file = self._disk.file(upload.id, piece.checksum)
        try:
            await self._disk.run(partial(file.open, piece.offset))
            await self._pour(upload, piece, file)
            await self._disk.run(file.keep)
            await self._look(upload, file)
        finally:
            await self._disk.run(file.close)
            self.length = file.length

    async def _pour(self, upload: Upload, piece: Piece, file: UploadFile) -> None:
        pace = Pace(self._pace_ms, self._clock.monotonic_ms())
        while data := await self._next(piece.body):
            pace.note(len(data), self._clock.monotonic_ms())
            if file.length + len(data) > upload.size:
                await self._disk.run(file.take_back)
                raise UploadTooLarge
            await self._disk.run(partial(file.append, data))
            if piece.checksum is None:  # else not before it is known that the bytes are right
                await self._look(upload, file)

    async def _next(self, body: Body) -> bytes:
        try:
            async with asyncio.timeout(self._pace_ms / 1000):
                return await body.read()
        except TimeoutError:
            raise BodyTooSlow from None

    async def _look(self, upload: Upload, file: UploadFile) -> None:
        """Judge the head once it is there, and once only."""
        if not self._looked and file.length >= min(SNIFF_BYTES, upload.size):
            self._judge(await self._disk.run(file.head))
            self._looked = True
