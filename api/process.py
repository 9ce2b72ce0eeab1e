"""The server's process: from its first moment to Ctrl-C."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import uvloop

from api.announcement import Announcement, print_announcement
from api.data_layout import lay_out
from api.ground import Ground, StartFailed, lay_ground
from api.signer_process import SignerProcess, open_signer
from config import logs
from config.collector import collect_later, collect_rarely
from config.settings import Settings
from config.tasks import cancel, spawn

_Start = Callable[[Ground, AsyncExitStack, asyncio.Event], Awaitable[Announcement]]


def serve(settings: Settings, *, announce_json: bool) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        StartFailed: something that it needs is not there or not usable.
    """
    collect_later()
    logs.set_up(settings.log.level, settings.log.format)
    # Before anything from outside is read, and before there is a second thread.
    signer = _open_signer(settings)
    uvloop.run(_serve(settings, signer, announce_json=announce_json))


def _open_signer(settings: Settings) -> SignerProcess:
    data = settings.data_directory.absolute()
    try:
        lay_out(data)
        return open_signer(settings, data)
    except OSError as error:
        raise StartFailed(str(error)) from error


async def _serve(settings: Settings, signer: SignerProcess, *, announce_json: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(signer.stop)
        start = spawn(_start(settings, signer, stack, stopping), name="start")
        stop = spawn(stopping.wait(), name="stop signal")
        await asyncio.wait((start, stop), return_when=asyncio.FIRST_COMPLETED)
        if not start.done():
            await cancel(start)
            return
        announcement = await start
        if isinstance(announcement, StartFailed):
            await cancel(stop)
            raise announcement
        print_announcement(announcement, as_json=announce_json)
        collect_rarely()
        await stop


async def _start(
    settings: Settings, signer: SignerProcess, stack: AsyncExitStack, stopping: asyncio.Event
) -> Announcement | StartFailed:
    """What an operator can mend is an answer here; only what is our fault is logged in full."""
    try:
        laying = spawn(_laid(settings, signer, stack), name="ground")
        # What is imported takes about a second; Postgres starts meanwhile.
        start = await asyncio.to_thread(_import_start)
        ground = await laying
        if isinstance(ground, StartFailed):
            return ground
        return await start(ground, stack, stopping)
    except StartFailed as error:
        return error


async def _laid(
    settings: Settings, signer: SignerProcess, stack: AsyncExitStack
) -> Ground | StartFailed:
    try:
        return await lay_ground(settings, signer, stack)
    except StartFailed as error:
        return error


def _import_start() -> _Start:
    from api.main import start

    return start
