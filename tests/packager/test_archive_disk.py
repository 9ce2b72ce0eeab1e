import errno
import hashlib
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from packager.archive_disk import (
    INDEX_NAME,
    ArchivedFile,
    ArchiveJob,
    read_file,
    read_index,
    remove_asset,
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
