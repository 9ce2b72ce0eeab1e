"""Short H.264 files made of a real film, for benchmarks of files."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.bench.peer import program, wait
from scripts.test_media import big_buck_bunny

SECONDS = 12
FRAME_RATE = (24, 1)
# After the black of its beginning, of which even a moving film's pictures repeat.
_START = 5
_OPTIONS = ("-preset", "veryfast", "-crf", "21", "-g", "48", "-sc_threshold", "0", "-an")


@dataclass(frozen=True)
class Clips:
    """Each lasts `SECONDS` and has a keyframe each two of them.

    Attributes:
        moving: 1080p.
        still: one picture of it.
        small: the same film in 360p.
    """

    moving: Path
    still: Path
    small: Path


def make_clips(directory: Path) -> Clips:
    """Encode them with the ffmpeg program.

    Raises:
        ClipUnavailable: there is no film.
    """
    film = ("-ss", str(_START), "-i", str(big_buck_bunny()))
    clips = Clips(*(directory / f"{name}.mp4" for name in ("moving", "still", "small")))
    picture = directory / "still.png"
    _make(*film, "-frames:v", "1", str(picture))
    limit = ("-t", str(SECONDS))
    _make(*film, *limit, "-c:v", "libx264", *_OPTIONS, str(clips.moving))
    _make(*film, *limit, "-vf", "scale=640:360", "-c:v", "libx264", *_OPTIONS, str(clips.small))
    loop = ("-loop", "1", "-framerate", str(FRAME_RATE[0]), "-i", str(picture))
    _make(*loop, *limit, "-pix_fmt", "yuv420p", "-c:v", "libx264", *_OPTIONS, str(clips.still))
    return clips


def _make(*arguments: str) -> None:
    command = (program(), "-hide_banner", "-loglevel", "error", "-y", *arguments)
    wait(subprocess.Popen(command, stdin=subprocess.DEVNULL))
