from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.pictures import PictureKind
from media.units import MediaKind, Track
from packager.archive_record import (
    AssetRecord,
    CaptionRecord,
    EndRecord,
    EpochRecord,
    PictureRecord,
    Record,
    RetiredRecord,
    SegmentRecord,
    decode_record,
    encode_record,
)
from packager.asset_terms import Encryption

VIDEO = Track(MediaKind.VIDEO, "avc1.64001f", 90_000, b"", 1280, 720, (30_000, 1001))
AUDIO = Track(MediaKind.AUDIO, "mp4a.40.2", 48_000, b"", channels=2, sample_rate=48_000)
GERMAN = replace(AUDIO, language="de", label="Kommentar")
SEGMENT = SegmentRecord("720p", 0, 0, 900_000, 1_080_000, 1_700_000_000_000, 5, "ab", True)
SHEET = PictureRecord(PictureKind.SHEET, 3, 5, 160, 90, (900_000, 1_080_000), "ab")
CAPTIONS = CaptionRecord("pt-br", "pt-BR", "Brasil", True, False, False, "ab")
HISTORY: list[Record] = [
    AssetRecord(3, begin=900),
    EpochRecord(0, (("720p", VIDEO), ("audio", AUDIO), ("audio-2", GERMAN))),
    SEGMENT,
    replace(SEGMENT, rendition="audio"),
    replace(SEGMENT, sequence=1, iframe_bytes=3),
    RetiredRecord("720p", "too slow"),
    PictureRecord(PictureKind.POSTER, 0, 1, 0, 0, (900_000,), ""),
    SHEET,
    CAPTIONS,
    CaptionRecord("en-2", "en", "", False, True, True, ""),
    EndRecord(),
]


@pytest.mark.parametrize(
    "record",
    [
        *HISTORY,
        AssetRecord(3, from_file=True),
        AssetRecord(3, True, Encryption.CBCS, key_segments=4),
        EndRecord(passes_follow=True),
    ],
)
def test_a_record_survives_its_line(record: Record) -> None:
    line = encode_record(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode_record(line) == record


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
        b'{"kind":"asset","targetDuration":3,"encryption":"new"}',
        b'{"kind":"asset","targetDuration":3,"encryption":"cbcs","keySegments":0}',
        b'{"kind":"retired","rendition":"../x","reason":""}',
        b'{"kind":"epoch","epoch":0,"renditions":[{"name":"a"}]}',
        encode_record(SEGMENT).replace(b'"720p"', b'"../../etc"'),
        encode_record(SEGMENT).replace(b"1080000", b"900000"),
        encode_record(SEGMENT).replace(b"1080000", b"1e9"),
        encode_record(SEGMENT)[:-2],
        encode_record(SHEET).replace(b'"columns":5', b'"columns":0'),
        encode_record(SHEET).replace(b'"number":3', b'"number":10000'),
        encode_record(SHEET).replace(b"900000", b",".join([b"1"] * 26)),
        encode_record(CAPTIONS).replace(b'"pt-br"', b'"../pt"'),
        b"\xff\xfe",
    ],
)
def test_lines_that_are_not_ours_are_counted_and_left_out(line: bytes) -> None:
    assert decode_record(line) is None


@given(st.binary())
def test_no_line_raises(line: bytes) -> None:
    decode_record(line)
