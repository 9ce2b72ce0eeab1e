"""Enhanced RTMP v2: FLV tags whose header names the codec by FourCC, for several tracks at once.

Names are those of the specification (veovera.org, docs/enhanced/enhanced-rtmp-v2); the other
direction is `flv_enhanced_writer`.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

from config.limits import RTMP_MESSAGE_TRACKS_MAX, RTMP_MODIFIERS_MAX
from media.units import Coding
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
)

VIDEO_FOUR_CCS = {
    b"avc1": Coding.H264,
    b"hvc1": Coding.HEVC,
    b"av01": Coding.AV1,
    b"vp09": Coding.VP9,
}
AUDIO_FOUR_CCS = {
    b"mp4a": Coding.AAC,
    b"Opus": Coding.OPUS,
    b"fLaC": Coding.FLAC,
    b"ac-3": Coding.AC3,
    b"ec-3": Coding.EAC3,
    b".mp3": Coding.MP3,
}
WITH_COMPOSITION_TIME = frozenset({Coding.H264, Coding.HEVC})
"""Codings whose CodedFrames begin with a composition time; the others present what they decode."""


class VideoPacket(IntEnum):
    """VideoPacketType."""

    SEQUENCE_START = 0
    CODED_FRAMES = 1
    SEQUENCE_END = 2
    CODED_FRAMES_X = 3
    METADATA = 4
    MPEG2TS_SEQUENCE_START = 5
    MULTITRACK = 6


class AudioPacket(IntEnum):
    """AudioPacketType."""

    SEQUENCE_START = 0
    CODED_FRAMES = 1
    SEQUENCE_END = 2
    MULTICHANNEL_CONFIG = 4
    MULTITRACK = 5


class Multitrack(IntEnum):
    """AvMultitrackType."""

    ONE_TRACK = 0
    MANY_TRACKS = 1
    MANY_TRACKS_MANY_CODECS = 2


MODIFIER = 7
"""ModEx, a packet type of both kinds: a modifier comes first, and then the packet type."""
NANOSECONDS_MODIFIER = 0
"""TimestampOffsetNano."""
KEY_FRAME = 1
COMMAND_FRAME = 5
_NANOSECONDS_MAX = 999_999
# AudioChannelOrder: a byte for each channel, or a mask.
_CUSTOM_ORDER, _NATIVE_ORDER = 2, 1
_MASK_BYTES = 4


class _Head(NamedTuple):
    packet_type: int
    is_marked_key: bool
    nanoseconds: int


class _Part(NamedTuple):
    """One track's share of a message: its bytes are `body[start:end]`."""

    four_cc: bytes
    number: int
    start: int
    end: int


def parse_enhanced_video(body: bytes) -> tuple[VideoTag, ...]:
    """Read a video message with an enhanced header: one tag for each of its tracks."""
    frame_type = body[0] >> 4 & 7
    try:
        head, position = _read_modifiers(body, frame_type == KEY_FRAME)
        # Of metadata the frame type says nothing: FFmpeg marks it as a command.
        if frame_type == COMMAND_FRAME and head.packet_type != VideoPacket.METADATA:
            return (VideoIdle(),)
        return _tags(head, body, position, VideoPacket.MULTITRACK, _video_tag)
    except IndexError:
        return (Unsupported("truncated video"),)


def parse_enhanced_audio(body: bytes) -> tuple[AudioTag, ...]:
    """Read an audio message with an enhanced header: one tag for each of its tracks."""
    try:
        head, position = _read_modifiers(body, is_marked_key=True)
        return _tags(head, body, position, AudioPacket.MULTITRACK, _audio_tag)
    except IndexError:
        return (Unsupported("truncated audio"),)


def _read_modifiers(body: bytes, is_marked_key: bool) -> tuple[_Head, int]:
    """The packet type behind all ModEx, and where the header goes on."""
    packet_type, position, nanoseconds = body[0] & 0x0F, 1, 0
    for _ in range(RTMP_MODIFIERS_MAX):
        if packet_type != MODIFIER:
            break
        size, position = body[position] + 1, position + 1
        if size == 256:
            size, position = int.from_bytes(body[position : position + 2], "big") + 1, position + 2
        data, position = body[position : position + size], position + size
        if body[position] >> 4 == NANOSECONDS_MODIFIER and size >= 3:
            nanoseconds = min(int.from_bytes(data[:3], "big"), _NANOSECONDS_MAX)
        packet_type, position = body[position] & 0x0F, position + 1
    return _Head(packet_type, is_marked_key, nanoseconds), position


def _tags[T](
    head: _Head,
    body: bytes,
    position: int,
    multitrack: int,
    make: Callable[[_Head, _Part, bytes], T],
) -> tuple[T | Unsupported, ...]:
    if head.packet_type == MODIFIER:
        return (Unsupported("too many modifiers"),)
    if head.packet_type != multitrack:
        part = _Part(body[position : position + 4], 0, position + 4, len(body))
        return (make(head, part, body),)
    kind = body[position] >> 4
    head = head._replace(packet_type=body[position] & 0x0F)
    if kind not in Multitrack or head.packet_type in (multitrack, MODIFIER):
        return (Unsupported(f"multitrack type {kind} of packet type {head.packet_type}"),)
    return tuple(make(head, part, body) for part in _split(body, position + 1, kind))


def _split(body: bytes, position: int, kind: int) -> list[_Part]:
    """The tracks of a multitrack message; one that is cut off has no FourCC."""
    parts: list[_Part] = []
    four_cc = body[position : position + 4]
    position += 0 if kind == Multitrack.MANY_TRACKS_MANY_CODECS else 4
    while not parts or (position < len(body) and len(parts) < RTMP_MESSAGE_TRACKS_MAX):
        if kind == Multitrack.MANY_TRACKS_MANY_CODECS:
            four_cc, position = body[position : position + 4], position + 4
        number = int.from_bytes(body[position : position + 1], "big")
        start, end = position + 1, len(body)
        if kind != Multitrack.ONE_TRACK:
            start += 3
            end = start + int.from_bytes(body[start - 3 : start], "big")
        is_whole = start <= end <= len(body)
        parts.append(_Part(four_cc if is_whole else b"", number, start, end))
        position = end
    return parts


def _video_tag(head: _Head, part: _Part, body: bytes) -> VideoTag:
    coding = VIDEO_FOUR_CCS.get(part.four_cc)
    if coding is None:
        return Unsupported(_codec_name("video", part.four_cc))
    if head.packet_type in (VideoPacket.CODED_FRAMES, VideoPacket.CODED_FRAMES_X):
        return _video_frame(head, part, body, coding)
    tag: VideoTag = Unsupported(f"video packet type {head.packet_type}")
    match head.packet_type:
        case VideoPacket.SEQUENCE_START:
            tag = VideoConfiguration(body[part.start : part.end], coding, part.number)
        case VideoPacket.SEQUENCE_END:
            tag = VideoEnded(coding, part.number)
        case VideoPacket.METADATA:
            tag = VideoMetadata(body[part.start : part.end], coding, part.number)
        case VideoPacket.MPEG2TS_SEQUENCE_START if coding is Coding.AV1:
            # AV1VideoDescriptor, which says less than the sequence header within the frames.
            tag = VideoConfiguration(b"", coding, part.number)
        case _:
            pass
    return tag


def _video_frame(head: _Head, part: _Part, body: bytes, coding: Coding) -> VideoTag:
    start, composition_ms = part.start, 0
    if head.packet_type == VideoPacket.CODED_FRAMES and coding in WITH_COMPOSITION_TIME:
        start += 3
        composition_ms = int.from_bytes(body[start - 3 : start], "big", signed=True)
    if start > part.end:
        return Unsupported("truncated video")
    return VideoFrame(
        head.is_marked_key,
        composition_ms,
        body[start : part.end],
        coding,
        part.number,
        head.nanoseconds,
    )


def _audio_tag(head: _Head, part: _Part, body: bytes) -> AudioTag:
    coding = AUDIO_FOUR_CCS.get(part.four_cc)
    if coding is None:
        return Unsupported(_codec_name("audio", part.four_cc))
    data = body[part.start : part.end]
    tag: AudioTag = Unsupported(f"audio packet type {head.packet_type}")
    match head.packet_type:
        case AudioPacket.CODED_FRAMES if data:
            tag = AudioFrame(data, coding, part.number, head.nanoseconds)
        case AudioPacket.CODED_FRAMES:
            tag = AudioSilence(coding, part.number)
        case AudioPacket.SEQUENCE_START:
            tag = AudioConfiguration(data, coding, part.number)
        case AudioPacket.SEQUENCE_END:
            tag = AudioEnded(coding, part.number)
        case AudioPacket.MULTICHANNEL_CONFIG:
            tag = _channels(data, coding, part.number)
        case _:
            pass
    return tag


def _channels(data: bytes, coding: Coding, number: int) -> AudioTag:
    if len(data) < 2:
        return Unsupported("truncated audio")
    order, count = data[0], data[1]
    layout_bytes = {_CUSTOM_ORDER: count, _NATIVE_ORDER: _MASK_BYTES}.get(order, 0)
    if len(data) < 2 + layout_bytes:
        return Unsupported("truncated audio")
    return AudioChannels(order, count, data[2 : 2 + layout_bytes], coding, number)


def _codec_name(kind: str, four_cc: bytes) -> str:
    if len(four_cc) < 4:
        return f"truncated {kind}"
    name = four_cc.decode("latin-1")
    return f"{kind} codec {name if name.isascii() and name.isprintable() else four_cc.hex()}"
