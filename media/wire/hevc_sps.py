"""H.265 sequence parameter sets (ITU-T H.265, 7.3.2.2 and annex E)."""

from dataclasses import dataclass, replace
from math import gcd

from media.wire.bits import BitReader, MalformedConfiguration
from media.wire.sps import SIDE_PIXELS_MAX, read_aspect_ratio, skip_display

SPS_NAL_TYPE = 33

# general_profile_space to general_level_idc (7.3.3) are 96 bits; those of a sub-layer too, and a
# sub-layer without profile has its level alone.
_PROFILE_BITS = 88
_LEVEL_BITS = 8
# 7.4.3.2.1 and 7.4.8: what no level allows.
_SHORT_TERM_SETS_MAX = 64
_LONG_TERM_PICTURES_MAX = 32
_REFERENCES_MAX = 16
_POC_BITS_MAX = 16


@dataclass(frozen=True, slots=True)
class HevcSequence:
    """What a player must know of an H.265 sequence.

    Attributes:
        chroma_format: 0 monochrome, 1 4:2:0, 2 4:2:2, 3 4:4:4.
        bit_depth: the deeper of luma and chroma.
        width, height: pixels after cropping.
        sample_aspect_ratio: (1, 1) when the stream does not say.
        frame_rate: pictures a second as a reduced fraction; (0, 1) when the stream does not say.
    """

    chroma_format: int
    bit_depth: int
    width: int
    height: int
    sample_aspect_ratio: tuple[int, int] = (1, 1)
    frame_rate: tuple[int, int] = (0, 1)


def parse_hevc_sequence(nal: bytes) -> HevcSequence:
    """Read one SPS NAL unit, its two header bytes included.

    Raises:
        MalformedConfiguration: it is no SPS, ends early or claims what no level allows.
    """
    if len(nal) < 4 or nal[0] >> 1 & 0x3F != SPS_NAL_TYPE:
        raise MalformedConfiguration("not a sequence parameter set")
    bits = BitReader(nal[2:].replace(b"\0\0\3", b"\0\0"))
    bits.read(4)  # sps_video_parameter_set_id
    sub_layers = bits.read(3)
    bits.flag()  # sps_temporal_id_nesting_flag
    _skip_profile(bits, sub_layers)
    bits.exp_golomb()  # sps_seq_parameter_set_id
    parsed = _read_pictures(bits)
    try:
        _skip_coding_tools(bits, sub_layers)
        return _read_usability(bits, parsed) if bits.flag() else parsed
    except MalformedConfiguration:
        # Frame rate and shape of samples come after everything else, and are no reason to refuse.
        return parsed


def _skip_profile(bits: BitReader, sub_layers: int) -> None:
    bits.read(_PROFILE_BITS + _LEVEL_BITS)
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    if sub_layers:
        bits.read(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.read(_PROFILE_BITS * has_profile + _LEVEL_BITS * has_level)


def _read_pictures(bits: BitReader) -> HevcSequence:
    chroma_format = bits.exp_golomb()
    if chroma_format > 3:
        raise MalformedConfiguration(f"chroma format {chroma_format} does not exist")
    is_separate = chroma_format == 3 and bits.flag()
    width, height = bits.exp_golomb(), bits.exp_golomb()
    if bits.flag():  # conformance_window_flag, in units of table 6-1
        left, right, top, bottom = (bits.exp_golomb() for _ in range(4))
        chroma_array = 0 if is_separate else chroma_format
        width -= (left + right) * (2 if chroma_array in (1, 2) else 1)
        height -= (top + bottom) * (2 if chroma_array == 1 else 1)
    if not (0 < width <= SIDE_PIXELS_MAX and 0 < height <= SIDE_PIXELS_MAX):
        raise MalformedConfiguration(f"a picture of {width}x{height} is impossible")
    bit_depth = 8 + max(bits.exp_golomb(), bits.exp_golomb())
    if bit_depth > 16:
        raise MalformedConfiguration(f"bit depth {bit_depth} does not exist")
    return HevcSequence(chroma_format, bit_depth, width, height)


def _skip_coding_tools(bits: BitReader, sub_layers: int) -> None:
    """From log2_max_pic_order_cnt_lsb_minus4 to strong_intra_smoothing_enabled_flag."""
    poc_bits = bits.exp_golomb() + 4
    if poc_bits > _POC_BITS_MAX:
        raise MalformedConfiguration(f"picture order counts of {poc_bits} bits do not exist")
    for _ in range(sub_layers + 1 if bits.flag() else 1):
        for _ in range(3):
            bits.exp_golomb()
    for _ in range(6):
        bits.exp_golomb()
    if bits.flag() and bits.flag():  # scaling_list_enabled_flag, sps_scaling_list_data_present_flag
        _skip_scaling_lists(bits)
    bits.read(2)  # amp_enabled_flag, sample_adaptive_offset_enabled_flag
    if bits.flag():  # pcm_enabled_flag
        bits.read(8)
        bits.exp_golomb()
        bits.exp_golomb()
        bits.flag()
    _skip_short_term_sets(bits)
    if bits.flag():  # long_term_ref_pics_present_flag
        count = bits.exp_golomb()
        if count > _LONG_TERM_PICTURES_MAX:
            raise MalformedConfiguration(f"{count} long-term pictures are too many")
        bits.read(count * (poc_bits + 1))
    bits.read(2)


def _skip_scaling_lists(bits: BitReader) -> None:
    """7.3.4."""
    for size in range(4):
        for _ in range(0, 6, 3 if size == 3 else 1):
            if not bits.flag():  # scaling_list_pred_mode_flag
                bits.exp_golomb()
                continue
            if size > 1:
                bits.signed_exp_golomb()
            for _ in range(min(64, 1 << (4 + (size << 1)))):
                bits.signed_exp_golomb()


def _skip_short_term_sets(bits: BitReader) -> None:
    """7.3.7; how many pictures a set names decides how long one predicted from it is."""
    count = bits.exp_golomb()
    if count > _SHORT_TERM_SETS_MAX:
        raise MalformedConfiguration(f"{count} short-term sets are too many")
    named = 0
    for index in range(count):
        if index > 0 and bits.flag():  # inter_ref_pic_set_prediction_flag
            bits.flag()
            bits.exp_golomb()
            # used_by_curr_pic_flag, and use_delta_flag where that is not set
            named = sum(bits.flag() or bits.flag() for _ in range(named + 1))
        else:
            named = bits.exp_golomb() + bits.exp_golomb()
            if named <= _REFERENCES_MAX:
                for _ in range(named):
                    bits.exp_golomb()
                    bits.flag()
        if named > _REFERENCES_MAX:
            raise MalformedConfiguration(f"a set of {named} reference pictures is too large")


def _read_usability(bits: BitReader, parsed: HevcSequence) -> HevcSequence:
    """E.2.1, as far as the frame rate."""
    parsed = replace(parsed, sample_aspect_ratio=read_aspect_ratio(bits))
    skip_display(bits)
    bits.flag()  # neutral_chroma_indication_flag
    is_field = bits.flag()
    bits.flag()  # frame_field_info_present_flag
    if bits.flag():  # default_display_window_flag
        for _ in range(4):
            bits.exp_golomb()
    if not bits.flag():  # vui_timing_info_present_flag
        return parsed
    units_in_tick, time_scale = bits.read(32) * (2 if is_field else 1), bits.read(32)
    if units_in_tick == 0 or time_scale == 0:
        return parsed
    divisor = gcd(time_scale, units_in_tick)
    return replace(parsed, frame_rate=(time_scale // divisor, units_in_tick // divisor))
