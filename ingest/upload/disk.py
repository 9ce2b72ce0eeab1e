"""Upload files on disk: what has come of an upload is the length of its file.

What survives: bytes that `append` took outlive the process (they are the kernel's). They outlive
power loss once `sync` has run, which is before a request is answered and every UPLOAD_SYNC_BYTES
of a long one. A file system that lets a length reach the disk only after its bytes (ext4, XFS and
Btrfs as they come) then shows a shorter file, and the client goes on from there.

Bytes with a checksum count only once they have been checked. Until then a file beside the upload's
says where they begin; whoever opens the upload and finds it cuts the file back to there.
"""

import asyncio
import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock

from config.disk_sync import sync_entry
from config.ids import is_id
from config.limits import DISK_FREE_BYTES_MIN, SNIFF_BYTES, UPLOAD_SYNC_BYTES, UPLOAD_THREADS
from ingest.upload.checksum import Checksum
from ingest.upload.upload import ChecksumMismatch, OffsetMismatch, StorageFull, UploadBusy

_FULL = (errno.ENOSPC, errno.EDQUOT)


class UploadDisk:
    """The directory of uploads, and the threads that read and write in it.

    Args:
        root: made when it is not there.
        free_bytes: what is left on its disk; blocks.
    """

    def __init__(self, root: Path, free_bytes: Callable[[], int]) -> None:
        self._root = root
        self._free_bytes = free_bytes
        self._threads = ThreadPoolExecutor(UPLOAD_THREADS, thread_name_prefix="upload")

    async def start(self) -> None:
        await self.run(partial(self._root.mkdir, mode=0o700, parents=True, exist_ok=True))

    def stop(self) -> None:
        """Return when the threads have done what was asked of them."""
        self._threads.shutdown(wait=True)

    def path(self, upload_id: str) -> Path:
        """Where an upload's bytes are; no file as long as there are none."""
        assert is_id("upl", upload_id), "ids are checked where they come in"
        return self._root / upload_id

    async def run[T](self, work: Callable[[], T]) -> T:
        """Do blocking `work` in a thread. It is done to its end even when the caller is cancelled.

        Raises:
            StorageFull: the disk is.
        """
        done = asyncio.wrap_future(self._threads.submit(work))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])
            raise
        except OSError as error:
            if error.errno in _FULL:
                raise StorageFull from None
            raise

    def file(self, upload_id: str, checksum: Checksum | None = None) -> "UploadFile":
        """An upload's file, still to be opened, for one request."""
        return UploadFile(self.path(upload_id), self._leave_room, checksum)

    async def length(self, upload_id: str) -> int:
        """How much of an upload has come, in bytes.

        Raises:
            UploadBusy: another process works on it.
        """
        return await self.run(partial(_settled_length, self.path(upload_id)))

    async def finished(self, upload_id: str) -> tuple[int, bytes]:
        """Force an upload's bytes to the disk; its length and its first SNIFF_BYTES.

        Raises:
            UploadBusy: another process works on it.
        """
        return await self.run(partial(_finished, self.path(upload_id)))

    async def room(self, upload_ids: Iterable[str]) -> tuple[dict[str, int], int]:
        """The lengths of uploads, then how many bytes may still be written to the disk at all."""
        paths = {upload_id: self.path(upload_id) for upload_id in upload_ids}
        return await self.run(partial(self._room, paths))

    async def remove(self, upload_id: str) -> None:
        path = self.path(upload_id)
        await self.run(partial(_remove, path))

    def _room(self, paths: dict[str, Path]) -> tuple[dict[str, int], int]:
        lengths = {upload_id: _length(path) for upload_id, path in paths.items()}
        return lengths, self._free_bytes() - DISK_FREE_BYTES_MIN

    def _leave_room(self, size: int) -> None:
        """Others write to this disk too, without reserving anything."""
        if self._free_bytes() - size < DISK_FREE_BYTES_MIN:
            raise StorageFull


class UploadFile:
    """One upload's file, locked against other processes, for one request. All methods block.

    `length` is how much of the upload has come, in bytes, from `open` on.
    """

    def __init__(
        self, path: Path, leave_room: Callable[[int], None], checksum: Checksum | None
    ) -> None:
        self._path = path
        self._marker = _marker(path)
        self._leave_room = leave_room
        self._checksum = checksum
        # Closing waits for a write that nobody waits for any more.
        self._using = Lock()
        self._descriptor: int | None = None
        self._start = self._synced = self.length = 0

    def open(self, offset: int) -> None:
        """Take the file in order to add to it. Has to be closed also when this fails.

        Raises:
            OffsetMismatch: it has got elsewhere.
            UploadBusy: another process works on it.
        """
        with self._using:
            new = not self._path.exists()
            self._descriptor = _open_locked(self._path, os.O_RDWR | os.O_CREAT)
            if new:
                sync_entry(self._path.parent)
            _cut_unchecked(self._descriptor, self._marker)
            self.length = os.fstat(self._descriptor).st_size
            self._start = self._synced = self.length
            if self.length != offset:
                raise OffsetMismatch(self.length)
            if self._checksum is not None:
                self._marker.write_text(str(self._start))

    def append(self, data: bytes) -> None:
        """Add to the end; `length` tells how much got there, also when this fails half way.

        Raises:
            StorageFull: the disk would have less left than it must.
        """
        with self._using:
            self._leave_room(len(data))
            if self._checksum is not None:
                self._checksum.update(data)
            view = memoryview(data)
            while view:
                written = os.pwrite(self._open_descriptor(), view, self.length)
                self.length += written
                view = view[written:]
            if self.length - self._synced >= UPLOAD_SYNC_BYTES:
                os.fdatasync(self._open_descriptor())
                self._synced = self.length

    def head(self) -> bytes:
        """The first SNIFF_BYTES, or what there is of them."""
        return os.pread(self._open_descriptor(), SNIFF_BYTES, 0)

    def keep(self) -> None:
        """Check what was added and force it to the disk.

        Raises:
            ChecksumMismatch: it is not what was sent; `close` throws it away.
        """
        with self._using:
            if self._checksum is not None and not self._checksum.matches():
                raise ChecksumMismatch
            os.fdatasync(self._open_descriptor())
            self._checksum = None
            self._marker.unlink(missing_ok=True)

    def take_back(self) -> None:
        """Throw away what was added since it was opened."""
        with self._using:
            os.ftruncate(self._open_descriptor(), self._start)
            self.length = self._start

    def close(self) -> None:
        """Let go of it; bytes that were to be checked and were not are thrown away."""
        with self._using:
            if self._descriptor is None:
                return
            try:
                if self._checksum is not None:
                    _cut_unchecked(self._descriptor, self._marker)
                    self.length = min(self.length, self._start)
            finally:
                os.close(self._descriptor)
                self._descriptor = None

    def _open_descriptor(self) -> int:
        assert self._descriptor is not None, "it is used between `open` and `close`"
        return self._descriptor


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.unchecked")


def _open_locked(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UploadBusy from None
    return descriptor


def _cut_unchecked(descriptor: int, marker: Path) -> None:
    """What a request left behind that ended before its checksum was compared."""
    try:
        start = int(marker.read_text() or "0")
    except FileNotFoundError:
        return
    os.ftruncate(descriptor, min(start, os.fstat(descriptor).st_size))
    marker.unlink()


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _settled_length(path: Path) -> int:
    with _settled(path) as descriptor:
        return 0 if descriptor is None else os.fstat(descriptor).st_size


def _finished(path: Path) -> tuple[int, bytes]:
    with _settled(path) as descriptor:
        if descriptor is None:
            return 0, b""
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size, os.pread(descriptor, SNIFF_BYTES, 0)


@contextmanager
def _settled(path: Path) -> Iterator[int | None]:
    """The file with nothing unchecked in it, as long as it is locked; None when there is none."""
    try:
        descriptor = _open_locked(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        _cut_unchecked(descriptor, _marker(path))
        yield descriptor
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _marker(path).unlink(missing_ok=True)
