"""Files of closed parts: a line of JSON for each row, of a transfer its text (see `journal`)."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from config.disk_sync import sync_entry
from config.limits import ARCHIVE_LINE_BYTES_MAX
from metering.ledger.journal import Content


def archive_path(directory: Path, part: int) -> Path:
    """Where the transfers of a part are."""
    return rows_path(directory, f"ledger_transfer_{part}")


def rows_path(directory: Path, table: str) -> Path:
    """Where the rows of a table are that was a part."""
    return directory / f"{table}.ndjson"


def file_hash(path: Path) -> bytes:
    """The SHA-256 of a file; blocks on the disk.

    Raises:
        OSError: there is no such file.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


class ArchiveWriter:
    """Writes one file, which gets its name when it is complete. Each call blocks on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._unfinished = path.with_suffix(".unfinished")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = self._unfinished.open("wb")
        self._hash = hashlib.sha256()

    def add(self, lines: Iterable[str]) -> None:
        written = b"".join(f"{line}\n".encode() for line in lines)
        self._file.write(written)
        self._hash.update(written)

    def finish(self) -> bytes:
        """See to it that the file survives a crash; its SHA-256."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._unfinished.rename(self._path)
        sync_entry(self._path.parent)
        return self._hash.digest()

    def abandon(self) -> None:
        """Close what was not finished; nothing when it was."""
        self._file.close()
        self._unfinished.unlink(missing_ok=True)


class ArchiveReader:
    """Reads one file from its beginning. Each call blocks on the disk.

    Raises:
        OSError: there is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._hash = hashlib.sha256()
        self._next: bytes | None = None

    def close(self) -> None:
        self._file.close()

    def content_through(self, last: int) -> Content:
        """What is made of the next transfers, with positions up to `last`.

        Raises:
            ValueError: a line is no transfer.
        """
        content = Content()
        while (line := self._line()) is not None and (position := _position(line)) <= last:
            content.add(position, hashlib.sha256(line.rstrip(b"\n")).digest())
            self._next = None
        return content

    def hash(self) -> bytes:
        """The SHA-256 of the file, what was not read yet included."""
        while self._line() is not None:
            self._next = None
        return self._hash.digest()

    def _line(self) -> bytes | None:
        if self._next is None:
            self._next = self._file.readline(ARCHIVE_LINE_BYTES_MAX) or None
            self._hash.update(self._next or b"")
        return self._next


def _position(line: bytes) -> int:
    fields = json.loads(line)
    if not isinstance(fields, list) or not fields or type(fields[0]) is not int:
        raise ValueError("a line is no transfer")
    return fields[0]
