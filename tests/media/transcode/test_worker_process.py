"""A worker's process and pipes, with small programs in its place."""

import sys

import pytest
from structlog.testing import capture_logs

from config.clock import ManualClock
from config.limits import WORKER_LOG_CHUNKS_PER_SECOND_MAX
from media.transcode.protocol import Configure, Finish, Finished, MalformedMessage, Message
from media.transcode.worker_process import WorkerGone, WorkerProcess

pytestmark = pytest.mark.process


async def start(program: str) -> WorkerProcess:
    command = (sys.executable, "-I", "-S", "-c", f"import sys, os\n{program}")
    return await WorkerProcess.start(command, ManualClock())


async def said_by(worker: WorkerProcess) -> list[Message]:
    return [message async for message in worker.messages()]


async def fill(worker: WorkerProcess) -> None:
    """Send more than a pipe holds."""
    for _ in range(100):
        await worker.send(Configure(bytes(1 << 20)))


async def test_what_is_sent_is_read_and_what_is_said_is_heard() -> None:
    worker = await start("os.read(0, 5); os.write(1, bytes([0, 0, 0, 0, 8]))")
    await worker.send(Finish())
    assert await said_by(worker) == [Finished()]
    assert await worker.end() == 0


async def test_nobody_reads_from_a_worker_that_is_gone() -> None:
    worker = await start("os.close(0); sys.stdout.write('x' * 5); sys.stdout.flush()")
    with pytest.raises(MalformedMessage):
        await said_by(worker)
    with pytest.raises(WorkerGone):
        await fill(worker)
    await worker.end()


async def test_a_worker_that_still_runs_is_killed_at_the_end() -> None:
    worker = await start("sys.stdin.read()")
    assert await worker.end() == -9
    assert await worker.end() == -9


async def test_its_standard_error_is_logged_a_little_each_second() -> None:
    program = """
for line in range(40):
    os.write(2, b'trouble')
    os.read(0, 1)
"""
    with capture_logs() as logs:
        worker = await start(program)
        for _ in range(8):
            await worker.send(Finish())
        assert await said_by(worker) == []
        await worker.end()
    entries = [one for one in logs if one["event"] == "worker writes"]
    assert 1 <= len(entries) <= WORKER_LOG_CHUNKS_PER_SECOND_MAX
    assert all("trouble" in one["text"] for one in entries)
