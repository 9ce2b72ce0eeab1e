import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.flv import (
    AudioConfiguration,
    AudioFrame,
    Unsupported,
    VideoConfiguration,
    VideoEnded,
    VideoFrame,
    parse_audio,
    parse_video,
    write_audio,
    write_video,
)

# Read in both directions.
VIDEO: list[tuple[bytes, VideoConfiguration | VideoFrame | VideoEnded]] = [
    (b"\x17\0\0\0\0\1\x64\0\x1f", VideoConfiguration(b"\1\x64\0\x1f")),
    (b"\x17\1\0\0\x42\0\0\0\1e", VideoFrame(True, 66, b"\0\0\0\1e")),
    (b"\x27\1\0\0\0x", VideoFrame(False, 0, b"x")),
    (b"\x27\1\xff\xff\xdfx", VideoFrame(False, -33, b"x")),
    (b"\x27\1\x80\0\0", VideoFrame(False, -(1 << 23), b"")),
    (b"\x17\2\0\0\0", VideoEnded()),
]
AUDIO: list[tuple[bytes, AudioConfiguration | AudioFrame]] = [
    (b"\xaf\0\x12\x10", AudioConfiguration(b"\x12\x10")),
    (b"\xaf\1frame", AudioFrame(b"frame")),
]


@pytest.mark.parametrize(("body", "tag"), VIDEO)
def test_a_video_body_is_read(
    body: bytes, tag: VideoConfiguration | VideoFrame | VideoEnded
) -> None:
    assert parse_video(body) == tag


@pytest.mark.parametrize(("body", "tag"), VIDEO)
def test_a_video_body_is_written(
    body: bytes, tag: VideoConfiguration | VideoFrame | VideoEnded
) -> None:
    assert write_video(tag) == body


@pytest.mark.parametrize(("body", "tag"), AUDIO)
def test_an_audio_body_is_read(body: bytes, tag: AudioConfiguration | AudioFrame) -> None:
    assert parse_audio(body) == tag


@pytest.mark.parametrize(("body", "tag"), AUDIO)
def test_an_audio_body_is_written(body: bytes, tag: AudioConfiguration | AudioFrame) -> None:
    assert write_audio(tag) == body


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "empty video"),
        (b"\x17", "truncated video"),
        (b"\x17\1\0\0", "truncated video"),
        (b"\x57\1\0\0\0\0", "video command"),
        (b"\x17\3\0\0\0", "video packet type 3"),
        (b"\x12aaaaaa", "video codec 2"),
        (b"\x1c\0\0\0\0\0", "video codec 12"),  # HEVC before Enhanced RTMP
        (b"\x90hvc1record", "video codec hvc1"),
        (b"\xd4hvc1\2\0\x09colorInfo", "video codec hvc1"),
        (b"\x96\0avc1\1", "video codec 00617663"),
    ],
)
def test_video_of_other_kinds_is_named_and_skipped(body: bytes, what: str) -> None:
    assert parse_video(body) == Unsupported(what)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "empty audio"),
        (b"\xaf", "truncated audio"),
        (b"\xaf\1", "empty audio"),
        (b"\xaf\2x", "audio packet type 2"),
        (b"\x2fmp3", "audio codec 2"),
        (b"\x90OpusOpusHead", "audio codec Opus"),
    ],
)
def test_audio_of_other_kinds_is_named_and_skipped(body: bytes, what: str) -> None:
    assert parse_audio(body) == Unsupported(what)


@given(st.binary(max_size=40))
def test_no_body_is_fatal(body: bytes) -> None:
    parse_video(body)
    parse_audio(body)
