"""Small films of every kind, made by ffmpeg, and what became of them."""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
from av.video.frame import VideoFrame

from config.clock import SystemClock
from media.captions.captions import Captions
from media.file.plan import FileSettings
from media.file.sniff import SNIFF_BYTES, sniff
from media.file.transcoder import FileOutcome, FileProgress, FileTranscoder, Resume
from media.pictures import Picture
from media.transcode.plan import EncoderSettings
from media.transcode.rendition import Rendition
from media.units import VIDEO_TIMESCALE, MediaKind, Packet

QUICK = FileSettings(encoder=EncoderSettings(preset="ultrafast", b_frames=3))
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "28", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac")
_SECONDS_MAX = 60


def picture(size: str = "320x180", rate: str = "25", seconds: float = 2) -> tuple[str, ...]:
    """A moving test picture as an input."""
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}")


def tone(
    seconds: float = 2, rate: int = 48_000, layout: str = "mono", pitch: int = 440
) -> tuple[str, ...]:
    """A tone as an input."""
    source = f"sine=f={pitch}:d={seconds}:r={rate},aformat=channel_layouts={layout}"
    return ("-f", "lavfi", "-i", source)


def make(target: Path, *arguments: str) -> Path:
    """Have ffmpeg write a file."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-hide_banner", "-loglevel", "error", "-y", *arguments, str(target)]
    subprocess.run(command, check=True, timeout=_SECONDS_MAX, stdin=subprocess.DEVNULL)
    return target


@dataclass
class Made:
    """A sink that keeps everything, and what a pass came to."""

    renditions: dict[str, Rendition] = field(default_factory=dict)
    packets: dict[str, list[Packet]] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    texts: list[Captions] = field(default_factory=list)
    progress: list[FileProgress] = field(default_factory=list)
    outcome: FileOutcome | None = None

    def begin(self, renditions: Sequence[Rendition]) -> None:
        assert not self.renditions
        self.renditions = {one.name: one for one in renditions}
        self.packets = {one.name: [] for one in renditions}

    def packet(self, rendition: str, packet: Packet) -> None:
        self.packets[rendition].append(packet)

    def picture(self, picture: Picture) -> None:
        self.pictures.append(picture)

    def captions(self, captions: Captions) -> None:
        self.texts.append(captions)

    async def drained(self) -> None:
        return

    @property
    def video(self) -> list[str]:
        return [name for name, one in self.renditions.items() if one.track.kind is MediaKind.VIDEO]

    @property
    def seconds(self) -> float:
        assert self.outcome is not None
        return self.outcome.duration_ticks / VIDEO_TIMESCALE

    def size(self, name: str) -> tuple[int, int]:
        track = self.renditions[name].track
        return track.width, track.height

    def boundaries(self, name: str) -> list[int]:
        return [one.pts for one in self.packets[name] if one.boundary]

    def frames(self, name: str) -> list[VideoFrame]:
        """What an independent decoder shows, which must not complain."""
        context = av.CodecContext.create("h264", "r")
        context.extradata = self.renditions[name].track.extradata
        frames: list[VideoFrame] = []
        for packet in self.packets[name]:
            frames += context.decode(_libav(packet, VIDEO_TIMESCALE))
        return [*frames, *context.decode(None)]

    def sound(self, name: str = "audio") -> Iterator[tuple[int, Any]]:
        """Decoded blocks of the first channel: when each begins in samples, and a numpy array."""
        track = self.renditions[name].track
        context = av.CodecContext.create("aac", "r")
        assert isinstance(context, av.AudioCodecContext)
        context.extradata = track.extradata
        for packet in self.packets[name]:
            for frame in context.decode(_libav(packet, track.timescale)):
                assert frame.pts is not None
                yield frame.pts, frame.to_ndarray()[0]


def _libav(packet: Packet, timescale: int) -> "av.Packet[Any]":
    made: av.Packet[Any] = av.Packet(packet.data)
    made.pts, made.dts, made.time_base = packet.pts, packet.dts, Fraction(1, timescale)
    return made


async def transcode(
    film: Path,
    settings: FileSettings = QUICK,
    resume: Resume | None = None,
    sink: Made | None = None,
) -> Made:
    """Run one pass."""
    made = sink or Made()
    runner = FileTranscoder(settings, SystemClock())
    with film.open("rb") as file:
        container = sniff(file.read(SNIFF_BYTES))
    made.outcome = await runner.run(film, container, made, resume, made.progress.append)
    return made


def check_sound(made: Made, name: str = "audio") -> None:
    """No hole and no overlap."""
    packets = made.packets[name]
    assert {later.dts - one.dts for one, later in pairwise(packets)} <= {1024}


def check_video(made: Made) -> None:
    """All rungs have the same segments, each with a keyframe, in rising order."""
    boundaries = made.boundaries(made.video[0])
    for name in made.video:
        packets = made.packets[name]
        assert made.boundaries(name) == boundaries
        assert packets[0].boundary
        assert all(one.keyframe for one in packets if one.boundary)
        times = [one.dts for one in packets]
        assert times == sorted(set(times))
