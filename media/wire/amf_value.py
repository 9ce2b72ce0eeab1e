"""What both AMF encodings are made of: values, and a bounded cursor over their bytes."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from config.limits import AMF_DEPTH_MAX, AMF_TEXT_BYTES_MAX, AMF_VALUES_MAX

DOUBLE = struct.Struct(">d")


class MalformedAmf(ValueError):
    """The data ends early, uses an unknown type or is larger than anything a publisher needs."""


class Undefined(Enum):
    """What JavaScript calls undefined; also stands for values that we cannot represent."""

    UNDEFINED = "undefined"


UNDEFINED = Undefined.UNDEFINED


@dataclass(frozen=True, slots=True)
class Date:
    """Milliseconds since 1970 in UTC; the time zone on the wire is reserved (AMF 0, 2.13)."""

    milliseconds: float


@dataclass(frozen=True, slots=True)
class EcmaArray:
    """An associative array: fields like an object's, another marker on the wire."""

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


class Cursor:
    """A place in the data, and how much has been made of the data so far.

    What is made is bounded as if it held no references: a value that is referred to counts again,
    with all that it holds.
    """

    def __init__(self, data: bytes) -> None:
        self.position = 0
        self._data = data
        self._values = 0
        self._text_bytes = 0

    @property
    def is_at_end(self) -> bool:
        return self.position >= len(self._data)

    def take(self, count: int) -> bytes:
        start = self.position
        self.position = start + count
        if self.position > len(self._data):
            raise MalformedAmf("the data ends early")
        return self._data[start : self.position]

    def byte(self) -> int:
        return self.take(1)[0]

    def follows(self, data: bytes) -> bool:
        """Whether `data` comes next."""
        return self._data.startswith(data, self.position)

    def integer(self, length_bytes: int) -> int:
        return int.from_bytes(self.take(length_bytes), "big")

    def number(self) -> float:
        number: float = DOUBLE.unpack(self.take(8))[0]
        return number

    def text(self, length: int) -> str:
        text = self.take(length).decode("utf-8", "replace")
        self.count_text(text)
        return text

    def count_text(self, text: str) -> None:
        """A text is part of what is made, here or because something refers to it."""
        self._text_bytes += len(text)
        if self._text_bytes > AMF_TEXT_BYTES_MAX:
            raise MalformedAmf("too much text")

    def count_value(self, depth: int) -> None:
        self._values += 1
        if depth > AMF_DEPTH_MAX or self._values > AMF_VALUES_MAX:
            raise MalformedAmf("too deep or too many values")

    def made(self) -> tuple[int, int]:
        """Values and characters so far."""
        return self._values, self._text_bytes

    def count_again(self, made: tuple[int, int]) -> None:
        """Something of that size is referred to."""
        self._values += made[0]
        self._text_bytes += made[1]
        if self._values > AMF_VALUES_MAX or self._text_bytes > AMF_TEXT_BYTES_MAX:
            raise MalformedAmf("too much by reference")


class References:
    """Values that may be referred to by their number, in the order in which they began.

    One that has not ended yet is part of itself: nothing here can represent that.
    """

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._known: list[tuple[Value, tuple[int, int]]] = []

    def begin(self) -> int:
        """The number of a value that begins here."""
        self._known.append((UNDEFINED, self._cursor.made()))
        return len(self._known) - 1

    def end[T: Value](self, number: int, value: T) -> T:
        """The value of that number is complete."""
        before, now = self._known[number][1], self._cursor.made()
        self._known[number] = (value, (now[0] - before[0], now[1] - before[1]))
        return value

    def get(self, number: int) -> Value:
        """Undefined for a number that nothing has."""
        if number >= len(self._known):
            return UNDEFINED
        value, made = self._known[number]
        if value is not UNDEFINED:
            self._cursor.count_again(made)
        return value
