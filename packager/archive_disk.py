"""The archive's files: blocking calls that run in a thread, never on the event loop.

`<asset>/<rendition>/<name>` holds the bytes, `<asset>/index.jsonl` says what is complete.
"""

import errno
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from config.disk_sync import sync_entry
from config.limits import ARCHIVE_INDEX_BYTES_MAX, DISK_FREE_BYTES_MIN
from packager.archive_index import AssetIndex
from packager.archive_record import (
    AssetRecord,
    CaptionRecord,
    PictureRecord,
    Record,
    SegmentRecord,
    encode_record,
)
from packager.naming import (
    CAPTIONS_FOLDER,
    PICTURES_FOLDER,
    content_name,
    init_name,
    picture_name,
    segment_name,
)

INDEX_NAME = "index.jsonl"
# No asset can be called so.
_REMOVED_PREFIX = ".removed-"
UNFINISHED_PREFIX = ".unfinished-"
"""Of a directory that becomes an asset when all is in it; no asset can be called so."""
_PART_SUFFIX = ".part"
# Nobody writes for so long to one file.
_PART_SECONDS_MAX = 600


class StorageFull(OSError):
    """The disk has no room left for media."""

    def __init__(self) -> None:
        super().__init__("The server's disk is full. Delete something, or wait.")
        self.errno = errno.ENOSPC


class AssetRemoved(FileNotFoundError):
    """The asset was deleted while it was made."""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One file below the asset's directory; the folder is a rendition's name or for pictures."""

    folder: str
    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ArchiveJob:
    """Files, then the line that says that they are there.

    Attributes:
        shared: others may write to the asset at the same time, or remove it. Segments and pictures
            get names by content, and only the asset's first line makes its directory.
    """

    asset_id: str
    files: tuple[ArchivedFile, ...]
    record: Record
    shared: bool = False

    @property
    def size(self) -> int:
        return sum(len(file.body) for file in self.files)


@dataclass(frozen=True, slots=True)
class FailedJob:
    job: ArchiveJob
    error: OSError


def write_jobs(root: Path, jobs: Iterable[ArchiveJob]) -> list[FailedJob]:
    """Write in order; a job that fails leaves no line behind and does not stop the others."""
    failed = []
    for job in jobs:
        try:
            _write_job(root, job)
        except OSError as error:
            failed.append(FailedJob(job, error))
    return failed


def write_all(root: Path, jobs: Iterable[ArchiveJob]) -> None:
    """Write in order, up to the first that fails: what follows would leave a hole.

    Raises:
        StorageFull: the disk is full, or would be.
        AssetRemoved: the asset is gone.
        OSError: the disk has another trouble.
    """
    try:
        for job in jobs:
            _write_job(root, job)
    except FileNotFoundError as error:
        raise AssetRemoved(str(error)) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from error
        raise


def _write_job(root: Path, job: ArchiveJob) -> None:
    directory = root / job.asset_id
    record = job.record
    may_create = not job.shared or isinstance(record, AssetRecord)
    if may_create:
        directory.mkdir(parents=True, exist_ok=True)
    if isinstance(record, SegmentRecord | PictureRecord | CaptionRecord):
        leave_room(root, job.size)
    for file in job.files:
        name, record = _named(file, record, shared=job.shared)
        _write_file(directory / file.folder, name, file.body)
    _append_line(directory / INDEX_NAME, encode_record(record), may_create=may_create)


def _named(file: ArchivedFile, record: Record, *, shared: bool) -> tuple[str, Record]:
    """The file's name on disk, and the record with its hash where it has one."""
    sha256 = hashlib.sha256(file.body).hexdigest()
    by_content = shared or isinstance(record, CaptionRecord)
    name = content_name(file.name, sha256) if by_content else file.name
    match record:
        case SegmentRecord() | CaptionRecord():
            return name, replace(record, sha256=sha256)
        case PictureRecord() if shared:
            return name, replace(record, sha256=sha256)
        case _:
            return file.name, record


def leave_room(root: Path, size: int) -> None:
    """The database is on this disk too, and money comes before recordings.

    Raises:
        StorageFull: not enough would be left.
    """
    if shutil.disk_usage(root).free - size < DISK_FREE_BYTES_MIN:
        raise StorageFull


def _write_file(directory: Path, name: str, body: bytes) -> None:
    """Readers see the whole file or none: it gets its name when it is complete."""
    directory.mkdir(exist_ok=True)
    temporary = directory / f".{name}.{secrets.token_hex(4)}{_PART_SUFFIX}"
    try:
        temporary.write_bytes(body)
        temporary.replace(directory / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _append_line(path: Path, line: bytes, *, may_create: bool) -> None:
    """A line that fits only in part is taken back, lest it spoil the next one.

    The lock keeps two processes from taking back each other's.
    """
    flags = os.O_RDWR | os.O_APPEND | (os.O_CREAT if may_create else 0)
    descriptor = os.open(path, flags, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        before = os.fstat(descriptor).st_size
        if before and os.pread(descriptor, 1, before - 1) != b"\n":
            line = b"\n" + line  # after one that a crash has torn
        if os.write(descriptor, line) != len(line):
            os.ftruncate(descriptor, before)
            raise OSError(f"{path.name} could not be appended to")
    finally:
        os.close(descriptor)


def remove_asset(root: Path, asset_id: str) -> None:
    """Take an asset away at once, whoever may still write to it, then delete its files."""
    removed = root / f"{_REMOVED_PREFIX}{asset_id}-{secrets.token_hex(4)}"
    try:
        (root / asset_id).rename(removed)
    except FileNotFoundError:
        return
    shutil.rmtree(removed)


def remove_leftovers(root: Path) -> None:
    """Delete what a crash left of assets that were being removed, or put together."""
    for prefix in (_REMOVED_PREFIX, UNFINISHED_PREFIX):
        for removed in root.glob(f"{prefix}*"):
            # Another process may be at it; one that puts something together is told.
            shutil.rmtree(removed, ignore_errors=True)


def sync_index(root: Path, asset_id: str) -> None:
    """Return when what the index says is safe; its files are to be before."""
    sync_entry(root / asset_id / INDEX_NAME)


def sync_captions(root: Path, asset_id: str) -> None:
    """Return when an asset's captions are safe, and the lines that name them."""
    for path in (root / asset_id / CAPTIONS_FOLDER).iterdir():
        with suppress(FileNotFoundError):
            sync_entry(path)
    sync_index(root, asset_id)


def sync_asset(root: Path, asset_id: str) -> None:
    """Return when the machine may lose power without a loss to the asset."""
    for path in (root / asset_id).rglob("*"):
        # One that a rival attempt has replaced needs no care.
        with suppress(FileNotFoundError):
            sync_entry(path)
    sync_entry(root / asset_id)


def sweep_asset(root: Path, asset_id: str) -> None:
    """Delete the files of a settled asset that its index does not name: what attempts have left.

    A rival attempt that is still at it may go on: its lines say nothing any more.
    """
    index = read_index(root, asset_id)
    if index is None:
        return
    assert index.settled, "a file is written before the line that names it"
    named = set(_named_files(index))
    for path in (root / asset_id).glob("*/*"):
        if (path.parent.name, path.name) not in named and not _is_being_written(path):
            path.unlink(missing_ok=True)


def _is_being_written(path: Path) -> bool:
    """Not when it is long older than its directory's newest file."""
    if path.suffix != _PART_SUFFIX:
        return False
    with suppress(FileNotFoundError):
        return path.parent.stat().st_mtime - path.stat().st_mtime < _PART_SECONDS_MAX
    return True


def _named_files(index: AssetIndex) -> Iterable[tuple[str, str]]:
    for epoch in index.epochs:
        for rendition, _ in epoch.renditions:
            yield rendition, init_name(epoch.epoch)
            for record in index.segments.get(rendition, {}).values():
                yield rendition, segment_file(record, by_content=index.from_file)
    for picture in index.pictures.values():
        yield PICTURES_FOLDER, picture_file(picture)
    for captions in index.captions.values():
        yield CAPTIONS_FOLDER, caption_file(captions)


def segment_file(record: SegmentRecord, *, by_content: bool) -> str:
    """A segment's name on disk, in its rendition's folder."""
    name = segment_name(record.sequence)
    return content_name(name, record.sha256) if by_content else name


def picture_file(record: PictureRecord) -> str:
    """A picture's name on disk."""
    name = picture_name(record.kind, record.number)
    return content_name(name, record.sha256) if record.sha256 else name


def caption_file(record: CaptionRecord) -> str:
    """The name of captions on disk."""
    return content_name(f"{record.key}.vtt", record.sha256)


def read_index(root: Path, asset_id: str) -> AssetIndex | None:
    """What is archived of an asset; None when nothing is."""
    reader = IndexReader(root, asset_id)
    try:
        reader.read()
    except FileNotFoundError:
        return None
    return reader.index


class IndexReader:
    """Follows one asset's index: reads what was appended since it read last."""

    def __init__(self, root: Path, asset_id: str) -> None:
        self._path = root / asset_id / INDEX_NAME
        self._offset = 0
        self.index = AssetIndex()

    def read(self) -> bool:
        """Take new lines into `index`; says whether there were any.

        Raises:
            FileNotFoundError: there is no index, or no longer.
        """
        if self._path.stat().st_size == self._offset:
            return False
        with self._path.open("rb") as file:
            file.seek(self._offset)
            content = file.read(ARCHIVE_INDEX_BYTES_MAX - self._offset)
        # A line without its end is being written, or was torn.
        complete = content[: content.rfind(b"\n") + 1]
        self._offset += len(complete)
        for line in complete.splitlines():
            self.index.add(line)
        return bool(complete)


def read_file(path: Path, sha256: str | None) -> bytes | None:
    """A file's bytes; None when it is missing, or not what the index says it is."""
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return None
    if sha256 is not None and hashlib.sha256(body).hexdigest() != sha256:
        return None
    return body
