"""Which colours have to be mapped before they can be shown everywhere."""

from media.transcode.protocol import Appearance
from media.units import Coding, Track

# libavutil's AVColor...: what is shown as it is, and what has to be converted for screens.
_BT709 = 1
_LIMITED = 1
_PERCEPTUAL_QUANTIZER, _HYBRID_LOG_GAMMA = 16, 18
_BT2020_PRIMARIES = 9
_SMPTE170M = 6

RGB_MATRIX = 0

# Fields of RFC 6381 names: HEVC's profile (ISO 14496-15, E.3), the bit depths of AV1 and VP9.
_EIGHT_BITS = {Coding.HEVC: (1, "1"), Coding.AV1: (3, "08"), Coding.VP9: (3, "08")}


def may_be_wide(track: Track) -> bool:
    """Whether a live source's colours may have to be mapped: that takes more than 8 bits."""
    if track.coding not in _EIGHT_BITS:
        return False
    field, eight_bits = _EIGHT_BITS[track.coding]
    fields = track.codec.split(".")
    return len(fields) <= field or fields[field] != eight_bits


def is_wide(appearance: Appearance) -> bool:
    """High dynamic range or a wide gamut, which ordinary screens and H.264 players do not show."""
    return (
        appearance.transfer in (_PERCEPTUAL_QUANTIZER, _HYBRID_LOG_GAMMA)
        or appearance.primaries == _BT2020_PRIMARIES
    )


def shown_appearance(source: Appearance) -> Appearance:
    """How converted pictures are to be shown: square pixels, limited range, no HDR."""
    if is_wide(source):
        return Appearance(_LIMITED, _BT709, _BT709, _BT709)
    matrix = _SMPTE170M if source.matrix == RGB_MATRIX else source.matrix
    return Appearance(_LIMITED, source.primaries, source.transfer, matrix)
