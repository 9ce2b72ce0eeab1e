"""A film of 2.6 Mbit/s as RTMP messages, to be published in a loop without end."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from media.wire.rtmp_chunk import ChunkWriter, Message
from media.wire.rtmp_message import SetChunkSize, write_message
from scripts.bench.peer import program, wait

SECONDS = 6
STREAM_ID = 1
_VIDEO, _AUDIO, _METADATA = 9, 8, 18
# Of the messages of a publisher, as FFmpeg chooses them.
_CHUNK_STREAMS = {_VIDEO: 6, _AUDIO: 4, _METADATA: 4}
_CHUNK_BYTES_BY_DEFAULT = 128
# E.2 and E.4.1 of FLV 10.1: the file's header and the length of no tag, then a tag's own header.
_FILE_HEADER_BYTES, _TAG_HEADER_BYTES, _TAG_LENGTH_BYTES = 13, 11, 4

# Passed through it is one rendition, without a smaller one to encode. Two seconds to a keyframe.
_PICTURES = f"testsrc2=size=640x360:rate=30:duration={SECONDS},noise=alls=24:allf=t"
_SOUND = f"anoisesrc=sample_rate=48000:duration={SECONDS}:amplitude=0.3"
_VIDEO_OPTIONS = (
    *("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p"),
    *("-b:v", "2470k", "-maxrate", "2470k", "-bufsize", "2470k", "-x264-params", "nal-hrd=cbr"),
    *("-g", "60", "-keyint_min", "60", "-sc_threshold", "0"),
)
_AUDIO_OPTIONS = ("-c:a", "aac", "-b:a", "128k", "-ac", "2")


@dataclass(frozen=True, slots=True)
class Piece:
    """The bytes of one message; `time_ms` is when it is due after the beginning of its loop."""

    time_ms: int
    data: bytes


@dataclass(frozen=True)
class Clip:
    """What a publisher sends: `head` once, then `loop` again and again, whose headers only tell
    how much time has passed.
    """

    head: bytes
    loop: tuple[Piece, ...]
    loop_ms: int


def make_film(directory: Path) -> Path:
    """Encode it with the ffmpeg program."""
    film = directory / "film.flv"
    command = (
        *(program(), "-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "lavfi", "-i", _PICTURES, "-f", "lavfi", "-i", _SOUND),
        *(*_VIDEO_OPTIONS, *_AUDIO_OPTIONS, "-f", "flv", str(film)),
    )
    wait(subprocess.Popen(command, stdin=subprocess.DEVNULL))
    return film


def read_clip(film: Path, chunk_bytes: int) -> Clip:
    """Cut it into chunks of this size, as sent by a publisher that has announced that size."""
    configurations, media = _messages(film.read_bytes())
    loop_ms = SECONDS * 1000
    writer = ChunkWriter()
    if chunk_bytes != _CHUNK_BYTES_BY_DEFAULT:
        writer.write(write_message(SetChunkSize(chunk_bytes)), 2)
    head = b"".join(_chunks(writer, message, 0) for message in configurations)
    # The first round says when it is, those that follow only how much later.
    for message in media:
        _chunks(writer, message, 0)
    loop = (Piece(one.timestamp, _chunks(writer, one, loop_ms)) for one in media)
    return Clip(head, tuple(loop), loop_ms)


def _messages(film: bytes) -> tuple[list[Message], list[Message]]:
    """What comes once, and what is repeated."""
    configurations, media = [], []
    place = _FILE_HEADER_BYTES
    while place < len(film):
        kind, length = film[place], int.from_bytes(film[place + 1 : place + 4], "big")
        time = int.from_bytes(film[place + 4 : place + 7], "big")
        place += _TAG_HEADER_BYTES
        message = Message(kind, time, STREAM_ID, film[place : place + length])
        place += length + _TAG_LENGTH_BYTES
        # Behind the codec, 0 says that this is its configuration (E.4.2.1, E.4.3.1).
        if kind in (_VIDEO, _AUDIO) and message.payload[1] != 0:
            media.append(message)
        elif kind != _METADATA:
            configurations.append(message)
    return configurations, sorted(media, key=lambda one: one.timestamp)


def _chunks(writer: ChunkWriter, message: Message, offset_ms: int) -> bytes:
    moved = Message(
        message.type_id, message.timestamp + offset_ms, message.stream_id, message.payload
    )
    return writer.write(moved, _CHUNK_STREAMS[message.type_id])
