"""Debian's ffmpeg as a publisher."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.programs import program

TEST_PATTERN = (
    "-f lavfi -i testsrc2=size={size}:rate=25{filters} "
    "-f lavfi -i sine=frequency=440:sample_rate=48000 "
    "-c:v libx264 -preset ultrafast -profile:v main -sc_threshold 0 "
    "-g {keyframes} -keyint_min {keyframes} "
    "-pix_fmt yuv420p {rate} -c:a aac -b:a 96k"
)


@contextlib.asynccontextmanager
async def publishing(
    url: str,
    *,
    clip: Path | None = None,
    size: str = "640x360",
    seconds: int | None = None,
    huge: bool = False,
    keyframes: int = 50,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Push a clip (copied, looped) or a test pattern (encoded) in real time, for this block.

    `huge` makes segments of many megabytes, more than the sockets between two programs hold. Each
    `keyframes` pictures, of which there are 25 a second, one of them is a keyframe.
    """
    ffmpeg = program("ffmpeg")
    source = (
        TEST_PATTERN.format(
            size=size,
            filters=",noise=alls=100:allf=t" if huge else "",
            rate="-qp 6" if huge else "-b:v 800k",
            keyframes=keyframes,
        ).split()
        if clip is None
        else ["-stream_loop", "-1", "-i", str(clip), "-c", "copy"]
    )
    length = [] if seconds is None else ["-t", str(seconds)]
    process = await asyncio.create_subprocess_exec(
        ffmpeg,
        *("-hide_banner", "-loglevel", "error", "-re"),
        *source,
        *length,
        *("-f", "flv", url),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
