"""Bodies of RTMP's audio and video messages, which are FLV tags (FLV 10.1, annex E.4)."""

from dataclasses import dataclass

_AVC = 7
_AAC = 10
_ENHANCED_AUDIO = 9
_ENHANCED_VIDEO = 0x80
_KEY_FRAME = 1
_INTER_FRAME = 2
_COMMAND_FRAME = 5

# E.4.3.2: AVCPacketType; E.4.2.2: AACPacketType has the first two.
_CONFIGURATION = 0
_MEDIA = 1
_END = 2

# AAC is always marked as 44 kHz, 16 bit, stereo; its configuration says what it is (E.4.2.1).
_AAC_HEADER = 0xAF


@dataclass(frozen=True, slots=True)
class VideoConfiguration:
    """`record`: an AVCDecoderConfigurationRecord."""

    record: bytes


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One H.264 access unit.

    Attributes:
        keyframe: as the encoder marked it.
        composition_ms: presentation time minus decoding time; negative from some encoders.
        data: NAL units behind lengths of the size that the configuration says.
    """

    keyframe: bool
    composition_ms: int
    data: bytes


@dataclass(frozen=True, slots=True)
class VideoEnded:
    """The encoder ended the sequence; another configuration may follow."""


@dataclass(frozen=True, slots=True)
class AudioConfiguration:
    """`config`: an AudioSpecificConfig."""

    config: bytes


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """One AAC access unit without ADTS header."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Something that we do not carry, to be skipped; `what` names it for the log."""

    what: str


def parse_video(body: bytes) -> VideoConfiguration | VideoFrame | VideoEnded | Unsupported:
    """Read a video message's body."""
    if len(body) < 5 or body[0] & _ENHANCED_VIDEO or body[0] & 0x0F != _AVC:
        return Unsupported(_video_name(body))
    if body[0] >> 4 == _COMMAND_FRAME:
        return Unsupported("video command")
    if body[1] == _MEDIA:
        composition_ms = int.from_bytes(body[2:5], "big", signed=True)
        return VideoFrame(body[0] >> 4 == _KEY_FRAME, composition_ms, body[5:])
    if body[1] == _CONFIGURATION:
        return VideoConfiguration(body[5:])
    return VideoEnded() if body[1] == _END else Unsupported(f"video packet type {body[1]}")


def _video_name(body: bytes) -> str:
    if not body:
        return "empty video"
    if body[0] & _ENHANCED_VIDEO:
        return f"video codec {_four_cc(body)}"
    return "truncated video" if body[0] & 0x0F == _AVC else f"video codec {body[0] & 0x0F}"


def _four_cc(body: bytes) -> str:
    """The codec's name in an Enhanced RTMP header."""
    name = body[1:5].decode("latin-1")
    return name if name.isascii() and name.isprintable() else body[1:5].hex()


def write_video(tag: VideoConfiguration | VideoFrame | VideoEnded) -> bytes:
    """The body that `parse_video` reads as `tag`."""
    match tag:
        case VideoConfiguration(record):
            return bytes((_KEY_FRAME << 4 | _AVC, _CONFIGURATION, 0, 0, 0)) + record
        case VideoFrame(keyframe, composition_ms, data):
            kind = _KEY_FRAME if keyframe else _INTER_FRAME
            header = bytes((kind << 4 | _AVC, _MEDIA))
            return header + composition_ms.to_bytes(3, "big", signed=True) + data
        case VideoEnded():
            return bytes((_KEY_FRAME << 4 | _AVC, _END, 0, 0, 0))


def parse_audio(body: bytes) -> AudioConfiguration | AudioFrame | Unsupported:
    """Read an audio message's body. An empty one, which means silence, is nothing to carry."""
    if len(body) < 2 or body[0] >> 4 != _AAC:
        return Unsupported(_audio_name(body))
    if body[1] == _MEDIA:
        return AudioFrame(body[2:]) if len(body) > 2 else Unsupported("empty audio")
    if body[1] == _CONFIGURATION:
        return AudioConfiguration(body[2:])
    return Unsupported(f"audio packet type {body[1]}")


def _audio_name(body: bytes) -> str:
    if not body:
        return "empty audio"
    codec = body[0] >> 4
    if codec == _ENHANCED_AUDIO:
        return f"audio codec {_four_cc(body)}"
    return "truncated audio" if codec == _AAC else f"audio codec {codec}"


def write_audio(tag: AudioConfiguration | AudioFrame) -> bytes:
    """The body that `parse_audio` reads as `tag`."""
    if isinstance(tag, AudioConfiguration):
        return bytes((_AAC_HEADER, _CONFIGURATION)) + tag.config
    return bytes((_AAC_HEADER, _MEDIA)) + tag.data
