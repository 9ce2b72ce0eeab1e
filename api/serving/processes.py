"""All serving processes of a server: kept running, each on sockets of its own."""

import asyncio
import socket
from collections.abc import Sequence

import structlog

from api.health import Dependency, NotWorking
from api.serving.conversation import Conversation, House
from config.clock import Clock
from config.limits import (
    SERVING_BACKOFF_MS_MAX,
    SERVING_BACKOFF_MS_MIN,
    SERVING_STEADY_MS,
    SERVING_STOP_SECONDS_MAX,
)
from config.tasks import cancel, spawn
from config.telemetry import counter, gauge

log = structlog.get_logger(__name__)

_running = gauge("serving_processes", "Processes that answer requests for media, this one included")
_restarts = counter("serving_restarts_total", "Serving processes that ended early")


class ServingProcesses:
    """Started after the main process's own HTTP server, and stopped together with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._keepers: list[_Keeper] = []
        _running.set_function(lambda: 1 + self.serving)

    @property
    def serving(self) -> int:
        """How many accept connections now."""
        return sum(keeper.is_serving for keeper in self._keepers)

    @property
    def process_ids(self) -> list[int]:
        """Of those that run now."""
        numbers = [keeper.process_id for keeper in self._keepers]
        return [number for number in numbers if number is not None]

    async def start(self, house: House, listeners: Sequence[Sequence[socket.socket]]) -> None:
        """Start one for each of these lists of sockets, which are closed by `stop`. Until they
        accept connections the main process does so for them.
        """
        self._keepers = [_Keeper(house, mine, self._clock) for mine in listeners]
        for keeper in self._keepers:
            await keeper.start()

    async def stop(self) -> None:
        """Return when they have ended."""
        await asyncio.gather(*(keeper.stop() for keeper in self._keepers))

    def dependency(self) -> Dependency:
        """Without some of them the others have more to do."""

        async def probe() -> str:
            told = f"{self.serving} of {len(self._keepers)} run beside the main process"
            if self.serving < len(self._keepers):
                raise NotWorking(told)
            return told

        return Dependency("serving", probe, required=False)


class _Keeper:
    """Keeps one process running."""

    def __init__(self, house: House, listeners: Sequence[socket.socket], clock: Clock) -> None:
        self._house = house
        self._listeners = listeners
        self._clock = clock
        self._conversation: Conversation | None = None
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        self._stand_ins: Sequence[asyncio.Server] = ()

    @property
    def process_id(self) -> int | None:
        return None if self._conversation is None else self._conversation.process_id

    @property
    def is_serving(self) -> bool:
        return self._conversation is not None and self._conversation.is_ready

    async def start(self) -> None:
        self._stand_ins = await self._house.door.listen(self._listeners)
        self._task = spawn(self._run(), name="serving process")

    async def stop(self) -> None:
        self._is_stopping = True
        if self._conversation is not None and self._task is not None:
            self._conversation.stop()
            await asyncio.wait({self._task}, timeout=SERVING_STOP_SECONDS_MAX)
        await cancel(self._task)
        self._step_back()
        for listener in self._listeners:
            listener.close()

    async def _run(self) -> None:
        failures = 0
        while True:
            began_ms = self._clock.monotonic_ms()
            code = await self._run_one()
            if self._is_stopping:
                return
            # Whoever connects meanwhile is not to wait for another process to start.
            self._step_back()
            self._stand_ins = await self._house.door.listen(self._listeners)
            is_steady = self._clock.monotonic_ms() - began_ms >= SERVING_STEADY_MS
            failures = 0 if is_steady else failures + 1
            log.error("a serving process ended early", code=code, failures=failures)
            _restarts.inc()
            await asyncio.sleep(_backoff_ms(failures) / 1000)

    async def _run_one(self) -> int | None:
        """Run one process to its end; its exit code, None when it could not be started."""
        try:
            conversation = await Conversation.start(
                self._house, self._listeners, ready=self._step_back
            )
        except OSError as reason:
            log.error("a serving process could not be started", reason=str(reason))
            return None
        self._conversation = conversation
        try:
            await conversation.attend()
        finally:
            self._conversation = None
            code = await conversation.end()
        return code

    def _step_back(self) -> None:
        """The process accepts connections itself."""
        for server in self._stand_ins:
            server.close()
        self._stand_ins = ()


def _backoff_ms(failures: int) -> int:
    return min(SERVING_BACKOFF_MS_MIN << min(failures, 16), SERVING_BACKOFF_MS_MAX)
