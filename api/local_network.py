"""The local Stellar network's process: started with the server, ended with it."""

import asyncio
import json
import sys
from pathlib import Path

import structlog

from config.child import end_child
from config.limits import CHILD_STOP_SECONDS_MAX, LOCAL_NETWORK_START_SECONDS_MAX
from config.tasks import cancel, spawn

log = structlog.get_logger(__name__)

_RESTART_SECONDS = 1


class LocalNetworkFailed(Exception):
    """The local Stellar network did not start; its own log says why."""


class LocalNetwork:
    """Keeps `python -m metering.localnet` running on one port of 127.0.0.1.

    `url` and `passphrase` are known once `start` has returned.
    """

    def __init__(self, state: Path, log_file: Path) -> None:
        self._state = state
        self._log_file = log_file
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self.passphrase = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        await self._spawn()
        self._watch = spawn(self._keep_running(), name="local network")

    async def stop(self) -> None:
        await cancel(self._watch)
        if self._process is not None:
            await end_child(self._process, CHILD_STOP_SECONDS_MAX)

    async def _spawn(self) -> None:
        arguments = ["--port", str(self._port), "--state", str(self._state)]
        with self._log_file.open("ab") as errors:
            # A session of its own: Ctrl-C in the terminal is for us alone, we end our children.
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "metering.localnet", *arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._process = process
        assert process.stdout is not None
        try:
            async with asyncio.timeout(LOCAL_NETWORK_START_SECONDS_MAX):
                line = await process.stdout.readline()
            announced = json.loads(line)
        except (TimeoutError, json.JSONDecodeError):
            raise LocalNetworkFailed(f"see {self._log_file}") from None
        self._port = announced["port"]
        self.passphrase = announced["passphrase"]

    async def _keep_running(self) -> None:
        while True:
            assert self._process is not None
            code = await self._process.wait()
            log.error("local network ended, starting it again", code=code)
            await asyncio.sleep(_RESTART_SECONDS)
            try:
                await self._spawn()
            except LocalNetworkFailed as error:
                log.error("local network did not start", reason=str(error))
