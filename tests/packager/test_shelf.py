"""Packages of assets that are still being made, as many readers see them."""

import asyncio
from pathlib import Path

import pytest

from config.clock import ManualClock
from media.units import MediaKind, Track
from packager.archive import Archive
from packager.archive_disk import ArchivedFile, ArchiveJob, IndexReader, write_all
from packager.archive_record import AssetRecord, EndRecord, EpochRecord, Record, SegmentRecord
from packager.package import NotReady, UnknownSegment
from packager.segment_cache import SegmentCache
from packager.shelf import Shelf
from tests.packager import fetching

SECOND = 90_000
VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", SECOND, b"", 640, 360, (30, 1))


class CountingReader(IndexReader):
    """Knows how often the disk was looked at."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "ast_1")
        self.reads = 0

    def read(self) -> bool:
        self.reads += 1
        return super().read()


class CountingArchive(Archive):
    def __init__(self, root: Path, clock: ManualClock) -> None:
        super().__init__(root, clock)
        self.reader = CountingReader(root)

    def follow(self, asset_id: str) -> IndexReader:
        return self.reader


class Stage:
    """An asset on disk, and a shelf that counts its looks at it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = ManualClock()
        self.archive = CountingArchive(root, self.clock)
        self.shelf = Shelf(self.archive, SegmentCache(self.archive), self.clock)

    @property
    def reads(self) -> int:
        return self.archive.reader.reads

    def write(self, record: Record, *files: ArchivedFile) -> None:
        write_all(self.root, [ArchiveJob("ast_1", files, record, shared=True)])

    def write_segment(self, sequence: int, body: bytes = b"body") -> None:
        start = (10 + 2 * sequence) * SECOND
        end = start + 2 * SECOND
        record = SegmentRecord("360p", sequence, 0, start, end, 0, len(body), "", True)
        self.write(record, ArchivedFile("360p", f"{sequence}.m4s", body))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.write(AssetRecord(3, from_file=True))
    init = ArchivedFile("360p", "init-0.mp4", b"init")
    stage.write(EpochRecord(0, (("360p", VIDEO),)), init)
    return stage


async def test_an_index_is_read_once_for_all_who_ask(stage: Stage) -> None:
    """Also before there is anything to play; and nobody reads it again within a second."""
    asked = [stage.shelf.get("ast_1") for _ in range(20)]
    assert await asyncio.gather(*asked) == [None] * 20
    stage.write_segment(0)
    assert await stage.shelf.get("ast_1") is None
    assert stage.reads == 1
    stage.clock.advance(1000)
    packages = await asyncio.gather(*(stage.shelf.get("ast_1") for _ in range(20)))
    assert len(set(packages)) == 1
    assert packages[0] is not None
    assert packages[0].duration == 2 * SECOND
    assert stage.reads == 2


async def test_a_package_is_renewed_only_when_something_was_added(stage: Stage) -> None:
    stage.write_segment(0)
    package = await stage.shelf.get("ast_1")
    stage.clock.advance(1000)
    assert await stage.shelf.get("ast_1") is package
    stage.write_segment(1)
    stage.clock.advance(1000)
    longer = await stage.shelf.get("ast_1")
    assert package is not None
    assert longer is not None
    assert (package.duration, longer.duration) == (2 * SECOND, 4 * SECOND)


async def test_an_asset_that_has_settled_is_not_looked_at_again(stage: Stage) -> None:
    stage.write_segment(0)
    stage.write(EndRecord(passes_follow=True))
    package = await stage.shelf.get("ast_1")
    assert package is not None
    assert not package.growing
    stage.write(EndRecord())
    for _ in range(3):
        stage.clock.advance(1000)
        await stage.shelf.get("ast_1")
    assert stage.reads == 2


async def test_an_asset_that_is_removed_is_gone(stage: Stage) -> None:
    stage.write_segment(0)
    assert await stage.shelf.get("ast_1") is not None
    await stage.archive.remove("ast_1")
    stage.clock.advance(1000)
    assert await stage.shelf.get("ast_1") is None


async def test_what_was_forgotten_while_it_was_read_does_not_come_back(stage: Stage) -> None:
    stage.write_segment(0)
    stage.write(EndRecord())
    reading = asyncio.ensure_future(stage.shelf.get("ast_1"))
    await asyncio.sleep(0)
    stage.shelf.forget("ast_1")
    assert await reading is not None
    await stage.archive.remove("ast_1")
    assert await stage.shelf.get("ast_1") is None


async def test_a_segment_that_another_attempt_replaces_is_asked_for_again(stage: Stage) -> None:
    """Its first file may be swept away before the package is renewed."""
    stage.write_segment(0)
    package = await stage.shelf.get("ast_1")
    assert package is not None
    stage.write_segment(0, b"again")
    stage.write(EndRecord())
    for path in stage.root.glob("ast_1/360p/0-*.m4s"):
        if path.read_bytes() == b"body":
            path.unlink()
    with pytest.raises(NotReady):
        await fetching.segment(package, "360p", 0)
    stage.clock.advance(1000)
    package = await stage.shelf.get("ast_1")
    assert package is not None
    assert (await fetching.segment(package, "360p", 0)).body == b"again"
    with pytest.raises(UnknownSegment):
        await fetching.segment(package, "360p", 1)
