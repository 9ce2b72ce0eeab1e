from media.units import MediaKind, Track
from packager.archive_index import AssetIndex, parse_index
from packager.archive_record import (
    AssetRecord,
    EpochRecord,
    Record,
    RetiredRecord,
    SegmentRecord,
    encode_record,
)
from packager.hls.recorded import recorded_intervals, shared_intervals

SECOND = 90_000
VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", SECOND, b"", 640, 360, (30, 1))
AUDIO = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2, sample_rate=48_000)
EPOCH = EpochRecord(0, (("360p", VIDEO), ("audio", AUDIO)))


def segment(rendition: str, sequence: int) -> SegmentRecord:
    start = (10 + 2 * sequence) * SECOND
    return SegmentRecord(rendition, sequence, 0, start, start + 2 * SECOND, 0, 9, "ab", True)


def index(*records: Record) -> AssetIndex:
    return parse_index(map(encode_record, [AssetRecord(3, from_file=True), EPOCH, *records]))


def shared(*records: Record) -> list[int]:
    made = index(*records)
    return [each.sequence for each in shared_intervals(made, made.epochs[0])]


def segments(rendition: str, *sequences: int) -> list[SegmentRecord]:
    return [segment(rendition, sequence) for sequence in sequences]


def test_what_all_renditions_have_is_shared() -> None:
    assert shared() == []
    assert shared(*segments("360p", 0, 1)) == []
    assert shared(*segments("360p", 0, 1, 2), *segments("audio", 0, 1)) == [0, 1]


def test_a_segment_that_was_passed_over_does_not_come_any_more() -> None:
    assert shared(*segments("360p", 0, 1, 2), *segments("audio", 0, 2)) == [0, 1, 2]


def test_a_rendition_that_is_made_no_more_is_not_waited_for() -> None:
    retired = RetiredRecord("audio", "made no more")
    assert shared(*segments("360p", 0, 1), retired) == [0, 1]


def test_renditions_of_a_pass_that_goes_on_add_no_time() -> None:
    made = index(*segments("360p", 0), *segments("audio", 0), *segments("720p", 0, 1, 2))
    assert [each.sequence for each in recorded_intervals(made)] == [0]
