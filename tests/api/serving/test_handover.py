"""Connections change their process with all that was read of them."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from api.serving.handover import HandoverFailed, HandoverReceiver, HandoverSender
from config.limits import HANDOVER_PIECE_BYTES, HANDOVER_PIECES_MAX

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="macOS has no SOCK_SEQPACKET")

_SECONDS_MAX = 30


@dataclass
class Taken:
    """What the main process got: which connection, and what was read of it."""

    got: list[tuple[str, bytes]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, connection: socket.socket, data: bytes) -> None:
        with connection:
            self.got.append((str(Path(f"/proc/self/fd/{connection.fileno()}").readlink()), data))
        self.came.set()

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(_SECONDS_MAX):
            while len(self.got) < count:
                self.came.clear()
                await self.came.wait()


@pytest.fixture
async def channel() -> AsyncIterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield ours, theirs
    ours.close()
    theirs.close()


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - it lists itself, always alike


async def test_many_connections_arrive_in_order_with_data_of_every_size(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    taken, before = Taken(), _open_descriptors()
    receiver, sender = HandoverReceiver(channel[0], taken.take), HandoverSender(channel[1])
    sent = []
    sizes = (0, 1, HANDOVER_PIECE_BYTES, HANDOVER_PIECE_BYTES + 1, 400_000)
    for number in range(40):  # more than the socket holds at once
        data = os.urandom(sizes[number % len(sizes)])
        with socket.socket() as connection:
            sent.append((str(Path(f"/proc/self/fd/{connection.fileno()}").readlink()), data))
            sender.send(connection.fileno(), data)
    await taken.wait_for(len(sent))
    assert taken.got == sent
    assert _open_descriptors() == before
    receiver.close()
    sender.close()


async def test_what_was_sent_before_the_sender_died_arrives_and_half_of_one_does_not(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    taken, before = Taken(), _open_descriptors()
    sender = HandoverSender(channel[1])
    with socket.socket() as connection:
        sender.send(connection.fileno(), b"whole")
        sender.send(connection.fileno(), bytes(HANDOVER_PIECES_MAX // 2 * HANDOVER_PIECE_BYTES))
    sender.close()
    HandoverReceiver(channel[0], taken.take).close()
    assert [data for _, data in taken.got] == [b"whole"]
    assert _open_descriptors() == before - 2  # the channel


async def test_a_sender_keeps_no_more_than_its_bound_and_frees_what_it_kept(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    before = _open_descriptors()
    sender = HandoverSender(channel[1])
    sent = 0
    with socket.socket() as connection, contextlib.suppress(HandoverFailed):
        while sent <= 3 * HANDOVER_PIECES_MAX:
            sender.send(connection.fileno(), bytes(HANDOVER_PIECE_BYTES))
            sent += 1
    assert HANDOVER_PIECES_MAX <= sent < 2 * HANDOVER_PIECES_MAX
    sender.close()
    assert _open_descriptors() == before - 1


async def test_a_main_process_that_is_gone_takes_nothing(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    sender = HandoverSender(channel[1])
    channel[0].close()
    with socket.socket() as connection:
        sender.send(connection.fileno(), b"to nobody")
        with pytest.raises(HandoverFailed):
            sender.send(connection.fileno(), b"nor this")
    sender.close()
