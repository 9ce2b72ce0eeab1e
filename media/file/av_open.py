"""Opens a file with libav as narrowly as it can be opened, and chooses its tracks."""

import os
from dataclasses import dataclass
from io import FileIO
from typing import NoReturn

import av
import av.sidedata.sidedata
import av.subtitles.codeccontext
import av.subtitles.stream
from av.audio.stream import AudioStream
from av.container.input import InputContainer
from av.error import FFmpegError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from config.limits import FILE_PIXELS_MAX
from media.file.allowed import (
    DEMUXERS,
    StreamFacts,
    StreamKind,
    UsableStreams,
    check_picture,
    check_streams,
    decoder_options,
    open_options,
)
from media.file.container import Container
from media.file.iso_movie import check_movie
from media.file.refusal import RefusalCode, Refused
from media.file.sniff import sniff_behind_tag

# PyAV imports these modules only when a file has such a stream, which is too late in a jail.
_LATE = (av.sidedata.sidedata, av.subtitles.codeccontext, av.subtitles.stream)
# Read from the file at a time.
_BUFFER_BYTES = 1 << 18
# An MP4 says itself what is in it; these may have many tracks that do not.
_PROBED_BY_DECODING = frozenset({Container.MATROSKA, Container.MPEG_TS, Container.OGG})
_KINDS = {"video": StreamKind.VIDEO, "audio": StreamKind.AUDIO, "subtitle": StreamKind.TEXT}


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file at its beginning, and the tracks of it that are used.

    Attributes:
        sounds: the default one first; at least one, if there is no video.
        texts: captions, in the file's order.
    """

    container: InputContainer
    video: VideoStream | None
    sounds: tuple[AudioStream, ...]
    texts: tuple[Stream, ...]

    @property
    def tracks(self) -> list[Stream]:
        video = () if self.video is None else (self.video,)
        return [*video, *self.sounds, *self.texts]


def open_file(descriptor: int, container: Container) -> OpenFile:
    """Open what a descriptor refers to, which may be done again.

    Raises:
        Refused: it cannot be used.
    """

    def read(at: int, count: int) -> bytes:
        return os.pread(descriptor, count, at)

    container = sniff_behind_tag(container, read)
    if container is Container.MP4:
        check_movie(read, os.fstat(descriptor).st_size)
    options = open_options(container)
    if container in _PROBED_BY_DECODING:
        options |= _probing_options(descriptor, container)
    opened = _open(descriptor, container, options)
    return _chosen(opened, check_streams([_facts(stream) for stream in opened.streams]))


def _chosen(opened: InputContainer, usable: UsableStreams) -> OpenFile:
    """With their decoders open; of several tracks of sound those do that can be decoded."""
    videos = _default_first([opened.streams[index] for index in usable.video])
    video = videos[0] if videos else None
    assert video is None or isinstance(video, VideoStream)
    tracks = _default_first([opened.streams[index] for index in usable.audio])
    sounds = [one for one in tracks if isinstance(one, AudioStream) and _opens(one)]
    if (video is not None and not _opens(video)) or (tracks and not sounds):
        raise Refused(RefusalCode.DAMAGED)
    texts = [opened.streams[index] for index in usable.text]
    return OpenFile(opened, video, tuple(sounds), tuple(texts))


def _probing_options(descriptor: int, container: Container) -> dict[str, str]:
    """Share out among the video tracks what one may have: libav decodes of each, to know it better.

    Raises:
        Refused: as `open_file`.
    """
    looked = _open(descriptor, container, open_options(container, probing=False))
    facts = [_facts(stream) for stream in looked.streams]
    looked.close()
    pictures = [one for one in facts if one.kind is StreamKind.VIDEO and not one.attached_picture]
    for one in pictures:
        check_picture(one.width, one.height)
    return decoder_options(FILE_PIXELS_MAX // max(1, len(pictures)))


def _open(descriptor: int, container: Container, options: dict[str, str]) -> InputContainer:
    file = FileIO(descriptor, closefd=False)
    file.seek(0)
    try:
        return av.open(
            file,
            "r",
            format=DEMUXERS[container],
            options=options,
            buffer_size=_BUFFER_BYTES,
            io_open=_deny,
        )
    except av.error.MemoryError as reason:
        raise Refused(RefusalCode.TOO_DEMANDING) from reason
    except FFmpegError as reason:
        raise Refused(RefusalCode.DAMAGED) from reason
    except PermissionError as reason:
        raise Refused(RefusalCode.EXTERNAL_MEDIA) from reason


def _opens(track: Stream) -> bool:
    """Open its decoder now: PyAV crashes when one is used a second time that could not be."""
    track.codec_context.options = decoder_options()
    track.codec_context.thread_count = 1
    try:
        track.codec_context.open(strict=False)
    except FFmpegError:
        return False
    return True


def _deny(*_: object) -> NoReturn:
    raise PermissionError("a file may not have others opened")


def _default_first(tracks: list[Stream]) -> list[Stream]:
    """The one that the file calls its default at the front, the others in their order."""
    default = next((one for one in tracks if one.disposition & Disposition.default), None)
    return tracks if default is None else [default, *(one for one in tracks if one is not default)]


def _facts(stream: Stream) -> StreamFacts:
    context = stream.codec_context  # None where libav knows no decoder, whatever its types say
    return StreamFacts(
        kind=_KINDS.get(stream.type, StreamKind.OTHER),
        decoder=getattr(context, "name", None),
        tag=getattr(context, "codec_tag", ""),
        attached_picture=bool(stream.disposition & Disposition.attached_pic),
        width=getattr(context, "width", 0),
        height=getattr(context, "height", 0),
        frames=stream.frames,
        duration_ms=_duration_ms(stream),
        sample_rate=getattr(context, "sample_rate", 0),
        channels=getattr(context, "channels", 0),
    )


def _duration_ms(stream: Stream) -> int:
    duration = stream.duration
    return 0 if duration is None else max(0, int(duration * stream.time_base * 1000))
