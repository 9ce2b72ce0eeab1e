"""The RTMP server: its listening sockets, its bounds and its deadlines."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from config.clock import Clock
from config.limits import (
    RTMP_ADMISSION_MS_MAX,
    RTMP_BACKLOG,
    RTMP_CERTIFICATE_CHECK_MS,
    RTMP_CONNECTIONS_MAX,
    RTMP_CONNECTIONS_PER_ADDRESS_MAX,
    RTMP_IDLE_MAX,
    RTMP_REFUSAL_MS,
    RTMP_STOP_MS_MAX,
    RTMP_SWEEP_MS,
)
from config.tasks import cancel, happens, spawn
from ingest.admission import Admission, Admitted, PublishRefused, PublishRequest
from ingest.network import network_of
from ingest.publisher_status import PublisherStatus
from ingest.rtmp_session import Replaced, RtmpSession
from ingest.rtmp_tls import ServerTls
from media.hub import AlreadyPublishing, Hub, Publication

log = structlog.get_logger(__name__)

_REPORT_MS_MIN = 1_000


@dataclass(frozen=True, slots=True)
class Listener:
    """An address that publishers connect to, over TLS with a certificate; 0 is any free port."""

    host: str
    port: int
    tls: ServerTls | None = None


@dataclass(frozen=True, slots=True)
class RtmpLimits:
    """How many connections there may be: in all, from one address, and such as do not publish.

    All listeners together. An address is what `network_of` says. `refusal_ms`: `RTMP_REFUSAL_MS`.
    """

    connections: int = RTMP_CONNECTIONS_MAX
    per_address: int = RTMP_CONNECTIONS_PER_ADDRESS_MAX
    idle: int = RTMP_IDLE_MAX
    refusal_ms: int = RTMP_REFUSAL_MS


class RtmpServer:
    """Lets publishers in and writes what they send to the hub.

    Args:
        reconnect_url: where publishers are sent when this server stops; empty for its own address.

    Attributes:
        ports: of the listeners, in their order; known once it has started.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        admission: Admission,
        hub: Hub,
        clock: Clock,
        reconnect_url: str = "",
        limits: RtmpLimits = RtmpLimits(),
    ) -> None:
        self._listeners = listeners
        self._admission = admission
        self._hub = hub
        self._clock = clock
        self._reconnect_url = reconnect_url or None
        self._limits = limits
        # In the order of their arrival.
        self._sessions: dict[RtmpSession, None] = {}
        self._per_network: Counter[str] = Counter()
        self._turned_away = 0
        self._reported_ms = 0
        self.ports: tuple[int, ...] = ()
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._empty = asyncio.Event()
        self._empty.set()
        self._is_draining = False
        self._moving: set[RtmpSession] = set()
        self._moved = asyncio.Event()

    @property
    def listening(self) -> bool:
        """Whether publishers can connect, on every address."""
        return bool(self._servers) and all(server.is_serving() for server in self._servers)

    async def start(self) -> None:
        """Listen; raises OSError when an address cannot be had."""
        for listener in self._listeners:
            await self._listen(listener)
        self._tasks.append(spawn(self._sweep(), name="rtmp deadlines"))
        certificates = [each.tls for each in self._listeners if each.tls is not None]
        if certificates:
            self._tasks.append(spawn(_renew(certificates), name="rtmps certificates"))

    async def _listen(self, listener: Listener) -> None:
        """An address is never shared (SO_REUSEPORT).

        A second server that is started by mistake is to fail, not to get every other publisher. One
        that takes over can listen from the moment on at which this one drains.
        """

        def make_session() -> RtmpSession:
            tls = None if listener.tls is None else listener.tls.accept()
            return RtmpSession(self, self._clock, tls)

        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                make_session, listener.host, listener.port, backlog=RTMP_BACKLOG
            )
        except OSError:
            self._close_listeners()
            raise
        self._servers.append(server)
        port = server.sockets[0].getsockname()[1]
        self.ports += (port,)
        is_secure = listener.tls is not None
        log.info("rtmp server listens", host=listener.host, port=port, secure=is_secure)

    async def drain(self, seconds: float) -> None:
        """Stop listening, and ask publishers to go elsewhere; returns when those have who can.

        Args:
            seconds: how long they may take; whoever is still there goes on until `stop`.
        """
        self._close_listeners()
        self._is_draining = True
        for session in list(self._sessions):
            self._ask_to_move(session)
        if self._moving and not await happens(self._moved, seconds):
            log.warning("rtmp publishers did not reconnect in time", count=len(self._moving))

    async def stop(self) -> None:
        """Close every connection, which leaves its stream, and return when all are closed."""
        self._close_listeners()
        for session in list(self._sessions):
            session.close("server stops")
        await cancel(*self._tasks)
        async with asyncio.timeout(RTMP_STOP_MS_MAX / 1000):
            await self._empty.wait()
            for server in self._servers:
                await server.wait_closed()
        self._report()

    def publishers(self, source_id: str) -> tuple[PublisherStatus, ...]:
        """Who publishes to a source now, in the order of their arrival."""
        found = (session.status(source_id) for session in self._sessions)
        return tuple(status for status in found if status is not None)

    def dismiss(self, source_id: str, key_id: str, reason: str) -> None:
        """Send away whoever publishes to a source with a key that is no longer good."""
        for session in list(self._sessions):
            session.dismiss(source_id, key_id, reason)

    # --- the sessions' door ----------------------------------------------------------------------

    def enter(self, session: RtmpSession) -> str | None:
        """Count a new connection in; why it may not stay, if so.

        When too many do not publish, the oldest of them makes room: an encoder is through that at
        once, and who holds such connections open, or fills them with wrong keys, means to.
        """
        self._sessions[session] = None
        network = network_of(session.address)
        self._per_network[network] += 1
        self._empty.clear()
        if len(self._sessions) > self._limits.connections:
            return "too many connections"
        if self._per_network[network] > self._limits.per_address:
            return "too many connections from one address"
        idle = [each for each in self._sessions if each.is_idle]
        if len(idle) > self._limits.idle:
            idle[0].turn_away("too many connections that do not publish")
        return None

    def leave(self, session: RtmpSession) -> None:
        """Count a closed connection out."""
        self._turned_away += session.is_turned_away
        del self._sessions[session]
        network = network_of(session.address)
        self._per_network[network] -= 1
        if not self._per_network[network]:
            del self._per_network[network]
        if not self._sessions:
            self._empty.set()
        if session in self._moving:
            self._moving.discard(session)
            if not self._moving:
                self._moved.set()

    async def admit(
        self, request: PublishRequest, replaced: Replaced
    ) -> tuple[Admitted, Publication]:
        """What this publisher may do, and what it may write to.

        Raises:
            PublishRefused: always after the same time, whatever the reason.
        """
        began_ms = self._clock.monotonic_ms()
        try:
            return await self._decide(request, replaced)
        except PublishRefused:
            unit_ms = self._limits.refusal_ms
            passed_ms = self._clock.monotonic_ms() - began_ms
            await asyncio.sleep((unit_ms - passed_ms % unit_ms) / 1000)
            raise

    async def _decide(
        self, request: PublishRequest, replaced: Replaced
    ) -> tuple[Admitted, Publication]:
        try:
            async with asyncio.timeout(RTMP_ADMISSION_MS_MAX / 1000):
                admitted = await self._admission.admit(request)
            return admitted, self._hub.publish(admitted.source_id, admitted.terms, replaced)
        except TimeoutError:
            description = "the server is busy, try again"
        except AlreadyPublishing:
            description = "this stream is already being published"
        raise PublishRefused(description, is_mistake=False)

    def accepted(self, session: RtmpSession) -> None:
        """A session publishes; also one that asked before this server began to stop."""
        if self._is_draining:
            self._ask_to_move(session)

    # --- deadlines and the end -------------------------------------------------------------------

    def _ask_to_move(self, session: RtmpSession) -> None:
        if session.request_reconnect(self._reconnect_url, "this server stops, please reconnect"):
            self._moving.add(session)
            self._moved.clear()

    def _close_listeners(self) -> None:
        for server in self._servers:
            server.close()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(RTMP_SWEEP_MS / 1000)
            now_ms = self._clock.monotonic_ms()
            for session in list(self._sessions):
                session.check(now_ms)
            self._hub.expire()
            if now_ms - self._reported_ms >= _REPORT_MS_MIN:
                self._reported_ms = now_ms
                self._report()

    def _report(self) -> None:
        if self._turned_away:
            log.warning("rtmp connections turned away", count=self._turned_away)
            self._turned_away = 0


async def _renew(certificates: Sequence[ServerTls]) -> None:
    """Take up renewed certificates; in a thread, since disks may hang."""
    while True:
        await asyncio.sleep(RTMP_CERTIFICATE_CHECK_MS / 1000)
        for certificate in certificates:
            await asyncio.to_thread(certificate.refresh)
