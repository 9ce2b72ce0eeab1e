import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import AMF_DEPTH_MAX, AMF_KEYS_MAX, AMF_VALUES_MAX
from media.wire.amf0 import (
    UNDEFINED,
    Date,
    EcmaArray,
    MalformedAmf,
    Value,
    decode,
    encode,
)

# Read in both directions: these bytes are this value, and this value is written as these bytes.
CASES: list[tuple[str, Value]] = [
    ("00 3ff0000000000000", 1.0),
    ("01 01", True),
    ("01 00", False),
    ("02 0004 6c697665", "live"),
    ("02 0000", ""),
    ("02 0002 c3a9", "é"),
    ("03 0003 617070 02 0004 6c697665 0000 09", {"app": "live"}),
    ("03 0000 09", {}),
    ("05", None),
    ("06", UNDEFINED),
    ("08 00000001 0001 61 05 0000 09", EcmaArray({"a": None})),
    ("0a 00000002 05 0101", [None, True]),
    ("0b 4276c2ba7d9c0000 0000", Date(1_564_100_516_288.0)),
    ("03 0001 61 03 0001 62 0a 00000000 0000 09 0000 09", {"a": {"b": []}}),
]


@pytest.mark.parametrize(("wire", "value"), CASES)
def test_a_value_is_read(wire: str, value: Value) -> None:
    assert decode(bytes.fromhex(wire)) == [value]


@pytest.mark.parametrize(("wire", "value"), CASES)
def test_a_value_is_written(wire: str, value: Value) -> None:
    assert encode(value).hex() == wire.replace(" ", "")


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ("07 0000", UNDEFINED),  # to nothing
        ("0d", UNDEFINED),
        ("0f 00000004 3c782f3e", "<x/>"),
        ("10 0003 466f6f 0001 61 05 0000 09", {"a": None}),
        ("08 ffffffff 0000 09", EcmaArray({})),
        ("02 0001 ff", "\ufffd"),
        ("01 07", True),
    ],
)
def test_what_we_never_write_is_understood(wire: str, value: Value) -> None:
    assert decode(bytes.fromhex(wire)) == [value]


def test_a_long_text_gets_a_long_length() -> None:
    text = "x" * 70_000

    assert encode(text)[:5] == b"\x0c\0\x01\x11\x70"
    assert decode(encode(text)) == [text]


def test_a_command_is_several_values() -> None:
    assert decode(encode("publish", 5, None, "key", "live")) == ["publish", 5, None, "key", "live"]


def test_a_value_behind_an_avmplus_marker_is_amf3() -> None:
    wire = encode("connect") + b"\x11\x0a\x0b\x01\x07app\x06\x09live\x01" + encode(1.0)

    assert decode(wire) == ["connect", {"app": "live"}, 1.0]


def test_a_reference_is_the_object_that_it_refers_to() -> None:
    first, array = encode({"a": {"b": 1.0}}), encode([None])

    values = decode(first + array + b"\7\0\0" + b"\7\0\1" + b"\7\0\2" + b"\7\0\3")

    assert values == [{"a": {"b": 1.0}}, [None], {"a": {"b": 1.0}}, {"b": 1.0}, [None], UNDEFINED]


def test_an_object_cannot_contain_itself() -> None:
    assert decode(b"\x03\0\1a\7\0\0\0\0\x09") == [{"a": UNDEFINED}]


def test_references_count_as_what_they_refer_to() -> None:
    """Goal: 130 bytes cannot become a structure of millions of values."""
    doubling = b"".join(b"\x0a\0\0\0\2\7" + bytes((0, i, 7, 0, i)) for i in range(13))

    with pytest.raises(MalformedAmf, match="reference"):
        decode(encode([]) + doubling)


@pytest.mark.parametrize(
    "data",
    [
        b"\x04",  # movie clip: reserved
        b"\x00\x3f",
        b"\x02\0\5ab",
        b"\x03\0\1a",
        b"\x03\0\1a\5",
        b"\x0a\xff\xff\xff\xff",
        b"\x0c\xff\xff\xff\xff",
        b"\x0a\0\0\0\1" * (AMF_DEPTH_MAX + 2),
        b"\x03\0\1a" * 10_000,
        b"\x05" * (AMF_VALUES_MAX + 1),
        b"\x03" + b"".join(b"\0\3%03d\5" % i for i in range(AMF_KEYS_MAX + 1)),
        b"\x03\0\1a\x11",
        b"\x11\x0b",
        b"\x0a\0\0\0\2" + encode("x" * 60_000) * 5,
    ],
)
def test_what_is_cut_off_unknown_or_too_large_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedAmf):
        decode(data)


@given(st.binary(max_size=300))
def test_garbage_never_gives_anything_but_the_typed_error(garbage: bytes) -> None:
    try:
        decode(garbage)
    except MalformedAmf:
        return


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | texts | st.just(UNDEFINED),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts, inner, max_size=4)
        | st.dictionaries(texts, inner, max_size=4).map(EcmaArray)
    ),
    max_leaves=12,
)


@given(st.lists(values, max_size=4))
def test_what_is_written_is_read_again(written: list[Value]) -> None:
    assert decode(encode(*written)) == written
