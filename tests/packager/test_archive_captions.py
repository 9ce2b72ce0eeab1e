from dataclasses import replace
from pathlib import Path

import pytest

from media.units import MediaKind, Track
from packager.archive_captions import (
    TooManyCaptions,
    UnknownCaptions,
    put_captions,
    read_captions_file,
    remove_captions,
)
from packager.archive_disk import (
    ArchivedFile,
    ArchiveJob,
    AssetRemoved,
    read_index,
    sweep_asset,
    write_all,
)
from packager.archive_record import AssetRecord, CaptionRecord, EndRecord, EpochRecord, Record

ASSET = "ast_1"
SOUND = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2, sample_rate=48_000)
GERMAN = CaptionRecord("de", "de", "", True, False, from_file=False, sha256="")
OF_FILE = replace(GERMAN, from_file=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """With an asset that a file was made into, captions among it."""
    file = ArchivedFile("_captions", "de.vtt", b"WEBVTT of the file")
    records: list[tuple[Record, tuple[ArchivedFile, ...]]] = [
        (AssetRecord(3, from_file=True), ()),
        (EpochRecord(0, (("audio", SOUND),)), ()),
        (OF_FILE, (file,)),
        (EndRecord(), ()),
    ]
    write_all(tmp_path, [ArchiveJob(ASSET, files, one, shared=True) for one, files in records])
    return tmp_path


def files(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ASSET / "_captions").iterdir())


def test_captions_are_put_replaced_and_removed_with_their_files(root: Path) -> None:
    assert read_captions_file(root, ASSET, "de") == b"WEBVTT of the file"
    assert not put_captions(root, ASSET, GERMAN, b"WEBVTT one")
    assert put_captions(root, ASSET, replace(GERMAN, key="en"), b"WEBVTT two")
    assert [name[:3] for name in files(root)] == ["de-", "en-"]
    assert not put_captions(root, ASSET, replace(GERMAN, label="again"), b"WEBVTT one")
    assert read_captions_file(root, ASSET, "de") == b"WEBVTT one"
    index = read_index(root, ASSET)
    assert index is not None
    assert index.captions["de"].label == "again"
    remove_captions(root, ASSET, "de")
    with pytest.raises(UnknownCaptions):
        read_captions_file(root, ASSET, "de")
    with pytest.raises(UnknownCaptions):
        remove_captions(root, ASSET, "de")
    assert [name[:3] for name in files(root)] == ["en-"]
    assert put_captions(root, ASSET, GERMAN, b"WEBVTT three")


def test_another_look_at_the_file_brings_no_captions_back(root: Path) -> None:
    remove_captions(root, ASSET, "de")
    file = ArchivedFile("_captions", "de.vtt", b"WEBVTT of the file")
    write_all(root, [ArchiveJob(ASSET, (file,), OF_FILE, shared=True)])
    with pytest.raises(UnknownCaptions):
        read_captions_file(root, ASSET, "de")
    sweep_asset(root, ASSET)
    assert files(root) == []


def test_sweeping_leaves_captions_alone(root: Path) -> None:
    put_captions(root, ASSET, replace(GERMAN, key="en"), b"WEBVTT two")
    sweep_asset(root, ASSET)
    assert len(files(root)) == 2


def test_an_asset_that_is_gone_or_has_very_many_gets_none(root: Path) -> None:
    with pytest.raises(AssetRemoved):
        put_captions(root, "ast_2", GERMAN, b"WEBVTT")
    for number in range(31):
        put_captions(root, ASSET, replace(GERMAN, key=f"k{number}"), b"WEBVTT")
    with pytest.raises(TooManyCaptions):
        put_captions(root, ASSET, replace(GERMAN, key="one-more"), b"WEBVTT")
    put_captions(root, ASSET, GERMAN, b"WEBVTT")
