"""What RTMP's audio and video messages say, as values: FLV tags, legacy and enhanced.

`number` is Enhanced RTMP's track id; 0 is the default track, and all that legacy tags know. Frames
are not frozen, since one is made for every packet and that would take thrice as long.
"""

from dataclasses import dataclass

from media.units import Coding


@dataclass(frozen=True, slots=True)
class VideoConfiguration:
    """`record`: what `Track.extradata` says for the coding; empty where frames carry it."""

    record: bytes
    coding: Coding = Coding.H264
    number: int = 0


@dataclass(slots=True)
class VideoFrame:
    """One access unit.

    Attributes:
        keyframe: as the encoder marked it.
        composition_ms: presentation time minus decoding time; negative from some encoders.
        data: for H.264 and HEVC NAL units behind lengths of the size that the configuration says.
        nanoseconds: what the message's timestamp lacks, below a millisecond (ModEx).
    """

    keyframe: bool
    composition_ms: int
    data: bytes
    coding: Coding = Coding.H264
    number: int = 0
    nanoseconds: int = 0


@dataclass(frozen=True, slots=True)
class VideoEnded:
    """The encoder ended the sequence; another configuration may follow."""

    coding: Coding = Coding.H264
    number: int = 0


@dataclass(frozen=True, slots=True)
class VideoMetadata:
    """`data`: AMF0 of a name and an object, such as `colorInfo`; the frames say the same."""

    data: bytes
    coding: Coding
    number: int = 0


@dataclass(frozen=True, slots=True)
class VideoIdle:
    """Nothing to carry: an empty message, or a command such as the start of a seek."""


@dataclass(frozen=True, slots=True)
class AudioConfiguration:
    """`config`: as `Track.extradata`, or as FLAC files begin; empty for codings without one."""

    config: bytes
    coding: Coding = Coding.AAC
    number: int = 0


@dataclass(slots=True)
class AudioFrame:
    """One access unit; of AAC without ADTS header. `nanoseconds` as in VideoFrame."""

    data: bytes
    coding: Coding = Coding.AAC
    number: int = 0
    nanoseconds: int = 0


@dataclass(frozen=True, slots=True)
class AudioEnded:
    """The encoder ended the sequence; another configuration may follow."""

    coding: Coding
    number: int = 0


@dataclass(frozen=True, slots=True)
class AudioChannels:
    """Which speaker each channel is for, where the codec does not say it (MultichannelConfig).

    Attributes:
        order: 0 unspecified, 1 native, 2 custom (AudioChannelOrder).
        layout: a mask of 4 bytes in native order, a byte for each channel in custom order.
    """

    order: int
    count: int
    layout: bytes
    coding: Coding
    number: int = 0


@dataclass(frozen=True, slots=True)
class AudioSilence:
    """An empty message: nothing is heard until the next frame."""

    coding: Coding | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Something that we do not carry, to be skipped; `what` names it for the log."""

    what: str


type WritableVideo = VideoConfiguration | VideoFrame | VideoEnded | VideoMetadata
type WritableAudio = AudioConfiguration | AudioFrame | AudioEnded | AudioChannels
type VideoTag = WritableVideo | VideoIdle | Unsupported
type AudioTag = WritableAudio | AudioSilence | Unsupported
