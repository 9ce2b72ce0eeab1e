"""The length of a file is what has come, whatever cut it off."""

import base64
import hashlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from config.ids import new_id
from ingest.upload.checksum import Checksum, parse_checksum
from ingest.upload.disk import UploadDisk, UploadFile
from ingest.upload.upload import ChecksumMismatch, OffsetMismatch, StorageFull, UploadBusy

ID = new_id("upl", 0, 0)
PLENTY = 1 << 50


class Space:
    """What is left on the disk, as the test says."""

    def __init__(self) -> None:
        self.free = PLENTY

    def __call__(self) -> int:
        return self.free


@pytest.fixture
def space() -> Space:
    return Space()


@pytest.fixture
async def disk(tmp_path: Path, space: Space) -> AsyncIterator[UploadDisk]:
    disk = UploadDisk(tmp_path / "uploads", space)
    await disk.start()
    yield disk
    disk.stop()


def sha1(data: bytes) -> Checksum:
    return parse_checksum(f"sha1 {base64.b64encode(hashlib.sha1(data).digest()).decode()}")


async def opened(disk: UploadDisk, offset: int, checksum: Checksum | None = None) -> UploadFile:
    file = disk.file(ID, checksum)
    await disk.run(partial(file.open, offset))
    return file


async def test_pieces_add_up(disk: UploadDisk) -> None:
    assert await disk.length(ID) == 0
    for offset, data in ((0, b"abc"), (3, b"def")):
        file = await opened(disk, offset)
        file.append(data)
        file.keep()
        file.close()

    assert await disk.length(ID) == 6
    assert await disk.finished(ID) == (6, b"abcdef")


async def test_a_piece_begins_where_the_last_one_ended(disk: UploadDisk) -> None:
    file = disk.file(ID)
    with pytest.raises(OffsetMismatch) as caught:
        await disk.run(partial(file.open, 5))
    file.close()

    assert caught.value.offset == 0


async def test_bytes_without_their_checksum_do_not_count(disk: UploadDisk) -> None:
    first = await opened(disk, 0)
    first.append(b"sure")
    first.close()

    wrong = await opened(disk, 4, sha1(b"right"))
    wrong.append(b"wrong")
    with pytest.raises(ChecksumMismatch):
        wrong.keep()
    wrong.close()
    assert await disk.length(ID) == 4

    cut_off = await opened(disk, 4, sha1(b"right"))
    cut_off.append(b"rig")
    cut_off.close()
    assert cut_off.length == disk.path(ID).stat().st_size == 4
    assert await disk.length(ID) == 4

    right = await opened(disk, 4, sha1(b"right"))
    right.append(b"right")
    right.keep()
    right.close()
    assert await disk.length(ID) == 9


async def test_unchecked_bytes_of_a_dead_process_are_cut_off(disk: UploadDisk) -> None:
    """What `kill -9` leaves: the bytes, and the file that says where they begin."""
    disk.path(ID).write_bytes(b"surewrong")
    disk.path(ID).with_name(f"{ID}.unchecked").write_text("4")

    assert await disk.length(ID) == 4
    file = await opened(disk, 4)
    file.close()


async def test_another_process_keeps_its_upload(disk: UploadDisk) -> None:
    theirs = await opened(disk, 0)  # a lock is of an open file, whoever opened it

    ours = disk.file(ID)
    with pytest.raises(UploadBusy):
        await disk.run(partial(ours.open, 0))
    ours.close()
    with pytest.raises(UploadBusy):
        await disk.length(ID)

    theirs.close()
    assert await disk.length(ID) == 0


async def test_the_last_gigabyte_is_not_for_uploads(disk: UploadDisk, space: Space) -> None:
    file = await opened(disk, 0)
    file.append(b"abc")
    space.free = (1 << 30) + 2

    with pytest.raises(StorageFull):
        file.append(b"def")
    file.close()

    assert await disk.length(ID) == 3
    assert await disk.room([ID]) == ({ID: 3}, 2)


async def test_what_is_removed_leaves_nothing(disk: UploadDisk) -> None:
    file = await opened(disk, 0, sha1(b""))
    file.append(b"abc")

    await disk.remove(ID)
    file.close()
    await disk.remove(ID)

    assert list(disk.path(ID).parent.iterdir()) == []
