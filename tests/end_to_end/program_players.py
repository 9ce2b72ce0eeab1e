"""Players that are programs: each shows a URL for so many seconds, and tells its pictures."""

import asyncio
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from tests.programs import program

_READ_BYTES = 65_536


@dataclass(frozen=True)
class Player:
    """A program that tells each picture's time.

    Attributes:
        command: how it plays a URL.
        picture: what it writes for a picture; its groups are numbers, joined by colons a time.
        scale: a line that says what one unit of those times is, in seconds.
        trouble: what it writes when something is wrong.
    """

    command: Callable[[str], list[str]]
    picture: re.Pattern[str]
    trouble: re.Pattern[str]
    scale: re.Pattern[str] | None = None


def _ffmpeg(url: str) -> list[str]:
    return [
        *(program("ffmpeg"), "-nostdin", "-v", "error", "-i", url),
        # Decoding of sound is looked at as well.
        *("-map", "0:v:0", "-f", "framecrc", "-flush_packets", "1", "pipe:1"),
        *("-map", "0:a:0?", "-f", "null", "-"),
    ]


def _gstreamer(playbin: str) -> Callable[[str], list[str]]:
    def command(url: str) -> list[str]:
        return [
            *(program("gst-launch-1.0"), "-v", playbin, f"uri={url}"),
            "flags=video+audio+soft-volume",
            *("video-sink=fakesink silent=false sync=true", "audio-sink=fakesink sync=true"),
        ]

    return command


def _mpv(url: str) -> list[str]:
    return [
        *(program("mpv"), "--no-config", "--vo=null", "--ao=null", "--ytdl=no"),
        *("--msg-level=all=error,statusline=status", "--term-status-msg=at ${=time-pos}"),
        url,
    ]


_GST_PICTURE = re.compile(r"vbin/GstFakeSink.*chain .* pts: (\d+):(\d+):([\d.]+)")
_GST_TROUBLE = re.compile(r"^(?:ERROR|WARNING): .*")

PLAYERS = {
    "ffmpeg": Player(
        _ffmpeg,
        re.compile(r"^0,\s*-?\d+,\s*(-?\d+),"),
        re.compile(r"^\[?(?!#)[a-zA-Z].*"),
        re.compile(r"^#tb 0: (\d+)/(\d+)"),
    ),
    # The older and the newer demuxer of HLS.
    "hlsdemux": Player(_gstreamer("playbin"), _GST_PICTURE, _GST_TROUBLE),
    "hlsdemux2": Player(_gstreamer("playbin3"), _GST_PICTURE, _GST_TROUBLE),
    "mpv": Player(
        _mpv, re.compile(r"at ([\d.]+)"), re.compile(r"^\[(?!K)\w+.*|^Failed.*|^Exiting.*")
    ),
}


@dataclass
class Shown:
    """Times of pictures, in seconds, as they were told; and what went wrong."""

    times: list[float]
    troubles: list[str]

    @property
    def seconds(self) -> float:
        return self.times[-1] - self.times[0] if self.times else 0.0

    @property
    def longest_step(self) -> float:
        """Between two pictures that follow each other."""
        return max((later - earlier for earlier, later in pairwise(self.times)), default=0.0)


async def play(player: Player, url: str, seconds: float, deadline: float) -> Shown:
    """Until it has shown so many seconds, has ended, or `deadline` seconds have passed."""
    process = await asyncio.create_subprocess_exec(
        *player.command(url),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    shown = Shown([], [])
    try:
        async with asyncio.timeout(deadline):
            await _read(player, process, shown, seconds)
    except TimeoutError:
        shown.troubles.append(f"it showed {shown.seconds:.1f} s in {deadline:.0f} s")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
    return shown


async def _read(
    player: Player, process: asyncio.subprocess.Process, shown: Shown, seconds: float
) -> None:
    assert process.stdout is not None
    unit, rest = 1.0, ""
    while data := await process.stdout.read(_READ_BYTES):
        # A player that writes over its line ends it by going back to its beginning.
        *lines, rest = re.split(r"[\r\n]", rest + data.decode(errors="replace"))
        for line in lines:
            if player.scale is not None and (scale := player.scale.match(line)):
                unit = int(scale[1]) / int(scale[2])
            elif picture := player.picture.search(line):
                shown.times.append(_time(picture) * unit)
            elif player.trouble.match(line):
                shown.troubles.append(line)
        if shown.seconds >= seconds:
            return
    shown.troubles.append(f"it ended after {shown.seconds:.1f} s")


def _time(picture: re.Match[str]) -> float:
    """Groups are hours, minutes and seconds, or just the last of them."""
    time = 0.0
    for group in picture.groups():
        time = time * 60 + float(group)
    return time
