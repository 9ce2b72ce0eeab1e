"""H.264 NAL units: their two framings and the decoder configuration made of them."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from config.limits import ACCESS_UNIT_NALS_MAX
from media.units import VIDEO_TIMESCALE, MediaKind, Track
from media.wire.aac import track_from_audio_specific_config
from media.wire.bits import MalformedConfiguration
from media.wire.sps import (
    SPS_NAL_TYPE,
    SequenceParameterSet,
    parse_sequence_parameter_set,
)

__all__ = [
    "AvcConfiguration",
    "MalformedAccessUnit",
    "MalformedConfiguration",
    "SequenceParameterSet",
    "annex_b_to_length_prefixed",
    "avc_configuration_from_annex_b",
    "build_avc_configuration",
    "contains_idr",
    "is_idr",
    "iterate_annex_b",
    "iterate_length_prefixed",
    "length_prefixed_to_annex_b",
    "parse_avc_configuration",
    "parse_sequence_parameter_set",
    "scan_access_unit",
    "track_from_audio_specific_config",
    "track_from_avc_configuration",
    "widen_lengths",
]

# ITU-T H.264, table 7-1.
IDR_NAL_TYPE = 5
PPS_NAL_TYPE = 8

_START_CODE = b"\0\0\1"
_LENGTH = struct.Struct(">I").unpack_from
_CONFIGURATION_VERSION = 1
# ISO 14496-15, 5.3.3.1.2: profiles whose record ends in chroma format and bit depths.
_EXTENDED_RECORD_PROFILES = frozenset({100, 110, 122, 144, 244})


class MalformedAccessUnit(ValueError):
    """The NAL units of an access unit cannot be told apart."""


@dataclass(frozen=True, slots=True)
class AvcConfiguration:
    """AVCDecoderConfigurationRecord (ISO 14496-15, 5.3.3.1).

    Attributes:
        length_size: bytes before each NAL unit of a packet: 1, 2 or 4.
        sequence_sets, picture_sets: NAL units, header byte included.
    """

    profile: int
    constraints: int
    level: int
    length_size: int
    sequence_sets: tuple[bytes, ...]
    picture_sets: tuple[bytes, ...]

    @property
    def codec(self) -> str:
        """RFC 6381 name."""
        return f"avc1.{self.profile:02x}{self.constraints:02x}{self.level:02x}"


def parse_avc_configuration(record: bytes) -> AvcConfiguration:
    """Read an avcC record; what follows the picture parameter sets is not needed.

    Raises:
        MalformedConfiguration: it ends early, has another version or no parameter sets.
    """
    if len(record) < 7 or record[0] != _CONFIGURATION_VERSION:
        raise MalformedConfiguration("not an AVC decoder configuration record")
    length_size = (record[4] & 3) + 1
    if length_size == 3:
        raise MalformedConfiguration("NAL unit lengths of 3 bytes do not exist")
    sequence_sets, position = _read_parameter_sets(record, 6, record[5] & 0x1F)
    if position >= len(record):
        raise MalformedConfiguration("the record ends before its picture parameter sets")
    picture_sets, _ = _read_parameter_sets(record, position + 1, record[position])
    if not sequence_sets or not picture_sets:
        raise MalformedConfiguration("the record lacks parameter sets")
    return AvcConfiguration(
        record[1], record[2], record[3], length_size, sequence_sets, picture_sets
    )


def _read_parameter_sets(record: bytes, position: int, count: int) -> tuple[tuple[bytes, ...], int]:
    sets = []
    for _ in range(count):
        start = position + 2
        position = start + int.from_bytes(record[start - 2 : start], "big")
        if start > len(record) or position > len(record) or position == start:
            raise MalformedConfiguration("a parameter set is empty or cut off")
        sets.append(bytes(record[start:position]))
    return tuple(sets), position


def build_avc_configuration(
    sequence_sets: tuple[bytes, ...], picture_sets: tuple[bytes, ...]
) -> bytes:
    """Write an avcC record for packets with 4-byte NAL unit lengths.

    Raises:
        MalformedConfiguration: there are none or too many sets, or the first SPS cannot be read.
    """
    if not 1 <= len(sequence_sets) <= 31 or not 1 <= len(picture_sets) <= 255:
        raise MalformedConfiguration("a record holds 1 to 31 SPS and 1 to 255 PPS")
    first = parse_sequence_parameter_set(sequence_sets[0])
    record = bytearray((_CONFIGURATION_VERSION,))
    record += bytes((first.profile, first.constraints, first.level, 0xFF))
    record.append(0xE0 | len(sequence_sets))
    for nal in sequence_sets:
        record += len(nal).to_bytes(2, "big") + nal
    record.append(len(picture_sets))
    for nal in picture_sets:
        record += len(nal).to_bytes(2, "big") + nal
    if first.profile in _EXTENDED_RECORD_PROFILES:
        depth = 0xF8 | (first.bit_depth - 8)
        record += bytes((0xFC | first.chroma_format, depth, depth, 0))
    return bytes(record)


def avc_configuration_from_annex_b(extradata: bytes) -> bytes:
    """An avcC record from the SPS and PPS that an encoder gives as Annex B.

    Raises:
        MalformedConfiguration: it holds no SPS or no PPS.
    """
    nals = [nal for nal in iterate_annex_b(extradata) if nal]
    return build_avc_configuration(
        tuple(nal for nal in nals if nal[0] & 0x1F == SPS_NAL_TYPE),
        tuple(nal for nal in nals if nal[0] & 0x1F == PPS_NAL_TYPE),
    )


def track_from_avc_configuration(record: bytes) -> Track:
    """The video track that an avcC record describes.

    The track's extradata says 4-byte lengths, as `media.units.Packet` has them, whatever the
    record said; packets with shorter lengths go through `widen_lengths`.

    Raises:
        MalformedConfiguration: the record or its first SPS cannot be read.
    """
    configuration = parse_avc_configuration(record)
    sequence = parse_sequence_parameter_set(configuration.sequence_sets[0])
    return Track(
        kind=MediaKind.VIDEO,
        codec=configuration.codec,
        timescale=VIDEO_TIMESCALE,
        extradata=bytes(record[:4]) + b"\xff" + bytes(record[5:]),
        width=sequence.width,
        height=sequence.height,
        frame_rate=sequence.frame_rate,
    )


def iterate_length_prefixed(data: bytes, length_size: int = 4) -> Iterator[bytes]:
    """The NAL units of a length-prefixed access unit.

    Raises:
        MalformedAccessUnit: a length points outside of the data, or there are too many.
    """
    position, end = 0, len(data)
    for _ in range(ACCESS_UNIT_NALS_MAX):
        if position >= end:
            return
        start = position + length_size
        position = start + int.from_bytes(data[start - length_size : start], "big")
        if position > end or start > end:
            raise MalformedAccessUnit("a NAL unit is longer than its access unit")
        yield data[start:position]
    if position < end:
        raise MalformedAccessUnit("a NAL unit is one too many")


def iterate_annex_b(data: bytes) -> Iterator[bytes]:
    """The NAL units between start codes (ITU-T H.264, annex B); bytes before the first are lost.

    Zeros before a start code belong to no unit: a unit never ends in a zero byte (7.4.1).
    """
    start = data.find(_START_CODE)
    while start >= 0:
        following = data.find(_START_CODE, start + 3)
        yield data[start + 3 : following if following >= 0 else len(data)].rstrip(b"\0")
        start = following


def annex_b_to_length_prefixed(data: bytes) -> bytes:
    """The same NAL units behind 4-byte lengths; empty units are left out."""
    pieces = []
    for nal in iterate_annex_b(data):
        if nal:
            pieces.append(len(nal).to_bytes(4, "big"))
            pieces.append(nal)
    return b"".join(pieces)


def length_prefixed_to_annex_b(data: bytes) -> bytes:
    """The same NAL units behind 4-byte start codes.

    Raises:
        MalformedAccessUnit: a length points outside of the data.
    """
    return b"".join(b"\0\0\0\1" + nal for nal in iterate_length_prefixed(data))


def widen_lengths(data: bytes, length_size: int) -> bytes:
    """The same access unit with lengths of 4 bytes instead of `length_size`; checked in any case.

    Raises:
        MalformedAccessUnit: a length points outside of the data.
    """
    nals = list(iterate_length_prefixed(data, length_size))
    if length_size == 4:
        return data
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)


def scan_access_unit(data: bytes, is_wanted: Callable[[int], bool]) -> bool:
    """Whether one of the NAL units behind 4-byte lengths is wanted, going by its first byte.

    This is done for every packet of every publisher, so it is one loop without slices.

    Raises:
        MalformedAccessUnit: a length points outside of the data, or there are too many.
    """
    position, end, found = 0, len(data), False
    try:
        for _ in range(ACCESS_UNIT_NALS_MAX):
            if position >= end:
                break
            (size,) = _LENGTH(data, position)
            position += 4
            if size and not found and position < end:
                found = is_wanted(data[position])
            position += size
    except struct.error:
        position = end + 1
    if position != end:
        what = "is longer than its access unit" if position > end else "is one too many"
        raise MalformedAccessUnit(f"a NAL unit {what}")
    return found


def is_idr(first_byte: int) -> bool:
    """Whether the NAL unit that begins with this byte is a slice of an IDR picture."""
    return first_byte & 0x1F == IDR_NAL_TYPE


def contains_idr(data: bytes) -> bool:
    """Whether a length-prefixed access unit holds a slice of an IDR picture.

    Raises:
        MalformedAccessUnit: a length points outside of the data.
    """
    return scan_access_unit(data, is_idr)
