import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.av1 import iterate_units, normalise
from media.wire.nal import MalformedAccessUnit

DELIMITER = b"\x12\0"
KEY_FRAME = b"\x32\2\x10x"
INTER_FRAME = b"\x32\2\x30x"
# SVT-AV1's, of 64x48.
SEQUENCE = bytes.fromhex("0a0b02000005157fbc02f80040")


def test_a_temporal_unit_is_made_what_packets_are() -> None:
    """Delimiters, padding and tile lists go, and every unit has its size."""
    sent = DELIMITER + SEQUENCE + b"\x7a\1p" + b"\x42\1t" + b"\x36\x08\2\x10x" + b"\x2a\1m"
    sent += b"\x30\x30" + b"y" * 200

    unit = normalise(sent)

    assert (unit.keyframe, unit.sequence) == (True, SEQUENCE)
    last = b"\x32\xc9\x01\x30" + b"y" * 200
    assert unit.data == SEQUENCE + b"\x36\x08\2\x10x" + b"\x2a\1m" + last


@pytest.mark.parametrize(
    ("data", "keyframe"),
    [
        (KEY_FRAME, True),
        (b"\x1a\1\x10" + b"\x22\1t", True),  # a frame header, and its tiles
        (INTER_FRAME, False),
        (b"\x32\1\0", False),  # a key frame that is not shown
        (b"\x32\1\x90", False),  # one that is shown again
        (b"\x32\0", False),
        (INTER_FRAME + KEY_FRAME, False),
    ],
)
def test_a_keyframe_is_one_that_is_shown_first(data: bytes, keyframe: bool) -> None:
    assert normalise(data).keyframe == keyframe


@pytest.mark.parametrize(
    "data",
    [
        b"",
        DELIMITER,
        b"\x32",
        b"\x32\x05x",
        b"\x36",
        b"\x34",
        b"\xb2\1x",
        b"\x32" + b"\x80" * 9,
        DELIMITER * 1_025,
    ],
)
def test_what_is_no_temporal_unit_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedAccessUnit):
        normalise(data)


@given(st.binary(max_size=60))
def test_no_bytes_are_fatal(data: bytes) -> None:
    try:
        unit = normalise(data)
    except MalformedAccessUnit:
        return
    assert b"".join(one.sized() for one in iterate_units(unit.data)) == unit.data
