import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import Coding
from media.wire.mpeg_audio import Mp3Frame, message_samples, parse_mp3_frame


@pytest.mark.parametrize(
    ("header", "frame"),
    [
        (b"\xff\xfb\x90\x00", Mp3Frame(417, 1152, 44_100, 2)),
        (b"\xff\xfb\x92\x00", Mp3Frame(418, 1152, 44_100, 2)),
        (b"\xff\xfb\xe4\xc0", Mp3Frame(960, 1152, 48_000, 1)),
        (b"\xff\xf3\x80\x44", Mp3Frame(208, 576, 22_050, 2)),
        (b"\xff\xe3\x18\xc4", Mp3Frame(72, 576, 8_000, 1)),
    ],
)
def test_a_frame_says_what_it_is(header: bytes, frame: Mp3Frame) -> None:
    assert parse_mp3_frame(header) == frame
    assert message_samples(header) == frame.samples


def test_a_frame_has_a_track() -> None:
    track = Mp3Frame(417, 1152, 44_100, 2).track

    assert (track.coding, track.timescale, track.channels) == (Coding.MP3, 44_100, 2)


def test_a_message_may_hold_several_frames() -> None:
    frame = b"\xff\xe3\x18\xc4" + bytes(68)

    assert message_samples(frame * 2 + b"tail") == 1152
    assert message_samples(frame * 99) == 32 * 576


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\xff\xfb\x90",
        b"\xfe\xfb\x90\0",
        b"\xff\x1b\x90\0",
        b"\xff\xfd\x90\0",  # layer II
        b"\xff\xeb\x90\0",  # a version that does not exist
        b"\xff\xfb\x00\0",
        b"\xff\xfb\xf0\0",
        b"\xff\xfb\x9c\0",
    ],
)
def test_anything_else_is_no_frame(header: bytes) -> None:
    assert parse_mp3_frame(header) is None
    assert message_samples(header) == 0


@given(st.binary(max_size=24))
def test_no_bytes_are_fatal(data: bytes) -> None:
    assert message_samples(b"\xff" + data) >= 0
