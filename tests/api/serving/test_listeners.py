"""One address for several processes of ours, and for nobody else's."""

import errno
import os
import socket
import sys
from collections.abc import Iterator

import pytest

from api.serving.listeners import open_listeners

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="SO_REUSEPORT balances on Linux")

_NOBODY = 65_534


@pytest.fixture
def listeners() -> Iterator[list[list[socket.socket]]]:
    opened = open_listeners("127.0.0.1", 0, 3)
    yield opened
    for each in opened:
        for listener in each:
            listener.close()


def _port(listeners: list[list[socket.socket]]) -> int:
    return int(listeners[0][0].getsockname()[1])


def test_connections_are_spread_over_all_of_them(listeners: list[list[socket.socket]]) -> None:
    clients = [socket.create_connection(("127.0.0.1", _port(listeners))) for _ in range(60)]
    accepted = []
    for (listener,) in listeners:
        count = 0
        while True:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                break
            connection.close()
            count += 1
        accepted.append(count)
    for client in clients:
        client.close()
    assert sum(accepted) == len(clients)
    assert min(accepted) > 0


def test_a_second_server_is_refused(listeners: list[list[socket.socket]]) -> None:
    for processes in (1, 3):
        with pytest.raises(OSError, match="in use"):
            open_listeners("127.0.0.1", _port(listeners), processes)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_cannot_join(listeners: list[list[socket.socket]]) -> None:
    os.seteuid(_NOBODY)
    try:
        intruder = socket.socket()
    finally:
        os.seteuid(0)
    with intruder:
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        intruder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use") as refused:
            intruder.bind(("127.0.0.1", _port(listeners)))
    assert refused.value.errno == errno.EADDRINUSE


def test_one_process_shares_its_address_with_nobody() -> None:
    [[listener]] = open_listeners("127.0.0.1", 0, 1)
    port = listener.getsockname()[1]
    with listener, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        for processes in (1, 2):
            with pytest.raises(OSError, match=f"in use: 127.0.0.1 port {port}"):
                open_listeners("127.0.0.1", port, processes)


def test_who_comes_before_anything_can_be_answered_waits() -> None:
    [[listener]] = open_listeners("127.0.0.1", 0, 1)
    with listener, socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"early")
        listener.setblocking(True)
        listener.settimeout(30)
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(30)
            assert accepted.recv(5) == b"early"


def test_a_name_with_several_addresses_has_one_port() -> None:
    opened = open_listeners("localhost", 0, 2)
    ports = {listener.getsockname()[1] for each in opened for listener in each}
    for each in opened:
        for listener in each:
            listener.close()
    assert len(ports) == 1
    assert len(opened[0]) == len(opened[1]) >= 1


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(OSError, match="assign"):
        open_listeners("192.0.2.1", 0, 2)
