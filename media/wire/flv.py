"""Bodies of RTMP's audio and video messages, which are FLV tags (FLV 10.1, annex E.4)."""

from dataclasses import replace

from media.units import Coding
from media.wire.flv_enhanced import parse_enhanced_audio, parse_enhanced_video
from media.wire.flv_enhanced_writer import write_enhanced_audio, write_enhanced_video
from media.wire.flv_tag import (
    AudioChannels,
    AudioConfiguration,
    AudioEnded,
    AudioFrame,
    AudioSilence,
    AudioTag,
    Unsupported,
    VideoConfiguration,
    VideoEnded,
    VideoFrame,
    VideoIdle,
    VideoMetadata,
    VideoTag,
    WritableAudio,
    WritableVideo,
)

__all__ = [
    "AudioChannels",
    "AudioConfiguration",
    "AudioEnded",
    "AudioFrame",
    "AudioSilence",
    "AudioTag",
    "Unsupported",
    "VideoConfiguration",
    "VideoEnded",
    "VideoFrame",
    "VideoIdle",
    "VideoMetadata",
    "VideoTag",
    "WritableAudio",
    "WritableVideo",
    "parse_audio",
    "parse_video",
    "write_audio",
    "write_enhanced_audio",
    "write_enhanced_video",
    "write_video",
]

_ENHANCED_AUDIO = 9
_ENHANCED_VIDEO = 0x80
_AVC = 7
# HEVC has no number in the specification; encoders agreed on this one before Enhanced RTMP.
_VIDEO_CODECS = {_AVC: Coding.H264, 12: Coding.HEVC}
_AAC = 10
_MP3 = 2
_MP3_AT_8_KHZ = 14
_KEY_FRAME = 1
_INTER_FRAME = 2
_COMMAND_FRAME = 5

# E.4.3.2: AVCPacketType; E.4.2.2: AACPacketType has the first two.
_CONFIGURATION = 0
_MEDIA = 1
_END = 2

# AAC is always marked as 44 kHz, 16 bit, stereo; its configuration says what it is (E.4.2.1).
# MP3 is marked so too, since its own headers say it better.
_AAC_HEADER = 0xAF
_MP3_HEADER = 0x2F


def parse_video(body: bytes) -> tuple[VideoTag, ...]:
    """Read a video message's body: one tag for each track that it holds, and at least one."""
    if body and body[0] & _ENHANCED_VIDEO:
        return parse_enhanced_video(body)
    return (_parse_legacy_video(body),)


def _parse_legacy_video(body: bytes) -> VideoTag:
    coding = _VIDEO_CODECS.get(body[0] & 0x0F) if len(body) >= 5 else None
    if coding is None or body[0] >> 4 == _COMMAND_FRAME:
        return _uncarried_video(body)
    if body[1] == _MEDIA:
        composition_ms = int.from_bytes(body[2:5], "big", signed=True)
        return VideoFrame(body[0] >> 4 == _KEY_FRAME, composition_ms, body[5:], coding)
    if body[1] == _CONFIGURATION:
        return VideoConfiguration(body[5:], coding)
    return VideoEnded(coding) if body[1] == _END else Unsupported(f"video packet type {body[1]}")


def _uncarried_video(body: bytes) -> VideoTag:
    if not body or body[0] >> 4 == _COMMAND_FRAME:
        return VideoIdle()
    codec = body[0] & 0x0F
    return Unsupported("truncated video" if codec in _VIDEO_CODECS else f"video codec {codec}")


def write_video(tag: WritableVideo, number: int | None = None) -> bytes:
    """The body that `parse_video` reads as `tag`.

    H.264 of track 0 is written as a legacy tag, which everybody reads, everything else as an
    enhanced one.

    Args:
        number: the track to write it for, if not the one that the tag names.
    """
    if number is not None and number != tag.number:
        tag = replace(tag, number=number)
    match tag:
        case VideoConfiguration(record, Coding.H264, 0):
            return bytes((_KEY_FRAME << 4 | _AVC, _CONFIGURATION, 0, 0, 0)) + record
        case VideoFrame(keyframe, composition_ms, data, Coding.H264, 0, 0):
            kind = _KEY_FRAME if keyframe else _INTER_FRAME
            header = bytes((kind << 4 | _AVC, _MEDIA))
            return header + composition_ms.to_bytes(3, "big", signed=True) + data
        case VideoEnded(Coding.H264, 0):
            return bytes((_KEY_FRAME << 4 | _AVC, _END, 0, 0, 0))
        case _:
            return write_enhanced_video(tag)


def parse_audio(body: bytes) -> tuple[AudioTag, ...]:
    """Read an audio message's body: one tag for each track that it holds, and at least one."""
    if body and body[0] >> 4 == _ENHANCED_AUDIO:
        return parse_enhanced_audio(body)
    return (_parse_legacy_audio(body),)


def _parse_legacy_audio(body: bytes) -> AudioTag:
    codec = body[0] >> 4 if body else _AAC
    if codec == _AAC:
        return _parse_aac(body)
    if codec in (_MP3, _MP3_AT_8_KHZ):
        return AudioFrame(body[1:], Coding.MP3) if len(body) > 1 else AudioSilence(Coding.MP3)
    return Unsupported(f"audio codec {codec}")


def _parse_aac(body: bytes) -> AudioTag:
    if len(body) < 2:
        return Unsupported("truncated audio") if body else AudioSilence()
    if body[1] == _MEDIA:
        return AudioFrame(body[2:]) if len(body) > 2 else AudioSilence(Coding.AAC)
    if body[1] == _CONFIGURATION:
        return AudioConfiguration(body[2:])
    return Unsupported(f"audio packet type {body[1]}")


def write_audio(tag: WritableAudio, number: int | None = None) -> bytes:
    """The body that `parse_audio` reads as `tag`; as `write_video`, with AAC and MP3 as legacy."""
    if number is not None and number != tag.number:
        tag = replace(tag, number=number)
    match tag:
        case AudioConfiguration(config, Coding.AAC, 0):
            return bytes((_AAC_HEADER, _CONFIGURATION)) + config
        case AudioFrame(data, Coding.AAC, 0, 0):
            return bytes((_AAC_HEADER, _MEDIA)) + data
        case AudioFrame(data, Coding.MP3, 0, 0):
            return bytes((_MP3_HEADER,)) + data
        case _:
            return write_enhanced_audio(tag)
