"""CPU that a transcode worker takes, next to the ffmpeg program of the same FFmpeg version.

Both decode the same twenty seconds of real 1080p once, scale 1080 to 720 to 360 and encode three
rungs with the same settings of x264 and keyframes at the same times. Their runs alternate, and the
figure is the median of the paired ratios. Ours counts the worker and what it takes to feed it.
"""

import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from media.ladder import Rung, encoded_rungs
from media.transcode.av_worker import NICENESS
from media.transcode.plan import EncoderSettings, Plan, plan_to_bytes
from media.transcode.protocol import (
    Configure,
    Encoded,
    Finish,
    Finished,
    Message,
    MessageReader,
    SourcePacket,
    encode_message,
)
from media.transcode.worker_process import WORKER_COMMAND
from media.units import VIDEO_TIMESCALE
from scripts.bench.figures import Figure, Skipped
from scripts.bench.peer import Uneven, figure, run_ladder, wait
from scripts.test_media import ClipUnavailable, big_buck_bunny

_BENCH = "ladder"
_ROUNDS = 3
# Long enough that the start of Python, 0.13 s of CPU, matters as little as it does live.
_SECONDS = 20
_FRAME_RATE = (24, 1)
# The worker does not encode what repeats, as some pictures do of the black at the beginning.
_LEFT_OUT_MAX = 4
_FULL_LADDER_BAR = 1.10
_PASSED_THROUGH_BAR = 0.55


@dataclass(frozen=True)
class Clip:
    """The part of the clip that both get: as a file, and as packets."""

    path: Path
    configuration: bytes
    packets: tuple[SourcePacket, ...]


def run() -> list[Figure | Skipped]:
    """Measure the full ladder, and the one whose top rung is passed through."""
    try:
        source = big_buck_bunny()
    except ClipUnavailable as reason:
        names = ("ladder_cpu_ratio", "passthrough_cpu_ratio")
        return [Skipped(_BENCH, name, str(reason)) for name in names]
    with tempfile.TemporaryDirectory() as directory:
        clip = _cut(source, Path(directory) / "clip.mp4")
        return _measure(clip, Path(directory))


def _measure(clip: Clip, directory: Path) -> list[Figure | Skipped]:
    full = encoded_rungs(1920, 1080, _FRAME_RATE, passed_through=False)
    lower = encoded_rungs(1920, 1080, _FRAME_RATE, passed_through=True)
    _compare_pictures(clip, full, directory)
    ladder_ratios, passed_ratios = [], []
    for _ in range(_ROUNDS):
        peer = _peer_cpu_seconds(clip, full)
        ladder_ratios.append(_our_cpu_seconds(clip, full) / peer)
        passed_ratios.append(_our_cpu_seconds(clip, lower) / peer)
    return [
        figure(_BENCH, "ladder_cpu_ratio", ladder_ratios, _FULL_LADDER_BAR),
        figure(_BENCH, "passthrough_cpu_ratio", passed_ratios, _PASSED_THROUGH_BAR),
    ]


def _cut(source: Path, target: Path) -> Clip:
    """Copy the first seconds of video into a file of their own, and read its packets."""
    with av.open(str(source)) as whole, av.open(str(target), "w") as part:
        video = part.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(whole.streams.video[0]):
            if packet.pts is None or packet.pts * packet.time_base >= _SECONDS:
                continue
            packet.stream = video
            part.mux(packet)
    with av.open(str(target)) as part:
        stream = part.streams.video[0]
        packets = tuple(_source_packet(one) for one in part.demux(stream) if one.pts is not None)
        assert stream.codec_context.extradata is not None
        return Clip(target, bytes(stream.codec_context.extradata), packets)


def _source_packet(packet: "av.Packet[Any]") -> SourcePacket:
    assert packet.pts is not None
    assert packet.dts is not None
    ticks = VIDEO_TIMESCALE * packet.time_base
    pts = round(packet.pts * ticks) + VIDEO_TIMESCALE
    return SourcePacket(
        dts=round(packet.dts * ticks) + VIDEO_TIMESCALE,
        pts=pts,
        newest=pts,
        keyframe=packet.is_keyframe,
        boundary=False,  # the worker cuts by itself
        data=bytes(packet),
    )


def _transcode(clip: Clip, rungs: tuple[Rung, ...]) -> tuple[list[Encoded], float]:
    """Run a worker as fast as it goes: its packets, and the CPU of both ends in seconds."""
    plan = Plan(
        configuration=clip.configuration,
        frame_rate=_FRAME_RATE,
        rungs=rungs,
        named_boundaries=False,
        shedding=False,
    )
    before = time.process_time()
    worker = subprocess.Popen(WORKER_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdin is not None
    assert worker.stdout is not None
    messages = [Configure(plan_to_bytes(plan)), *clip.packets, Finish()]
    feeding = threading.Thread(target=_feed, args=(worker.stdin.fileno(), messages))
    feeding.start()
    reader = MessageReader()
    said: list[Message] = []
    while data := os.read(worker.stdout.fileno(), 1 << 18):
        said += reader.feed(data)
    feeding.join()
    cpu_seconds = wait(worker).cpu_seconds + time.process_time() - before
    if not isinstance(said[-1], Finished):
        raise Uneven("the worker did not finish")
    return [one for one in said if isinstance(one, Encoded)], cpu_seconds


def _feed(descriptor: int, messages: list[Message]) -> None:
    for message in messages:
        rest = memoryview(encode_message(message))
        while rest:
            rest = rest[os.write(descriptor, rest) :]


def _our_cpu_seconds(clip: Clip, rungs: tuple[Rung, ...]) -> float:
    return _transcode(clip, rungs)[1]


def _peer_cpu_seconds(clip: Clip, rungs: tuple[Rung, ...]) -> float:
    return run_ladder(clip.path, rungs, EncoderSettings(), NICENESS).cpu_seconds


def _compare_pictures(clip: Clip, rungs: tuple[Rung, ...], directory: Path) -> None:
    """Both have to make the same keyframes and, but for a few that repeat, the same pictures.

    Raises:
        Uneven: one of them saves work.
    """
    ours, _ = _transcode(clip, rungs)
    files = [directory / f"{rung.name}.mp4" for rung in rungs]
    run_ladder(clip.path, rungs, EncoderSettings(), NICENESS, files)
    for number, file in enumerate(files):
        with av.open(str(file)) as container:
            theirs = sorted(
                (round(one.pts * one.time_base * VIDEO_TIMESCALE), one.is_keyframe)
                for one in container.demux(video=0)
                if one.pts is not None
            )
        mine = sorted((one.pts, one.keyframe) for one in ours if one.rung == number)
        left_out = len(theirs) - len(mine)
        if not 0 <= left_out <= _LEFT_OUT_MAX or _keyframes(mine) != _keyframes(theirs):
            raise Uneven(f"{file.stem}: {len(mine)} and {len(theirs)} pictures")


def _keyframes(pictures: list[tuple[int, bool]]) -> list[int]:
    """When keyframes come, in milliseconds after the first picture."""
    (first, _), *_ = pictures
    ticks = VIDEO_TIMESCALE // 1000
    return [round((pts - first) / ticks) for pts, keyframe in pictures if keyframe]


if __name__ == "__main__":
    for result in run():
        print(result.line())
