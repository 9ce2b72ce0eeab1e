"""What was signed, on the disk: a line of JSON for each, which is there before its signature.

It lies beside the key and not in the database, which whoever gets hold of the server may write to.
"""

import json
import os
from pathlib import Path
from typing import Any

from config.disk_sync import sync_entry
from config.limits import SIGNER_LINE_BYTES_MAX, SIGNER_LINES_FORGOTTEN_MAX
from metering.settlement.transaction import Slot
from metering.signer.register import Entry, MemoryRegister, Spent


class DamagedRegister(Exception):
    """A line of the register cannot be read: without it nobody knows what was signed already."""


class FileRegister:
    """Implements `Register`. Used by one process at a time, which holds the folder's lock.

    Its calls block for some milliseconds (fsync). They run on the signer's own loop on purpose:
    nothing may be signed between counting and keeping it.

    Args:
        path: the file; made when it does not exist.
        forgotten_max: it is written anew when it has so many lines that are not needed any more.

    Raises:
        DamagedRegister: a whole line makes no sense. One that was cut off is left out: nothing was
            signed before it was there.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path, forgotten_max: int = SIGNER_LINES_FORGOTTEN_MAX) -> None:
        self._path = path
        self._forgotten_max = forgotten_max
        self._memory = MemoryRegister(map(_read, _whole_lines(path)))
        self._file = self._written_anew()

    def of(self, settlement: str) -> Entry | None:
        return self._memory.of(settlement)

    def by_hash(self, hash_: str) -> Entry | None:
        return self._memory.by_hash(hash_)

    def spent(self, now_ms: int) -> Spent:
        return self._memory.spent(now_ms)

    def add(self, entry: Entry) -> None:
        """Raises OSError when it is not kept; then nothing has changed."""
        self._append(_line(entry))
        self._memory.add(entry)
        if self._lines > len(self._memory) + self._forgotten_max:
            os.close(self._file)
            self._file = self._written_anew()

    def close(self) -> None:
        os.close(self._file)

    def _append(self, line: bytes) -> None:
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(f"{self._path}: the disk is full")
            os.fsync(self._file)
        except OSError:
            # A piece of a line would spoil the next one.
            os.ftruncate(self._file, size)
            raise
        self._lines += 1

    def _written_anew(self) -> int:
        """Leave out what is not needed any more; the file is the old one or the new one."""
        entries = self._memory.entries()
        self._lines = len(entries)
        fresh = self._path.with_name(f"{self._path.name}.unfinished")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(map(_line, entries))
            file.flush()
            os.fsync(descriptor)
        fresh.replace(self._path)
        sync_entry(self._path.parent)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)


def _whole_lines(path: Path) -> list[bytes]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    *lines, _ = content.split(b"\n")
    return lines


def _line(entry: Entry) -> bytes:
    said = {
        "settlement": entry.settlement,
        "at": entry.at_ms,
        "asset": entry.asset,
        "outflow": entry.outflow,
        "source": entry.slot.source,
        "sequence": entry.slot.sequence,
        "maxTime": entry.slot.max_time,
        "ledger": entry.ledger,
        "hash": entry.hash,
        "fee": entry.fee,
    }
    line = json.dumps(said, separators=(",", ":")).encode() + b"\n"
    assert len(line) <= SIGNER_LINE_BYTES_MAX, "ids and addresses are short"
    return line


def _read(line: bytes) -> Entry:
    try:
        said: dict[str, Any] = json.loads(line)
        return Entry(
            settlement=str(said["settlement"]),
            at_ms=int(said["at"]),
            asset=str(said["asset"]),
            outflow=int(said["outflow"]),
            slot=Slot(str(said["source"]), int(said["sequence"]), int(said["maxTime"])),
            ledger=int(said["ledger"]),
            hash=str(said["hash"]),
            fee=int(said["fee"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedRegister(f"{line[:80]!r}") from error
