"""One pass through a file by our worker, as the server has it done."""

import asyncio
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.clock import SystemClock
from media.captions.captions import Captions
from media.file.container import Container
from media.file.transcoder import FILE_WORKER_COMMAND, FileProgress, FileSettings, FileTranscoder
from media.pictures import Picture
from media.transcode.rendition import Rendition
from media.units import Packet


@dataclass
class FileRun:
    """What came out, and what it took.

    Attributes:
        cpu_seconds: of the worker, and of this process, which checks and takes what it makes.
    """

    renditions: dict[str, Rendition] = field(default_factory=dict)
    packets: dict[str, list[Packet]] = field(default_factory=dict)
    pictures: list[Picture] = field(default_factory=list)
    cpu_seconds: float = 0
    wall_seconds: float = 0

    # --- FileSink --------------------------------------------------------------------------------

    def begin(self, renditions: Sequence[Rendition]) -> None:
        self.renditions = {one.name: one for one in renditions}
        self.packets = {one.name: [] for one in renditions}

    def packet(self, rendition: str, packet: Packet) -> None:
        self.packets[rendition].append(packet)

    def picture(self, picture: Picture) -> None:
        self.pictures.append(picture)

    def captions(self, captions: Captions) -> None:
        """There are none in what is measured."""

    async def drained(self) -> None:
        return


def run_file(
    file: Path, settings: FileSettings, command: Sequence[str] = FILE_WORKER_COMMAND
) -> FileRun:
    """Make everything of an MP4 in one pass."""
    made = FileRun()
    transcoder = FileTranscoder(settings, SystemClock(), command=command)
    cpu, wall = _cpu_seconds(), time.perf_counter()
    outcome = asyncio.run(transcoder.run(file, Container.MP4, made, None, _ignore))
    made.cpu_seconds, made.wall_seconds = _cpu_seconds() - cpu, time.perf_counter() - wall
    assert not outcome.remaining, "the clip is short enough for one pass"
    return made


def _cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _ignore(progress: FileProgress) -> None:
    """Nobody watches."""
