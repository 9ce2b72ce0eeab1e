"""What a session does that a real socket shows only by chance."""

import asyncio
from typing import Any

from config.clock import ManualClock
from config.limits import RTMP_HELD_BYTES_MAX
from ingest.admission import Admitted, PublishRequest
from ingest.rtmp_session import Replaced, RtmpSession
from media.hub import Hub, Publication, Terms
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_link import Link
from media.wire.rtmp_message import Command, Video


class Transport(asyncio.Transport):
    """A socket that remembers what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self._is_read = True
        self.is_aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 50_000) if name == "peername" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self._is_read = False

    def resume_reading(self) -> None:
        self._is_read = True

    def is_reading(self) -> bool:
        return self._is_read

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True


class Door:
    """A server's door that lets everyone in once `opened`."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.hub = Hub(lambda _: None, ManualClock())
        self.left: list[RtmpSession] = []

    def enter(self, session: RtmpSession) -> str | None:
        return None

    def leave(self, session: RtmpSession) -> None:
        self.left.append(session)

    async def admit(
        self, request: PublishRequest, replaced: Replaced
    ) -> tuple[Admitted, Publication]:
        await self.opened.wait()
        return Admitted("key"), self.hub.publish(request.stream_name, Terms(), replaced)

    def accepted(self, session: RtmpSession) -> None:
        pass


class Play:
    """A session on such a socket, and a client's end of the link to it."""

    def __init__(self) -> None:
        self.door = Door()
        self.transport = Transport()
        self.session = RtmpSession(self.door, ManualClock())
        self.session.connection_made(self.transport)
        self.link = Link(is_client=True, nonce=bytes(NONCE_BYTES))
        self.receive()
        self.link.receive(bytes(self.transport.written))
        self.link.send(Command(0, "connect", 1, [{"app": "live"}]), 3)
        self.receive()

    def receive(self) -> None:
        self.session.data_received(self.link.data_to_send())

    def publish(self) -> None:
        self.link.send(Command(1, "publish", 2, [None, "key", "live"]), 3)
        self.receive()


async def settled() -> None:
    """Let tasks that can run have run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_peer_that_does_not_read_is_not_read_either() -> None:
    play = Play()

    play.session.pause_writing()
    assert not play.transport.is_reading()
    play.session.resume_writing()

    assert play.transport.is_reading()


async def test_nothing_is_read_while_admission_decides() -> None:
    play = Play()
    play.publish()
    assert not play.transport.is_reading()

    play.session.pause_writing()
    play.session.resume_writing()
    assert not play.transport.is_reading()
    play.door.opened.set()
    await settled()

    assert play.transport.is_reading()
    assert play.door.hub.names() == ["key"]
    play.session.connection_lost(None)


async def test_media_before_the_answer_is_held_up_to_a_limit() -> None:
    play = Play()
    play.publish()

    for _ in range(RTMP_HELD_BYTES_MAX // 60_000):
        play.link.send(Video(0, 1, bytes(60_000)), 4)
    play.receive()
    play.link.send(Video(0, 1, bytes(60_000)), 4)
    assert not play.transport.is_closing()
    play.receive()

    assert play.transport.is_aborted
    play.session.connection_lost(None)


async def test_a_publisher_that_ends_before_it_is_let_in_leaves_nothing() -> None:
    play = Play()
    play.publish()
    play.link.send(Command(0, "deleteStream", 3, [None, 1]), 3)
    play.receive()
    assert play.transport.is_aborted

    play.door.opened.set()
    play.receive()
    play.session.connection_lost(None)
    await settled()

    assert play.door.hub.names() == []
    assert play.door.left == [play.session]


async def test_a_wish_that_was_granted_as_the_socket_closed_leaves_its_stream() -> None:
    play = Play()
    play.publish()
    play.door.opened.set()
    await settled()

    play.session.close("server stops")
    play.session.resume_writing()
    play.session.connection_lost(None)

    stream = play.door.hub.get("key")
    assert stream is not None
    assert stream.reconnect_ms_left() == Terms().window_ms
