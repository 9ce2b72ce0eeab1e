"""Viewers that wait together: for the next part, or for nothing.

All answers have the same size, so that but for one they are counted and not read: a client that
looked at each would take as long as the server, and some of that from the server's core.
"""

import select
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.bench.delivery_servers import Failed, Subject
from scripts.bench.process_cost import resident_bytes

_SECONDS_MAX = 20
_READ_BYTES = 1 << 18
_HEAD_END = b"\r\n\r\n"


@dataclass
class Herd:
    """Connections that are kept open."""

    port: int
    targets: Sequence[str]
    sockets: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> "Herd":
        for _ in self.targets:
            self.sockets.append(socket.create_connection(("127.0.0.1", self.port)))
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.sockets:
            one.close()

    def ask(self, query: str = "") -> None:
        for one, target in zip(self.sockets, self.targets, strict=True):
            one.sendall(f"GET {target}{query} HTTP/1.1\r\nHost: a\r\n\r\n".encode())

    def answers(self) -> int:
        """Read an answer of each; returns when the last one was complete, on the system's
        monotonic clock.

        Raises:
            Failed: they do not all come.
        """
        deadline = time.monotonic() + _SECONDS_MAX
        left = _read_answer(self.sockets[0]) * (len(self.sockets) - 1)
        by_number = {one.fileno(): one for one in self.sockets[1:]}
        place = bytearray(_READ_BYTES)
        with select.epoll() as poll:
            for number in by_number:
                poll.register(number, select.EPOLLIN)
            while left > 0 and time.monotonic() < deadline:
                for number, _ in poll.poll(1):
                    left -= by_number[number].recv_into(place)
        if left:
            raise Failed(f"{left} bytes of answers did not come")
        return time.monotonic_ns()


def _read_answer(one: socket.socket) -> int:
    """How many bytes an answer has."""
    one.settimeout(_SECONDS_MAX)
    data = b""
    while _HEAD_END not in data:
        data += one.recv(_READ_BYTES)
    head, _, body = data.partition(_HEAD_END)
    if not head.startswith(b"HTTP/1.1 200"):
        raise Failed(head.decode())
    size = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
    while len(body) < size:
        body += one.recv(_READ_BYTES)
    return len(head) + len(_HEAD_END) + size


def release_ms(subject: Subject, targets: Path, sequence: int, part: int) -> float:
    """From the moment before a part is made until the last of all who wait for it has its list."""
    with Herd(subject.port, targets.read_text().split()) as herd:
        herd.ask()  # who waits for more has a playlist
        herd.answers()
        herd.ask(f"?_HLS_msn={sequence}&_HLS_part={part}")
        time.sleep(1)  # all of them are waiting by then
        released_ns = subject.order(do="arrive")["at_ns"]
        return float(herd.answers() - released_ns) / 1e6


def idle_bytes(subject: Subject, targets: Path, count: int) -> float:
    """Memory of the server for each viewer with a session, who has a playlist and asks no more."""
    before = resident_bytes(subject.pid)
    subject.order(do="open", count=count, kind="playlist", path=str(targets))
    with Herd(subject.port, targets.read_text().split()) as herd:
        herd.ask()
        herd.answers()
        return (resident_bytes(subject.pid) - before) / count
