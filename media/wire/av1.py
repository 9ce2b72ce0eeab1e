"""AV1: temporal units, and the open bitstream units that they are made of.

Sections are those of the AV1 bitstream specification unless another one is named.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from config.limits import AV1_UNITS_MAX
from media.wire.nal import MalformedAccessUnit

# 6.2.2, obu_type.
SEQUENCE_HEADER = 1
_TEMPORAL_DELIMITER = 2
_FRAME_HEADER = 3
_FRAME = 6
_TILE_LIST = 8
_PADDING = 15
_DROPPED = frozenset({_TEMPORAL_DELIMITER, _TILE_LIST, _PADDING})

_EXTENSION_FLAG = 0x04
_SIZE_FLAG = 0x02
_SIZE_BYTES_MAX = 8  # 4.10.5
# 5.9.2: show_existing_frame, frame_type (0 is a key frame), show_frame.
_FRAME_BITS = 0xF0
_SHOWN_KEY_FRAME = 0x10


@dataclass(frozen=True, slots=True)
class Unit:
    """One OBU.

    Attributes:
        header: its one or two bytes, with the flag that says that a size follows.
        payload: without header and size.
    """

    type: int
    header: bytes
    payload: bytes

    def sized(self) -> bytes:
        """The unit with its size in it, whether it had one or not."""
        return self.header + _leb128(len(self.payload)) + self.payload


def iterate_units(data: bytes) -> Iterator[Unit]:
    """The OBUs of a temporal unit; only the last one may be without a size.

    Raises:
        MalformedAccessUnit: a unit is longer than the data, or none at all.
    """
    position, end = 0, len(data)
    for _ in range(AV1_UNITS_MAX):
        if position == end:
            return
        first = data[position]
        start = position + (2 if first & _EXTENSION_FLAG else 1)
        header = bytes((first | _SIZE_FLAG,)) + data[position + 1 : start]
        size = end - start
        if first & _SIZE_FLAG:
            size, start = _read_leb128(data, start)
        position = start + size
        if first & 0x80 or position > end or start > end:
            raise MalformedAccessUnit("an OBU is longer than its temporal unit")
        yield Unit(first >> 3 & 0x0F, header, data[start:position])
    if position < end:
        raise MalformedAccessUnit("a temporal unit of too many OBUs")


def _read_leb128(data: bytes, position: int) -> tuple[int, int]:
    """4.10.5: the number at `position`, and where it ends."""
    value = 0
    for index, byte in enumerate(data[position : position + _SIZE_BYTES_MAX]):
        value |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return value, position + index + 1
    raise MalformedAccessUnit("an OBU ends within its size")


def _leb128(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


@dataclass(frozen=True, slots=True)
class TemporalUnit:
    """A temporal unit as packets have it.

    Attributes:
        data: OBUs with sizes, without temporal delimiters, tile lists and padding (AV1 in ISOBMFF,
            2.4).
        keyframe: it begins with a key frame that is shown.
        sequence: the sequence header within, with its size; empty when there is none.
    """

    data: bytes
    keyframe: bool
    sequence: bytes


def normalise(data: bytes) -> TemporalUnit:
    """Read a temporal unit as encoders send it.

    Raises:
        MalformedAccessUnit: its units cannot be told apart, or there is nothing to decode in it.
    """
    units = [unit for unit in iterate_units(data) if unit.type not in _DROPPED]
    sequence, keyframe, has_frame = b"", False, False
    for unit in units:
        if unit.type == SEQUENCE_HEADER and not sequence:
            sequence = unit.sized()
        elif unit.type in (_FRAME, _FRAME_HEADER) and not has_frame:
            has_frame = True
            keyframe = unit.payload[:1] != b"" and (
                unit.payload[0] & _FRAME_BITS == _SHOWN_KEY_FRAME
            )
    if not has_frame:
        raise MalformedAccessUnit("a temporal unit without a frame")
    return TemporalUnit(b"".join(unit.sized() for unit in units), keyframe, sequence)
