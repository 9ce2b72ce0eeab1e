"""Ending child processes: asked first, then killed."""

import asyncio


async def end_child(process: asyncio.subprocess.Process, grace_s: float) -> None:
    """Ask a child to stop, kill it after the grace, and return when it has ended."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(grace_s):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
