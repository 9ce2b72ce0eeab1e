"""The client's end, mostly against the server's: whatever one says, the other understands."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.amf0 import Value
from media.wire.rtmp_capabilities import OURS, Capabilities, CodecUse, Extension
from media.wire.rtmp_client import ClientConnection
from media.wire.rtmp_connection import ServerConnection
from media.wire.rtmp_event import (
    ClientEvent,
    Connected,
    MetadataReceived,
    PublishAccepted,
    PublishEnded,
    PublishRefused,
    PublishRequested,
    ReconnectRequested,
    Refusal,
    ServerEvent,
)
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_link import Link
from media.wire.rtmp_message import Audio, Command, Video
from media.wire.rtmp_state import LocalProtocolError, RemoteProtocolError, State

CAPABILITIES = Capabilities(
    Extension.RECONNECT | Extension.MULTITRACK, {"hvc1": CodecUse.ENCODE}, {}
)


def client() -> ClientConnection:
    return ClientConnection(
        b"c" * NONCE_BYTES,
        app="live",
        url="rtmp://host/live",
        stream_name="key",
        capabilities=CAPABILITIES,
    )


class Pair:
    """Both ends, and the bytes between them cut at random."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self.client = client()
        self.server = ServerConnection(b"s" * NONCE_BYTES)
        self._chance = chance

    def exchange(self) -> tuple[list[ServerEvent], list[ClientEvent]]:
        """Carry bytes to and fro until both are silent."""
        at_server: list[ServerEvent] = []
        at_client: list[ClientEvent] = []
        while True:
            there, back = self.client.data_to_send(), self.server.data_to_send()
            if not there and not back:
                return at_server, at_client
            for piece in self._cut(there):
                at_server += self.server.receive_data(piece)
            for piece in self._cut(back):
                at_client += self.client.receive_data(piece)

    def _cut(self, data: bytes) -> list[bytes]:
        if self._chance is None or not data:
            return [data]
        at = self._chance.randrange(len(data))
        return [data[:at], data[at:]]


def publishing(chance: random.Random | None = None) -> Pair:
    pair = Pair(chance)
    connected = Connected("live", "rtmp://host/live", "FMLE/3.0", CAPABILITIES)
    asked = [connected, PublishRequested("live", "key")]
    assert pair.exchange() == (asked, [])
    pair.server.accept_publish()
    assert pair.exchange() == ([], [PublishAccepted()])
    return pair


@given(st.integers(0, 1_000_000))
def test_media_and_metadata_arrive_as_they_were_sent(seed: int) -> None:
    chance = random.Random(seed)
    pair = publishing(chance)
    metadata: dict[str, Value] = {"framerate": 29.97, "width": 640.0}
    video, audio = chance.randbytes(100_000), chance.randbytes(300)

    pair.client.send_metadata(metadata)
    pair.client.send_video(0xFFFFFFFF, video)
    pair.client.send_audio(1 << 32, audio)

    arrived, _ = pair.exchange()
    assert arrived == [
        MetadataReceived(metadata),
        Video(0xFFFFFFFF, 1, video),
        Audio(0, 1, audio),
    ]


def test_the_client_ends_a_publication() -> None:
    pair = publishing()

    pair.client.end_publish()

    assert pair.exchange() == ([PublishEnded()], [])
    assert pair.client.state is pair.server.state is State.CONNECTED
    with pytest.raises(LocalProtocolError):
        pair.client.send_video(0, b"v")


def test_a_refusal_reaches_the_client_with_its_reason() -> None:
    pair = Pair()
    pair.exchange()

    pair.server.refuse_publish("no such key")

    assert pair.exchange() == ([], [PublishRefused("NetStream.Publish.Denied", "no such key")])
    assert pair.client.state is State.REFUSED
    with pytest.raises(LocalProtocolError):
        pair.client.send_audio(0, b"a")


def test_a_publication_can_be_refused_when_it_runs() -> None:
    pair = publishing()

    pair.server.end_publish(Refusal.BAD_NAME, "another publisher took over")

    _, told = pair.exchange()
    assert told == [PublishRefused("NetStream.Publish.BadName", "another publisher took over")]
    pair.client.end_publish()
    assert pair.exchange() == ([], [])


def test_both_ends_know_what_the_other_one_can_do() -> None:
    """What the server learns is in `Connected`, see `publishing`."""
    assert publishing().client.server == OURS


@pytest.mark.parametrize("url", [None, "rtmp://other/live"])
def test_a_client_that_is_asked_to_reconnect_goes_on_until_it_does(url: str | None) -> None:
    pair = publishing()

    pair.server.request_reconnect(url, "the server stops")

    assert pair.exchange() == ([], [ReconnectRequested(url, "the server stops")])
    pair.client.send_video(40, b"v")
    assert pair.exchange() == ([Video(40, 1, b"v")], [])


class Server:
    """A server of other manners, message by message."""

    def __init__(self) -> None:
        self.client = client()
        self.link = Link(is_client=False, nonce=b"s" * NONCE_BYTES)
        for _ in range(2):
            self.link.receive(self.client.data_to_send())
            self.client.receive_data(self.link.data_to_send())
        self.link.receive(self.client.data_to_send())

    def says(self, *commands: Command) -> list[ClientEvent]:
        for command in commands:
            self.link.send(command, 3)
        return self.client.receive_data(self.link.data_to_send())


def test_a_server_may_refuse_the_connection_itself() -> None:
    fields: dict[str, Value] = {"code": "NetConnection.Connect.InvalidApp", "description": "no app"}

    told = Server().says(Command(0, "_error", 1.0, [None, fields]))

    assert told == [PublishRefused("NetConnection.Connect.InvalidApp", "no app")]


def test_what_a_server_says_besides_is_ignored() -> None:
    status: dict[str, Value] = {"level": "status", "code": "NetStream.Publish.Notify"}
    server = Server()

    told = server.says(
        Command(0, "onBWDone", 0.0, [None]),
        Command(0, "_result", 99.0, [None]),
        Command(0, "onStatus", 0.0, [None, status]),
        Command(0, "onStatus", 0.0, []),
    )

    assert told == []


@pytest.mark.parametrize("stream", [[], [None, "one"], [None, -1.0], [None, 1e300]])
def test_a_server_must_name_the_stream_it_created(stream: list[Value]) -> None:
    server = Server()
    server.says(Command(0, "_result", 1.0, [None, None]))

    with pytest.raises(RemoteProtocolError):
        server.says(Command(0, "_result", 4.0, stream))


def test_a_server_may_not_accept_what_was_not_asked() -> None:
    started: dict[str, Value] = {"level": "status", "code": "NetStream.Publish.Start"}

    with pytest.raises(RemoteProtocolError):
        Server().says(Command(0, "onStatus", 0.0, [None, started]))
