"""The ffmpeg program, which does the same work with the same libraries, to compare ours with."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import imageio_ffmpeg

from media.ladder import Rung
from media.transcode.plan import SEGMENT_TICKS, EncoderSettings
from media.units import VIDEO_TIMESCALE
from scripts.bench.figures import Figure

_KIB = 1024


class Uneven(Exception):
    """The two did not make the same pictures, so their costs say nothing."""


@dataclass(frozen=True)
class Usage:
    """What a process that has ended took: CPU of all its threads, and memory at its peak."""

    cpu_seconds: float
    resident_bytes: int


def program() -> str:
    """Its path: FFmpeg n9.0.2, the version inside PyAV 19."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def wait(process: "subprocess.Popen[bytes]") -> Usage:
    """Wait for the end of a child.

    Raises:
        Uneven: it failed.
    """
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    if process.returncode != 0:
        raise Uneven(f"{process.args!r} ended with {process.returncode}")
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIB)


def run_ladder(
    clip: Path,
    rungs: Sequence[Rung],
    settings: EncoderSettings,
    niceness: int,
    files: Sequence[Path] = (),
) -> Usage:
    """Decode a clip once, scale each rung from the one above and encode all of them.

    Args:
        niceness: that of our worker: a busy machine then treats both alike.
        files: MP4 to write, one for each rung; nothing is kept without.
    """
    command = [
        *("nice", "-n", str(niceness), program()),
        *("-hide_banner", "-loglevel", "error", "-nostats", "-y"),
        *("-threads", "1", "-i", str(clip)),
        *("-filter_complex_threads", "1", "-filter_complex", _cascade(rungs)),
    ]
    for number, rung in enumerate(rungs):
        output = ("-f", "mp4", str(files[number])) if files else ("-f", "null", "-")
        command += ["-map", f"[out{number}]", *_encoder_options(rung, settings), *output]
    return wait(subprocess.Popen(command, stdin=subprocess.DEVNULL))


def figure(bench: str, metric: str, ratios: Sequence[float], bar: float) -> Figure:
    """The median of paired ratios, which may be at most `bar`; tells how far apart they were."""
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    print(f"bench {bench}: {metric} of {len(ratios)} rounds: {spread}", flush=True)
    return Figure(bench, metric, round(median(ratios), 4), bar, at_most=True)


def _cascade(rungs: Sequence[Rung]) -> str:
    """A filter graph that makes each rung from the one above; the first is as large as the clip."""
    graph, source = [], "0:v"
    for number, rung in enumerate(rungs):
        scale = f"scale={rung.width}:{rung.height}:flags=bicubic," if number else ""
        if number < len(rungs) - 1:
            graph.append(f"[{source}]{scale}split[out{number}][in{number + 1}]")
        else:
            graph.append(f"[{source}]{scale or 'null,'}null[out{number}]")
        source = f"in{number + 1}"
    return ";".join(graph)


def _encoder_options(rung: Rung, settings: EncoderSettings) -> list[str]:
    """What `media.transcode.av_encoder` sets, in the program's words."""
    seconds = SEGMENT_TICKS // VIDEO_TIMESCALE
    options = {
        "-c:v": "libx264",
        "-preset": settings.preset,
        "-crf": str(settings.rate_factor),
        "-maxrate": str(rung.bitrate_max),
        "-bufsize": str(rung.bitrate_max),
        "-threads": "1",
        "-bf": str(settings.b_frames),
        "-sc_threshold": "0",
        "-g": str(1 << 20),
        "-forced-idr": "1",
        "-force_key_frames": f"expr:gte(t,n_forced*{seconds})",
        "-fps_mode": "passthrough",
        "-flags": "+global_header",
        "-pix_fmt": "yuv420p",
    }
    return [word for option in options.items() for word in option]
