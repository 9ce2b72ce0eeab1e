"""A film whose pictures say their numbers, in every coding that publishers send."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy

from tests.programs import program

RATE = 25
_WIDTH, _HEIGHT = 320, 180
_BITS = 10
_BLACK, _WHITE = 16, 235
_ENCODE_SECONDS_MAX = 60
# A keyframe every two seconds and nowhere else, so that nothing that can be copied is encoded.
_GROUP = ("-g", "50", "-keyint_min", "50", "-sc_threshold", "0")
_H264 = ("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-bf", "2", *_GROUP)
_HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:scenecut=0")
_AV1 = ("-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-b:v", "400k")
_AAC, _OPUS = ("-c:a", "aac", "-b:a", "96k"), ("-c:a", "libopus", "-b:a", "96k")


@dataclass(frozen=True)
class NumberedFilm:
    """Files of the same film; `smaller` has two more sizes of it, without sound."""

    seconds: int
    h264: Path
    h264_flv: Path
    hevc: Path
    av1: Path
    opus: Path
    smaller: tuple[Path, Path]

    @property
    def pictures(self) -> int:
        return self.seconds * RATE


async def make_numbered_film(directory: Path, seconds: int) -> NumberedFilm:
    """Draw it once, and have ffmpeg encode all of them."""
    film = NumberedFilm(
        seconds,
        h264=directory / "h264.mp4",
        h264_flv=directory / "h264.flv",
        hevc=directory / "hevc.mp4",
        av1=directory / "av1.mp4",
        opus=directory / "opus.mp4",
        smaller=(directory / "middle.mp4", directory / "small.mp4"),
    )
    both = ("-map", "0:v", "-map", "1:a")
    command = [
        *(program("ffmpeg"), "-v", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p"),
        *("-s", f"{_WIDTH}x{_HEIGHT}", "-r", str(RATE), "-i", "pipe:"),
        *("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}"),
        *(*both, *_H264, *_AAC, str(film.h264)),
        *(*both, *_H264, *_AAC, str(film.h264_flv)),
        *(*both, *_HEVC, *_GROUP, *_AAC, str(film.hevc)),
        *(*both, *_AV1, "-g", "50", *_AAC, str(film.av1)),
        *(*both, *_H264, *_OPUS, str(film.opus)),
        *("-map", "0:v", "-s", "240x136", *_H264, str(film.smaller[0])),
        *("-map", "0:v", "-s", "160x90", *_H264, str(film.smaller[1])),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(_ENCODE_SECONDS_MAX):
        _, errors = await process.communicate(b"".join(_pictures(film.pictures)))
    assert process.returncode == 0, errors.decode()
    return film


def _pictures(count: int) -> Iterator[bytes]:
    """YUV 4:2:0: above the number as blocks, its highest bit first, below a ramp that moves."""
    chroma = bytes((128,)) * (_WIDTH * _HEIGHT // 2)
    luma = numpy.empty((_HEIGHT, _WIDTH), dtype=numpy.uint8)
    for number in range(count):
        for bit in range(_BITS):
            column = slice(bit * _WIDTH // _BITS, (bit + 1) * _WIDTH // _BITS)
            is_set = number >> (_BITS - 1 - bit) & 1
            luma[: _HEIGHT // 2, column] = _WHITE if is_set else _BLACK
        luma[_HEIGHT // 2 :] = _ramp(number, _WIDTH)
        yield luma.tobytes() + chroma


def _ramp(number: int, width: int) -> "numpy.typing.NDArray[numpy.uint8]":
    """A triangle wave of luma along a line."""
    place = (numpy.arange(width) * _WIDTH // width + 4 * number) % _WIDTH
    height = numpy.minimum(place, _WIDTH - place) * 2 * (_WHITE - _BLACK) // _WIDTH
    return (height + _BLACK).astype(numpy.uint8)


def number_of(frame: av.VideoFrame) -> int:
    """What a picture says, whatever its size."""
    luma = _luma(frame)
    row = luma[frame.height // 4]
    centres = [(2 * bit + 1) * frame.width // (2 * _BITS) for bit in range(_BITS)]
    return int("".join("1" if row[centre] > 125 else "0" for centre in centres), 2)


def deviation(frame: av.VideoFrame, number: int) -> float:
    """By how much the luma of a picture's lower half is off, on average."""
    line = _luma(frame)[frame.height * 3 // 4]
    expected = _ramp(number, frame.width)
    return float(numpy.abs(line.astype(int) - expected.astype(int)).mean())


def _luma(frame: av.VideoFrame) -> "numpy.typing.NDArray[numpy.uint8]":
    plane = frame.planes[0]
    lines = numpy.frombuffer(bytes(plane), dtype=numpy.uint8).reshape(-1, plane.line_size)
    return lines[:, : frame.width]
