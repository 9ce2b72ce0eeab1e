"""One serving process from its start to its end, as the main process talks with it."""

import asyncio
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple, Protocol

import structlog

from api.delivery.playback import Clients, Metering
from api.serving.desk import Desk, Packages
from api.serving.handover import HandoverReceiver
from api.serving.link import Link
from api.serving.messages import Asked, Count, Message, Ready, Stop, Told, Welcome
from config.limits import (
    CHILD_STOP_SECONDS_MAX,
    SERVING_BACKLOG_BYTES_MAX,
    SERVING_COUNT_SECONDS,
    SERVING_QUESTION_BYTES_MAX,
    SERVING_SILENCE_SECONDS_MAX,
    SERVING_START_SECONDS_MAX,
)
from config.tasks import happens, spawn
from config.telemetry import grow

log = structlog.get_logger(__name__)

_COMMAND = (sys.executable, "-P", "-m", "api.serving")


class Door(Protocol):
    """The main process's own HTTP server."""

    async def listen(self, listeners: Sequence[socket.socket]) -> Sequence[asyncio.Server]:
        """Accept on these as well, until the servers that are returned are closed."""

    def take(self, connection: socket.socket, data: bytes) -> None:
        """Go on with a connection of which this much was read."""


class House(NamedTuple):
    """What the main process has for all serving processes.

    Attributes:
        brief: what each of them has to know, as `api.serving.brief` writes it.
        command: starts one.
        silence_seconds: one that has said nothing for so long is stuck.
        clients: which of them sessions are for.
    """

    packages: Packages
    metering: Metering
    door: Door
    brief: bytes
    command: Sequence[str] = _COMMAND
    silence_seconds: int = SERVING_SILENCE_SECONDS_MAX
    clients: Clients | None = None


class Conversation:
    """Made by `start`, ended by `end`.

    Attributes:
        is_ready: it accepts connections.
    """

    def __init__(self, house: House, ready: Callable[[], None]) -> None:
        """`ready` is called when it accepts connections."""
        self._ready = ready
        self._ended = asyncio.Event()
        self._silent_seconds = 0
        self._silence_max = house.silence_seconds
        self._link = Link(
            self._receive,
            self._ended.set,
            message_bytes_max=SERVING_QUESTION_BYTES_MAX,
            backlog_bytes_max=SERVING_BACKLOG_BYTES_MAX,
        )
        self._desk = Desk(house.packages, house.metering, self._link.send, house.clients)
        self._process: asyncio.subprocess.Process
        self._handovers: HandoverReceiver
        self.is_ready = False

    @classmethod
    async def start(
        cls, house: House, listeners: Sequence[socket.socket], ready: Callable[[], None]
    ) -> "Conversation":
        """Start a process that accepts on these sockets, which stay ours as well.

        Raises:
            OSError: the system refused.
        """
        conversation = cls(house, ready)
        ours, theirs = socket.socketpair()
        our_channel, their_channel = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs, their_channel:
                descriptors = [each.fileno() for each in (theirs, their_channel, *listeners)]
                conversation._process = await _started(house.command, descriptors)
        except BaseException:
            ours.close()
            our_channel.close()
            raise
        conversation._handovers = HandoverReceiver(our_channel, house.door.take)
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: conversation._link, sock=ours)
        conversation._link.send(Welcome(house.brief))
        return conversation

    @property
    def process_id(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end; `attend` returns when it has."""
        self._link.send(Stop())

    async def attend(self) -> None:
        """Return when it has ended, or says nothing any more."""
        # Counted in turns of ours: time in which we were stopped ourselves does not count.
        while not await happens(self._ended, SERVING_COUNT_SECONDS):
            self._silent_seconds += 1
            limit = self._silence_max if self.is_ready else SERVING_START_SECONDS_MAX
            if self._silent_seconds >= limit:
                log.error("a serving process is stuck", process=self.process_id)
                return

    async def end(self) -> int:
        """Kill it when it still runs; its exit code. What it was sending did not arrive."""
        if self._ended.is_set():
            # It has said all, and is about to exit.
            with suppress(TimeoutError):
                async with asyncio.timeout(CHILD_STOP_SECONDS_MAX):
                    await self._process.wait()
        if self._process.returncode is None:
            self._process.kill()
        code = await self._process.wait()
        # All that it said is in the sockets by now.
        await self._ended.wait()
        self._handovers.close()
        self._desk.close()
        return code

    def _receive(self, message: Message) -> None:
        self._silent_seconds = 0
        match message:
            case Ready():
                self.is_ready = True
                self._ready()
            case Count(grown):
                for name, labels, amount in grown:
                    grow(name, labels, amount)
            case _:
                assert isinstance(message, Asked.__value__ | Told.__value__)
                self._desk.receive(message)


async def _started(
    command: Sequence[str], descriptors: Sequence[int]
) -> asyncio.subprocess.Process:
    """A child that inherits descriptors, whose numbers it is told in this order."""
    starting = spawn(
        asyncio.create_subprocess_exec(
            *command,
            *map(str, descriptors),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=tuple(descriptors),
            # Ctrl-C in the terminal is for the main process, which ends its children.
            start_new_session=True,
        ),
        name="start of a serving process",
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # A process that was begun is there, whether anybody waits for it or not.
        await asyncio.wait({starting})
        if starting.exception() is None:
            starting.result().kill()
            await starting.result().wait()
        raise
