"""The local Stellar network's process: started with the server, ended with it."""

import asyncio
import socket
import sys
from pathlib import Path

import structlog

from config.children import end_child
from config.limits import (
    CHILD_STOP_SECONDS_MAX,
    LOCAL_NETWORK_RESTART_SECONDS,
    LOCAL_NETWORK_START_SECONDS_MAX,
)
from config.tasks import cancel, spawn
from metering.localnet import PASSPHRASE

log = structlog.get_logger(__name__)


class LocalNetworkFailed(Exception):
    """The local Stellar network did not start; its own log says why."""


class LocalNetwork:
    """Keeps `python -m metering.localnet` running on one port of 127.0.0.1.

    The listening socket is ours and outlives the process: who asks while it starts, which takes it
    a second, waits in the socket's queue, and after a restart the address is the same.
    """

    passphrase = PASSPHRASE

    def __init__(self, state: Path, log_file: Path) -> None:
        self._state = state
        self._log_file = log_file
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def start(self) -> None:
        """Start the process, and keep it running from then on. Does not wait until it answers."""
        self._process = await self._spawn()
        self._watch = spawn(self._keep_running(self._process), name="local network")

    async def ready(self) -> None:
        """Return when it answers.

        Raises:
            LocalNetworkFailed: it does not in time.
        """
        try:
            async with asyncio.timeout(LOCAL_NETWORK_START_SECONDS_MAX):
                await self._ready.wait()
        except TimeoutError:
            raise LocalNetworkFailed(f"see {self._log_file}") from None

    async def stop(self) -> None:
        await cancel(self._watch)
        if self._process is not None:
            await end_child(self._process, CHILD_STOP_SECONDS_MAX)
        self._socket.close()

    async def _spawn(self) -> asyncio.subprocess.Process:
        listening = self._socket.fileno()
        with self._log_file.open("ab") as errors:
            # A session of its own: Ctrl-C in the terminal is for us alone, we end our children.
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "metering.localnet"),
                *("--socket", str(listening), "--state", str(self._state)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                pass_fds=(listening,),
                start_new_session=True,
            )

    async def _keep_running(self, process: asyncio.subprocess.Process) -> None:
        while True:
            assert process.stdout is not None
            if await process.stdout.readline():  # it says one line, when it answers
                self._ready.set()
            code = await process.wait()
            self._ready.clear()
            log.error("local network ended, starting it again", code=code, see=str(self._log_file))
            await asyncio.sleep(LOCAL_NETWORK_RESTART_SECONDS)
            process = self._process = await self._spawn()
