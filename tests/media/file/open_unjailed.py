"""Opens files with libav as the worker does, but without a jail, to see what the options hold back.

`python -m tests.media.file.open_unjailed MODE FILE...`: with MODE `ours` each file is forced upon
each container's demuxer; with `guess` libav guesses, as it would by default.
"""

import sys
from pathlib import Path
from typing import BinaryIO, NoReturn

import av
from av.codec.context import CodecContext
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Stream

from media.file.allowed import DECODERS, DEMUXERS, decoder_options, open_options
from media.file.container import Container

_PACKETS_MAX = 200


def main(mode: str, paths: list[str]) -> None:
    for path in paths:
        if mode == "guess":
            _read_by_guess(path)
            continue
        for container in Container:
            with Path(path).open("rb", buffering=0) as file:
                _read(file, container)


def _read(file: BinaryIO, container: Container) -> None:
    try:
        with av.open(
            file,
            "r",
            format=DEMUXERS[container],
            options=open_options(container),
            io_open=_deny,
        ) as opened:
            _decode_all(opened)
    except (FFmpegError, ValueError, PermissionError):
        pass


def _read_by_guess(path: str) -> None:
    """By name and as an open file: libav forbids different things then."""
    with Path(path).open("rb", buffering=0) as file:
        for what in (path, file):
            try:
                with av.open(what, "r", options={"enable_drefs": "1"}) as opened:
                    _decode_all(opened)
            except (FFmpegError, ValueError):
                pass


def _decode_all(opened: InputContainer) -> None:
    for stream in opened.streams:
        if _is_allowed(stream):
            stream.codec_context.options = decoder_options()
    for number, packet in enumerate(opened.demux()):
        if number > _PACKETS_MAX:
            return
        if _is_allowed(packet.stream):
            packet.decode()


def _is_allowed(stream: Stream) -> bool:
    """A stream whose codec libav does not know has no context, whatever PyAV's types say."""
    context: CodecContext | None = getattr(stream, "codec_context", None)
    return context is not None and context.name in DECODERS


def _deny(*_: object) -> NoReturn:
    raise PermissionError("a file may not open another")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
