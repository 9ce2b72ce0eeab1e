"""FFmpeg's RTMP, through PyAV, as an encoder that sends a ladder; `python -m` this with a URL.

Track 0 is legacy H.264, the others are Enhanced RTMP's multitrack. Three sizes show the same
pictures in real time, with B-frames in some of them.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from fractions import Fraction

import av

RATE = 25
KEYFRAME_EVERY = 50
SIZES = ((640, 360, 2), (426, 240, 0), (256, 144, 1))
_AUDIO_RATE, _FRAME_SAMPLES = 48_000, 1024


@contextlib.asynccontextmanager
async def publishing_ladder(url: str, seconds: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Push for so long, or until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", __name__, url, str(seconds)),
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def main(url: str, seconds: int) -> None:
    with av.open(url, "w", format="flv") as container:
        streams = [_add_video(container, *size) for size in SIZES]
        audio = container.add_stream("aac", rate=_AUDIO_RATE, layout="stereo")
        assert isinstance(audio, av.AudioStream)
        began = time.monotonic()
        blocks = 0
        for index in range(seconds * RATE):
            for stream in streams:
                container.mux(stream.encode(_picture(stream.width, stream.height, index)))
            while blocks * _FRAME_SAMPLES * RATE < (index + 1) * _AUDIO_RATE:
                container.mux(audio.encode(_silence(blocks)))
                blocks += 1
            time.sleep(max(0, began + (index + 1) / RATE - time.monotonic()))
        for stream in streams:
            container.mux(stream.encode(None))
        container.mux(audio.encode(None))


def _add_video(
    container: av.container.OutputContainer, width: int, height: int, b_frames: int
) -> av.VideoStream:
    stream = container.add_stream("libx264", rate=RATE)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = Fraction(1, 1000)
    stream.options = {
        "preset": "ultrafast",
        "g": str(KEYFRAME_EVERY),
        "sc_threshold": "0",
        "bf": str(b_frames),
        "b_strategy": "0",
        "threads": "1",
    }
    return stream


def _picture(width: int, height: int, index: int) -> av.VideoFrame:
    """A gradient that moves."""
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane in frame.planes:
        row = bytes((x + 5 * index) % 256 for x in range(plane.line_size))
        plane.update(row * (plane.buffer_size // plane.line_size))
    frame.pts, frame.time_base = index, Fraction(1, RATE)
    return frame


def _silence(block: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="fltp", layout="stereo", samples=_FRAME_SAMPLES)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate, frame.pts = _AUDIO_RATE, block * _FRAME_SAMPLES
    frame.time_base = Fraction(1, _AUDIO_RATE)
    return frame


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
