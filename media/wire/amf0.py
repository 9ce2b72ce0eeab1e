"""AMF0, the encoding of RTMP's commands and metadata (AMF 0 specification, December 2007)."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from config.limits import AMF_DEPTH_MAX, AMF_KEYS_MAX, AMF_VALUES_MAX

# 2.1, type markers.
_NUMBER, _BOOLEAN, _STRING, _OBJECT = 0x00, 0x01, 0x02, 0x03
_NULL, _UNDEFINED, _REFERENCE, _ECMA_ARRAY = 0x05, 0x06, 0x07, 0x08
_OBJECT_END, _STRICT_ARRAY, _DATE, _LONG_STRING = 0x09, 0x0A, 0x0B, 0x0C
_UNSUPPORTED, _XML_DOCUMENT, _TYPED_OBJECT, _AVMPLUS = 0x0D, 0x0F, 0x10, 0x11

_SHORT_STRING_BYTES_MAX = 0xFFFF
_DOUBLE = struct.Struct(">d")


class MalformedAmf(ValueError):
    """AMF0 data ends early, uses an unknown type or is larger than anything a publisher needs."""


class Undefined(Enum):
    """What JavaScript calls undefined; also stands for values that we cannot represent."""

    UNDEFINED = "undefined"


UNDEFINED = Undefined.UNDEFINED


@dataclass(frozen=True, slots=True)
class Date:
    """Milliseconds since 1970 in UTC; the time zone on the wire is reserved (2.13)."""

    milliseconds: float


@dataclass(frozen=True, slots=True)
class EcmaArray:
    """An associative array: fields like an object's, another marker on the wire (2.10)."""

    fields: Mapping[str, "Value"]


type Value = (
    bool
    | float
    | str
    | Undefined
    | Date
    | EcmaArray
    | Mapping[str, "Value"]
    | Sequence["Value"]
    | None
)


def fields_of(value: Value) -> Mapping[str, Value]:
    """The fields of an object or an ECMA array; none of anything else."""
    if isinstance(value, EcmaArray):
        return value.fields
    return value if isinstance(value, Mapping) else {}


def decode(data: bytes) -> list[Value]:
    """All values of a message body.

    From an avmplus marker on the data is AMF3 (3.1), which no publisher needs: the values before it
    are returned.

    Raises:
        MalformedAmf: see there.
    """
    decoder = _Decoder(data)
    values: list[Value] = []
    while decoder.position < len(data) and data[decoder.position] != _AVMPLUS:
        values.append(decoder.value(0))
    return values


def encode(*values: Value) -> bytes:
    """A message body of these values; `int` is written as a number."""
    return b"".join(map(_encoded, values))


class _Decoder:
    """A cursor over the data that counts the values it has made."""

    def __init__(self, data: bytes) -> None:
        self.position = 0
        self._data = data
        self._values = 0

    def value(self, depth: int) -> Value:
        self._values += 1
        if depth > AMF_DEPTH_MAX or self._values > AMF_VALUES_MAX:
            raise MalformedAmf("too deep or too many values")
        marker = self.take(1)[0]
        if marker in (_OBJECT, _ECMA_ARRAY, _STRICT_ARRAY, _TYPED_OBJECT):
            return self._compound(marker, depth + 1)
        read = _SCALARS.get(marker)
        if read is None:
            raise MalformedAmf(f"unknown type {marker}")
        return read(self)

    def _compound(self, marker: int, depth: int) -> Value:
        if marker == _STRICT_ARRAY:
            count = int.from_bytes(self.take(4), "big")
            if count > AMF_VALUES_MAX:
                raise MalformedAmf("too many values")
            return [self.value(depth) for _ in range(count)]
        if marker == _ECMA_ARRAY:
            self.take(4)  # a count that encoders get wrong; the end marker decides
            return EcmaArray(self._fields(depth))
        if marker == _TYPED_OBJECT:
            self.text(2)  # the class's name
        return self._fields(depth)

    def _fields(self, depth: int) -> dict[str, Value]:
        fields: dict[str, Value] = {}
        while True:
            name = self.text(2)
            if self._data[self.position : self.position + 1] == b"\x09":
                self.position += 1
                return fields
            if len(fields) >= AMF_KEYS_MAX:
                raise MalformedAmf("too many fields")
            fields[name] = self.value(depth)

    def number(self) -> float:
        number: float = _DOUBLE.unpack(self.take(8))[0]
        return number

    def text(self, length_bytes: int) -> str:
        length = int.from_bytes(self.take(length_bytes), "big")
        return self.take(length).decode("utf-8", "replace")

    def take(self, count: int) -> bytes:
        start = self.position
        self.position = start + count
        if self.position > len(self._data):
            raise MalformedAmf("the data ends early")
        return self._data[start : self.position]


def _read_date(decoder: _Decoder) -> Date:
    date = Date(decoder.number())
    decoder.take(2)
    return date


def _read_reference(decoder: _Decoder) -> Undefined:
    """To an object sent before; no sender that we know of makes them."""
    decoder.take(2)
    return UNDEFINED


_SCALARS: dict[int, Callable[[_Decoder], Value]] = {
    _NUMBER: _Decoder.number,
    _BOOLEAN: lambda decoder: decoder.take(1) != b"\0",
    _STRING: lambda decoder: decoder.text(2),
    _NULL: lambda _: None,
    _UNDEFINED: lambda _: UNDEFINED,
    _REFERENCE: _read_reference,
    _DATE: _read_date,
    _LONG_STRING: lambda decoder: decoder.text(4),
    _UNSUPPORTED: lambda _: UNDEFINED,
    _XML_DOCUMENT: lambda decoder: decoder.text(4),
}


def _encoded(value: Value) -> bytes:
    match value:
        case EcmaArray(fields):
            return bytes((_ECMA_ARRAY,)) + len(fields).to_bytes(4, "big") + _encoded_fields(fields)
        case Mapping():
            return bytes((_OBJECT,)) + _encoded_fields(value)
        case str():
            return _encoded_text(value)
        case Sequence():
            return bytes((_STRICT_ARRAY,)) + len(value).to_bytes(4, "big") + encode(*value)
        case _:
            return _encoded_scalar(value)


def _encoded_scalar(value: float | Undefined | Date | None) -> bytes:
    match value:
        case None:
            return bytes((_NULL,))
        case Undefined():
            return bytes((_UNDEFINED,))
        case bool():
            return bytes((_BOOLEAN, value))
        case Date(milliseconds):
            return bytes((_DATE,)) + _DOUBLE.pack(milliseconds) + b"\0\0"
        case _:
            return bytes((_NUMBER,)) + _DOUBLE.pack(value)


def _encoded_text(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if len(data) > _SHORT_STRING_BYTES_MAX:
        return bytes((_LONG_STRING,)) + len(data).to_bytes(4, "big") + data
    return bytes((_STRING,)) + len(data).to_bytes(2, "big") + data


def _encoded_fields(fields: Mapping[str, Value]) -> bytes:
    pieces = []
    for name, value in fields.items():
        data = name.encode("utf-8", "replace")
        pieces += [len(data).to_bytes(2, "big"), data, _encoded(value)]
    return b"".join(pieces) + bytes((0, 0, _OBJECT_END))
