"""Which decoders live media may reach, and how much they may be made to do.

The wheel of PyAV has 535 decoders; others than these are only ways to reach old code.
"""

from collections.abc import Mapping
from types import MappingProxyType

from config.limits import (
    LIVE_PIXELS_MAX,
    SAMPLE_RATE_MAX,
    SAMPLE_RATE_MIN,
    SOUND_BLOCK_SAMPLES_MAX,
    SOUND_CHANNELS_MAX,
)
from media.units import Coding, Track

VIDEO_DECODERS: Mapping[Coding, str] = MappingProxyType(
    {
        Coding.H264: "h264",
        Coding.HEVC: "hevc",
        Coding.AV1: "libdav1d",
        Coding.VP9: "vp9",
    }
)
"""By libav's names."""

SOUND_DECODERS: Mapping[Coding, str] = MappingProxyType(
    {
        Coding.OPUS: "opus",
        Coding.FLAC: "flac",
        Coding.AC3: "ac3",
        Coding.EAC3: "eac3",
        Coding.MP3: "mp3float",
    }
)
"""The same; AAC is passed on as it is."""

DECODER_OPTIONS: Mapping[str, str] = MappingProxyType(
    {"max_pixels": str(LIVE_PIXELS_MAX), "max_samples": str(SOUND_BLOCK_SAMPLES_MAX)}
)
"""For a decoder before it is opened, as libav wants them.

A source may change its size at any time; a picture that is too large then cannot be decoded, and
costs no memory.
"""


def can_be_decoded(track: Track) -> bool:
    """Whether anything can be made of a track; also true of AAC, which is passed on."""
    try:
        return track.coding is Coding.AAC or track.coding in {**VIDEO_DECODERS, **SOUND_DECODERS}
    except ValueError:
        return False


def why_not_decoded(width: int, height: int) -> str | None:
    """Why pictures of this size cannot be encoded again; None when they can."""
    if width * height > LIVE_PIXELS_MAX:
        return f"pictures of {width}x{height} are too large to be encoded again; send 4K at most"
    return None


def is_usual_sound(sample_rate: int, channels: int) -> bool:
    """Whether a decoded block is one that is worked on."""
    return SAMPLE_RATE_MIN <= sample_rate <= SAMPLE_RATE_MAX and channels <= SOUND_CHANNELS_MAX
