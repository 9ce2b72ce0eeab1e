"""The RTMP server: a listening socket, its bounds and its deadlines."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import structlog

from config.clock import Clock
from config.limits import (
    RTMP_CONNECTIONS_MAX,
    RTMP_CONNECTIONS_PER_ADDRESS_MAX,
    RTMP_STOP_MS_MAX,
    RTMP_SWEEP_MS,
    RTMP_UNPUBLISHED_MAX,
)
from config.tasks import cancel, spawn
from ingest.admission import Admission, PublishRefused, PublishRequest
from ingest.mistakes import Mistakes
from ingest.rtmp_session import RtmpSession
from media.hub import AlreadyPublishing, Hub, Publication, Takeover, Terms

log = structlog.get_logger(__name__)

_REPORT_MS_MIN = 1_000


@dataclass(frozen=True, slots=True)
class RtmpLimits:
    """How many connections there may be: in all, from one address, and before they publish."""

    connections: int = RTMP_CONNECTIONS_MAX
    per_address: int = RTMP_CONNECTIONS_PER_ADDRESS_MAX
    half_open: int = RTMP_UNPUBLISHED_MAX


class RtmpServer:
    """Lets publishers in and writes what they send to the hub.

    Args:
        port: 0 for any free one; `port` has the real one after `start`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        admission: Admission,
        hub: Hub,
        clock: Clock,
        limits: RtmpLimits = RtmpLimits(),
    ) -> None:
        self._host = host
        self.port = port
        self._admission = admission
        self._hub = hub
        self._clock = clock
        self._limits = limits
        self._mistakes = Mistakes()
        # In the order of their arrival.
        self._sessions: dict[RtmpSession, None] = {}
        self._per_address: Counter[str] = Counter()
        self._turned_away = 0
        self._reported_ms = 0
        self._server: asyncio.Server | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def listening(self) -> bool:
        """Whether publishers can connect."""
        return self._server is not None and self._server.is_serving()

    async def start(self) -> None:
        """Listen; raises OSError when the address cannot be had."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: RtmpSession(self, self._clock), self._host, self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._sweeping = spawn(self._sweep(), name="rtmp deadlines")
        log.info("rtmp server listens", host=self._host, port=self.port)

    async def stop(self) -> None:
        """Close every connection, ending the publications, and return when all are closed."""
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            session.close("server stops")
        await cancel(self._sweeping)
        async with asyncio.timeout(RTMP_STOP_MS_MAX / 1000):
            await self._empty.wait()
            if self._server is not None:
                await self._server.wait_closed()
        self._report()

    # --- the sessions' door ----------------------------------------------------------------------

    def enter(self, session: RtmpSession) -> str | None:
        """Count a new connection in; why it may not stay, if so.

        When too many have not published yet, the oldest of them makes room: an encoder is through
        that phase at once, and who holds such connections open does so on purpose.
        """
        self._sessions[session] = None
        self._per_address[session.address] += 1
        self._empty.clear()
        if len(self._sessions) > self._limits.connections:
            return "too many connections"
        if self._per_address[session.address] > self._limits.per_address:
            return "too many connections from one address"
        half_open = [each for each in self._sessions if each.is_half_open]
        if len(half_open) > self._limits.half_open:
            half_open[0].turn_away("too many connections that do not publish")
        return None

    def leave(self, session: RtmpSession) -> None:
        """Count a closed connection out."""
        self._turned_away += session.is_turned_away
        del self._sessions[session]
        self._per_address[session.address] -= 1
        if not self._per_address[session.address]:
            del self._per_address[session.address]
        if not self._sessions:
            self._empty.set()

    async def admit(self, app: str, stream_key: str, address: str) -> Publication:
        """What this publisher may write to.

        Raises:
            PublishRefused: see there.
        """
        if self._mistakes.are_too_many(address, self._clock.monotonic_ms()):
            raise PublishRefused("too many wrong stream keys, try again in a minute")
        try:
            admitted = await self._admission.admit(PublishRequest(app, stream_key, address))
        except PublishRefused as refused:
            if refused.is_mistake:
                self._mistakes.record(address, self._clock.monotonic_ms())
            raise
        try:
            return self._hub.publish(admitted.source_id, Terms(takeover=Takeover.REJECT))
        except AlreadyPublishing:
            raise PublishRefused("this stream is already being published") from None

    # --- deadlines -------------------------------------------------------------------------------

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(RTMP_SWEEP_MS / 1000)
            now_ms = self._clock.monotonic_ms()
            for session in list(self._sessions):
                session.close_if_overdue(now_ms)
            self._hub.expire()
            if now_ms - self._reported_ms >= _REPORT_MS_MIN:
                self._reported_ms = now_ms
                self._report()

    def _report(self) -> None:
        if self._turned_away:
            log.warning("rtmp connections turned away", count=self._turned_away)
            self._turned_away = 0
