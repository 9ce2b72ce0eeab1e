"""One RTMP publisher's socket: bytes to the protocol core, its events to admission and the hub."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Protocol, cast

import structlog

from config.clock import Clock
from config.limits import (
    RTMP_ADMISSION_MS_MAX,
    RTMP_HANDSHAKE_MS_MAX,
    RTMP_HELD_BYTES_MAX,
    RTMP_IDLE_MS_MAX,
    RTMP_REFUSED_MS_MAX,
    RTMP_SILENCE_MS_MAX,
    RTMP_TINY_MESSAGE_BYTES,
    RTMP_TINY_MESSAGES_MAX,
    RTMP_UNREAD_BYTES_MAX,
)
from config.tasks import spawn
from ingest.admission import Admitted, PublishRefused, PublishRequest
from ingest.merged_reads import MergedReads
from ingest.publisher import Counters
from ingest.publisher_status import PublisherStatus
from ingest.rtmp_publication import RtmpPublication
from ingest.rtmp_tls import TlsFailed, TlsLayer
from media.hub import Publication
from media.wire.rtmp_capabilities import Extension
from media.wire.rtmp_connection import ServerConnection
from media.wire.rtmp_event import (
    Connected,
    MetadataReceived,
    PublishEnded,
    PublishRequested,
    Refusal,
    ServerEvent,
)
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_message import Audio, Video
from media.wire.rtmp_state import RemoteProtocolError, State

log = structlog.get_logger(__name__)

# How long a connection may stay in each state, and what is said when it did for longer. While
# publishing, time counts from the last bytes. TLS is part of the first one.
_DEADLINES = {
    State.HANDSHAKING: (RTMP_HANDSHAKE_MS_MAX, "no handshake in time"),
    State.GREETED: (RTMP_IDLE_MS_MAX, "did not publish in time"),
    State.CONNECTED: (RTMP_IDLE_MS_MAX, "did not publish in time"),
    State.PENDING: (2 * RTMP_ADMISSION_MS_MAX, "admission took too long"),
    State.PUBLISHING: (RTMP_SILENCE_MS_MAX, "publisher fell silent"),
    State.REFUSED: (RTMP_REFUSED_MS_MAX, "refused"),
}
_IDLE = {State.GREETED: State.CONNECTED}

type Replaced = Callable[[str], None]


class Door(Protocol):
    """What a session needs of the server around it."""

    def enter(self, session: "RtmpSession") -> str | None:
        """Count the session in; why it may not stay, if so."""

    def leave(self, session: "RtmpSession") -> None:
        """The session's socket is closed."""

    async def admit(
        self, request: PublishRequest, replaced: Replaced
    ) -> tuple[Admitted, Publication]:
        """What this publisher may do, and what it may write to.

        Args:
            replaced: called with the reason when another publisher took its place.

        Raises:
            PublishRefused: see there.
        """

    def accepted(self, session: "RtmpSession") -> None:
        """The session publishes from now on."""


class RtmpSession(asyncio.Protocol):
    """The socket of one publisher, from its first byte to its log line.

    Args:
        tls: for publishers that come over TLS.
    """

    def __init__(self, door: Door, clock: Clock, tls: TlsLayer | None = None) -> None:
        self._door = door
        self._clock = clock
        self._tls = tls
        self._connection = ServerConnection(secrets.token_bytes(NONCE_BYTES))
        self._state = State.HANDSHAKING
        self._began_ms = self._since_ms = clock.monotonic_ms()
        self._client = Connected("", "")
        self._publication: RtmpPublication | None = None
        self._reads = MergedReads()
        self._stream_name = ""
        self._admission: asyncio.Task[None] | None = None
        self._held: list[ServerEvent] = []
        self._held_bytes = 0
        self._seen = (0, 0)  # messages and bytes, when the server looked last
        self._counters = Counters()
        self._reason = ""  # why the socket is closed
        self._outcome = ""  # what became of the last publication
        self._is_moving = False  # was asked to publish elsewhere
        self._transport: asyncio.Transport
        self.address = ""
        self.is_turned_away = False

    # --- what asyncio calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop has classes of its own
        self.address = str((transport.get_extra_info("peername") or ("",))[0])
        self._transport.set_write_buffer_limits(high=RTMP_UNREAD_BYTES_MAX)
        self._reads = MergedReads(transport.get_extra_info("socket"))
        refusal = self._door.enter(self)
        if refusal is not None:
            self.turn_away(refusal)

    def data_received(self, data: bytes) -> None:
        if self._reason:
            return
        try:
            if self._tls is not None:
                data = self._tls.receive(data)
            events = self._connection.receive_data(data)
        except (RemoteProtocolError, TlsFailed) as error:
            self._flush()  # an alert, or an answer to what came before
            self.close(f"broke the protocol: {error}")
            return
        for event in events:
            self._handle(event)
        self._flush()
        if self._tls is not None and self._tls.is_closed:
            self.close("closed by the publisher")

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
        publication = self._take_publication(self._reason)
        if publication is not None:
            publication.leave(self._reason)
        if not self.is_turned_away:
            self._log_end(self._outcome or self._reason)
        self._door.leave(self)

    # --- what the server calls -------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether the peer is there and does not publish: not yet, not any more, or in vain."""
        return self._state is not State.PUBLISHING and not self._reason

    def check(self, now_ms: int) -> None:
        """Close the connection when its state has lasted too long, or end what went too far."""
        limit_ms, reason = _DEADLINES[self._state]
        if now_ms - self._since_ms > limit_ms:
            self.close(reason)
        elif self._is_flooding():
            self.close("sent too many messages")
        elif self._publication is not None:
            exceeded = self._publication.exceeded(self._connection.received)
            if exceeded is not None:
                self._cut_publication(Refusal.DENIED, exceeded, ends=True)
            else:
                self._publication.report(self.address)
                self._reads.look(self._connection.received)

    def _is_flooding(self) -> bool:
        """Whether lots of messages came since the last time, of next to nothing each."""
        before, self._seen = self._seen, (self._connection.messages, self._connection.received)
        messages, received = self._seen[0] - before[0], self._seen[1] - before[1]
        return messages > max(RTMP_TINY_MESSAGES_MAX, received // RTMP_TINY_MESSAGE_BYTES)

    def request_reconnect(self, url: str | None, reason: str) -> bool:
        """Ask a publisher to go elsewhere; whether it can.

        What it ends from now on it goes on with there.
        """
        can_move = bool(self._client.capabilities.extensions & Extension.RECONNECT)
        if self._publication is None or not can_move or self._reason:
            return False
        self._is_moving = True
        self._connection.request_reconnect(url, reason)
        self._flush()
        return True

    def status(self, stream_name: str) -> PublisherStatus | None:
        """How this stream is published here; None when it is not."""
        if self._publication is None or self._publication.stream_name != stream_name:
            return None
        return self._publication.status(
            self.address, self._client.client, is_secure=self._tls is not None
        )

    def dismiss(self, source_id: str, key_id: str, reason: str) -> None:
        """Send the publisher away if it was let in with this key of this source.

        The stream waits for another publisher, which has to know another key.
        """
        publication = self._publication
        if publication is None or publication.stream_name != source_id:
            return
        if publication.key_id == key_id:
            self._cut_publication(Refusal.DENIED, reason, leaves=True)

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
            case Video() | Audio() | MetadataReceived() if self._publication is not None:
                self._publication.receive(event)
            case Video() | Audio() | MetadataReceived() if self._admission is not None:
                self._hold(event)
            case Connected():
                self._client = event
            case PublishEnded():
                self._publish_ended()
            case PublishRequested(app, stream_name):
                # Until the answer is known nothing more is read; what has been read waits.
                self._set_reading(False)
                request = PublishRequest(
                    app, stream_name, self.address, self._client.url, self._tls is not None
                )
                self._admission = spawn(self._admit(request), name=f"rtmp admission {self.address}")
            case _:
                pass

    def _hold(self, event: Video | Audio | MetadataReceived) -> None:
        self._held_bytes += 0 if isinstance(event, MetadataReceived) else len(event.data)
        if self._held_bytes > RTMP_HELD_BYTES_MAX:
            self.close("sent too much before it was let in")
        else:
            self._held.append(event)

    def _publish_ended(self) -> None:
        if self._admission is not None:
            self.close("ended before it was let in")
        reason = "moves to another server" if self._is_moving else "ended by the publisher"
        publication = self._take_publication(reason)
        if publication is not None and self._is_moving:
            publication.leave(reason)
            self.close(reason)
        elif publication is not None:
            publication.end(reason)

    async def _admit(self, request: PublishRequest) -> None:
        try:
            admitted, publication = await self._door.admit(request, self._replaced)
        except PublishRefused as refused:
            self._refuse(refused.description)
        else:
            self._accept(admitted, publication)

    def _accept(self, admitted: Admitted, publication: Publication) -> None:
        self._admission = None
        self._stream_name = publication.stream_name
        self._publication = RtmpPublication(
            admitted, publication, self._counters, self._clock, self._connection.received
        )
        self._connection.accept_publish()
        held, self._held, self._held_bytes = self._held, [], 0
        for event in held:
            self._handle(event)
        self._flush()
        self._set_reading(True)
        self._door.accepted(self)

    def _refuse(self, description: str) -> None:
        self._admission = None
        self._held.clear()
        self._outcome = f"refused: {description}"
        self._connection.refuse_publish(description)
        self._flush()
        self._set_reading(True)

    def _replaced(self, reason: str) -> None:
        """OBS gives up when it is told so, instead of taking the stream back at once."""
        self._cut_publication(Refusal.BAD_NAME, reason)

    def _cut_publication(
        self, code: Refusal, reason: str, *, ends: bool = False, leaves: bool = False
    ) -> None:
        """Tell the peer that nothing more is wanted; `ends` the stream with it, or `leaves` it."""
        publication = self._take_publication(reason)
        if publication is None or self._reason:
            return
        if ends:
            publication.end(reason)
        elif leaves:
            publication.leave(reason)
        self._connection.end_publish(code, reason)
        self._flush()

    def _take_publication(self, outcome: str) -> RtmpPublication | None:
        """The publication, which is over here."""
        publication, self._publication = self._publication, None
        self._reads.stop()
        if publication is not None:
            self._outcome = outcome
        return publication

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
        if self._tls is not None:
            if data:
                self._tls.send(data)
            data = self._tls.data_to_send()
        if data:
            self._transport.write(data)
        before, self._state = self._state, self._connection.state
        # Between the handshake and `publish` one deadline runs, whatever happens there.
        if self._state is State.PUBLISHING or self._state not in (before, _IDLE.get(before)):
            self._since_ms = self._clock.monotonic_ms()

    def _log_end(self, reason: str) -> None:
        counters = self._counters
        log.info(
            "rtmp connection ended",
            reason=reason,
            peer=self.address,
            secure=self._tls is not None,
            client=self._client.client or None,
            stream=self._stream_name or None,
            seconds=(self._clock.monotonic_ms() - self._began_ms) // 1000,
            bytes=counters.bytes,
            video_packets=counters.video_packets,
            audio_packets=counters.audio_packets,
            skipped=counters.skipped,
            skipped_last=counters.skipped_last or None,
        )
