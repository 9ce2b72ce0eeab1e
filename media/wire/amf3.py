"""AMF3, which some encoders send behind AMF0's avmplus marker (AMF 3 specification, January 2013).

It is only read: whoever speaks it understands AMF0, which we write.
"""

from collections.abc import Callable
from dataclasses import dataclass

from config.limits import AMF_KEYS_MAX, AMF_VALUES_MAX
from media.wire.amf_value import (
    UNDEFINED,
    Cursor,
    Date,
    EcmaArray,
    MalformedAmf,
    References,
    Value,
)

# 3.1, type markers.
_UNDEFINED, _NULL, _FALSE, _TRUE, _INTEGER, _DOUBLE, _STRING = range(0x07)
_XML_DOCUMENT, _DATE, _ARRAY, _OBJECT, _XML, _BYTE_ARRAY = range(0x07, 0x0D)
_VECTOR_INT, _VECTOR_UINT, _VECTOR_DOUBLE, _VECTOR_OBJECT, _DICTIONARY = range(0x0D, 0x12)

_CONSTANTS: dict[int, Value] = {_UNDEFINED: UNDEFINED, _NULL: None, _FALSE: False, _TRUE: True}

# Classes that write themselves, as one value each (BlazeDS); others cannot be read by anybody else.
_WRAPPERS = frozenset(
    {
        "flex.messaging.io.ArrayCollection",
        "flex.messaging.io.ArrayList",
        "flex.messaging.io.ObjectProxy",
    }
)


def decode_value(cursor: Cursor, depth: int) -> Value:
    """The value at the cursor, which moves behind it. References do not reach beyond it.

    Raises:
        MalformedAmf: see there.
    """
    return _Decoder(cursor).value(depth)


def decode_into(values: list[Value], data: bytes) -> None:
    """Append all values of a message body that is AMF3 from its first byte.

    Raises:
        MalformedAmf: see there; `values` has got those before the malformed one.
    """
    cursor = Cursor(data)
    decoder = _Decoder(cursor)
    while not cursor.is_at_end:
        values.append(decoder.value(0))


@dataclass(frozen=True, slots=True)
class _Traits:
    """What objects of one class have in common (3.12)."""

    class_name: str
    names: tuple[str, ...]
    is_dynamic: bool
    is_external: bool


class _Decoder:
    """Reads one value with the three tables of what may be referred to (2.2)."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._texts: list[str] = []
        self._traits: list[_Traits] = []
        self._objects = References(cursor)

    def value(self, depth: int) -> Value:
        cursor = self._cursor
        cursor.count_value(depth)
        marker = cursor.byte()
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        if marker == _INTEGER:
            return float(_signed(self._length(), 29))
        if marker == _DOUBLE:
            return cursor.number()
        if marker == _STRING:
            return self._text()
        if marker not in _READERS:
            raise MalformedAmf(f"unknown type {marker} of AMF3")
        return self._referable(_READERS[marker], depth)

    def _referable(self, read: "_Reader", depth: int) -> Value:
        """A value that begins with a length, or with the number of one that came before."""
        header = self._length()
        if not header & 1:
            return self._objects.get(header >> 1)
        number = self._objects.begin()
        return self._objects.end(number, read(self, header >> 1, depth + 1))

    def _length(self) -> int:
        """An unsigned integer of 29 bits in one to four bytes (1.3.1)."""
        result = 0
        for _ in range(3):
            byte = self._cursor.byte()
            result = result << 7 | byte & 0x7F
            if byte < 0x80:
                return result
        return result << 8 | self._cursor.byte()

    def _text(self) -> str:
        header = self._length()
        if header & 1:
            text = self._cursor.text(header >> 1)
            if text:  # the empty text is never referred to
                self._texts.append(text)
            return text
        if header >> 1 >= len(self._texts):
            raise MalformedAmf("a text refers to none")
        text = self._texts[header >> 1]
        self._cursor.count_text(text)
        return text

    # --- values that may be referred to: `header` is what their length says -----------------------

    def xml(self, header: int, _: int) -> Value:
        return self._cursor.text(header)

    def date(self, _header: int, _: int) -> Value:
        return Date(self._cursor.number())

    def byte_array(self, header: int, _: int) -> Value:
        self._cursor.take(header)
        return UNDEFINED

    def array(self, header: int, depth: int) -> Value:
        fields = self._dynamic_fields({}, depth)
        items = self._items(header, depth)
        if not fields:
            return items
        return EcmaArray(fields | {str(index): item for index, item in enumerate(items)})

    def object(self, header: int, depth: int) -> Value:
        traits = self._read_traits(header)
        if traits.is_external:
            if traits.class_name not in _WRAPPERS:
                raise MalformedAmf("an object that writes itself")
            return self.value(depth)
        fields = {name: self.value(depth) for name in traits.names}
        return self._dynamic_fields(fields, depth) if traits.is_dynamic else fields

    def integers(self, header: int, _: int) -> Value:
        return [float(_signed(number, 32)) for number in self._vector(header, 4)]

    def unsigned(self, header: int, _: int) -> Value:
        return [float(number) for number in self._vector(header, 4)]

    def doubles(self, header: int, depth: int) -> Value:
        _checked(header, AMF_VALUES_MAX)
        self._cursor.take(1)  # whether its length is fixed
        return [self._counted_number(depth) for _ in range(header)]

    def objects(self, header: int, depth: int) -> Value:
        self._cursor.take(1)
        self._text()  # the class's name
        return self._items(header, depth)

    def dictionary(self, header: int, depth: int) -> Value:
        """Pairs of any values; those whose key is a text are kept."""
        self._cursor.take(1)  # whether its keys are held weakly
        _checked(header, AMF_KEYS_MAX)
        pairs = [(self.value(depth), self.value(depth)) for _ in range(header)]
        return {key: value for key, value in pairs if isinstance(key, str)}

    def _items(self, count: int, depth: int) -> list[Value]:
        _checked(count, AMF_VALUES_MAX)
        return [self.value(depth) for _ in range(count)]

    def _vector(self, count: int, size: int) -> list[int]:
        _checked(count, AMF_VALUES_MAX)
        self._cursor.take(1)
        numbers = []
        for _ in range(count):
            self._cursor.count_value(0)
            numbers.append(self._cursor.integer(size))
        return numbers

    def _counted_number(self, depth: int) -> float:
        self._cursor.count_value(depth)
        return self._cursor.number()

    def _read_traits(self, header: int) -> _Traits:
        if not header & 1:
            if header >> 1 >= len(self._traits):
                raise MalformedAmf("an object of no known class")
            return self._traits[header >> 1]
        is_external, is_dynamic, count = bool(header & 2), bool(header & 4), header >> 3
        class_name = self._text()
        _checked(count, AMF_KEYS_MAX)
        names = () if is_external else tuple(self._text() for _ in range(count))
        traits = _Traits(class_name, names, is_dynamic, is_external)
        self._traits.append(traits)
        return traits

    def _dynamic_fields(self, fields: dict[str, Value], depth: int) -> dict[str, Value]:
        """Names and values up to an empty name, added to `fields`."""
        while name := self._text():
            _checked(len(fields) + 1, AMF_KEYS_MAX)
            fields[name] = self.value(depth)
        return fields


type _Reader = Callable[[_Decoder, int, int], Value]

_READERS: dict[int, _Reader] = {
    _XML_DOCUMENT: _Decoder.xml,
    _DATE: _Decoder.date,
    _ARRAY: _Decoder.array,
    _OBJECT: _Decoder.object,
    _XML: _Decoder.xml,
    _BYTE_ARRAY: _Decoder.byte_array,
    _VECTOR_INT: _Decoder.integers,
    _VECTOR_UINT: _Decoder.unsigned,
    _VECTOR_DOUBLE: _Decoder.doubles,
    _VECTOR_OBJECT: _Decoder.objects,
    _DICTIONARY: _Decoder.dictionary,
}


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> bits - 1 else number


def _checked(count: int, limit: int) -> None:
    if count > limit:
        raise MalformedAmf("too many values")
