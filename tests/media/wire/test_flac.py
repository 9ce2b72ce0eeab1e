import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.bits import MalformedConfiguration
from media.wire.flac import (
    frame_samples,
    track_from_flac_configuration,
)

# FFmpeg's at its end: blocks of 4608, frames of 14 to 16 bytes, 48 kHz, stereo, 16 bits.
FORMAT = bytes.fromhex("0bb802f0")
STREAMINFO = (
    bytes.fromhex("12001200 00000e 000010") + FORMAT + bytes.fromhex("00004b00") + b"m" * 16
)
BEGUN = bytes.fromhex("12001200 000000 000000") + FORMAT + bytes(4) + bytes(16)


@pytest.mark.parametrize(
    "config",
    [STREAMINFO, b"\0\0\0\x22" + STREAMINFO, b"fLaC\x80\0\0\x22" + STREAMINFO + b"\4\0\0\0"],
)
def test_a_block_is_found_however_it_is_sent(config: bytes) -> None:
    track = track_from_flac_configuration(config)

    assert (track.codec, track.timescale, track.channels) == ("fLaC", 48_000, 2)


def test_what_an_encoder_only_knows_at_its_end_is_left_out() -> None:
    """Goal: FFmpeg sends the configuration again at the end, and that is no other track."""
    track = track_from_flac_configuration(STREAMINFO)

    assert track.extradata == BEGUN
    assert track == track_from_flac_configuration(BEGUN)


@pytest.mark.parametrize(
    "config",
    [b"", STREAMINFO[:33], b"fLaC" + b"\4\0\0\x22" + STREAMINFO, b"\0\0\0\x22" + STREAMINFO[:33],
     STREAMINFO[:10] + bytes(8) + STREAMINFO[18:]],
)  # fmt: skip
def test_what_is_no_block_is_refused(config: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        track_from_flac_configuration(config)


@pytest.mark.parametrize(
    ("frame", "samples"),
    [
        (b"\xff\xf8\x5a\x18\0\0", 4608),
        (b"\xff\xf8\x1a\x18\0\0", 192),
        (b"\xff\xf9\x2a\x18\0\0", 576),
        (b"\xff\xf8\xca\x18\0\0", 4096),
        (b"\xff\xf8\xfa\x18\0\0", 32_768),
        (b"\xff\xf8\x6a\x18\x05\x63", 100),
        (b"\xff\xf8\x7a\x18\x04\x02\xff\xd2", 768),
        # Behind numbers of two and of seven bytes.
        (b"\xff\xf8\x6a\x18\xc2\x80\x63", 100),
        (b"\xff\xf8\x7a\x18\xfe\x80\x80\x80\x80\x80\x80\x03\xe7", 1000),
        (b"\xff\xf8\x0a\x18\0\0", 0),
        (b"\xff\xf8\x7a\x18\xfe\x80\x80", 0),
        (b"\xff\xfa\x5a\x18\0\0", 0),
        (b"\xff\xf8\x5a\x18\0", 0),
        (b"", 0),
    ],
)
def test_a_frame_says_how_long_it_lasts(frame: bytes, samples: int) -> None:
    assert frame_samples(frame) == samples


@given(st.binary(max_size=16))
def test_no_bytes_are_fatal(data: bytes) -> None:
    assert 0 <= frame_samples(b"\xff\xf8" + data) <= 65_536
