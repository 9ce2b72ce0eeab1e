"""Everything that happens to uploads: created, received, handed on once, given up."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from config.clock import Clock
from config.ids import is_id, new_id
from config.limits import UPLOAD_PACE_MS, UPLOADS_RECEIVING_MAX, UPLOADS_UNFINISHED_MAX
from config.tasks import cancel, spawn
from config.telemetry import counter
from ingest.upload.description import Description
from ingest.upload.disk import UploadDisk
from ingest.upload.end import End, forget
from ingest.upload.handing_on import Completed, HandingOn
from ingest.upload.reception import Piece, Reception
from ingest.upload.store import Room, UploadStore
from ingest.upload.sweep import Sweep
from ingest.upload.turns import Turns
from ingest.upload.upload import (
    OffsetMismatch,
    TooManyBodies,
    UnknownUpload,
    Upload,
    UploadComplete,
    UploadExpired,
    UploadState,
    UploadTooLarge,
)
from media.file.refusal import Refused
from media.file.sniff import sniff

_bytes = counter("upload_bytes_total", "Bytes of uploads that reached the disk")


@dataclass(frozen=True, slots=True)
class UploadRules:
    """What is allowed. Sizes in bytes; `quota` is of one owner."""

    bytes_max: int
    quota: int
    expire_hours: int
    unfinished_max: int = UPLOADS_UNFINISHED_MAX
    receiving_max: int = UPLOADS_RECEIVING_MAX
    pace_ms: int = UPLOAD_PACE_MS


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What a client wants to send; see `Upload` for the fields."""

    owner: str
    size: int
    description: Description
    price_asset: str
    metadata: str = ""
    resumable: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """An upload and how many bytes of it have come."""

    upload: Upload
    offset: int


class Uploads:
    """All uploads of one data directory, with the task that clears away what was left behind."""

    def __init__(
        self,
        store: UploadStore,
        disk: UploadDisk,
        completed: Completed,
        clock: Clock,
        rules: UploadRules,
    ) -> None:
        self.rules = rules
        self._store = store
        self._disk = disk
        self._completed = completed
        self._clock = clock
        self._turns = Turns()
        self._handing_on = HandingOn(store, disk, completed)
        self._sweep = Sweep(store, disk, self._turns, self._handing_on, clock)
        self._receiving = 0
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bring to an end what the end of a process cut off, then sweep every minute."""
        await self._disk.start()
        await self.recover()
        self._sweeper = spawn(self._sweep.run(), name="upload sweep")

    async def stop(self) -> None:
        """End what is under way; it is taken up at the next start."""
        await cancel(self._sweeper)
        await self._handing_on.stop()
        self._disk.stop()

    async def recover(self) -> None:
        """Hand on what was complete, and remove what cannot be gone on with."""
        await self._sweep.abort_forms()
        await self.sweep()

    async def sweep(self) -> None:
        """Give up what expired; done every minute by itself."""
        await self._sweep.once()

    # --- one upload -------------------------------------------------------------------------------

    async def create(self, new: NewUpload) -> Upload:
        """Reserve the bytes of a new upload.

        Raises:
            UploadTooLarge, QuotaExceeded, TooManyUploads, StorageFull: there is no room for it.
        """
        if new.size > self.rules.bytes_max:
            raise UploadTooLarge
        coming = await self._store.in_state(UploadState.RECEIVING)
        lengths, free = await self._disk.room(each.id for each in coming)
        room = Room(self.rules.quota, self.rules.unfinished_max, free, lengths)
        upload = self._made(new)
        await self._store.reserve(upload, room)
        return upload

    def _made(self, new: NewUpload) -> Upload:
        now_ms = self._clock.wall_ms()
        description = new.description
        return Upload(
            id=new_id("upl", now_ms),
            owner=new.owner,
            asset_id=new_id("ast", now_ms),
            size=new.size,
            title=description.title,
            filename=description.filename,
            metadata=new.metadata,
            price_stroops=description.price_stroops,
            price_seconds=description.price_seconds,
            price_asset=new.price_asset,
            resumable=new.resumable,
            state=UploadState.RECEIVING,
            created_at=self._now(),
            expires_at=self._expiry(),
            delivery=description.delivery,
        )

    async def find(self, owner: str, upload_id: str) -> Upload:
        """An owner's upload.

        Raises:
            UnknownUpload: there is none of this id, or it is another's.
            UploadExpired: it waited too long for its next bytes.
        """
        upload = await self._store.get(upload_id) if is_id("upl", upload_id) else None
        if upload is None or upload.owner != owner:
            raise UnknownUpload
        if self._is_over(upload):
            raise UploadExpired
        return upload

    async def progress(self, upload: Upload) -> Progress:
        """How far it is. Whoever asks is about to go on from there.

        A request that still adds to the upload is cut: after a half-open drop it is the client's
        own, and waits for bytes that will never come.

        Raises:
            Refused: it turned out to be no media file.
            UploadBusy: another request works on it and does not end.
        """
        async with self._turn(upload.id, _nothing):
            current = await self._again(upload.id)
            if current.state is not UploadState.RECEIVING:
                return Progress(current, current.size)
            length = await self._disk.length(upload.id)
        return await self._progressed(upload.id, length)

    async def receive(self, upload: Upload, piece: Piece) -> Progress:
        """Add a piece; the last one makes it complete and hands it on before this returns.

        Raises:
            TooManyBodies: more than this process takes at once.
            Refused: it is no media file; the upload is gone.
            And what `Reception.receive` raises.
        """
        async with self._turn(upload.id, piece.cut):
            current = await self._again(upload.id)
            if current.state is not UploadState.RECEIVING:
                if piece.offset != current.size or piece.size:
                    raise OffsetMismatch(current.size)
                return Progress(current, current.size)
            with self._place():
                length = await self._receive(current, piece)
        return await self._progressed(upload.id, length)

    async def _receive(self, upload: Upload, piece: Piece) -> int:
        reception = Reception(self._disk, sniff, self._clock, self.rules.pace_ms)
        try:
            await reception.receive(upload, piece)
        except Refused:
            await self._forget(upload, End.REFUSED)
            raise
        finally:
            if (added := reception.length - piece.offset) > 0:
                _bytes.inc(added)
                await self._store.extend(upload.id, self._expiry())
        return reception.length

    async def _progressed(self, upload_id: str, length: int) -> Progress:
        """Who sees the last byte there hands the upload on: it may have come in a cut request."""
        upload = await self._again(upload_id)
        if length == upload.size:
            await self._handing_on.hand_on(upload_id)
        return Progress(upload, length)

    async def terminate(self, upload: Upload) -> None:
        """Give it up because its client says so.

        Raises:
            UploadComplete: it is content already.
        """
        async with self._turn(upload.id, _nothing):
            current = await self._again(upload.id)
            if current.state in (UploadState.RECEIVED, UploadState.ACCEPTED):
                raise UploadComplete
            await self._forget(current, End.TERMINATED)

    # --- a form's file ----------------------------------------------------------------------------

    @asynccontextmanager
    async def at_once(self, new: NewUpload) -> AsyncIterator[Upload]:
        """An upload that comes in one request, and is given up with it unless `settle` is reached.

        Raises:
            As `create`.
        """
        upload = await self.create(replace(new, resumable=False))
        settled = False
        try:
            yield upload
            settled = True
        finally:
            if not settled and await self._store.get(upload.id) is not None:
                await self._forget(upload, End.ABORTED)

    async def settle(self, upload: Upload, description: Description) -> None:
        """All of it has come: what was reserved too much is free again, and it can be handed on."""
        await self._store.settle(
            replace(
                upload,
                size=await self._disk.length(upload.id),
                title=description.title,
                filename=description.filename,
                price_stroops=description.price_stroops,
                price_seconds=description.price_seconds,
                delivery=description.delivery,
            )
        )

    # --- complete uploads -------------------------------------------------------------------------

    async def hand_on(self, upload: Upload) -> None:
        """Have a complete upload taken on; see `HandingOn.hand_on`."""
        await self._handing_on.hand_on(upload.id)

    async def accepted(self) -> list[Upload]:
        """Those whose files are kept for a job, oldest first."""
        return await self._store.in_state(UploadState.ACCEPTED)

    async def discard(self, upload_id: str) -> None:
        """The file is needed no more: remove it and free the quota. Does nothing a second time.

        The client may still learn for a while that all had come, in case it missed the answer.
        """
        async with self._turn(upload_id, _nothing):
            upload = await self._store.get(upload_id)
            if upload is None or upload.state is UploadState.DISCARDED:
                return
            if upload.state is UploadState.RECEIVING:
                await self._forget(upload, End.TERMINATED)
                return
            await self._disk.remove(upload_id)
            await self._store.extend(upload_id, self._expiry())
            await self._store.advance(upload_id, UploadState.DISCARDED)

    # --- in common --------------------------------------------------------------------------------

    @asynccontextmanager
    async def _turn(self, upload_id: str, cut: Callable[[], None]) -> AsyncIterator[None]:
        """Be the only one who works on an upload, which nobody is handing on either."""
        async with self._turns.take(upload_id, cut):
            await self._handing_on.wait(upload_id)
            yield

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._receiving >= self.rules.receiving_max:
            raise TooManyBodies
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1

    async def _again(self, upload_id: str) -> Upload:
        """As it is now that it is our turn."""
        upload = await self._store.get(upload_id)
        if upload is None:
            raise UnknownUpload
        return upload

    async def _forget(self, upload: Upload, end: End) -> None:
        await forget(self._store, self._disk, upload, end)

    def _is_over(self, upload: Upload) -> bool:
        unfinished = upload.state is UploadState.RECEIVING and not self._turns.taken(upload.id)
        return unfinished and upload.expires_at <= self._now()

    def _expiry(self) -> datetime:
        return self._now() + timedelta(hours=self.rules.expire_hours)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)


def _nothing() -> None:
    """Ends soon by itself."""
