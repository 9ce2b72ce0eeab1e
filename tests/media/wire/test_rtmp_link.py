"""Two ends of a link, joined without sockets."""

import pytest

from config.limits import RTMP_CALLS_PER_READ_MAX, RTMP_CHUNK_BYTES_SENT, RTMP_WINDOW_BYTES
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_link import Link
from media.wire.rtmp_message import (
    Acknowledgement,
    Command,
    ControlEvent,
    PeerBandwidth,
    SetChunkSize,
    UserControl,
    Video,
    WindowSize,
)
from media.wire.rtmp_state import RemoteProtocolError


def joined() -> tuple[Link, Link]:
    client = Link(is_client=True, nonce=b"c" * NONCE_BYTES)
    server = Link(is_client=False, nonce=b"s" * NONCE_BYTES)
    server.receive(client.data_to_send())
    client.receive(server.data_to_send())
    assert client.is_open
    server.receive(client.data_to_send())
    assert server.is_open
    return client, server


def test_messages_go_both_ways_after_the_handshake() -> None:
    client, server = joined()
    question, answer = Command(0, "connect", 1.0, [None]), Command(0, "_result", 1.0, [None])

    client.send(question, 3)
    assert server.receive(client.data_to_send()) == [question]
    server.send(answer, 3)
    assert client.receive(server.data_to_send()) == [answer]
    assert client.data_to_send() == server.data_to_send() == b""


def test_messages_that_come_with_the_handshake_are_received() -> None:
    client = Link(is_client=True, nonce=b"c" * NONCE_BYTES)
    server = Link(is_client=False, nonce=b"s" * NONCE_BYTES)
    server.receive(client.data_to_send())
    client.receive(server.data_to_send())
    client.send(Command(0, "connect", 1.0, []), 3)

    assert server.receive(client.data_to_send()) == [Command(0, "connect", 1.0, [])]


def test_larger_chunks_are_understood_by_the_other_end() -> None:
    client, server = joined()
    picture = Video(0, 1, bytes(100_000))

    client.announce_chunk_size()
    client.send(picture, 6)
    data = client.data_to_send()

    assert len(data) < 100_050
    assert server.receive(data) == [SetChunkSize(RTMP_CHUNK_BYTES_SENT), picture]


def test_a_ping_is_answered_with_its_time() -> None:
    client, server = joined()

    client.control(UserControl(ControlEvent.PING_REQUEST, b"time"))
    server.receive(client.data_to_send())

    answer = UserControl(ControlEvent.PING_RESPONSE, b"time")
    assert client.receive(server.data_to_send()) == [answer]


def test_half_a_window_is_acknowledged_in_the_peers_window_or_ours() -> None:
    client, server = joined()
    client.send(Video(0, 1, bytes(RTMP_WINDOW_BYTES // 2)), 6)
    server.receive(client.data_to_send())
    assert client.receive(server.data_to_send()) == [Acknowledgement(server.received)]

    client.announce_window(1_000)
    client.send(Video(0, 1, bytes(600)), 6)
    server.receive(client.data_to_send())

    assert client.receive(server.data_to_send()) == [Acknowledgement(server.received)]


def test_a_peer_that_limits_us_learns_our_window_unless_it_knows() -> None:
    client, server = joined()

    server.announce_window(7_000)
    client.control(PeerBandwidth(7_000, 2))
    client.control(PeerBandwidth(9_000, 2))
    server.receive(client.data_to_send())

    assert client.receive(server.data_to_send()) == [WindowSize(7_000), WindowSize(9_000)]


def test_a_peer_may_not_ask_for_more_at_once_than_anybody_needs() -> None:
    client, server = joined()
    for _ in range(RTMP_CALLS_PER_READ_MAX + 1):
        client.control(UserControl(ControlEvent.PING_REQUEST, b"time"))

    with pytest.raises(RemoteProtocolError, match="at once"):
        server.receive(client.data_to_send())


@pytest.mark.parametrize(
    "data",
    [
        b"\xc4",  # no chunk stream
        b"\2\0\0\0\0\0\1\x05\0\0\0\0\0",  # a window size of one byte
    ],
)
def test_what_is_malformed_at_any_level_is_the_peers_mistake(data: bytes) -> None:
    _, server = joined()

    with pytest.raises(RemoteProtocolError):
        server.receive(data)


def test_another_protocol_is_the_peers_mistake() -> None:
    with pytest.raises(RemoteProtocolError):
        Link(is_client=False, nonce=bytes(NONCE_BYTES)).receive(b"GET /")
