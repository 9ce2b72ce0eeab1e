"""AMF0, the encoding of RTMP's commands and metadata (AMF 0 specification, December 2007)."""

from collections.abc import Callable, Mapping, Sequence

from config.limits import AMF_KEYS_MAX, AMF_VALUES_MAX
from media.wire import amf3
from media.wire.amf_value import (
    DOUBLE,
    UNDEFINED,
    Cursor,
    Date,
    EcmaArray,
    MalformedAmf,
    References,
    Undefined,
    Value,
    fields_of,
)

__all__ = [
    "UNDEFINED",
    "Date",
    "EcmaArray",
    "MalformedAmf",
    "Undefined",
    "Value",
    "decode",
    "decode_into",
    "encode",
    "fields_of",
]

# 2.1, type markers.
_NUMBER, _BOOLEAN, _STRING, _OBJECT = 0x00, 0x01, 0x02, 0x03
_NULL, _UNDEFINED, _REFERENCE, _ECMA_ARRAY = 0x05, 0x06, 0x07, 0x08
_OBJECT_END, _STRICT_ARRAY, _DATE, _LONG_STRING = 0x09, 0x0A, 0x0B, 0x0C
_UNSUPPORTED, _XML_DOCUMENT, _TYPED_OBJECT, _AVMPLUS = 0x0D, 0x0F, 0x10, 0x11

_COMPOUND = (_OBJECT, _ECMA_ARRAY, _STRICT_ARRAY, _TYPED_OBJECT)
_SHORT_STRING_BYTES_MAX = 0xFFFF


def decode(data: bytes) -> list[Value]:
    """All values of a message body; one behind an avmplus marker is AMF3 (3.1).

    Raises:
        MalformedAmf: see there.
    """
    values: list[Value] = []
    decode_into(values, data)
    return values


def decode_into(values: list[Value], data: bytes) -> None:
    """As `decode`; when it raises, `values` has got those before the malformed one."""
    decoder = _Decoder(Cursor(data))
    while not decoder.cursor.is_at_end:
        values.append(decoder.value(0))


def encode(*values: Value) -> bytes:
    """A message body of these values; `int` is written as a number."""
    return b"".join(map(_encoded, values))


class _Decoder:
    """Reads values one after the other; later ones may refer to earlier ones (2.9)."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self._references = References(cursor)

    def value(self, depth: int) -> Value:
        self.cursor.count_value(depth)
        marker = self.cursor.byte()
        if marker in _COMPOUND:
            number = self._references.begin()
            return self._references.end(number, self._compound(marker, depth + 1))
        if marker == _REFERENCE:
            return self._references.get(self.cursor.integer(2))
        if marker == _AVMPLUS:
            return amf3.decode_value(self.cursor, depth)
        read = _SCALARS.get(marker)
        if read is None:
            raise MalformedAmf(f"unknown type {marker}")
        return read(self.cursor)

    def _compound(self, marker: int, depth: int) -> Value:
        if marker == _STRICT_ARRAY:
            count = self.cursor.integer(4)
            if count > AMF_VALUES_MAX:
                raise MalformedAmf("too many values")
            return [self.value(depth) for _ in range(count)]
        if marker == _ECMA_ARRAY:
            self.cursor.take(4)  # a count that encoders get wrong; the end marker decides
            return EcmaArray(self._fields(depth))
        if marker == _TYPED_OBJECT:
            _text(self.cursor, 2)  # the class's name
        return self._fields(depth)

    def _fields(self, depth: int) -> dict[str, Value]:
        fields: dict[str, Value] = {}
        while True:
            name = _text(self.cursor, 2)
            if self.cursor.follows(b"\x09"):
                self.cursor.take(1)
                return fields
            if len(fields) >= AMF_KEYS_MAX:
                raise MalformedAmf("too many fields")
            fields[name] = self.value(depth)


def _text(cursor: Cursor, length_bytes: int) -> str:
    return cursor.text(cursor.integer(length_bytes))


def _read_date(cursor: Cursor) -> Date:
    date = Date(cursor.number())
    cursor.take(2)
    return date


_SCALARS: dict[int, Callable[[Cursor], Value]] = {
    _NUMBER: Cursor.number,
    _BOOLEAN: lambda cursor: cursor.take(1) != b"\0",
    _STRING: lambda cursor: _text(cursor, 2),
    _NULL: lambda _: None,
    _UNDEFINED: lambda _: UNDEFINED,
    _DATE: _read_date,
    _LONG_STRING: lambda cursor: _text(cursor, 4),
    _UNSUPPORTED: lambda _: UNDEFINED,
    _XML_DOCUMENT: lambda cursor: _text(cursor, 4),
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
            return bytes((_DATE,)) + DOUBLE.pack(milliseconds) + b"\0\0"
        case _:
            return bytes((_NUMBER,)) + DOUBLE.pack(value)


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
