import errno
import hashlib
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from packager.archive_disk import (
    INDEX_NAME,
    ArchivedFile,
    ArchiveJob,
    AssetRemoved,
    IndexReader,
    read_file,
    read_index,
    remove_asset,
    remove_leftovers,
    segment_file,
    sweep_asset,
    write_all,
    write_jobs,
)
from packager.archive_record import AssetRecord, EndRecord, SegmentRecord


def segment_job(sequence: int, body: bytes = b"body") -> ArchiveJob:
    start = 900_000 + sequence * 180_000
    record = SegmentRecord("720p", sequence, 0, start, start + 180_000, 0, len(body), "", True)
    return ArchiveJob("ast_1", (ArchivedFile("720p", f"{sequence}.m4s", body),), record)


@contextmanager
def files_at_most(size: int) -> Iterator[None]:
    """Writes beyond `size` fail as on a full disk; the signal is ignored by Python."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_bytes_are_there_before_the_line_that_says_so(tmp_path: Path) -> None:
    assert write_jobs(tmp_path, [segment_job(0), segment_job(1, b"other")]) == []
    index = read_index(tmp_path, "ast_1")
    assert index is not None
    for sequence, body in enumerate((b"body", b"other")):
        record = index.segments["720p"][sequence]
        assert record.sha256 == hashlib.sha256(body).hexdigest()
        path = tmp_path / "ast_1" / "720p" / f"{sequence}.m4s"
        assert read_file(path, record.sha256) == body


def test_nothing_is_known_of_an_asset_that_was_never_written(tmp_path: Path) -> None:
    assert read_index(tmp_path, "ast_1") is None
    assert read_file(tmp_path / "ast_1" / "720p" / "0.m4s", None) is None


def test_bytes_that_are_not_what_was_written_are_not_given_out(tmp_path: Path) -> None:
    write_jobs(tmp_path, [segment_job(0)])
    path = tmp_path / "ast_1" / "720p" / "0.m4s"
    path.write_bytes(b"bady")
    assert read_file(path, hashlib.sha256(b"body").hexdigest()) is None
    assert read_file(path, None) == b"bady"


def test_a_full_disk_costs_the_segment_and_leaves_no_half_file(tmp_path: Path) -> None:
    write_jobs(tmp_path, [segment_job(0)])
    with files_at_most(4096):
        failed = write_jobs(tmp_path, [segment_job(1, bytes(8192)), segment_job(2)])
    assert [each.job.record for each in failed] == [segment_job(1, bytes(8192)).record]
    index = read_index(tmp_path, "ast_1")
    assert index is not None
    assert sorted(index.segments["720p"]) == [0, 2]
    names = sorted(path.name for path in (tmp_path / "ast_1" / "720p").iterdir())
    assert names == ["0.m4s", "2.m4s"]


def test_recordings_leave_room_on_the_disk_for_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packager.archive_disk.DISK_FREE_BYTES_MIN", 1 << 62)
    failed = write_jobs(tmp_path, [segment_job(0), ArchiveJob("ast_1", (), EndRecord())])
    assert [each.error.errno for each in failed] == [errno.ENOSPC]
    index = read_index(tmp_path, "ast_1")
    assert index is not None
    assert index.ended


def test_a_line_that_does_not_fit_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    write_jobs(tmp_path, [ArchiveJob("ast_1", (), AssetRecord(3))])
    path = tmp_path / "ast_1" / INDEX_NAME
    with files_at_most(path.stat().st_size + 10):
        failed = write_jobs(tmp_path, [ArchiveJob("ast_1", (), EndRecord())])
    assert len(failed) == 1
    assert write_jobs(tmp_path, [segment_job(0)]) == []
    index = read_index(tmp_path, "ast_1")
    assert index is not None
    assert (index.damaged_lines, index.ended, len(index.segments["720p"])) == (0, False, 1)


def test_a_line_that_a_crash_has_torn_spoils_no_other(tmp_path: Path) -> None:
    write_jobs(tmp_path, [ArchiveJob("ast_1", (), AssetRecord(3))])
    path = tmp_path / "ast_1" / INDEX_NAME
    path.write_bytes(path.read_bytes() + b'{"kind":"segm')
    write_jobs(tmp_path, [segment_job(0)])
    index = read_index(tmp_path, "ast_1")
    assert index is not None
    assert (index.damaged_lines, len(index.segments["720p"])) == (1, 1)


def test_an_index_is_read_on_from_where_it_was_left(tmp_path: Path) -> None:
    reader = IndexReader(tmp_path, "ast_1")
    with pytest.raises(FileNotFoundError):
        reader.read()
    write_jobs(tmp_path, [segment_job(0)])
    assert reader.read()
    assert not reader.read()
    path = tmp_path / "ast_1" / INDEX_NAME
    lines = path.read_bytes()
    path.write_bytes(lines + lines[:20])
    assert not reader.read(), "a line that is being written is waited for"
    path.write_bytes(lines)
    write_jobs(tmp_path, [segment_job(1)])
    assert reader.read()
    assert sorted(reader.index.segments["720p"]) == [0, 1]


def test_shared_files_of_other_content_do_not_replace_each_other(tmp_path: Path) -> None:
    write_all(tmp_path, [ArchiveJob("ast_1", (), AssetRecord(3, from_file=True), shared=True)])
    for body in (b"one", b"other", b"one"):
        write_all(tmp_path, [replace(segment_job(0, body), shared=True)])
    files = {path.read_bytes() for path in (tmp_path / "ast_1" / "720p").iterdir()}
    assert files == {b"one", b"other"}
    index = read_index(tmp_path, "ast_1")
    assert index is not None
    record = index.segments["720p"][0]
    path = tmp_path / "ast_1" / "720p" / segment_file(record, by_content=True)
    assert path.name == f"0-{record.sha256[:16]}.m4s"
    assert path.read_bytes() == b"one"


def test_only_its_first_line_makes_a_shared_asset(tmp_path: Path) -> None:
    with pytest.raises(AssetRemoved):
        write_all(tmp_path, [replace(segment_job(0), shared=True)])
    assert list(tmp_path.iterdir()) == []


def test_writing_stops_at_the_first_failure(tmp_path: Path) -> None:
    with files_at_most(4096), pytest.raises(OSError, match="too large"):
        write_all(tmp_path, [segment_job(0), segment_job(1, bytes(8192)), segment_job(2)])
    index = read_index(tmp_path, "ast_1")
    assert index is not None
    assert sorted(index.segments["720p"]) == [0]


def test_a_file_that_a_rival_is_writing_is_not_swept_away(tmp_path: Path) -> None:
    write_jobs(tmp_path, [segment_job(0), ArchiveJob("ast_1", (), EndRecord())])
    part = tmp_path / "ast_1" / "720p" / ".1.m4s.0badcafe.part"
    part.write_bytes(b"half")
    sweep_asset(tmp_path, "ast_1")
    assert part.exists()
    os.utime(part, (0, 0))
    sweep_asset(tmp_path, "ast_1")
    assert not part.exists()
    assert not (tmp_path / "ast_1" / "720p" / "0.m4s").exists(), "its epoch is not known"


def test_what_a_crash_left_of_a_removal_goes_later(tmp_path: Path) -> None:
    write_jobs(tmp_path, [segment_job(0)])
    (tmp_path / "ast_1").rename(tmp_path / ".removed-ast_1-0badcafe")
    write_jobs(tmp_path, [segment_job(0)])
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ast_1"]


def test_an_asset_that_cannot_be_written_does_not_stop_others(tmp_path: Path) -> None:
    (tmp_path / "ast_0").write_text("a file where a directory should be")
    blocked = ArchiveJob("ast_0", (), EndRecord())
    failed = write_jobs(tmp_path, [blocked, segment_job(0)])
    assert [each.job for each in failed] == [blocked]
    assert read_index(tmp_path, "ast_1") is not None


def test_a_removed_asset_is_gone_and_can_be_removed_again(tmp_path: Path) -> None:
    write_jobs(tmp_path, [segment_job(0)])
    remove_asset(tmp_path, "ast_1")
    assert read_index(tmp_path, "ast_1") is None
    assert list(tmp_path.iterdir()) == []
    remove_asset(tmp_path, "ast_1")
