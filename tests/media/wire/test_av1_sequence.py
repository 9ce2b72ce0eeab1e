"""AV1's sequence headers, written bit by bit next to one of a real encoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.av1_sequence import (
    SequenceHeader,
    build_av1_configuration,
    parse_sequence_header,
    sequence_unit,
    track_from_av1_sequence,
)
from media.wire.bits import MalformedConfiguration
from tests.media.wire.bit_writer import Bits
from tests.media.wire.test_av1 import DELIMITER, SEQUENCE

RECORD = bytes.fromhex("81000c00") + SEQUENCE


def unit_of(bits: Bits) -> bytes:
    data = bits.data()
    return bytes((0x0A, len(data))) + data


def reduced(profile: int = 0) -> Bits:
    """A still picture's header up to its tools: 1280x720, level 3.1."""
    return Bits().u(3, profile).u(1, 1, 1).u(5, 5).u(4, 10, 9).u(11, 1279).u(10, 719).u(3, 0)


def full() -> Bits:
    """Timing with a decoder model, two operating points of which the first is level 5.1 high."""
    bits = Bits().u(3, 0).u(1, 0, 0).u(1, 1).u(32, 1001, 60_000).u(1, 1).ue(1)
    bits.u(1, 1).u(5, 9).u(32, 1).u(5, 9, 9)
    bits.u(1, 1).u(5, 1)
    bits.u(12, 0).u(5, 13).u(1, 1).u(1, 1).u(21, 0).u(1, 1).u(4, 3)
    bits.u(12, 0).u(5, 4).u(1, 0).u(1, 0)
    return bits.u(4, 10, 9).u(11, 1919).u(10, 799)


def test_the_header_of_an_encoder_is_read() -> None:
    track = track_from_av1_sequence(SEQUENCE)

    assert (track.codec, track.width, track.height) == ("av01.0.00M.08", 64, 48)
    assert track.extradata == RECORD == build_av1_configuration(SEQUENCE)
    assert sequence_unit(RECORD) == SEQUENCE


def test_a_header_of_everything_is_read() -> None:
    bits = full().u(1, 1).u(7, 0).u(3, 0)  # frame ids
    bits.u(4, 0).u(1, 1).u(2, 0).u(1, 0, 1, 0, 1).u(3, 6)  # order hint, forced screen content
    bits.u(3, 0).u(1, 1, 0, 1).u(8, 9, 16, 9).u(1, 0).u(2, 1)

    parsed = parse_sequence_header(unit_of(bits))

    assert parsed == SequenceHeader(0, 13, 1, 10, False, (1, 1), 1, 1920, 800, (30_000, 1001))
    assert parsed.codec == "av01.0.13H.10"
    assert build_av1_configuration(unit_of(bits))[1:3] == b"\x0d\xcd"


@pytest.mark.parametrize("select", [1, 0])
def test_tools_may_be_off(select: int) -> None:
    bits = full().u(1, 0).u(3, 0).u(4, 0).u(1, 0)
    bits.u(1, select).u(1, *([1] if select else [0])).u(3, 0).u(1, 0, 0, 0, 1).u(2, 0)

    assert parse_sequence_header(unit_of(bits)).bit_depth == 8


def test_uneven_pictures_have_no_frame_rate() -> None:
    bits = Bits().u(3, 0).u(1, 0, 0).u(1, 1).u(32, 1001, 60_000).u(1, 0, 0)
    bits.u(1, 0).u(5, 0).u(12, 0).u(5, 4).u(4, 0, 0).u(1, 1, 1)
    bits.u(1, 0).u(3, 0).u(4, 0).u(1, 0).u(1, 1, 1).u(3, 0).u(1, 0, 0, 0, 1).u(2, 0)

    assert parse_sequence_header(unit_of(bits)).frame_rate == (0, 1)


@pytest.mark.parametrize(
    ("profile", "colour", "bit_depth", "subsampling"),
    [
        (0, Bits().u(1, 0, 1, 0, 0), 8, (1, 1)),  # monochrome
        (1, Bits().u(1, 0, 1).u(8, 1, 13, 0), 8, (0, 0)),  # RGB
        (1, Bits().u(1, 1, 0, 0), 10, (0, 0)),
        (2, Bits().u(1, 0, 0, 0, 0), 8, (1, 0)),
        (2, Bits().u(1, 1, 0, 0, 0, 0), 10, (1, 0)),
        (2, Bits().u(1, 1, 1, 0, 0, 0, 0), 12, (0, 0)),
        (2, Bits().u(1, 1, 1, 0, 0, 0, 1, 0), 12, (1, 0)),
        (2, Bits().u(1, 1, 1, 0, 0, 0, 1, 1).u(2, 2), 12, (1, 1)),
    ],
)
def test_colours_of_every_profile_are_read(
    profile: int, colour: Bits, bit_depth: int, subsampling: tuple[int, int]
) -> None:
    parsed = parse_sequence_header(unit_of(reduced(profile).u(3, 0).append(colour)))

    assert (parsed.width, parsed.height, parsed.level) == (1280, 720, 5)
    assert (parsed.bit_depth, parsed.subsampling) == (bit_depth, subsampling)
    assert parsed.is_monochrome == (profile == 0)


@pytest.mark.parametrize("unit", [b"", b"\x32\1x", b"\x0a\x05x", b"\x0a\1\0", DELIMITER])
def test_what_is_no_sequence_header_is_refused(unit: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        track_from_av1_sequence(unit)


@pytest.mark.parametrize("record", [b"", b"\x81\0\0", b"\x01\0\0\0", b"\x81\0\0\0\x0a\x05x"])
def test_what_is_no_record_is_refused(record: bytes) -> None:
    with pytest.raises(MalformedConfiguration):
        sequence_unit(record)


def test_a_record_may_leave_the_sequence_to_the_stream() -> None:
    assert sequence_unit(b"\x81\0\0\0") == b""
    assert sequence_unit(b"\x81\0\0\0\x2a\1m") == b""


@given(st.binary(max_size=40))
def test_no_sequence_header_is_fatal(data: bytes) -> None:
    try:
        header = parse_sequence_header(bytes((0x0A, len(data))) + data)
    except MalformedConfiguration:
        return
    assert header.width > 0
