"""A conversation, read in both directions: as our server has it, and as our client does."""

from collections.abc import Callable
from dataclasses import dataclass

from media.wire.amf0 import EcmaArray, Value
from media.wire.rtmp_capabilities import OURS, Capabilities, Extension, write_capabilities
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
from media.wire.rtmp_message import (
    Audio,
    BandwidthLimit,
    Command,
    Data,
    PeerBandwidth,
    SetChunkSize,
    Typed,
    UserControl,
    Video,
    WindowSize,
)

CAN_MOVE = Capabilities(Extension.RECONNECT)
URL = "rtmp://host/live"


@dataclass(frozen=True)
class Client:
    """What the client says, of its own accord or because its owner `does` something.

    `heard` is what the server's owner is told of it.
    """

    says: list[Typed]
    heard: list[ServerEvent]
    does: Callable[[ClientConnection], None] = lambda _: None


@dataclass(frozen=True)
class Server:
    """The same for the server."""

    says: list[Typed]
    heard: list[ClientEvent]
    does: Callable[[ServerConnection], None] = lambda _: None


def call(name: str, transaction: float, *arguments: Value, stream_id: int = 0) -> Command:
    return Command(stream_id, name, transaction, list(arguments))


def result(transaction: float, *values: Value) -> Command:
    return call("_result", transaction, *values)


def status(name: str, level: str, code: str, description: str, stream_id: int = 1) -> Command:
    fields: dict[str, Value] = {"level": level, "code": code, "description": description}
    return call(name, 0.0, None, fields, stream_id=stream_id)


def send_media(client: ClientConnection) -> None:
    client.send_metadata({"width": 640.0})
    client.send_audio(0, b"a")
    client.send_video(40, b"v" * 300)


FIELDS: dict[str, Value] = {
    "app": "live",
    "type": "nonprivate",
    "flashVer": "FMLE/3.0",
    "tcUrl": URL,
    **write_capabilities(CAN_MOVE),
}
STARTED = ("status", "NetStream.Publish.Start", "publishing")

TO_PUBLISH: list[Client | Server] = [
    Client(
        [SetChunkSize(65_536), call("connect", 1.0, FIELDS)],
        [Connected("live", URL, "FMLE/3.0", CAN_MOVE)],
    ),
    Server(
        [
            WindowSize(2_500_000),
            PeerBandwidth(2_500_000, BandwidthLimit.DYNAMIC),
            SetChunkSize(65_536),
            result(
                1.0,
                {"fmsVer": "FMS/3,0,1,123", "capabilities": 31.0},
                {
                    "level": "status",
                    "code": "NetConnection.Connect.Success",
                    "description": "connected",
                    "objectEncoding": 0.0,
                    **write_capabilities(OURS),
                },
            ),
        ],
        [],
    ),
    Client(
        [
            WindowSize(2_500_000),
            call("releaseStream", 2.0, None, "key"),
            call("FCPublish", 3.0, None, "key"),
            call("createStream", 4.0, None),
        ],
        [],
    ),
    Server([result(2.0, None, None), result(3.0, None, None), result(4.0, None, 1.0)], []),
    Client(
        [call("publish", 5.0, None, "key", "live", stream_id=1)], [PublishRequested("live", "key")]
    ),
]
ACCEPTED: list[Client | Server] = [
    Server(
        [
            UserControl(0, b"\0\0\0\1"),
            status("onFCPublish", *STARTED),
            status("onStatus", *STARTED),
        ],
        [PublishAccepted()],
        ServerConnection.accept_publish,
    ),
    Client(
        [
            Data(0, 1, ["@setDataFrame", "onMetaData", EcmaArray({"width": 640.0})]),
            Audio(0, 1, b"a"),
            Video(40, 1, b"v" * 300),
        ],
        [MetadataReceived({"width": 640.0}), Audio(0, 1, b"a"), Video(40, 1, b"v" * 300)],
        send_media,
    ),
]


def play_with_our_server(transcript: list[Client | Server]) -> None:
    server, peer = ServerConnection(b"s" * NONCE_BYTES), Link(is_client=True, nonce=bytes(1528))
    assert server.receive_data(peer.data_to_send()) == []
    peer.receive(server.data_to_send())
    for line in transcript:
        if isinstance(line, Client):
            for message in line.says:
                peer.send(message, 3)
            assert server.receive_data(peer.data_to_send()) == line.heard
        else:
            line.does(server)
            assert peer.receive(server.data_to_send()) == line.says


def play_with_our_client(transcript: list[Client | Server]) -> None:
    client = ClientConnection(
        b"c" * NONCE_BYTES, app="live", url=URL, stream_name="key", capabilities=CAN_MOVE
    )
    peer = Link(is_client=False, nonce=bytes(1528))
    peer.receive(client.data_to_send())
    assert client.receive_data(peer.data_to_send()) == []
    for line in transcript:
        if isinstance(line, Server):
            for message in line.says:
                peer.send(message, 3)
            assert client.receive_data(peer.data_to_send()) == line.heard
        else:
            line.does(client)
            assert peer.receive(client.data_to_send()) == line.says


def check(transcript: list[Client | Server]) -> None:
    play_with_our_server(transcript)
    play_with_our_client(transcript)


def test_a_publication_from_its_beginning_to_its_end() -> None:
    check(
        [
            *TO_PUBLISH,
            *ACCEPTED,
            Client(
                [call("FCUnpublish", 6.0, None, "key"), call("deleteStream", 7.0, None, 1.0)],
                [PublishEnded()],
                ClientConnection.end_publish,
            ),
            Server([result(6.0, None, None)], []),
        ]
    )


def test_a_publication_that_is_refused() -> None:
    refused = PublishRefused("NetStream.Publish.Denied", "unknown stream key")
    check(
        [
            *TO_PUBLISH,
            Server(
                [status("onStatus", "error", refused.code, refused.description)],
                [refused],
                lambda server: server.refuse_publish("unknown stream key"),
            ),
        ]
    )


def test_a_publication_that_is_taken_over() -> None:
    told = PublishRefused("NetStream.Publish.BadName", "another publisher took over")
    check(
        [
            *TO_PUBLISH,
            *ACCEPTED,
            Server(
                [status("onStatus", "error", told.code, told.description)],
                [told],
                lambda server: server.end_publish(Refusal.BAD_NAME, told.description),
            ),
        ]
    )


def test_a_publication_that_is_asked_to_go_on_elsewhere() -> None:
    information: dict[str, Value] = {
        "level": "status",
        "code": "NetConnection.Connect.ReconnectRequest",
        "description": "this server stops",
        "tcUrl": "rtmp://other/live",
    }
    check(
        [
            *TO_PUBLISH,
            *ACCEPTED,
            Server(
                [call("onStatus", 0.0, None, information)],
                [ReconnectRequested("rtmp://other/live", "this server stops")],
                lambda server: server.request_reconnect("rtmp://other/live", "this server stops"),
            ),
            Client(
                [Video(80, 1, b"v")],
                [Video(80, 1, b"v")],
                lambda client: client.send_video(80, b"v"),
            ),
        ]
    )
