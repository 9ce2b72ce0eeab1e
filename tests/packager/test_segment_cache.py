import asyncio
from pathlib import Path

import pytest

from packager.archive import Archive
from packager.package import UnknownSegment
from packager.segment_cache import SegmentCache
from tests.packager.test_archive import begin, write_segment


@pytest.fixture
async def path(archive: Archive, tmp_path: Path) -> Path:
    """Where segment 0 of 720p is on disk."""
    await archive.start()
    begin(archive)
    for sequence in range(3):
        write_segment(archive, sequence, f"body {sequence}".encode())
    await archive.stop()
    return tmp_path / "archive" / "ast_1" / "720p" / "0.m4s"


async def test_a_segment_is_read_once_for_all_who_ask(archive: Archive, path: Path) -> None:
    cache = SegmentCache(archive)
    bodies = await asyncio.gather(*(cache.read("ast_1", "720p", "0.m4s", None) for _ in range(50)))
    assert set(bodies) == {b"body 0"}
    assert all(body is bodies[0] for body in bodies)
    path.unlink()
    assert await cache.read("ast_1", "720p", "0.m4s", None) == b"body 0"


async def test_what_does_not_fit_is_read_again(archive: Archive, path: Path) -> None:
    cache = SegmentCache(archive, bytes_max=10)
    for sequence in (0, 1):
        await cache.read("ast_1", "720p", f"{sequence}.m4s", None)
    path.unlink()
    with pytest.raises(UnknownSegment):
        await cache.read("ast_1", "720p", "0.m4s", None)


async def test_what_is_lost_or_damaged_is_unknown(archive: Archive, path: Path) -> None:
    cache = SegmentCache(archive)
    with pytest.raises(UnknownSegment):
        await cache.read("ast_1", "720p", "7.m4s", None)
    with pytest.raises(UnknownSegment):
        await cache.read("ast_1", "720p", "0.m4s", "0" * 64)
    assert await cache.read("ast_1", "720p", "0.m4s", None) == b"body 0"


async def test_a_path_that_cannot_be_read_is_unknown(archive: Archive, path: Path) -> None:
    path.unlink()
    path.mkdir()
    with pytest.raises(UnknownSegment):
        await SegmentCache(archive).read("ast_1", "720p", "0.m4s", None)


async def test_one_who_gives_up_does_not_spoil_it_for_others(archive: Archive, path: Path) -> None:
    cache = SegmentCache(archive)
    gone = asyncio.ensure_future(cache.read("ast_1", "720p", "0.m4s", None))
    stays = asyncio.ensure_future(cache.read("ast_1", "720p", "0.m4s", None))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == b"body 0"
    with pytest.raises(asyncio.CancelledError):
        await gone
