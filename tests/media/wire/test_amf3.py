"""Bytes are written by hand, after the specification: we do not write AMF3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import AMF_DEPTH_MAX, AMF_KEYS_MAX, AMF_VALUES_MAX
from media.wire.amf3 import decode_into
from media.wire.amf_value import UNDEFINED, Date, EcmaArray, MalformedAmf, Value

SIX_SECONDS = "40b7700000000000"


def decode(data: bytes) -> list[Value]:
    values: list[Value] = []
    decode_into(values, data)
    return values


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ("00", UNDEFINED),
        ("01", None),
        ("02", False),
        ("03", True),
        # 1.3.1: integers of one to four bytes, the fourth with eight bits.
        ("04 00", 0.0),
        ("04 7f", 127.0),
        ("04 8100", 128.0),
        ("04 ff7f", 16_383.0),
        ("04 818000", 16_384.0),
        ("04 80c08000", 2_097_152.0),
        ("04 bfffffff", 268_435_455.0),
        ("04 c0808000", -268_435_456.0),
        ("04 ffffffff", -1.0),
        ("05 3ff8000000000000", 1.5),
        ("06 01", ""),
        ("06 09 6c697665", "live"),
        ("06 05 c3a9", "é"),
        ("07 09 3c782f3e", "<x/>"),
        ("0b 09 3c782f3e", "<x/>"),
        ("08 01 " + SIX_SECONDS, Date(6_000.0)),
        ("09 05 01 04 01 03", [1.0, True]),
        ("09 01 01", []),
        ("09 03 03 61 01 01 02", EcmaArray({"a": None, "0": False})),
        # 3.12: an object without a class, of a class that is sealed, and of one that is dynamic.
        ("0a 0b 01 03 61 04 07 01", {"a": 7.0}),
        ("0a 13 05 4142 03 61 04 07", {"a": 7.0}),
        ("0a 1b 05 4142 03 61 04 07 03 62 02 01", {"a": 7.0, "b": False}),
        ("0c 07 010203", UNDEFINED),
        ("0d 05 00 ffffffff 00000002", [-1.0, 2.0]),
        ("0e 03 01 ffffffff", [4_294_967_295.0]),
        ("0f 03 00 3ff8000000000000", [1.5]),
        ("10 05 00 01 04 01 06 03 78", [1.0, "x"]),
        ("11 05 00 06 03 61 04 01 04 02 03", {"a": 1.0}),
    ],
)
def test_every_type_of_the_specification_is_read(wire: str, value: Value) -> None:
    assert decode(bytes.fromhex(wire)) == [value]


def test_texts_that_came_before_are_referred_to_wherever_they_were() -> None:
    wire = "09 07 01" + "06 07 617070" + "06 00" + "0a 0b 01 00 06 00 01"

    assert decode(bytes.fromhex(wire)) == [["app", "app", {"app": "app"}]]


def test_objects_that_came_before_are_referred_to() -> None:
    """The array itself is number 0, the date 1."""
    assert decode(bytes.fromhex("09 05 01 08 01" + SIX_SECONDS + "08 02")) == [
        [Date(6_000.0), Date(6_000.0)]
    ]


def test_an_object_cannot_contain_itself_nor_one_that_never_came() -> None:
    assert decode(bytes.fromhex("09 05 01 09 00 0a 0e")) == [[UNDEFINED, UNDEFINED]]


def test_classes_that_came_before_are_referred_to() -> None:
    wire = "09 05 01" + "0a 13 05 4142 03 61 04 07" + "0a 01 04 08"

    assert decode(bytes.fromhex(wire)) == [[{"a": 7.0}, {"a": 8.0}]]


def test_flexs_collections_are_what_they_hold() -> None:
    name = b"flex.messaging.io.ArrayCollection"
    wire = b"\x0a\x07" + bytes((len(name) * 2 + 1,)) + name + b"\x09\x03\x01\x04\x07"

    assert decode(wire) == [[7.0]]


@pytest.mark.parametrize(
    "wire",
    [
        b"\x12",
        b"\x04\x80",
        b"\x05\0",
        b"\x06\x09ab",
        b"\x06\x02",  # no such text
        b"\x0a\x05",  # no such class
        b"\x0a\x07\x03X\x01",  # an object that writes itself
        b"\x0c\xff\xff\xff\xff",
        b"\x09\xbf\xff\xff\xff\x01",
        b"\x0d\xbf\xff\xff\xff\0",
        b"\x0f\xbf\xff\xff\xff\0",
        b"\x11\xbf\xff\xff\xff\0",
        b"\x0a\xff\xff\xff\xf3\1",
        b"\x09\x03\x01" * (AMF_DEPTH_MAX + 2),
        b"\x01" * (AMF_VALUES_MAX + 1),
        b"\x0a\x0b\x01" + b"".join(b"\x07%03d\x01" % i for i in range(AMF_KEYS_MAX + 1)),
    ],
)
def test_what_is_cut_off_unknown_or_too_large_is_refused(wire: bytes) -> None:
    with pytest.raises(MalformedAmf):
        decode(wire)


def test_references_count_as_what_they_refer_to() -> None:
    """Goal: some bytes cannot become a structure of millions of values, nor a gigabyte of text."""
    doubling = b"".join(b"\x09\x05\x01\x09" + bytes((i * 2, 9, i * 2)) for i in range(13))
    text = b"\x06\x83\xa9\x01" + b"x" * 27_200

    with pytest.raises(MalformedAmf, match="reference"):
        decode(b"\x09\x01\x01" + doubling)
    with pytest.raises(MalformedAmf, match="text"):
        decode(text + b"\x06\0" * 10)


@given(st.binary(max_size=300))
def test_garbage_never_gives_anything_but_the_typed_error(garbage: bytes) -> None:
    try:
        decode(garbage)
    except MalformedAmf:
        return
