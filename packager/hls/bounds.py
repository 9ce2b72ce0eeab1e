"""What an assembly holds in memory of each of its renditions, and waits for."""

from dataclasses import dataclass

from config.limits import (
    HLS_AUDIO_BEHIND_MS_MAX,
    HLS_AUDIO_BYTES_PENDING_MAX,
    HLS_AUDIO_FRAMES_PENDING_MAX,
    HLS_LIVE_BYTES_MAX,
    ON_DEMAND_AUDIO_BYTES_PENDING_MAX,
    ON_DEMAND_AUDIO_FRAMES_PENDING_MAX,
)
from media.units import VIDEO_TIMESCALE


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one rendition.

    Attributes:
        segment_bytes: of complete segments; the newest stays anyway.
        audio_frames, audio_bytes: that wait for a boundary.
        audio_behind: how far audio may be behind video before it is given up, in 1/90000 s; None
            when it is waited for.
    """

    segment_bytes: int
    audio_frames: int
    audio_bytes: int
    audio_behind: int | None


LIVE = Bounds(
    HLS_LIVE_BYTES_MAX,
    HLS_AUDIO_FRAMES_PENDING_MAX,
    HLS_AUDIO_BYTES_PENDING_MAX,
    HLS_AUDIO_BEHIND_MS_MAX * VIDEO_TIMESCALE // 1000,
)
"""Players ask for what is new; sound that is far from its pictures is worth nothing."""

ON_DEMAND = Bounds(0, ON_DEMAND_AUDIO_FRAMES_PENDING_MAX, ON_DEMAND_AUDIO_BYTES_PENDING_MAX, None)
"""Segments are read from the archive, and no sound of a file is to be lost."""
