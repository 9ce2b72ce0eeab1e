import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.bits import MalformedConfiguration
from media.wire.vp9 import (
    KeyFrame,
    configuration_record,
    parse_key_frame,
    track_from_vp9,
)
from tests.media.wire.bit_writer import Bits

SYNC = 0x498342
# FFmpeg's, which has the header of its box: profile 0, level 1.0, 8 bits.
RECORD = bytes.fromhex("000a820202020000")


def header(profile: int, *, repeat: int = 0, inter: int = 0) -> Bits:
    bits = Bits().u(2, 2).u(1, profile & 1, profile >> 1)
    if profile == 3:
        bits.u(1, 0)
    return bits.u(1, repeat, inter, 1, 0)


def test_a_record_comes_with_and_without_the_header_of_its_box() -> None:
    assert configuration_record(b"\1\0\0\0" + RECORD) == RECORD
    assert configuration_record(RECORD) == RECORD


@pytest.mark.parametrize("config", [b"", RECORD[:7], b"\1\0\0\0" + RECORD[:7]])
def test_what_is_no_record_is_refused(config: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        configuration_record(config)


@pytest.mark.parametrize(
    ("profile", "colour", "bit_depth"),
    [
        (0, Bits().u(3, 2).u(1, 0), 8),
        (1, Bits().u(3, 2).u(1, 0, 0, 0, 0), 8),
        (1, Bits().u(3, 7).u(1, 0), 8),
        (2, Bits().u(1, 0).u(3, 2).u(1, 0), 10),
        (2, Bits().u(1, 1).u(3, 7), 12),
        (3, Bits().u(1, 1).u(3, 2).u(1, 0, 0, 0, 0), 12),
    ],
)
def test_key_frames_of_every_profile_say_their_size(
    profile: int, colour: Bits, bit_depth: int
) -> None:
    bits = header(profile).u(24, SYNC).append(colour).u(16, 1919, 1079)

    assert parse_key_frame(bits.data()) == KeyFrame(profile, bit_depth, 1920, 1080)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        header(0, inter=1).u(24, SYNC).u(64, 0).data(),
        header(0, repeat=1).u(24, SYNC).u(64, 0).data(),
        header(0).u(24, SYNC + 1).u(64, 0).data(),
        b"\x42" + header(0).u(24, SYNC).u(64, 0).data()[1:],
        header(0).u(24, SYNC).u(8, 0).data(),
    ],
)
def test_anything_else_is_no_key_frame(data: bytes) -> None:
    assert parse_key_frame(data) is None


def test_the_frame_knows_better_than_the_record() -> None:
    track = track_from_vp9(b"\0\x28" + RECORD[2:], KeyFrame(2, 10, 1280, 720))

    assert (track.codec, track.width, track.height) == ("vp09.02.40.10", 1280, 720)


def test_an_unknown_level_is_called_the_lowest() -> None:
    assert track_from_vp9(bytes(8), KeyFrame(0, 8, 64, 48)).codec == "vp09.00.10.08"


@given(st.binary(max_size=20))
def test_no_bytes_are_fatal(data: bytes) -> None:
    frame = parse_key_frame(data)
    assert frame is None or frame.width > 0
