"""The server's side of one worker: its process, its pipes, its log."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import structlog

from config.clock import Clock
from config.limits import WORKER_LOG_CHUNK_BYTES_MAX, WORKER_LOG_CHUNKS_PER_SECOND_MAX
from config.tasks import spawn
from media.jail.level import minimum_option
from media.transcode.protocol import Message, MessageReader, encode_message

log = structlog.get_logger(__name__)

WORKER_COMMAND = (sys.executable, "-P", "-m", "media.transcode.av_worker")
_SOUND_WORKER_COMMAND = (sys.executable, "-P", "-m", "media.transcode.av_sound_worker")
_READ_BYTES = 1 << 18


def worker_command(jail_minimum: int) -> tuple[str, ...]:
    """The command of a worker that would rather end than have a jail of a lower level."""
    return (*WORKER_COMMAND, minimum_option(jail_minimum))


def sound_worker_command(jail_minimum: int) -> tuple[str, ...]:
    """The same for a source's sound."""
    return (*_SOUND_WORKER_COMMAND, minimum_option(jail_minimum))


class WorkerGone(ConnectionError):
    """The worker does not read any more."""


class WorkerProcess:
    """One worker; made by `start`, ended by `end`."""

    def __init__(self, process: asyncio.subprocess.Process, clock: Clock) -> None:
        self._process = process
        self._clock = clock
        self._logging = spawn(self._log_errors(), name=f"log of worker {process.pid}")

    @classmethod
    async def start(
        cls, command: Sequence[str], clock: Clock, *, descriptors: Sequence[int] = ()
    ) -> "WorkerProcess":
        """Start a worker, which inherits `descriptors`.

        Raises:
            OSError: the system refused.
        """
        starting = spawn(_start_process(command, descriptors), name="start of a worker")
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A process that was begun is there, whether anybody waits for it or not.
            await _give_up(starting)
            raise
        if isinstance(process, OSError):
            raise process
        return cls(process, clock)

    @property
    def process_id(self) -> int:
        return self._process.pid

    async def send(self, message: Message) -> None:
        """Write a message, and wait while the pipe is full.

        Raises:
            WorkerGone: nobody reads.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(encode_message(message))
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as reason:
            raise WorkerGone from reason

    async def messages(self) -> AsyncGenerator[Message]:
        """What the worker says, until it ends.

        Raises:
            MalformedMessage: it speaks no sense.
        """
        assert self._process.stdout is not None
        reader = MessageReader()
        while data := await self._process.stdout.read(_READ_BYTES):
            for message in reader.feed(data):
                yield message

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def end(self) -> int:
        """Kill it when it still runs, and return its exit code when it is gone."""
        self.kill()
        await asyncio.wait({self._logging})
        return await _ended(self._process)

    async def _log_errors(self) -> None:
        """Pass on what it writes to standard error, a little each second."""
        assert self._process.stderr is not None
        second, chunks = 0, 0
        while data := await self._process.stderr.read(WORKER_LOG_CHUNK_BYTES_MAX):
            if (now := self._clock.monotonic_ms() // 1000) != second:
                second, chunks = now, 0
            chunks += 1
            if chunks <= WORKER_LOG_CHUNKS_PER_SECOND_MAX:
                log.warning(
                    "worker writes",
                    worker=self._process.pid,
                    text=data.decode(errors="replace").strip(),
                )


async def _start_process(
    command: Sequence[str], descriptors: Sequence[int]
) -> asyncio.subprocess.Process | OSError:
    """The error is returned: the task that runs this has not failed when the system refuses."""
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_READ_BYTES,
            start_new_session=True,
            pass_fds=tuple(descriptors),
        )
    except OSError as reason:
        return reason


async def _give_up(starting: asyncio.Task[asyncio.subprocess.Process | OSError]) -> None:
    """End a process that nobody wants any more as soon as it has started."""
    await asyncio.wait({starting})
    process = starting.result()
    if isinstance(process, OSError):
        return
    if process.returncode is None:
        process.kill()
    await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> int:
    """Return a killed process's exit code when it is gone and its pipes are closed."""
    assert process.stdin is not None
    process.stdin.close()
    with suppress(ConnectionError):
        await process.stdin.wait_closed()
    for output in (process.stdout, process.stderr):
        assert output is not None
        while await output.read(_READ_BYTES):
            pass
    return await process.wait()
