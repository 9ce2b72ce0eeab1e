"""AV1's sequence header, and the configuration record made of it.

Sections are those of the AV1 bitstream specification unless another one is named.
"""

from dataclasses import dataclass
from math import gcd

from media.units import VIDEO_TIMESCALE, MediaKind, Track
from media.wire.av1 import SEQUENCE_HEADER, iterate_units
from media.wire.bits import BitReader, MalformedConfiguration
from media.wire.nal import MalformedAccessUnit
from media.wire.sps import SIDE_PIXELS_MAX

_MARKER_AND_VERSION = 0x81
_RECORD_BYTES = 4
_TIERED_LEVEL_MIN = 8  # 5.5.1: lower levels have one tier
# 6.4.2: identity of primaries, transfer and matrix that means RGB.
_SRGB = (1, 13, 0)


@dataclass(frozen=True, slots=True)
class SequenceHeader:
    """What a player must know of an AV1 sequence; of operating point 0, which is the best one.

    Attributes:
        tier: 0 main, 1 high.
        bit_depth: 8, 10 or 12.
        subsampling: of chroma, across and down; (1, 1) is 4:2:0.
        frame_rate: frames a second as a reduced fraction; (0, 1) when the stream does not say.
    """

    profile: int
    level: int
    tier: int
    bit_depth: int
    is_monochrome: bool
    subsampling: tuple[int, int]
    sample_position: int
    width: int
    height: int
    frame_rate: tuple[int, int]

    @property
    def codec(self) -> str:
        """AV1 in ISOBMFF, section 5; the short form."""
        tier = "H" if self.tier else "M"
        return f"av01.{self.profile}.{self.level:02d}{tier}.{self.bit_depth:02d}"


def parse_sequence_header(unit: bytes) -> SequenceHeader:
    """Read a sequence header OBU (5.5).

    Raises:
        MalformedConfiguration: it is none, ends early or claims what cannot be.
    """
    try:
        first = next(iterate_units(unit), None)
    except MalformedAccessUnit as error:
        raise MalformedConfiguration(str(error)) from None
    if first is None or first.type != SEQUENCE_HEADER:
        raise MalformedConfiguration("not a sequence header")
    return _SequenceReader(BitReader(first.payload)).read()


class _SequenceReader:
    """5.5.1, element by element."""

    def __init__(self, bits: BitReader) -> None:
        self._bits = bits
        self._level = self._tier = 0
        self._frame_rate = (0, 1)

    def read(self) -> SequenceHeader:
        bits = self._bits
        profile = bits.read(3)
        bits.flag()  # still_picture
        is_reduced = bits.flag()
        if is_reduced:
            self._level = bits.read(5)
        else:
            self._read_operating_points()
        width, height = self._read_size()
        self._skip_tools(is_reduced)
        bit_depth, is_monochrome, subsampling, sample_position = self._read_colour(profile)
        return SequenceHeader(
            profile,
            self._level,
            self._tier,
            bit_depth,
            is_monochrome,
            subsampling,
            sample_position,
            width,
            height,
            self._frame_rate,
        )

    def _read_operating_points(self) -> None:
        bits = self._bits
        delay_bits = self._read_timing() if bits.flag() else 0
        has_display_delay = bits.flag()
        for index in range(bits.read(5) + 1):
            bits.read(12)  # operating_point_idc
            level = bits.read(5)
            tier = bits.read(1) if level >= _TIERED_LEVEL_MIN else 0
            if delay_bits and bits.flag():
                bits.read(2 * delay_bits + 1)
            if has_display_delay and bits.flag():
                bits.read(4)
            if index == 0:
                self._level, self._tier = level, tier

    def _read_timing(self) -> int:
        """5.5.3 and 5.5.4: the frame rate; returns the bits of a decoder model's delays."""
        bits = self._bits
        units_in_tick, time_scale = bits.read(32), bits.read(32)
        is_even = bits.flag()  # equal_picture_interval
        units_in_picture = units_in_tick * (bits.exp_golomb() + 1) if is_even else 0
        if units_in_picture and time_scale:
            divisor = gcd(time_scale, units_in_picture)
            self._frame_rate = (time_scale // divisor, units_in_picture // divisor)
        if not bits.flag():  # decoder_model_info_present_flag
            return 0
        delay_bits = bits.read(5) + 1
        bits.read(32 + 5 + 5)
        return delay_bits

    def _read_size(self) -> tuple[int, int]:
        width_bits, height_bits = self._bits.read(4) + 1, self._bits.read(4) + 1
        width, height = self._bits.read(width_bits) + 1, self._bits.read(height_bits) + 1
        if max(width, height) > SIDE_PIXELS_MAX:
            raise MalformedConfiguration(f"a picture of {width}x{height} is impossible")
        return width, height

    def _skip_tools(self, is_reduced: bool) -> None:
        bits = self._bits
        if not is_reduced and bits.flag():  # frame_id_numbers_present_flag
            bits.read(4 + 3)
        bits.read(3)
        if not is_reduced:
            self._skip_inter_tools()
        bits.read(3)  # enable_superres, enable_cdef, enable_restoration

    def _skip_inter_tools(self) -> None:
        bits = self._bits
        bits.read(4)
        has_order_hint = bits.flag()
        if has_order_hint:
            bits.read(2)
        # seq_choose_screen_content_tools, else seq_force_screen_content_tools
        has_screen_content = bits.flag() or bits.flag()
        if has_screen_content and not bits.flag():  # seq_choose_integer_mv
            bits.flag()
        if has_order_hint:
            bits.read(3)

    def _read_colour(self, profile: int) -> tuple[int, bool, tuple[int, int], int]:
        """5.5.2: bit depth, monochrome, subsampling and where chroma samples lie."""
        bits = self._bits
        bit_depth = 10 if bits.flag() else 8
        if profile == 2 and bit_depth == 10 and bits.flag():
            bit_depth = 12
        is_monochrome = profile != 1 and bits.flag()
        colour = (bits.read(8), bits.read(8), bits.read(8)) if bits.flag() else (2, 2, 2)
        if is_monochrome:
            return bit_depth, True, (1, 1), 0
        if colour == _SRGB:
            return bit_depth, False, (0, 0), 0
        bits.flag()  # color_range
        subsampling = self._read_subsampling(profile, bit_depth)
        return bit_depth, False, subsampling, bits.read(2) if subsampling == (1, 1) else 0

    def _read_subsampling(self, profile: int, bit_depth: int) -> tuple[int, int]:
        if profile < 2:
            return (1, 1) if profile == 0 else (0, 0)
        if bit_depth < 12:
            return 1, 0
        across = self._bits.read(1)
        return across, self._bits.read(1) if across else 0


def build_av1_configuration(unit: bytes) -> bytes:
    """An av1C record (AV1 in ISOBMFF, 2.3.3) with this sequence header OBU, which has its size.

    Raises:
        MalformedConfiguration: it cannot be read.
    """
    header = parse_sequence_header(unit)
    across, down = header.subsampling
    flags = header.tier << 7 | (header.bit_depth > 8) << 6 | (header.bit_depth > 10) << 5
    flags |= header.is_monochrome << 4 | across << 3 | down << 2 | header.sample_position
    return bytes((_MARKER_AND_VERSION, header.profile << 5 | header.level, flags, 0)) + unit


def sequence_unit(record: bytes) -> bytes:
    """The sequence header OBU of an av1C record, with its size; empty where it has none.

    Raises:
        MalformedConfiguration: it is no such record.
    """
    if len(record) < _RECORD_BYTES or record[0] != _MARKER_AND_VERSION:
        raise MalformedConfiguration("not an AV1 configuration record")
    try:
        units = list(iterate_units(record[_RECORD_BYTES:]))
    except MalformedAccessUnit as error:
        raise MalformedConfiguration(str(error)) from None
    return next((unit.sized() for unit in units if unit.type == SEQUENCE_HEADER), b"")


def track_from_av1_sequence(unit: bytes) -> Track:
    """The video track that a sequence header OBU describes.

    Raises:
        MalformedConfiguration: it cannot be read.
    """
    header = parse_sequence_header(unit)
    return Track(
        kind=MediaKind.VIDEO,
        codec=header.codec,
        timescale=VIDEO_TIMESCALE,
        extradata=build_av1_configuration(unit),
        width=header.width,
        height=header.height,
        frame_rate=header.frame_rate,
    )
