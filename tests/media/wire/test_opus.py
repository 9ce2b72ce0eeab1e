import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.bits import MalformedConfiguration
from media.wire.opus import (
    is_comment_header,
    packet_samples,
    track_from_opus_header,
)

HEADER = b"OpusHead\1\2\x38\1\x80\xbb\0\0\0\0\0"


def test_a_header_says_its_channels_and_time_is_in_48000ths() -> None:
    track = track_from_opus_header(HEADER)

    assert (track.codec, track.channels) == ("opus", 2)
    assert (track.timescale, track.sample_rate) == (48_000, 48_000)
    assert track.extradata == HEADER


@pytest.mark.parametrize(
    "header",
    [b"", HEADER[:18], b"OpusTags" + HEADER[8:], HEADER[:8] + b"\x11" + HEADER[9:],
     HEADER[:9] + b"\0" + HEADER[10:]],
)  # fmt: skip
def test_other_headers_are_refused(header: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        track_from_opus_header(header)


def test_comments_are_told_apart() -> None:
    assert is_comment_header(b"OpusTags\4\0\0\0Lavf")
    assert not is_comment_header(HEADER)


# RFC 6716, table 2 and 3.2.
@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (b"\x00", 10),
        (b"\x18", 60),
        (b"\x5c", 60),  # the longest of SILK, in stereo
        (b"\x60", 10),
        (b"\x68", 20),
        (b"\x78", 20),
        (b"\x80", 2.5),
        (b"\x88", 5),
        (b"\xfc", 20),
        (b"\xfd", 40),
        (b"\xfe", 40),
        (b"\xff\x03", 60),
        (b"\xff\x86", 120),  # of variable size
        (b"\xe3\x30", 120),  # 48 frames of 2.5 ms
    ],
)
def test_a_packet_says_how_long_it_lasts(packet: bytes, milliseconds: float) -> None:
    assert packet_samples(packet) == milliseconds * 48


@pytest.mark.parametrize("packet", [b"", b"\xff", b"\xff\0", b"\xff\x07", b"\x1b\3"])
def test_nonsense_lasts_no_time(packet: bytes) -> None:
    assert packet_samples(packet) == 0


@given(st.binary(max_size=8))
def test_no_packet_lasts_more_than_120_ms(packet: bytes) -> None:
    assert 0 <= packet_samples(packet) <= 5_760
