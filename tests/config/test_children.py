"""Children are asked to end, and made to when they do not."""

import asyncio
import signal
import sys

import pytest

from config.children import end_child

pytestmark = pytest.mark.process


async def child(code: str) -> asyncio.subprocess.Process:
    """Returns when it has said that it runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"up\n"
    return process


SAY_UP = "print('up', flush=True)\n"


async def test_a_child_that_listens_is_asked() -> None:
    process = await child(SAY_UP + "import signal; signal.pause()")
    await end_child(process, grace_s=10)
    assert process.returncode == -signal.SIGTERM


async def test_a_child_that_does_not_listen_is_killed() -> None:
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    process = await child(ignore + SAY_UP + "while True: signal.pause()")
    await end_child(process, grace_s=0.05)
    assert process.returncode == -signal.SIGKILL


async def test_a_child_that_ended_is_left_alone() -> None:
    process = await child(SAY_UP)
    await process.wait()
    await end_child(process, grace_s=10)
    assert process.returncode == 0
