"""Writes what `flv_enhanced` reads: Enhanced RTMP v2, one track a message or several."""

from collections.abc import Sequence

from media.wire.flv_enhanced import (
    AUDIO_FOUR_CCS,
    COMMAND_FRAME,
    KEY_FRAME,
    MODIFIER,
    NANOSECONDS_MODIFIER,
    VIDEO_FOUR_CCS,
    WITH_COMPOSITION_TIME,
    AudioPacket,
    Multitrack,
    VideoPacket,
)
from media.wire.flv_tag import (
    AudioChannels,
    AudioConfiguration,
    AudioEnded,
    AudioFrame,
    VideoConfiguration,
    VideoEnded,
    VideoFrame,
    VideoMetadata,
    WritableAudio,
    WritableVideo,
)

_FOUR_CCS = {coding: code for code, coding in (VIDEO_FOUR_CCS | AUDIO_FOUR_CCS).items()}
_INTER_FRAME = 2
_EXTENDED_VIDEO = 0x80
_EXTENDED_AUDIO = 0x90


def write_enhanced_video(*tags: WritableVideo) -> bytes:
    """The body that `parse_enhanced_video` reads as `tags`, all of one packet type and time.

    A single tag of track 0 is written without multitrack header.
    """
    packet_type = max(_video_packet(tag) for tag in tags)
    if packet_type == VideoPacket.CODED_FRAMES_X and any(map(_composition_ms, tags)):
        packet_type = VideoPacket.CODED_FRAMES
    first = tags[0]
    if isinstance(first, VideoMetadata):
        # As FFmpeg marks it. Of several tracks it would be read as a command, and no more.
        is_default = len(tags) == 1 and first.number == 0
        frame_type = COMMAND_FRAME if is_default else KEY_FRAME
    else:
        is_inter = isinstance(first, VideoFrame) and not first.keyframe
        frame_type = _INTER_FRAME if is_inter else KEY_FRAME
    payloads = [_video_payload(tag, packet_type) for tag in tags]
    head = _EXTENDED_VIDEO | frame_type << 4
    return _message(head, packet_type, VideoPacket.MULTITRACK, tags, payloads)


def write_enhanced_audio(*tags: WritableAudio) -> bytes:
    """The body that `parse_enhanced_audio` reads as `tags`; as `write_enhanced_video`."""
    packet_type = max(_audio_packet(tag) for tag in tags)
    payloads = [_audio_payload(tag) for tag in tags]
    return _message(_EXTENDED_AUDIO, packet_type, AudioPacket.MULTITRACK, tags, payloads)


def _message(
    head: int,
    packet_type: int,
    multitrack: int,
    tags: Sequence[WritableVideo | WritableAudio],
    payloads: Sequence[bytes],
) -> bytes:
    first = tags[0]
    is_single = len(tags) == 1 and first.number == 0
    outer = packet_type if is_single else multitrack
    nanoseconds = first.nanoseconds if isinstance(first, VideoFrame | AudioFrame) else 0
    written = _modified(head, outer, nanoseconds)
    if is_single:
        return written + _FOUR_CCS[first.coding] + payloads[0]
    if len(tags) == 1:
        return (
            written
            + bytes((Multitrack.ONE_TRACK << 4 | packet_type,))
            + _FOUR_CCS[first.coding]
            + bytes((first.number,))
            + payloads[0]
        )
    return written + _many(packet_type, tags, payloads)


def _modified(head: int, packet_type: int, nanoseconds: int) -> bytes:
    """The first byte, and where there are nanoseconds a modifier behind it."""
    if nanoseconds == 0:
        return bytes((head | packet_type,))
    data = nanoseconds.to_bytes(3, "big")
    return bytes((head | MODIFIER, 2, *data, NANOSECONDS_MODIFIER << 4 | packet_type))


def _many(
    packet_type: int,
    tags: Sequence[WritableVideo | WritableAudio],
    payloads: Sequence[bytes],
) -> bytes:
    codings = {tag.coding for tag in tags}
    kind = Multitrack.MANY_TRACKS if len(codings) == 1 else Multitrack.MANY_TRACKS_MANY_CODECS
    pieces = [bytes((kind << 4 | packet_type,))]
    if kind is Multitrack.MANY_TRACKS:
        pieces.append(_FOUR_CCS[tags[0].coding])
    for tag, payload in zip(tags, payloads, strict=True):
        if kind is Multitrack.MANY_TRACKS_MANY_CODECS:
            pieces.append(_FOUR_CCS[tag.coding])
        pieces += bytes((tag.number,)), len(payload).to_bytes(3, "big"), payload
    return b"".join(pieces)


def _video_packet(tag: WritableVideo) -> VideoPacket:
    match tag:
        case VideoConfiguration():
            return VideoPacket.SEQUENCE_START
        case VideoFrame():
            has_composition = tag.coding in WITH_COMPOSITION_TIME
            return VideoPacket.CODED_FRAMES_X if has_composition else VideoPacket.CODED_FRAMES
        case VideoEnded():
            return VideoPacket.SEQUENCE_END
        case VideoMetadata():
            return VideoPacket.METADATA


def _composition_ms(tag: WritableVideo) -> int:
    return tag.composition_ms if isinstance(tag, VideoFrame) else 0


def _video_payload(tag: WritableVideo, packet_type: int) -> bytes:
    match tag:
        case VideoConfiguration(record):
            return record
        case VideoFrame(_, composition_ms, data):
            if packet_type == VideoPacket.CODED_FRAMES and tag.coding in WITH_COMPOSITION_TIME:
                return composition_ms.to_bytes(3, "big", signed=True) + data
            return data
        case VideoMetadata(data):
            return data
        case VideoEnded():
            return b""


def _audio_packet(tag: WritableAudio) -> AudioPacket:
    match tag:
        case AudioConfiguration():
            return AudioPacket.SEQUENCE_START
        case AudioFrame():
            return AudioPacket.CODED_FRAMES
        case AudioEnded():
            return AudioPacket.SEQUENCE_END
        case AudioChannels():
            return AudioPacket.MULTICHANNEL_CONFIG


def _audio_payload(tag: WritableAudio) -> bytes:
    match tag:
        case AudioConfiguration(data) | AudioFrame(data):
            return data
        case AudioChannels(order, count, layout):
            return bytes((order, count)) + layout
        case AudioEnded():
            return b""
