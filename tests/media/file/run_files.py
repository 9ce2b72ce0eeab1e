"""Runs files through `FileTranscoder`, and says what each came to and what it cost.

`python -m tests.media.file.run_files`: standard input is a JSON list of [name, path, container];
each answer is one `Ran` as JSON on a line. It is a process of its own because what children cost
is known only as a sum over all that a process ever had.
"""

import asyncio
import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from config.clock import SystemClock
from media.captions.captions import Captions
from media.file.container import Container
from media.file.plan import FileSettings
from media.file.refusal import Refused
from media.file.transcoder import FileTranscoder, FileWorkerFailed
from media.pictures import Picture
from media.transcode.rendition import Rendition
from media.units import Packet

ROOT = Path(__file__).parents[3]
TICKS_PER_MS = 90


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of one file.

    Attributes:
        ending: `done`, a refusal's code, or `failed`.
        why: a refusal's sentence or a failure's reason.
        duration_ms: of the media that was made.
        packets: that were made.
        cpu_ms, rss_mib: of its worker; RSS is that of the largest worker so far.
    """

    name: str
    ending: str
    why: str
    duration_ms: int
    packets: int
    cpu_ms: int
    rss_mib: int


def run_files(
    files: Sequence[tuple[str, Path, Container]], *, directory: Path, timeout: float
) -> list[Ran]:
    """Run them in a process of their own, whose working directory is `directory`."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.media.file.run_files"],
        input=json.dumps([[name, str(path), container] for name, path, container in files]),
        cwd=directory,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2_000:]
    return [Ran(**json.loads(line)) for line in ended.stdout.splitlines() if line[:1] == "{"]


@dataclass(slots=True)
class Collected:
    """A sink that keeps what came, up to a limit that no file here should reach."""

    renditions: list[Rendition] = field(default_factory=list)
    packets: list[tuple[str, Packet]] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    texts: list[Captions] = field(default_factory=list)

    def begin(self, renditions: Sequence[Rendition]) -> None:
        self.renditions += renditions

    def packet(self, rendition: str, packet: Packet) -> None:
        self.packets.append((rendition, packet))

    def picture(self, picture: Picture) -> None:
        self.pictures.append(picture)

    def captions(self, captions: Captions) -> None:
        self.texts.append(captions)

    async def drained(self) -> None:
        await asyncio.sleep(0)


async def run_file(name: str, path: Path, container: Container) -> Ran:
    """Any other exception than the two that are promised comes out of this."""
    transcoder = FileTranscoder(FileSettings(), SystemClock())
    sink, duration = Collected(), 0
    before = _cpu_ms()
    try:
        outcome = await transcoder.run(path, container, sink, None, lambda _: None)
        ending, why, duration = "done", "", outcome.duration_ticks // TICKS_PER_MS
    except Refused as refused:
        ending, why = str(refused.code), refused.sentence
    except FileWorkerFailed as failed:
        ending, why = "failed", str(failed)
    return Ran(
        name=name,
        ending=ending,
        why=why,
        duration_ms=duration,
        packets=len(sink.packets),
        cpu_ms=_cpu_ms() - before,
        rss_mib=resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    )


def _cpu_ms() -> int:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((used.ru_utime + used.ru_stime) * 1_000)


def main() -> None:
    """Run what standard input names."""
    for name, path, container in json.load(sys.stdin):
        ran = asyncio.run(run_file(name, Path(path), Container(container)))
        sys.stdout.write(json.dumps(asdict(ran)) + "\n")


if __name__ == "__main__":
    main()
