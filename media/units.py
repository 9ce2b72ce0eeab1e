"""What a stream is made of: tracks and packets."""

from dataclasses import dataclass
from enum import StrEnum

VIDEO_TIMESCALE = 90_000
"""Ticks a second of every video track and of the packager's own clock."""


class MediaKind(StrEnum):
    VIDEO = "video"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream and what a decoder must know before its first packet.

    Attributes:
        codec: RFC 6381 name, e.g. `avc1.64001f` or `mp4a.40.2`.
        timescale: ticks a second of its packets' times: 90000 for video, the sample rate for audio.
        extradata: AVCDecoderConfigurationRecord (ISO 14496-15, 5.3.3.1) for H.264,
            AudioSpecificConfig (ISO 14496-3, 1.6.2.1) for AAC.
        width, height: coded picture after cropping, in pixels; 0 for audio.
        frame_rate: frames a second as (numerator, denominator); (0, 1) when unknown.
    """

    kind: MediaKind
    codec: str
    timescale: int
    extradata: bytes
    width: int = 0
    height: int = 0
    frame_rate: tuple[int, int] = (0, 1)
    channels: int = 0
    sample_rate: int = 0


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded access unit.

    Attributes:
        dts, pts, duration: in the track's timescale; `duration` is 0 while unknown.
        data: H.264 as NAL units behind 4-byte lengths (never Annex B), AAC without ADTS.
        boundary: a segment starts here; only ever true on a keyframe.
    """

    dts: int
    pts: int
    duration: int
    keyframe: bool
    data: bytes
    boundary: bool = False
