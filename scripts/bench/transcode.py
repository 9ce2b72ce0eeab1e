"""What a file's worker costs next to the ffmpeg program, and next to itself.

Both make the same ladder of the same seconds of a real 1080p film with the same settings; the same
pictures and keyframes have to come out, and pictures as good. Then ours with the top rung passed
through, with everything passed through (the film in 360p, which needs no rung below), and with a
film that stands still, each next to our own full ladder. Runs alternate, and each figure is the
median of the paired ratios. Ours counts the worker with its start, the jail, posters and sheets,
and this process, which checks what it is given.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av

from media.file.av_file import NICENESS
from media.file.plan import FILE_ENCODER, FileSettings
from media.ladder import Rung, encoded_rungs
from media.units import Packet
from media.wire.fmp4_fragment import video_fragment
from media.wire.fmp4_init import init_segment
from scripts.bench.clips import FRAME_RATE, Clips, make_clips
from scripts.bench.figures import Figure, Skipped
from scripts.bench.file_run import FileRun, run_file
from scripts.bench.peer import Uneven, figure, program, run_ladder
from scripts.test_media import ClipUnavailable

_BENCH = "transcode"
_ROUNDS = 3
_FULL = FileSettings(pass_through=False)
_PASSED = FileSettings()
_BARS = {
    "full_ladder_cpu_ratio": 1.05,
    "passthrough_top_of_full_ratio": 0.50,
    "all_copy_of_full_ratio": 0.03,
    "still_of_moving_ratio": 0.12,
    "worker_rss_ratio": 1.2,
    "python_outside_libav_percent": 2.0,
    "ssim_shortfall": 0.003,
}
_SSIM = re.compile(r"All:([0-9.]+)")


@dataclass
class Ratios:
    """One of each for each round."""

    full: list[float] = field(default_factory=list)
    passed: list[float] = field(default_factory=list)
    copied: list[float] = field(default_factory=list)
    still: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """What `scripts.bench.measured_worker` says."""

    cpu_ns: int
    libav_ns: int
    resident_bytes: int


def run() -> list[Figure | Skipped]:
    """Measure everything; takes some minutes."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            clips = make_clips(Path(directory))
        except ClipUnavailable as reason:
            return [Skipped(_BENCH, name, str(reason)) for name in _BARS]
        return _measure(clips, Path(directory))


def _measure(clips: Clips, directory: Path) -> list[Figure | Skipped]:
    rungs = encoded_rungs(1920, 1080, FRAME_RATE, passed_through=False)
    files = [directory / f"{rung.name}.mp4" for rung in rungs]
    peer = run_ladder(clips.moving, rungs, FILE_ENCODER, NICENESS, files)
    report, ours = _measured_run(clips.moving, directory)
    shortfall = _compare_pictures(clips.moving, ours, rungs, files)
    ratios = Ratios()
    for _ in range(_ROUNDS):
        _measure_round(clips, rungs, ratios)
    outside = 100 * (report.cpu_ns - report.libav_ns) / report.cpu_ns
    return [
        _figure("full_ladder_cpu_ratio", ratios.full),
        _figure("passthrough_top_of_full_ratio", ratios.passed),
        _figure("all_copy_of_full_ratio", ratios.copied),
        _figure("still_of_moving_ratio", ratios.still),
        _figure("worker_rss_ratio", [report.resident_bytes / peer.resident_bytes]),
        _figure("python_outside_libav_percent", [outside]),
        _figure("ssim_shortfall", [shortfall]),
    ]


def _measure_round(clips: Clips, rungs: Sequence[Rung], ratios: Ratios) -> None:
    peer = run_ladder(clips.moving, rungs, FILE_ENCODER, NICENESS).cpu_seconds
    full = run_file(clips.moving, _FULL).cpu_seconds
    ratios.full.append(full / peer)
    ratios.passed.append(run_file(clips.moving, _PASSED).cpu_seconds / full)
    ratios.copied.append(run_file(clips.small, _PASSED).cpu_seconds / full)
    ratios.still.append(run_file(clips.still, _FULL).cpu_seconds / full)


def _figure(metric: str, values: Sequence[float]) -> Figure:
    return figure(_BENCH, metric, values, _BARS[metric])


def _measured_run(clip: Path, directory: Path) -> tuple[Report, FileRun]:
    """Let a worker measure itself; it has nowhere to write to but a pipe that was opened before."""
    pipe = directory / "report"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    listening = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    listening.start()
    command = (sys.executable, "-P", "-m", "scripts.bench.measured_worker", str(pipe))
    made = run_file(clip, _FULL, command)
    listening.join()
    return Report(**json.loads(heard[0])), made


def _compare_pictures(
    clip: Path, ours: FileRun, rungs: Sequence[Rung], files: Sequence[Path]
) -> float:
    """By how much the SSIM of a rung of ours is below the peer's at worst.

    Raises:
        Uneven: one of them saves work.
    """
    shortfall = 0.0
    for rung, theirs in zip(rungs, files, strict=True):
        packets = ours.packets[rung.name]
        _compare_numbers(rung.name, packets, theirs)
        mine = theirs.with_name(f"ours-{rung.name}.mp4")
        end = packets[-1].dts + packets[-1].dts - packets[-2].dts
        track = ours.renditions[rung.name].track
        mine.write_bytes(init_segment(track) + video_fragment(1, packets, end))
        shortfall = max(shortfall, _ssim(clip, rung, theirs) - _ssim(clip, rung, mine))
    return shortfall


def _compare_numbers(name: str, mine: Sequence[Packet], file: Path) -> None:
    with av.open(str(file)) as container:
        theirs = [one for one in container.demux(video=0) if one.pts is not None]
    my_keyframes = [place for place, one in enumerate(mine) if one.keyframe]
    keyframes = [place for place, one in enumerate(theirs) if one.is_keyframe]
    if len(mine) != len(theirs) or my_keyframes != keyframes:
        raise Uneven(f"{name}: {len(mine)} and {len(theirs)} pictures")


def _ssim(clip: Path, rung: Rung, encoded: Path) -> float:
    graph = (
        f"[0:v]settb=1/24,setpts=N,scale={rung.width}:{rung.height}:flags=bicubic[source];"
        "[1:v]settb=1/24,setpts=N[encoded];[encoded][source]ssim"
    )
    command = (
        *(program(), "-hide_banner", "-nostats", "-i", str(clip), "-i", str(encoded)),
        *("-filter_complex", graph, "-f", "null", "-"),
    )
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    found = _SSIM.search(said.stderr)
    if found is None:
        raise Uneven(f"no SSIM of {rung.name}")
    return float(found[1])


if __name__ == "__main__":
    for result in run():
        print(result.line())
