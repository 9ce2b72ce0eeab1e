import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.units import Coding
from media.wire.bits import MalformedConfiguration
from media.wire.flv import VideoConfiguration, parse_video
from media.wire.hevc import (
    is_random_access,
    parse_hevc_configuration,
    track_from_hevc_configuration,
)
from tests.media.wire.captures import capture


def record() -> bytes:
    """What libx265 and FFmpeg make: 160x96, 25 frames a second."""
    (tag,) = parse_video(capture("hevc")[0].data)
    assert isinstance(tag, VideoConfiguration)
    return tag.record


def with_byte(position: int, value: int) -> bytes:
    changed = bytearray(record())
    changed[position] = value
    return bytes(changed)


def test_a_record_says_what_the_video_is() -> None:
    track = track_from_hevc_configuration(record())

    assert (track.codec, track.coding) == ("hvc1.1.6.L30.90", Coding.HEVC)
    assert (track.width, track.height, track.frame_rate) == (160, 96, (25, 1))
    assert track.extradata == record()


def test_lengths_of_two_bytes_are_announced_as_four() -> None:
    narrow = with_byte(21, record()[21] & 0xFD)

    assert parse_hevc_configuration(narrow).length_size == 2
    assert track_from_hevc_configuration(narrow).extradata == record()


def test_a_codec_is_named_with_space_tier_and_all_constraints() -> None:
    """Goal: the example of ISO 14496-15, annex E.3, and one with all of its parts."""
    head = bytes.fromhex("01 02 20000000 b00000000000 7b")
    assert parse_hevc_configuration(head + record()[13:]).codec == "hvc1.2.4.L123.b0"
    head = bytes.fromhex("01 a1 60000000 900000000001 5d")
    assert parse_hevc_configuration(head + record()[13:]).codec == "hvc1.B1.6.H93.90.0.0.0.0.1"


def test_pictures_that_decoding_can_begin_with_are_known() -> None:
    """BLA, IDR and CRA, and the types that are kept for more of the kind (table 7-1)."""
    assert [kind for kind in range(64) if is_random_access(kind << 1)] == list(range(16, 24))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        record()[:22],
        with_byte(0, 0),
        with_byte(21, 0xFE),  # lengths of three bytes
        record()[:23],
        record()[:60],
        record()[:-1],
        with_byte(22, 1),  # one array: only the VPS
        with_byte(23, 0x21),  # the VPS is another SPS: no VPS
        record()[:22] + b"\1\x20\0\1\0\0",
    ],
)
def test_broken_records_are_refused(broken: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        track_from_hevc_configuration(broken)


@given(st.integers(0, 120), st.binary(max_size=4), st.integers(0, 4))
def test_no_mutation_is_fatal(position: int, inserted: bytes, removed: int) -> None:
    data = record()
    try:
        track_from_hevc_configuration(data[:position] + inserted + data[position + removed :])
    except MalformedConfiguration:
        return
