"""A worker that dies, hangs or lies costs a file one attempt, and the server nothing."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from config.clock import SystemClock
from media.file.container import Container
from media.file.refusal import RefusalCode, Refused
from media.file.transcoder import FileTranscoder, FileWorkerFailed
from tests.media.file.film_maker import AAC, H264, QUICK, Made, make, picture, tone

pytestmark = pytest.mark.process

# What workers say, as `media.transcode.protocol` writes it.
SAY = (
    "import os, sys, time; from media.transcode.protocol import *; "
    "send = lambda *all: [os.write(1, encode_message(one)) for one in all]; "
)
DESCRIBE = (
    "from media.file.description import *; "
    "sound = AudioDescription('flac', 48000, 2, 900000, 1800000, 1000000, b'', 'no AAC'); "
    "send(Described(description_to_bytes(FileDescription(None, (sound,), 0)))); "
)


def worker(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", SAY + code)


async def run(film: Path, code: str, *, hang_ms: int = 20_000) -> Made:
    made = Made()
    transcoder = FileTranscoder(QUICK, SystemClock(), command=worker(code), hang_ms=hang_ms)
    async with asyncio.timeout(30):
        made.outcome = await transcoder.run(film, Container.WAV, made, None, made.progress.append)
    return made


@pytest.fixture
def film(tmp_path: Path) -> Path:
    target = tmp_path / "film"
    target.write_bytes(bytes(1_000_000))
    return target


@pytest.mark.parametrize(
    "code",
    [
        "",
        "sys.exit(3)",
        "os.kill(os.getpid(), 11)",
        "os.write(1, b'nonsense')",
        "send(Finished())",
        "send(Finish())",
        "send(Refusal('no_such_code', ''))",
        "send(Described(b'{}'))",
        "send(Encoded(0, 0, 0, 0, True, True, b''))",
        DESCRIBE + "send(Opened(Appearance(), ()))",
        DESCRIBE + DESCRIBE,
        DESCRIBE + "send(Opened(Appearance(), (bytes.fromhex('1210'),)))",
    ],
)
async def test_a_worker_that_dies_or_makes_no_sense_may_be_replaced(film: Path, code: str) -> None:
    with pytest.raises(FileWorkerFailed):
        await run(film, code)


async def test_a_worker_that_hangs_is_killed(film: Path) -> None:
    with pytest.raises(FileWorkerFailed, match="hung"):
        await run(film, "time.sleep(60)", hang_ms=500)


async def test_a_refusal_is_final_and_a_sentence(film: Path) -> None:
    with pytest.raises(Refused) as refused:
        await run(film, "send(Refusal('unsupported_codec', 'Theora'))")
    assert refused.value.code is RefusalCode.UNSUPPORTED_CODEC
    assert "Theora" in refused.value.sentence


async def test_a_worker_that_used_up_its_cpu_is_not_tried_again(film: Path) -> None:
    with pytest.raises(Refused) as refused:
        await run(film, "import signal; os.kill(os.getpid(), signal.SIGXCPU)")
    assert refused.value.code is RefusalCode.TOO_SLOW


async def test_a_worker_that_cannot_be_started_is_a_failed_attempt(film: Path) -> None:
    transcoder = FileTranscoder(QUICK, SystemClock(), command=("/no/such/program",))
    with pytest.raises(FileWorkerFailed, match="started"):
        await transcoder.run(film, Container.WAV, Made(), None, lambda _: None)


async def test_a_missing_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await run(tmp_path / "none", "")


class Waiting(Made):
    """A sink whose disk is slow: it takes one packet, then nothing until it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = asyncio.Event()
        self.free = asyncio.Event()

    async def drained(self) -> None:
        self.taken.set()
        await self.free.wait()


async def start(tmp_path: Path) -> tuple[Waiting, "asyncio.Task[object]"]:
    film = make(tmp_path / "long.mp4", *picture(seconds=8), *tone(8), *H264, *AAC)
    sink = Waiting()
    transcoder = FileTranscoder(QUICK, SystemClock())
    running = asyncio.ensure_future(
        transcoder.run(film, Container.MP4, sink, None, sink.progress.append)
    )
    async with asyncio.timeout(30):
        await sink.taken.wait()
    return sink, running


def children() -> set[int]:
    return {int(one) for one in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


async def test_nothing_is_read_from_a_worker_while_the_sink_is_full(tmp_path: Path) -> None:
    sink, running = await start(tmp_path)
    assert sum(map(len, sink.packets.values())) <= 1
    sink.free.set()
    async with asyncio.timeout(60):
        await running
    assert len(sink.packets["180p"]) == 200
    assert sink.progress[-1].renditions == {"180p": 1000, "audio": 1000}


async def test_a_pass_that_is_cancelled_leaves_no_worker(tmp_path: Path) -> None:
    before = children()
    _, running = await start(tmp_path)
    assert children() - before
    running.cancel()
    async with asyncio.timeout(30):
        await asyncio.wait({running})
    assert running.cancelled()
    assert not children() - before
