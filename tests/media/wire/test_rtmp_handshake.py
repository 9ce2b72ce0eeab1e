import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.rtmp_handshake import NONCE_BYTES, Handshake, HandshakeFailed

SERVER_NONCE = b"s" * NONCE_BYTES
CLIENT_NONCE = b"c" * NONCE_BYTES
C0 = S0 = b"\3"
C1 = bytes(8) + CLIENT_NONCE
S1 = bytes(8) + SERVER_NONCE


def server() -> Handshake:
    return Handshake(is_client=False, nonce=SERVER_NONCE)


def test_the_server_answers_with_its_nonce_and_an_echo() -> None:
    handshake = server()

    assert handshake.data_to_send() == b""
    assert handshake.receive(C0 + C1[:-1]) == b""
    assert handshake.data_to_send() == b""
    assert handshake.receive(C1[-1:]) == b""
    assert handshake.data_to_send() == S0 + S1 + C1
    assert not handshake.done
    assert handshake.receive(S1 + b"rest") == b"rest"
    assert handshake.done


def test_a_client_that_does_not_echo_is_let_in() -> None:
    handshake = server()

    assert handshake.receive(C0 + C1 + bytes(1536) + b"rest") == b"rest"


def test_the_client_speaks_first_and_echoes() -> None:
    handshake = Handshake(is_client=True, nonce=CLIENT_NONCE)

    assert handshake.data_to_send() == C0 + C1
    assert handshake.receive(S0 + S1 + C1 + b"rest") == b"rest"
    assert handshake.data_to_send() == S1
    assert handshake.done


@given(st.lists(st.integers(1, 3_100), max_size=6))
def test_how_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    handshake, data, sent, rest = server(), C0 + C1 + S1 + b"rest", b"", b""
    edges = [0, *sorted({cut for cut in cuts if cut <= 3_073}), len(data)]

    for start, end in itertools.pairwise(edges):
        rest += handshake.receive(data[start:end])
        sent += handshake.data_to_send()

    assert (sent, rest) == (S0 + S1 + C1, b"rest")


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", b"\6", bytes(2_000)])
def test_anything_but_rtmp_is_told_from_its_first_byte(data: bytes) -> None:
    with pytest.raises(HandshakeFailed):
        server().receive(data)


def test_a_nonce_has_a_fixed_length() -> None:
    with pytest.raises(ValueError, match="1528"):
        Handshake(is_client=True, nonce=b"short")
