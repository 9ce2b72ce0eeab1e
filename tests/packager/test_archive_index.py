from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import MediaKind, Track
from packager.archive_index import parse_index
from packager.archive_record import (
    AssetRecord,
    EndRecord,
    EpochRecord,
    Record,
    RetiredRecord,
    SegmentRecord,
    decode_record,
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
    EndRecord(),
]


@pytest.mark.parametrize("record", HISTORY)
def test_a_record_survives_its_line(record: Record) -> None:
    line = encode_record(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_record(line) == record


def test_an_index_says_what_is_there() -> None:
    index = parse_index(map(encode_record, HISTORY))
    assert index.target_duration == 3
    assert index.epochs == [HISTORY[1]]
    assert index.segments["720p"] == {0: SEGMENT}
    assert set(index.segments) == {"720p", "audio"}
    assert index.retired == {(0, "720p")}
    assert index.ended
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


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"7",
        b"{}",
        b'{"kind":"other"}',
        b'{"kind":["end"]}',
        b'{"kind":"asset","targetDuration":-1}',
        b'{"kind":"asset","targetDuration":true}',
        b'{"kind":"retired","rendition":"../x","reason":""}',
        b'{"kind":"epoch","epoch":0,"renditions":[{"name":"a"}]}',
        encode_record(SEGMENT).replace(b'"720p"', b'"../../etc"'),
        encode_record(SEGMENT).replace(b"1080000", b"900000"),
        encode_record(SEGMENT).replace(b"1080000", b"1e9"),
        encode_record(SEGMENT)[:-2],
        b"\xff\xfe",
    ],
)
def test_lines_that_are_not_ours_are_counted_and_left_out(line: bytes) -> None:
    assert decode_record(line) is None
    assert parse_index([line]).damaged_lines == 1


@given(st.binary())
def test_no_line_raises(line: bytes) -> None:
    decode_record(line)


def test_a_rendition_retired_before_any_epoch_is_ignored() -> None:
    assert parse_index([encode_record(RetiredRecord("720p", ""))]).retired == set()
