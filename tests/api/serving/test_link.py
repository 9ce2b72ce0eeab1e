"""A link says what is said in one turn at once, and ends what makes no sense or does not read."""

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field

from api.serving.codec import Reader
from api.serving.link import Link
from api.serving.messages import Done, Finish, Message, ReadFile
from config.limits import SERVING_LATER_SECONDS

_SECONDS_MAX = 30


@dataclass
class End:
    """One end, and what it heard."""

    messages: list[Message] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    lost: asyncio.Event = field(default_factory=asyncio.Event)

    def link(self, backlog_bytes_max: int = 1 << 20) -> Link:
        return Link(
            self._receive,
            self.lost.set,
            message_bytes_max=1 << 20,
            backlog_bytes_max=backlog_bytes_max,
        )

    def _receive(self, message: Message) -> None:
        self.messages.append(message)
        self.heard.set()


async def _connected(end: End, connection: socket.socket, backlog: int = 1 << 20) -> Link:
    link = end.link(backlog)
    await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=connection)
    return link


class Written(asyncio.Transport):
    """A socket that takes everything."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def writelines(self, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        self.writes.append(b"".join(pieces))

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False


async def test_all_of_one_turn_is_one_write() -> None:
    link, transport = End().link(), Written()
    link.connection_made(transport)
    for _ in range(2):
        for number in range(50):
            link.send(Done(number))
        await asyncio.sleep(0)
    assert [len(each) for each in transport.writes] == [50 * 9] * 2


async def test_what_nobody_waits_for_goes_with_the_next_or_a_moment_later() -> None:
    link, transport = End().link(), Written()
    link.connection_made(transport)
    link.send_with_next(Finish(1, complete=True))
    link.send(Done(2))
    await asyncio.sleep(0)
    link.send_with_next(Finish(3, complete=True))
    await asyncio.sleep(0)
    assert Reader(100).feed(b"".join(transport.writes)) == [Finish(1, complete=True), Done(2)]
    async with asyncio.timeout(_SECONDS_MAX):
        while len(transport.writes) < 2:  # noqa: ASYNC110 - a timer gives no event
            await asyncio.sleep(SERVING_LATER_SECONDS)
    assert Reader(100).feed(transport.writes[1]) == [Finish(3, complete=True)]


async def test_messages_go_both_ways_and_what_was_said_before_the_end_arrives() -> None:
    ours, theirs = socket.socketpair()
    end, other = End(), End()
    link, peer = await _connected(end, ours), await _connected(other, theirs)
    assert link.is_open
    link.send(ReadFile(7, "ast_1", "720p/1.m4s"))
    link.close()
    await asyncio.wait_for(other.lost.wait(), _SECONDS_MAX)
    assert other.messages == [ReadFile(7, "ast_1", "720p/1.m4s")]
    peer.close()
    await asyncio.wait_for(end.lost.wait(), _SECONDS_MAX)
    assert not link.is_open


async def test_nonsense_ends_it() -> None:
    ours, theirs = socket.socketpair()
    end = End()
    await _connected(end, ours)
    theirs.send(b"\xff" * 9)
    await asyncio.wait_for(end.lost.wait(), _SECONDS_MAX)
    assert end.messages == []
    theirs.close()


async def test_whoever_does_not_read_is_given_up() -> None:
    ours, theirs = socket.socketpair()
    end = End()
    link = await _connected(end, ours, backlog=100_000)
    while not end.lost.is_set():
        link.send(ReadFile(1, "ast_1", "x" * 60_000))
        await asyncio.sleep(0)
    theirs.close()
