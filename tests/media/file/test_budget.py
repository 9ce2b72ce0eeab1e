"""A file that takes too much CPU is refused, since it would take as much again."""

import sys
from pathlib import Path

import pytest

from config.clock import SystemClock
from media.file.container import Container
from media.file.plan import FileSettings
from media.file.refusal import RefusalCode, Refused
from media.file.transcoder import FileTranscoder, FileWorkerFailed
from tests.media.file.run_files import Collected

ENDS_BY = "import os, signal; os.kill(os.getpid(), signal.{})"


async def run_with(script: str, path: Path) -> None:
    path.write_bytes(b"")
    transcoder = FileTranscoder(
        FileSettings(), SystemClock(), command=(sys.executable, "-c", script)
    )
    await transcoder.run(path, Container.MP4, Collected(), None, lambda _: None)


@pytest.mark.process
async def test_a_worker_that_used_up_its_cpu_is_not_started_again(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        await run_with(ENDS_BY.format("SIGXCPU"), tmp_path / "file")

    assert refused.value.code is RefusalCode.TOO_SLOW


@pytest.mark.process
async def test_a_worker_that_crashed_may_be_started_again(tmp_path: Path) -> None:
    with pytest.raises(FileWorkerFailed):
        await run_with(ENDS_BY.format("SIGSEGV"), tmp_path / "file")
