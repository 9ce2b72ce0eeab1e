"""H.264 sequence parameter sets (ITU-T H.264, 7.3.2.1.1 and annex E)."""

from dataclasses import dataclass, replace
from math import gcd

from media.wire.bits import BitReader, MalformedConfiguration

SPS_NAL_TYPE = 7

# Profiles whose parameter sets carry chroma format and bit depth (7.3.2.1.1).
_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})

# Table E-1, aspect_ratio_idc 1 to 16.
_ASPECT_RATIOS = (
    (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11),
    (80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1),
)  # fmt: skip
_EXTENDED_ASPECT_RATIO = 255

# Twice what level 6.2 can code on a side; a bigger claim is a broken or hostile stream.
SIDE_PIXELS_MAX = 33_792


@dataclass(frozen=True, slots=True)
class SliceCoding:
    """What slice headers are made of (7.3.3) that the sequence decides.

    Attributes:
        number: of the parameter set.
        frame_number_bits: of `frame_num`.
        order_type: `pic_order_cnt_type`.
        order_bits: of `pic_order_cnt_lsb`; 0 unless the order type is 0.
        order_is_implied: `delta_pic_order_always_zero_flag`.
        separate_planes: each colour has slices of its own.
    """

    number: int
    frame_number_bits: int
    order_type: int
    order_bits: int = 0
    order_is_implied: bool = False
    separate_planes: bool = False


@dataclass(frozen=True, slots=True)
class SequenceParameterSet:
    """What a player must know of an H.264 sequence.

    Attributes:
        chroma_format: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
        bit_depth: the deeper of luma and chroma.
        width, height: pixels after cropping.
        progressive: every picture is a frame, never a pair of fields.
        sample_aspect_ratio: (1, 1) when the stream does not say.
        frame_rate: frames a second as a reduced fraction; (0, 1) when the stream does not say.
        reordered_frames_max: None when the stream does not say.
    """

    profile: int
    constraints: int
    level: int
    chroma_format: int
    bit_depth: int
    width: int
    height: int
    progressive: bool
    reference_frames_max: int
    slices: SliceCoding
    sample_aspect_ratio: tuple[int, int] = (1, 1)
    frame_rate: tuple[int, int] = (0, 1)
    reordered_frames_max: int | None = None


def parse_sequence_parameter_set(nal: bytes) -> SequenceParameterSet:
    """Read one SPS NAL unit, header byte included.

    Raises:
        MalformedConfiguration: it is no SPS, ends early or claims what no level allows.
    """
    if len(nal) < 4 or nal[0] & 0x1F != SPS_NAL_TYPE:
        raise MalformedConfiguration("not a sequence parameter set")
    bits = BitReader(nal[1:].replace(b"\0\0\3", b"\0\0"))
    profile, constraints, level = bits.read(8), bits.read(8), bits.read(8)
    number = bits.exp_golomb()
    chroma_format, bit_depth, separate_planes = _read_chroma(bits, profile)
    slices = replace(_read_picture_order(bits, number), separate_planes=separate_planes)
    reference_frames_max = bits.exp_golomb()
    bits.flag()  # gaps_in_frame_num_value_allowed_flag
    width, height, progressive = _read_size(bits, 0 if separate_planes else chroma_format)
    parsed = SequenceParameterSet(
        profile=profile,
        constraints=constraints,
        level=level,
        chroma_format=chroma_format,
        bit_depth=bit_depth,
        width=width,
        height=height,
        progressive=progressive,
        reference_frames_max=reference_frames_max,
        slices=slices,
    )
    return _read_usability(bits, parsed) if bits.flag() else parsed


def _read_chroma(bits: BitReader, profile: int) -> tuple[int, int, bool]:
    if profile not in _HIGH_PROFILES:
        return 1, 8, False
    chroma_format = bits.exp_golomb()
    if chroma_format > 3:
        raise MalformedConfiguration(f"chroma format {chroma_format} does not exist")
    separate_planes = chroma_format == 3 and bits.flag()
    bit_depth = 8 + max(bits.exp_golomb(), bits.exp_golomb())
    if bit_depth > 14:
        raise MalformedConfiguration(f"bit depth {bit_depth} does not exist")
    bits.flag()  # qpprime_y_zero_transform_bypass_flag
    if bits.flag():  # seq_scaling_matrix_present_flag
        for index in range(12 if chroma_format == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma_format, bit_depth, separate_planes


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    """7.3.2.1.1.1: a delta that brings the scale to 0 ends the list."""
    scale = 8
    for _ in range(size):
        scale = (scale + bits.signed_exp_golomb()) % 256
        if scale == 0:
            return


def _read_picture_order(bits: BitReader, number: int) -> SliceCoding:
    frame_number_bits = bits.exp_golomb() + 4
    order_type = bits.exp_golomb()
    order_bits, is_implied = 0, False
    if order_type == 0:
        order_bits = bits.exp_golomb() + 4
    elif order_type == 1:
        is_implied = bits.flag()
        bits.signed_exp_golomb()
        bits.signed_exp_golomb()
        cycle = bits.exp_golomb()
        if cycle > 255:
            raise MalformedConfiguration("a picture order cycle has more than 255 frames")
        for _ in range(cycle):
            bits.signed_exp_golomb()
    return SliceCoding(number, frame_number_bits, order_type, order_bits, is_implied)


def _read_size(bits: BitReader, chroma_array: int) -> tuple[int, int, bool]:
    """Width, height and progressive; cropping units are those of equations 7-19 to 7-22."""
    width = (bits.exp_golomb() + 1) * 16
    map_units = bits.exp_golomb() + 1
    progressive = bits.flag()
    fields = 1 if progressive else 2
    height = map_units * 16 * fields
    if not progressive:
        bits.flag()  # mb_adaptive_frame_field_flag
    bits.flag()  # direct_8x8_inference_flag
    if bits.flag():  # frame_cropping_flag
        left, right, top, bottom = (bits.exp_golomb() for _ in range(4))
        width -= (left + right) * (2 if chroma_array in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma_array == 1 else 1) * fields
    if not (0 < width <= SIDE_PIXELS_MAX and 0 < height <= SIDE_PIXELS_MAX):
        raise MalformedConfiguration(f"a picture of {width}x{height} is impossible")
    return width, height, progressive


def _read_usability(bits: BitReader, parsed: SequenceParameterSet) -> SequenceParameterSet:
    """Annex E.1.1. What is missing from a cut-off VUI stays unknown.

    Cameras exist that cut it short, and nothing in it changes how pictures are decoded.
    """
    try:
        parsed = replace(parsed, sample_aspect_ratio=read_aspect_ratio(bits))
        skip_display(bits)
        parsed = replace(parsed, frame_rate=_read_frame_rate(bits))
        return replace(parsed, reordered_frames_max=_read_reordering(bits))
    except MalformedConfiguration:
        return parsed


def read_aspect_ratio(bits: BitReader) -> tuple[int, int]:
    """The first elements of a VUI, which H.264 and H.265 (E.2.1) share: width to height."""
    if not bits.flag():
        return 1, 1
    index = bits.read(8)
    if index == _EXTENDED_ASPECT_RATIO:
        width, height = bits.read(16), bits.read(16)
        if width == 0 or height == 0:
            return 1, 1
        divisor = gcd(width, height)
        return width // divisor, height // divisor
    return _ASPECT_RATIOS[index - 1] if 1 <= index <= len(_ASPECT_RATIOS) else (1, 1)


def skip_display(bits: BitReader) -> None:
    """What follows the aspect ratio in a VUI of both standards."""
    if bits.flag():  # overscan_info_present_flag
        bits.flag()
    if bits.flag():  # video_signal_type_present_flag
        bits.read(4)
        if bits.flag():  # colour_description_present_flag
            bits.read(24)
    if bits.flag():  # chroma_loc_info_present_flag
        bits.exp_golomb()
        bits.exp_golomb()


def _read_frame_rate(bits: BitReader) -> tuple[int, int]:
    """A tick is one field (E.2.1), so a frame lasts two."""
    if not bits.flag():
        return 0, 1
    units_in_tick, time_scale = bits.read(32), bits.read(32)
    bits.flag()  # fixed_frame_rate_flag
    if units_in_tick == 0 or time_scale == 0:
        return 0, 1
    divisor = gcd(time_scale, units_in_tick * 2)
    return time_scale // divisor, units_in_tick * 2 // divisor


def _read_reordering(bits: BitReader) -> int | None:
    has_nal_hrd = bits.flag()
    if has_nal_hrd:
        _skip_reference_decoder(bits)
    has_vcl_hrd = bits.flag()
    if has_vcl_hrd:
        _skip_reference_decoder(bits)
    if has_nal_hrd or has_vcl_hrd:
        bits.flag()  # low_delay_hrd_flag
    bits.flag()  # pic_struct_present_flag
    if not bits.flag():  # bitstream_restriction_flag
        return None
    bits.flag()
    for _ in range(4):
        bits.exp_golomb()
    return bits.exp_golomb()


def _skip_reference_decoder(bits: BitReader) -> None:
    """E.1.2."""
    buffers = bits.exp_golomb() + 1
    if buffers > 32:
        raise MalformedConfiguration("a reference decoder has more than 32 buffers")
    bits.read(8)
    for _ in range(buffers):
        bits.exp_golomb()
        bits.exp_golomb()
        bits.flag()
    bits.read(20)
