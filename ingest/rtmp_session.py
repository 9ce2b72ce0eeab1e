"""One RTMP publisher's socket: bytes to the protocol core, its events to admission and the hub."""

import asyncio
import secrets
from typing import Protocol, cast

import structlog

from config.clock import Clock
from config.limits import (
    RTMP_ADMISSION_MS_MAX,
    RTMP_HANDSHAKE_MS_MAX,
    RTMP_IDLE_MS_MAX,
    RTMP_REFUSED_MS_MAX,
    RTMP_SILENCE_MS_MAX,
)
from config.tasks import spawn
from ingest.admission import PublishRefused
from ingest.preflight import Preflight
from ingest.publisher import Counters, Publisher
from media.hub import Publication
from media.wire.rtmp_connection import ServerConnection
from media.wire.rtmp_event import (
    MetadataReceived,
    PublishEnded,
    PublishRequested,
    ServerEvent,
)
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_message import Audio, Video
from media.wire.rtmp_state import RemoteProtocolError, State

log = structlog.get_logger(__name__)

# How long a connection may stay in each state, and what is said when it did for longer. While
# publishing, time counts from the last bytes.
_DEADLINES = {
    State.HANDSHAKING: (RTMP_HANDSHAKE_MS_MAX, "no handshake in time"),
    State.GREETED: (RTMP_IDLE_MS_MAX, "did not publish in time"),
    State.CONNECTED: (RTMP_IDLE_MS_MAX, "did not publish in time"),
    State.PENDING: (2 * RTMP_ADMISSION_MS_MAX, "admission took too long"),
    State.PUBLISHING: (RTMP_SILENCE_MS_MAX, "publisher fell silent"),
    State.REFUSED: (RTMP_REFUSED_MS_MAX, "refused"),
}
_IDLE = {State.GREETED: State.CONNECTED}


class Door(Protocol):
    """What a session needs of the server around it."""

    def enter(self, session: "RtmpSession") -> str | None:
        """Count the session in; why it may not stay, if so."""

    def leave(self, session: "RtmpSession") -> None:
        """The session's socket is closed."""

    async def admit(self, app: str, stream_key: str, address: str) -> Publication:
        """What this publisher may write to.

        Raises:
            PublishRefused: see there.
        """


class RtmpSession(asyncio.Protocol):
    """The socket of one publisher, from its first byte to its log line."""

    def __init__(self, door: Door, clock: Clock) -> None:
        self._door = door
        self._clock = clock
        self._connection = ServerConnection(secrets.token_bytes(NONCE_BYTES))
        self._state = State.HANDSHAKING
        self._began_ms = self._since_ms = clock.monotonic_ms()
        self._publisher: Publisher | None = None
        self._stream_name = ""
        self._admission: asyncio.Task[None] | None = None
        self._held: list[ServerEvent] = []
        self._counters = Counters()
        self._reason = ""  # why the socket is closed
        self._outcome = ""  # what became of the last publication
        self._transport: asyncio.Transport
        self.address = ""
        self.is_turned_away = False

    # --- what asyncio calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        refusal = self._door.enter(self)
        if refusal is not None:
            self.turn_away(refusal)

    def data_received(self, data: bytes) -> None:
        if self._reason:
            return
        try:
            events = self._connection.receive_data(data)
        except RemoteProtocolError as error:
            self.close(f"broke the protocol: {error}")
            return
        for event in events:
            self._handle(event)
        self._flush()

    def pause_writing(self) -> None:
        """A peer that does not read our answers is not read either, until its silence counts."""
        self._set_reading(False)

    def resume_writing(self) -> None:
        if self._admission is None:
            self._set_reading(True)

    def connection_lost(self, error: Exception | None) -> None:
        lost = str(error) if error else "closed by the publisher"
        self._reason = self._reason or lost
        if self._admission is not None:
            self._admission.cancel()
        self._end_publication(self._reason)
        if not self.is_turned_away:
            self._log_end(self._outcome or self._reason)
        self._door.leave(self)

    # --- what the server calls -------------------------------------------------------------------

    @property
    def is_half_open(self) -> bool:
        """Whether the peer is there and has not even asked to publish."""
        is_early = self._state in (State.HANDSHAKING, State.GREETED, State.CONNECTED)
        return is_early and not self._reason

    def close_if_overdue(self, now_ms: int) -> None:
        """Close the connection when it has been in its state for too long."""
        limit_ms, reason = _DEADLINES[self._state]
        if now_ms - self._since_ms > limit_ms:
            self.close(reason)

    def turn_away(self, reason: str) -> None:
        """Close for want of room: counted by the server, and not worth a log line each."""
        self.is_turned_away = True
        self.close(reason)

    def close(self, reason: str) -> None:
        """Close the socket at once; `reason` is logged when it is closed."""
        self._reason = self._reason or reason
        if self._admission is not None:
            self._admission.cancel()
        self._transport.abort()

    # --- events ----------------------------------------------------------------------------------

    def _handle(self, event: ServerEvent) -> None:
        match event:
            case PublishEnded():
                self._publish_ended()
            case PublishRequested(app, stream_name):
                # Until the answer is known nothing more is read; what has been read waits.
                self._set_reading(False)
                self._admission = spawn(
                    self._admit(app, stream_name), name=f"rtmp admission {self.address}"
                )
            case Video() | Audio() | MetadataReceived() if self._admission is not None:
                self._held.append(event)
            case Video() | Audio() | MetadataReceived() if self._publisher is not None:
                self._publisher.receive(event)
            case _:
                pass

    def _publish_ended(self) -> None:
        if self._admission is not None:
            self.close("ended before it was let in")
        self._end_publication("ended by the publisher")

    async def _admit(self, app: str, stream_key: str) -> None:
        try:
            async with asyncio.timeout(RTMP_ADMISSION_MS_MAX / 1000):
                publication = await self._door.admit(app, stream_key, self.address)
        except PublishRefused as refused:
            self._refuse(refused.description)
        except TimeoutError:
            self._refuse("the server is busy, try again")
        else:
            self._accept(publication)

    def _accept(self, publication: Publication) -> None:
        self._admission = None
        self._stream_name = publication.stream_name
        preflight = Preflight(self._clock.monotonic_ms())
        self._publisher = Publisher(publication, self._counters, preflight, self._clock)
        self._connection.accept_publish()
        held, self._held = self._held, []
        for event in held:
            self._handle(event)
        self._flush()
        self._set_reading(True)

    def _refuse(self, description: str) -> None:
        self._admission = None
        self._held.clear()
        self._outcome = f"refused: {description}"
        self._connection.refuse_publish(description)
        self._flush()
        self._set_reading(True)

    def _end_publication(self, reason: str) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            self._outcome = reason
            publisher.end(reason)

    # --- bookkeeping -----------------------------------------------------------------------------

    def _set_reading(self, is_wanted: bool) -> None:
        if self._transport.is_closing():
            return
        if is_wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _flush(self) -> None:
        """Send what the core has to say, and see how far the connection has come."""
        data = self._connection.data_to_send()
        if data:
            self._transport.write(data)
        before, self._state = self._state, self._connection.state
        # Between the handshake and `publish` one deadline runs, whatever happens there.
        has_moved = self._state not in (before, _IDLE.get(before))
        if has_moved or self._state is State.PUBLISHING:
            self._since_ms = self._clock.monotonic_ms()

    def _log_end(self, reason: str) -> None:
        counters = self._counters
        log.info(
            "rtmp connection ended",
            reason=reason,
            peer=self.address,
            stream=self._stream_name or None,
            seconds=(self._clock.monotonic_ms() - self._began_ms) // 1000,
            bytes=counters.bytes,
            video_packets=counters.video_packets,
            audio_packets=counters.audio_packets,
            skipped=counters.skipped,
            skipped_last=counters.skipped_last or None,
        )
