import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import m3u8
import pytest

from config.clock import ManualClock
from media.units import VIDEO_TIMESCALE, MediaKind, Track
from packager.archive import Archive, AssetAlreadyArchived
from packager.interval import Interval
from packager.library import HlsSettings, Library
from tests.packager import fetching
from tests.packager.clip import decode
from tests.packager.fetching import media_playlist

VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", 90_000, b"", 1280, 720, (30, 1))
START = 10 * VIDEO_TIMESCALE


def interval(sequence: int) -> Interval:
    start = START + sequence * 180_000
    return Interval(sequence, 0, start, start + 180_000, 0, False, 0)


def write_segment(archive: Archive, sequence: int, body: bytes = b"body") -> None:
    archive.write_segment("ast_1", "720p", interval(sequence), body, independent=True)


def begin(archive: Archive) -> None:
    archive.create("ast_1", 3)
    archive.write_epoch("ast_1", 0, {"720p": VIDEO}, [b"init"])


async def test_what_was_flushed_can_be_read(archive: Archive) -> None:
    await archive.start()
    begin(archive)
    write_segment(archive, 0)
    archive.write_retired("ast_1", "720p", "why")
    archive.write_end("ast_1")
    await archive.flush()
    index = await archive.read_index("ast_1")
    assert index is not None
    assert index.ended
    assert index.retired == {(0, "720p")}
    record = index.segments["720p"][0]
    assert await archive.read_file("ast_1", "720p", "0.m4s", record.sha256) == b"body"
    assert await archive.read_file("ast_1", "720p", "0.m4s", "other") is None
    assert await archive.read_file("ast_1", "720p", "1.m4s", None) is None
    assert await archive.read_init("ast_1", "720p", 0) == b"init"
    await archive.stop()


async def test_stopping_writes_what_is_queued(archive: Archive) -> None:
    await archive.start()
    begin(archive)
    for sequence in range(300):
        write_segment(archive, sequence)
    await archive.stop()
    index = await archive.read_index("ast_1")
    assert index is not None
    assert len(index.segments["720p"]) == 300


async def test_ids_that_are_no_names_are_not_looked_for(archive: Archive) -> None:
    assert await archive.read_index("../ast_1") is None
    assert await archive.read_index("") is None


async def test_an_asset_is_written_once(archive: Archive) -> None:
    await archive.start()
    begin(archive)
    await archive.flush()
    with pytest.raises(AssetAlreadyArchived):
        archive.create("ast_1", 3)
    await archive.stop()


async def test_a_disk_that_is_behind_costs_segments_and_not_memory(
    tmp_path: Path, clock: ManualClock
) -> None:
    """Nothing is written before `start`, as if the disk stood still."""
    archive = Archive(tmp_path, clock, queue_bytes_max=1000)
    begin(archive)
    for sequence in range(5):
        write_segment(archive, sequence, bytes(400))
    assert archive.dropped == 2
    archive.write_end("ast_1")
    await archive.start()
    await archive.flush()
    index = await archive.read_index("ast_1")
    assert index is not None
    assert sorted(index.segments["720p"]) == [0, 1, 2]
    assert index.ended
    write_segment(archive, 9)
    assert archive.dropped == 2
    await archive.stop()


async def test_nothing_is_written_after_a_line_that_the_rest_depends_on_was_lost(
    archive: Archive, tmp_path: Path, clock: ManualClock
) -> None:
    await archive.start()
    blocked = tmp_path / "archive" / "ast_1"
    blocked.write_text("a file where the asset's directory should be")
    archive.create("ast_1", 3)
    await archive.flush()
    blocked.unlink()
    archive.write_epoch("ast_1", 0, {"720p": VIDEO}, [b"init"])
    write_segment(archive, 0)
    clock.advance(1000)
    await archive.flush()
    assert await archive.read_index("ast_1") is None
    assert archive.dropped == 1
    archive.write_end("ast_1")
    await archive.stop()


@pytest.mark.parametrize("torn_bytes", [0, 1, 40])
async def test_a_killed_process_leaves_an_asset_that_plays(
    tmp_path: Path, clock: ManualClock, torn_bytes: int
) -> None:
    """Kill it while it writes; then tear the last line as a crash of the machine would."""
    root = tmp_path / "killed"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.packager.archived_in_another_process", str(root)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while b"archiving" not in await process.stdout.readline():
            pass
    process.kill()
    await process.wait()
    index_path = root / "ast_1" / "index.jsonl"
    if torn_bytes:
        index_path.write_bytes(index_path.read_bytes()[:-torn_bytes])
    library = Library(Archive(root, clock), clock, HlsSettings(2000))
    package = await library.get("ast_1")
    assert package is not None
    for rendition in ("360p", "audio"):
        playlist = m3u8.loads(media_playlist(package, rendition))
        assert playlist.is_endlist
        segments = [each for each in playlist.segments if not each.gap_tag]
        assert len(segments) >= 8
        file = await fetching.init(package, rendition, "init-0.mp4")
        bodies = [
            (await fetching.segment(package, rendition, int(each.uri.removesuffix(".m4s")))).body
            for each in segments
        ]
        found = decode(file + b"".join(bodies))
        times = [dts for dts, _ in found.times]
        assert times == sorted(set(times))
        if rendition == "360p":
            assert len(found.times) == 50 * len(segments)


async def test_damage_on_disk_is_seen_when_a_segment_is_read(
    archive: Archive, tmp_path: Path
) -> None:
    await archive.start()
    begin(archive)
    write_segment(archive, 0)
    await archive.flush()
    index = await archive.read_index("ast_1")
    assert index is not None
    (tmp_path / "archive" / "ast_1" / "720p" / "0.m4s").write_bytes(b"bod\0")
    sha256 = index.segments["720p"][0].sha256
    assert await archive.read_file("ast_1", "720p", "0.m4s", sha256) is None
    await archive.stop()


def test_an_interval_knows_its_duration() -> None:
    assert replace(interval(0), end=START + 5).duration == 5
