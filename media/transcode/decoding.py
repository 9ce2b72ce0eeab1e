"""Which decoders live media may reach, and how much they may be made to do.

The wheel of PyAV has 535 decoders; others than these are only ways to reach old code.
"""

from collections.abc import Mapping
from types import MappingProxyType

from config.limits import LIVE_PIXELS_MAX
from media.units import Coding

DECODERS: Mapping[Coding, str] = MappingProxyType(
    {
        Coding.H264: "h264",
        Coding.HEVC: "hevc",
        Coding.AV1: "libdav1d",
        Coding.VP9: "vp9",
    }
)
"""By libav's names."""


def decoder_options() -> dict[str, str]:
    """For a decoder before it is opened, as libav wants them.

    A source may change its size at any time; a picture that is too large then cannot be decoded,
    and costs no memory.
    """
    return {"max_pixels": str(LIVE_PIXELS_MAX)}


def why_not_decoded(width: int, height: int) -> str | None:
    """Why pictures of this size cannot be encoded again; None when they can."""
    if width * height > LIVE_PIXELS_MAX:
        return f"pictures of {width}x{height} are too large to be encoded again; send 4K at most"
    return None
