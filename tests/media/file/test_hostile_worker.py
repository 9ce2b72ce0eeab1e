"""A worker that a file has taken over may say anything; its parent believes little of it."""

import random
from pathlib import Path

import pytest

from config.clock import SystemClock
from media.file.plan import FileSettings
from media.file.refusal import Refused
from media.file.transcoder import FILE_WORKER_COMMAND, FileTranscoder, FileWorkerFailed
from tests.media.file.mutants import mutant
from tests.media.file.run_files import Collected
from tests.media.file.tiny_files import tiny_files

ROUNDS = 60
CONTAINER, FILE = tiny_files()["h264 ac3 ts"]

# What a real worker says goes on, and into a file.
RECORD = ("/bin/sh", "-c", 'record=$0; "$@" | tee "$record"')
# Says what a file holds, then ends when it was told something, or soon after.
REPEAT = ("/bin/sh", "-c", 'cat "$0"; timeout 0.3 head -c 1 > /dev/null')


async def run(command: tuple[str, ...], path: Path) -> Collected:
    sink = Collected()
    transcoder = FileTranscoder(
        FileSettings(pass_through=False), SystemClock(), command=command, hang_ms=10_000
    )
    await transcoder.run(path, CONTAINER, sink, None, lambda _: None)
    return sink


@pytest.mark.process
async def test_whatever_a_worker_says_the_parent_only_refuses_or_reports_failure(
    tmp_path: Path,
) -> None:
    upload, record, lies = tmp_path / "upload", tmp_path / "record", tmp_path / "lies"
    upload.write_bytes(FILE)
    honest = await run((*RECORD, str(record), *FILE_WORKER_COMMAND), upload)
    said = record.read_bytes()
    lies.write_bytes(said)
    repeated = await run((*REPEAT, str(lies)), upload)
    believed = 0
    for seed in range(ROUNDS):
        lies.write_bytes(_lie(said, seed))
        try:
            await run((*REPEAT, str(lies)), upload)
            believed += 1
        except (Refused, FileWorkerFailed):
            pass

    assert repeated.packets == honest.packets, "else the lies below are no lies"
    assert 0 < believed < ROUNDS


def _lie(said: bytes, seed: int) -> bytes:
    """Damaged early, where the description is, or anywhere."""
    chance = random.Random(seed)
    start = chance.choice((0, chance.randrange(len(said))))
    return said[:start] + mutant(said[start:], seed)
