"""H.265's decoder configuration record, and what its NAL units say."""

from dataclasses import dataclass

from media.units import VIDEO_TIMESCALE, MediaKind, Track
from media.wire.bits import MalformedConfiguration
from media.wire.hevc_sps import SPS_NAL_TYPE, HevcSequence, parse_hevc_sequence

__all__ = [
    "HevcConfiguration",
    "HevcSequence",
    "hevc_nal_type",
    "is_random_access",
    "parse_hevc_configuration",
    "parse_hevc_sequence",
    "track_from_hevc_configuration",
]

# ITU-T H.265, table 7-1.
VPS_NAL_TYPE = 32
PPS_NAL_TYPE = 34
_RANDOM_ACCESS_FIRST, _RANDOM_ACCESS_LAST = 16, 23

_CONFIGURATION_VERSION = 1
_HEADER_BYTES = 23
_NEEDED = (VPS_NAL_TYPE, SPS_NAL_TYPE, PPS_NAL_TYPE)
# ISO 14496-15, annex E.3: how a general_profile_space is written.
_SPACES = ("", "A", "B", "C")


@dataclass(frozen=True, slots=True)
class HevcConfiguration:
    """HEVCDecoderConfigurationRecord (ISO 14496-15, 8.3.3.1).

    Attributes:
        codec: RFC 6381 name.
        length_size: bytes before each NAL unit of a packet: 1, 2 or 4.
        parameter_sets: NAL units by their types, header bytes included.
    """

    codec: str
    length_size: int
    parameter_sets: dict[int, tuple[bytes, ...]]

    @property
    def sequence(self) -> HevcSequence:
        """Raises MalformedConfiguration when the first SPS cannot be read."""
        return parse_hevc_sequence(self.parameter_sets[SPS_NAL_TYPE][0])


def parse_hevc_configuration(record: bytes) -> HevcConfiguration:
    """Read an hvcC record.

    Raises:
        MalformedConfiguration: it ends early, has another version or lacks parameter sets.
    """
    if len(record) < _HEADER_BYTES or record[0] != _CONFIGURATION_VERSION:
        raise MalformedConfiguration("not an HEVC decoder configuration record")
    length_size = (record[21] & 3) + 1
    if length_size == 3:
        raise MalformedConfiguration("NAL unit lengths of 3 bytes do not exist")
    sets = _read_parameter_sets(record)
    if not all(sets.get(nal_type) for nal_type in _NEEDED):
        raise MalformedConfiguration("the record lacks parameter sets")
    return HevcConfiguration(_codec(record), length_size, sets)


def _read_parameter_sets(record: bytes) -> dict[int, tuple[bytes, ...]]:
    sets: dict[int, tuple[bytes, ...]] = {}
    position = _HEADER_BYTES
    for _ in range(record[22]):
        header = record[position : position + 3]
        position += 3
        nals = []
        for _ in range(int.from_bytes(header[1:], "big")):
            start = position + 2
            position = start + int.from_bytes(record[start - 2 : start], "big")
            if position > len(record) or position <= start:
                raise MalformedConfiguration("a parameter set is empty or cut off")
            nals.append(bytes(record[start:position]))
        if len(header) < 3:
            raise MalformedConfiguration("the record ends before its parameter sets")
        nal_type = header[0] & 0x3F
        sets[nal_type] = sets.get(nal_type, ()) + tuple(nals)
    return sets


def _codec(record: bytes) -> str:
    """ISO 14496-15, annex E.3: profile, compatibility flags from the last to the first, level."""
    profile = f"{_SPACES[record[1] >> 6]}{record[1] & 0x1F}"
    flags = int(f"{int.from_bytes(record[2:6], 'big'):032b}"[::-1], 2)
    tier = "H" if record[1] & 0x20 else "L"
    constraints = bytes(record[6:12]).rstrip(b"\0")
    return ".".join(
        ["hvc1", profile, f"{flags:x}", f"{tier}{record[12]}", *(f"{b:x}" for b in constraints)]
    )


def track_from_hevc_configuration(record: bytes) -> Track:
    """The video track that an hvcC record describes.

    The track's extradata says 4-byte lengths, as `media.units.Packet` has them, whatever the
    record said.

    Raises:
        MalformedConfiguration: the record or its first SPS cannot be read.
    """
    configuration = parse_hevc_configuration(record)
    sequence = configuration.sequence
    return Track(
        kind=MediaKind.VIDEO,
        codec=configuration.codec,
        timescale=VIDEO_TIMESCALE,
        extradata=bytes(record[:21]) + bytes((record[21] | 3,)) + bytes(record[22:]),
        width=sequence.width,
        height=sequence.height,
        frame_rate=sequence.frame_rate,
    )


def hevc_nal_type(first_byte: int) -> int:
    """The type of the NAL unit that begins with this byte (7.3.1.2)."""
    return first_byte >> 1 & 0x3F


def is_random_access(first_byte: int) -> bool:
    """Whether the NAL unit is a slice of a picture that decoding can begin at (IRAP, 3.69)."""
    return _RANDOM_ACCESS_FIRST <= hevc_nal_type(first_byte) <= _RANDOM_ACCESS_LAST
