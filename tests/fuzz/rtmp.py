"""RTMP from the handshake to events, however its bytes are cut."""

from config.limits import RTMP_PARTIAL_BYTES_MAX
from media.wire.rtmp_chunk import ChunkReader, MalformedChunk, Message
from media.wire.rtmp_client import ClientConnection
from media.wire.rtmp_connection import ServerConnection
from media.wire.rtmp_event import PublishRequested
from media.wire.rtmp_handshake import NONCE_BYTES, Handshake, HandshakeFailed
from media.wire.rtmp_state import RemoteProtocolError
from tests.fuzz.target import Target, pieces

_NONCE = bytes(NONCE_BYTES)
_PACKET_BYTES = 1536
# Nobody gets more answers than this out of one small input.
_ANSWER_BYTES_MAX = 256 * 1024


def check_handshake(data: bytes) -> None:
    """Nothing behind the handshake is lost, and no more than the handshake is answered."""
    is_client = bool(data[:1] and data[0] & 1)
    handshake = Handshake(is_client=is_client, nonce=_NONCE)
    fed, rest, sent = 0, b"", handshake.data_to_send()
    for piece in pieces(data[1:]):
        fed += len(piece)
        try:
            rest += handshake.receive(piece)
        except HandshakeFailed:
            return
        sent += handshake.data_to_send()
        if handshake.done:
            break
    assert len(sent) <= 1 + 2 * _PACKET_BYTES
    assert len(rest) == (fed - 1 - 2 * _PACKET_BYTES if handshake.done else 0)


def check_chunks(data: bytes) -> None:
    """How bytes are cut changes nothing, and little is held of what is not complete."""
    cut = list(pieces(data))
    reader, received = ChunkReader(), list[Message]()
    try:
        for piece in cut:
            received += reader.feed(piece)
            assert reader.held_bytes <= RTMP_PARTIAL_BYTES_MAX
    except MalformedChunk:
        return
    assert ChunkReader().feed(b"".join(cut)) == received


def check_server(data: bytes) -> None:
    """A publisher may send anything behind its handshake; each wish to publish is granted."""
    connection = ServerConnection(_NONCE)
    connection.receive_data(b"\3" + bytes(2 * _PACKET_BYTES))
    sent = 0
    for piece in pieces(data):
        try:
            events = connection.receive_data(piece)
        except RemoteProtocolError:
            return
        for event in events:
            if isinstance(event, PublishRequested):
                connection.accept_publish()
        sent += len(connection.data_to_send())
    assert sent < _ANSWER_BYTES_MAX


def check_client(data: bytes) -> None:
    """A server may answer anything."""
    connection = ClientConnection(_NONCE, app="live", url="rtmp://host/live", stream_name="key")
    connection.receive_data(b"\3" + bytes(2 * _PACKET_BYTES))
    sent = 0
    for piece in pieces(data):
        try:
            connection.receive_data(piece)
        except RemoteProtocolError:
            return
        sent += len(connection.data_to_send())
    assert sent < _ANSWER_BYTES_MAX


TARGETS = (
    Target("handshake", check_handshake),
    Target("chunks", check_chunks),
    Target("server", check_server),
    Target("client", check_client),
)
