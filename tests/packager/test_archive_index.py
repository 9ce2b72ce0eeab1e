from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from media.pictures import PictureKind
from media.units import MediaKind, Track
from packager.archive_index import AssetIndex, parse_index
from packager.archive_record import (
    AssetRecord,
    CaptionRecord,
    EndRecord,
    EpochRecord,
    PictureRecord,
    Record,
    RetiredRecord,
    SegmentRecord,
    encode_record,
)

VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", 90_000, b"", 1280, 720, (30_000, 1001))
AUDIO = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2, sample_rate=48_000)
SEGMENT = SegmentRecord("720p", 0, 0, 900_000, 1_080_000, 1_700_000_000_000, 5, "ab", True)
HISTORY: list[Record] = [
    AssetRecord(3),
    EpochRecord(0, (("720p", VIDEO), ("audio", AUDIO))),
    SEGMENT,
    replace(SEGMENT, rendition="audio"),
    RetiredRecord("720p", "too slow"),
    PictureRecord(PictureKind.POSTER, 0, 1, 0, 0, (900_000,), ""),
    PictureRecord(PictureKind.SHEET, 3, 5, 160, 90, (900_000, 1_080_000), "ab"),
    EndRecord(),
]
FILE = AssetRecord(3, from_file=True)


def index_of(*records: Record) -> AssetIndex:
    return parse_index(map(encode_record, records))


def test_an_index_says_what_is_there() -> None:
    index = parse_index(map(encode_record, HISTORY))
    assert index.target_duration == 3
    assert index.epochs == [HISTORY[1]]
    assert index.segments["720p"] == {0: SEGMENT}
    assert set(index.segments) == {"720p", "audio"}
    assert index.retired == {(0, "720p")}
    assert set(index.pictures) == {"poster.jpg", "storyboard-3.jpg"}
    assert (index.ended, index.settled, index.growing) == (True, True, False)
    assert index.damaged_lines == 0


@given(st.integers(0, sum(len(encode_record(record)) for record in HISTORY)))
def test_a_torn_index_loses_the_torn_line_only(size: int) -> None:
    whole = b"".join(map(encode_record, HISTORY))
    index = parse_index(whole[:size].splitlines())
    assert index.damaged_lines <= 1
    complete = whole[:size].count(b"\n")
    expected = parse_index(map(encode_record, HISTORY[:complete]))
    # A line that only lost its line feed is whole.
    rest = parse_index(map(encode_record, HISTORY[: complete + 1]))
    assert index.segments in (expected.segments, rest.segments)


def test_lines_that_are_not_ours_are_counted_and_left_out() -> None:
    lines = [b"", b"{}", encode_record(FILE), b"\xff"]
    assert parse_index(lines).damaged_lines == 3


def test_a_rendition_retired_before_any_epoch_is_ignored() -> None:
    assert parse_index([encode_record(RetiredRecord("720p", ""))]).retired == set()


def test_indexes_of_before_there_were_files_and_pictures_are_read() -> None:
    """Byte for byte what the first version wrote."""
    lines = (
        b'{"kind":"asset","format":1,"targetDuration":3}\n',
        b'{"kind":"epoch","epoch":0,"renditions":[{"name":"720p","media":"video",'
        b'"codec":"avc1.64001f","timescale":90000,"width":1280,"height":720,'
        b'"frameRate":[30000,1001],"channels":0,"sampleRate":0}]}\n',
        b'{"kind":"segment","rendition":"720p","sequence":0,"epoch":0,"start":900000,'
        b'"end":1080000,"wallMs":1700000000000,"bytes":5,"sha256":"ab","independent":true}\n',
        b'{"kind":"end"}\n',
    )
    epoch = EpochRecord(0, (("720p", VIDEO),))
    records: list[Record] = [AssetRecord(3), epoch, SEGMENT, EndRecord()]
    assert parse_index(lines) == index_of(*records)
    assert list(lines) == list(map(encode_record, records))


def test_a_later_pass_adds_renditions_when_it_ends() -> None:
    first: tuple[Record, ...] = (
        FILE,
        EpochRecord(0, (("720p", VIDEO),)),
        SEGMENT,
        EndRecord(passes_follow=True),
    )
    index = index_of(*first, replace(SEGMENT, rendition="audio"))
    assert (index.growing, index.settled) == (False, False)
    index = index_of(*first, EpochRecord(0, (("audio", AUDIO),)), EndRecord())
    assert index.epochs == [EpochRecord(0, (("720p", VIDEO), ("audio", AUDIO)))]
    assert (index.growing, index.settled) == (False, True)


def test_after_the_last_pass_nothing_counts() -> None:
    """An attempt that lost its job may still write; its files may be swept away."""
    index = index_of(FILE, SEGMENT, EndRecord(), replace(SEGMENT, sha256="cd"), EndRecord(True))
    assert index.segments["720p"][0].sha256 == "ab"
    assert index.settled
    assert index.refused_lines == 2


def test_of_two_lines_for_a_segment_the_later_one_counts_unless_it_has_other_times() -> None:
    later = replace(SEGMENT, sha256="cd")
    index = index_of(FILE, SEGMENT, later, replace(later, end=1_080_001, sha256="ef"))
    assert index.segments["720p"][0] == later
    assert index.refused_lines == 1


def test_the_first_line_of_its_kind_says_what_an_asset_is() -> None:
    index = index_of(FILE, AssetRecord(9))
    assert (index.target_duration, index.from_file) == (3, True)


def test_a_rendition_that_is_made_again_is_retired_no_more() -> None:
    epoch = EpochRecord(0, (("720p", VIDEO),))
    assert index_of(FILE, epoch, RetiredRecord("720p", ""), epoch).retired == set()


GERMAN = CaptionRecord("de", "de", "", False, False, from_file=True, sha256="ab")


def test_the_last_captions_count_also_of_an_asset_that_is_settled() -> None:
    put = replace(GERMAN, from_file=False, sha256="cd")
    index = index_of(FILE, GERMAN, EndRecord(), put, replace(GERMAN, key="en"))
    assert index.captions == {"de": put, "en": replace(GERMAN, key="en")}
    assert index.refused_lines == 0


def test_what_somebody_put_or_removed_is_not_undone_by_another_look_at_the_file() -> None:
    removed = replace(GERMAN, from_file=False, sha256="")
    assert index_of(FILE, GERMAN, removed, GERMAN).captions["de"] == removed
    put = replace(removed, sha256="ef")
    assert index_of(FILE, put, GERMAN, replace(removed), put).captions["de"] == put


def test_an_asset_has_so_many_captions_and_no_more() -> None:
    index = index_of(FILE, *(replace(GERMAN, key=f"k{n}") for n in range(40)))
    assert (len(index.captions), index.refused_lines) == (32, 8)
