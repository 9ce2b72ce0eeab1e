"""Where uploads are kept, and the one place that says whether there is room for another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from ingest.upload.upload import (
    QuotaExceeded,
    StorageFull,
    TooManyUploads,
    UnknownUpload,
    Upload,
    UploadState,
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What is promised already.

    Attributes:
        owned: bytes of the owner's uploads, whole or not.
        unfinished: how many of those are being received.
        outstanding: bytes that all uploads together are still to bring.
    """

    owned: int
    unfinished: int
    outstanding: int


@dataclass(frozen=True, slots=True)
class Room:
    """What there is to promise, in bytes.

    Attributes:
        quota: of one owner.
        unfinished_max: uploads of one owner that are being received.
        free: on the disk, less what has to stay free; measured after `lengths`, so that bytes
            which come in between are counted twice rather than not at all.
        lengths: of the files of unfinished uploads, by id; those that are left out count as empty.
    """

    quota: int
    unfinished_max: int
    free: int
    lengths: Mapping[str, int]

    def check(self, usage: Usage, size: int) -> None:
        """Return when `size` bytes more can be promised.

        Raises:
            QuotaExceeded, TooManyUploads, StorageFull: why not.
        """
        if usage.unfinished >= self.unfinished_max:
            raise TooManyUploads
        if usage.owned + size > self.quota:
            raise QuotaExceeded(max(self.quota - usage.owned, 0))
        if usage.outstanding + size > self.free:
            raise StorageFull


class UploadStore(Protocol):
    """Uploads by id."""

    async def reserve(self, upload: Upload, room: Room) -> None:
        """Keep a new upload if there is room for it; checked and kept as one step.

        Raises:
            QuotaExceeded, TooManyUploads, StorageFull: there is not.
        """

    async def get(self, upload_id: str) -> Upload | None:
        """The upload with this id."""

    async def in_state(self, state: UploadState) -> list[Upload]:
        """All uploads that are in one state, oldest first."""

    async def expired(self, now: datetime) -> list[Upload]:
        """Those that are to be forgotten: not received in time, or discarded long ago."""

    async def extend(self, upload_id: str, expires_at: datetime) -> None:
        """Something came: it expires later."""

    async def settle(self, upload: Upload) -> None:
        """Keep the size, title, filename, price and delivery that turned out.

        Raises:
            UnknownUpload: it is gone.
        """

    async def advance(self, upload_id: str, state: UploadState) -> None:
        """Move it on; a state that it has passed already is left as it is."""

    async def remove(self, upload_id: str) -> None:
        """Forget it, and free what it had reserved. Its file has to be gone."""


class MemoryUploadStore:
    """Uploads of one process, gone with it."""

    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}

    async def reserve(self, upload: Upload, room: Room) -> None:
        room.check(self._usage(upload.owner, room.lengths), upload.size)
        self._uploads[upload.id] = upload

    def _usage(self, owner: str, lengths: Mapping[str, int]) -> Usage:
        kept = [each for each in self._uploads.values() if each.state is not UploadState.DISCARDED]
        coming = [each for each in kept if each.state is UploadState.RECEIVING]
        return Usage(
            owned=sum(each.size for each in kept if each.owner == owner),
            unfinished=sum(each.owner == owner for each in coming),
            outstanding=sum(max(each.size - lengths.get(each.id, 0), 0) for each in coming),
        )

    async def get(self, upload_id: str) -> Upload | None:
        return self._uploads.get(upload_id)

    async def in_state(self, state: UploadState) -> list[Upload]:
        found = [each for each in self._uploads.values() if each.state is state]
        return sorted(found, key=lambda each: each.id)

    async def expired(self, now: datetime) -> list[Upload]:
        mortal = (UploadState.RECEIVING, UploadState.DISCARDED)
        return [
            each
            for each in self._uploads.values()
            if each.state in mortal and each.expires_at <= now
        ]

    async def extend(self, upload_id: str, expires_at: datetime) -> None:
        if (upload := self._uploads.get(upload_id)) is not None:
            self._uploads[upload_id] = replace(upload, expires_at=expires_at)

    async def settle(self, upload: Upload) -> None:
        kept = self._uploads.get(upload.id)
        if kept is None:
            raise UnknownUpload
        self._uploads[upload.id] = replace(
            kept,
            size=upload.size,
            title=upload.title,
            filename=upload.filename,
            price_stroops=upload.price_stroops,
            price_seconds=upload.price_seconds,
            delivery=upload.delivery,
        )

    async def advance(self, upload_id: str, state: UploadState) -> None:
        order = list(UploadState)
        upload = self._uploads.get(upload_id)
        if upload is not None and order.index(upload.state) < order.index(state):
            self._uploads[upload_id] = replace(upload, state=state)

    async def remove(self, upload_id: str) -> None:
        self._uploads.pop(upload_id, None)
