import pytest

from config.limits import AMF_DEPTH_MAX, AMF_TEXT_BYTES_MAX
from media.wire.amf_value import UNDEFINED, Cursor, EcmaArray, MalformedAmf, References, fields_of


def test_a_cursor_moves_through_the_data_and_not_beyond_its_end() -> None:
    cursor = Cursor(b"\x07\0\1abc")

    assert (cursor.byte(), cursor.integer(2), cursor.follows(b"ab"), cursor.text(2)) == (
        *(7, 1, True, "ab"),
    )
    assert not cursor.is_at_end
    with pytest.raises(MalformedAmf):
        cursor.take(2)


def test_what_is_made_is_bounded() -> None:
    cursor = Cursor(b"")

    with pytest.raises(MalformedAmf, match="deep"):
        cursor.count_value(AMF_DEPTH_MAX + 1)
    with pytest.raises(MalformedAmf, match="text"):
        cursor.count_text("x" * (AMF_TEXT_BYTES_MAX + 1))


def test_references_give_what_is_complete() -> None:
    references = References(Cursor(b""))
    outer, inner = references.begin(), references.begin()
    references.end(inner, "x")

    assert [references.get(number) for number in (outer, inner, 9)] == [UNDEFINED, "x", UNDEFINED]


def test_fields_are_those_of_objects_and_arrays_alike() -> None:
    assert fields_of(EcmaArray({"a": 1.0})) == fields_of({"a": 1.0}) == {"a": 1.0}
    assert fields_of("a") == fields_of(None) == {}
