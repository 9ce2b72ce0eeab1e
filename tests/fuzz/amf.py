"""AMF of both kinds: what can be read has bounds and can be written again."""

from collections.abc import Mapping, Sequence

from config.limits import AMF_DEPTH_MAX, AMF_VALUES_MAX
from media.wire.amf0 import EcmaArray, MalformedAmf, Value, decode, encode
from tests.fuzz.target import Target

_AVMPLUS = b"\x11"


def check_amf0(data: bytes) -> None:
    """Reading what was written of what was read gives the same bytes again."""
    try:
        values = decode(data)
    except MalformedAmf:
        return
    assert sum(_count(value, AMF_DEPTH_MAX) for value in values) <= AMF_VALUES_MAX
    written = encode(*values)
    assert encode(*decode(written)) == written


def check_amf3(data: bytes) -> None:
    """As `check_amf0`, behind the marker that AMF0 has for a value of AMF3."""
    check_amf0(_AVMPLUS + data)


def _count(value: Value, depth_left: int) -> int:
    """How many values it is made of, references counted as what they refer to."""
    assert depth_left >= 0, "too deep"
    match value:
        case EcmaArray(fields):
            return _count(fields, depth_left)
        case Mapping():
            return 1 + sum(_count(each, depth_left - 1) for each in value.values())
        case str():
            return 1
        case Sequence():
            return 1 + sum(_count(each, depth_left - 1) for each in value)
        case _:
            return 1


TARGETS = (Target("amf0", check_amf0), Target("amf3", check_amf3))
