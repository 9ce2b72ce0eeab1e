"""The archive's files: blocking calls that run in a thread, never on the event loop.

`<asset>/<rendition>/<name>` holds the bytes, `<asset>/index.jsonl` says what is complete.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from config.limits import ARCHIVE_INDEX_BYTES_MAX, DISK_FREE_BYTES_MIN
from packager.archive_index import (
    AssetIndex,
    Record,
    SegmentRecord,
    encode_record,
    parse_index,
)

INDEX_NAME = "index.jsonl"


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One file below the asset's directory."""

    rendition: str
    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ArchiveJob:
    """Files, then the line that says that they are there."""

    asset_id: str
    files: tuple[ArchivedFile, ...]
    record: Record

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


def _write_job(root: Path, job: ArchiveJob) -> None:
    directory = root / job.asset_id
    directory.mkdir(parents=True, exist_ok=True)
    record = job.record
    if isinstance(record, SegmentRecord):
        _leave_room(root, job.size)
    for file in job.files:
        _write_file(directory / file.rendition, file.name, file.body)
        if isinstance(record, SegmentRecord):
            record = replace(record, sha256=hashlib.sha256(file.body).hexdigest())
    _append_line(directory / INDEX_NAME, encode_record(record))


def _leave_room(root: Path, size: int) -> None:
    """The database is on this disk too, and money comes before recordings."""
    if shutil.disk_usage(root).free - size < DISK_FREE_BYTES_MIN:
        raise OSError(errno.ENOSPC, f"less than {DISK_FREE_BYTES_MIN >> 20} MiB are left")


def _write_file(directory: Path, name: str, body: bytes) -> None:
    """Readers see the whole file or none: it gets its name when it is complete."""
    directory.mkdir(exist_ok=True)
    temporary = directory / f".{name}.part"
    try:
        temporary.write_bytes(body)
        temporary.replace(directory / name)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _append_line(path: Path, line: bytes) -> None:
    """A line that fits only in part is taken back, lest it spoil the next one."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        before = os.fstat(descriptor).st_size
        if os.write(descriptor, line) != len(line):
            os.ftruncate(descriptor, before)
            raise OSError(f"{path.name} could not be appended to")
    finally:
        os.close(descriptor)


def remove_asset(root: Path, asset_id: str) -> None:
    """The index goes first: what is left after a crash in between is then no asset any more."""
    directory = root / asset_id
    (directory / INDEX_NAME).unlink(missing_ok=True)
    if directory.is_dir():
        shutil.rmtree(directory)


def read_index(root: Path, asset_id: str) -> AssetIndex | None:
    """What is archived of an asset; None when nothing is."""
    try:
        with (root / asset_id / INDEX_NAME).open("rb") as file:
            content = file.read(ARCHIVE_INDEX_BYTES_MAX)
    except FileNotFoundError:
        return None
    return parse_index(content.splitlines())


def read_file(path: Path, sha256: str | None) -> bytes | None:
    """A file's bytes; None when it is missing, or not what the index says it is."""
    try:
        body = path.read_bytes()
    except FileNotFoundError:
        return None
    if sha256 is not None and hashlib.sha256(body).hexdigest() != sha256:
        return None
    return body
