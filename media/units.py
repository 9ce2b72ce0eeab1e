"""What a stream is made of: tracks and packets."""

from dataclasses import dataclass
from enum import StrEnum

VIDEO_TIMESCALE = 90_000
"""Ticks a second of every video track and of the packager's own clock."""


class MediaKind(StrEnum):
    VIDEO = "video"
    AUDIO = "audio"


class Coding(StrEnum):
    """How a track is coded; the values are libavcodec's names."""

    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"
    VP9 = "vp9"
    AAC = "aac"
    OPUS = "opus"
    FLAC = "flac"
    AC3 = "ac3"
    EAC3 = "eac3"
    MP3 = "mp3"

    @property
    def label(self) -> str:
        """What people call it."""
        return _LABELS.get(self, self.value.upper())


_LABELS = {
    Coding.H264: "H.264",
    Coding.OPUS: "Opus",
    Coding.AC3: "AC-3",
    Coding.EAC3: "E-AC-3",
}

# What RFC 6381 names begin with; the MPEG-4 object types of MP3 come before those of AAC.
_CODINGS = {
    "avc1.": Coding.H264,
    "hvc1.": Coding.HEVC,
    "av01.": Coding.AV1,
    "vp09.": Coding.VP9,
    "mp4a.40.34": Coding.MP3,
    "mp4a.6b": Coding.MP3,
    "mp4a.40.": Coding.AAC,
    "opus": Coding.OPUS,
    "fLaC": Coding.FLAC,
    "ac-3": Coding.AC3,
    "ec-3": Coding.EAC3,
}


@dataclass(frozen=True, slots=True)
class Track:
    """One elementary stream and what a decoder must know before its first packet.

    Attributes:
        codec: RFC 6381 name, e.g. `avc1.64001f` or `mp4a.40.2`.
        timescale: ticks a second of its packets' times: 90000 for video, the sample rate for audio.
        extradata: AVCDecoderConfigurationRecord (ISO 14496-15, 5.3.3.1) for H.264, the
            HEVCDecoderConfigurationRecord (8.3.3.1) for HEVC, AV1CodecConfigurationRecord (AV1 in
            ISOBMFF, 2.3.3) for AV1, VPCodecConfigurationRecord (VP9 in ISOBMFF) for VP9,
            AudioSpecificConfig (ISO 14496-3, 1.6.2.1) for AAC, the identification header (RFC 7845,
            5.1) for Opus, the STREAMINFO block (RFC 9639, 8.2) for FLAC, nothing for the others.
        width, height: coded picture after cropping, in pixels; 0 for audio.
        frame_rate: frames a second as (numerator, denominator); (0, 1) when unknown.
        language: of sound, a tag of BCP 47; empty when unknown.
        label: what its maker calls it; empty when nothing.
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
    language: str = ""
    label: str = ""

    @property
    def short_side(self) -> int:
        """Of its pictures, after which their sizes are named (1080p); 0 for audio."""
        return min(self.width, self.height)

    @property
    def coding(self) -> Coding:
        """Raises ValueError for a codec that nothing here knows."""
        for prefix, coding in _CODINGS.items():
            if self.codec.startswith(prefix):
                return coding
        raise ValueError(f"unknown codec {self.codec}")


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded access unit.

    Attributes:
        dts, pts, duration: in the track's timescale; `duration` is 0 while unknown.
        data: H.264 and HEVC as NAL units behind 4-byte lengths (never Annex B), AV1 as OBUs with
            sizes and without temporal delimiters, AAC without ADTS, others as they are.
        boundary: a segment starts here; only ever true on a keyframe.
    """

    dts: int
    pts: int
    duration: int
    keyframe: bool
    data: bytes
    boundary: bool = False
