"""Viewers that wait together: for the next part, or for nothing.

They are answered in the order in which they asked, so that the last one is waited for, and the
others are looked at after it: a client that is woken by each answer takes as long as the server,
and waking it is most of what a small answer costs that, with a client on the same machine.
"""

import fcntl
import socket
import sys
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.bench.delivery_servers import Failed, Subject
from scripts.bench.process_cost import cpu_ns, resident_bytes

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
        *others, last = self.sockets
        size = _read_answer(last)
        at_ns = time.monotonic_ns()
        is_late = any(_unread_bytes(one) < size for one in others)
        for one in others:
            _read(one, size)
        return time.monotonic_ns() if is_late else at_ns


def _unread_bytes(one: socket.socket) -> int:
    return int.from_bytes(fcntl.ioctl(one.fileno(), termios.FIONREAD, bytes(4)), sys.byteorder)


def _read(one: socket.socket, size: int) -> None:
    one.settimeout(_SECONDS_MAX)
    while size > 0 and (data := one.recv(size)):
        size -= len(data)
    if size:
        raise Failed("an answer was cut off")


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
    """From the moment before a part is made until the last of all who wait for it has its list.

    Tells what the server's CPU was meanwhile: where the rest is much, others had the machine.
    """
    with Herd(subject.port, targets.read_text().split()) as herd:
        herd.ask()  # who waits for more has a playlist
        herd.answers()
        herd.ask(f"?_HLS_msn={sequence}&_HLS_part={part}")
        time.sleep(1)  # all of them are waiting by then
        before_ns = cpu_ns(subject.pid)
        released_ns = subject.order(do="arrive")["at_ns"]
        wall_ms = float(herd.answers() - released_ns) / 1e6
        cpu_ms = (cpu_ns(subject.pid) - before_ns) / 1e6
        print(f"bench delivery: a release: {wall_ms:.1f} ms, {cpu_ms:.1f} ms of CPU", flush=True)
        return wall_ms


def idle_bytes(subject: Subject, targets: Path, count: int) -> float:
    """Memory of the server for each viewer with a session, who has a playlist and asks no more."""
    subject.order(do="fund", count=count)
    before = resident_bytes(subject.pid)
    subject.order(do="open", count=count, kind="playlist", path=str(targets))
    with Herd(subject.port, targets.read_text().split()) as herd:
        herd.ask()
        herd.answers()
        return (resident_bytes(subject.pid) - before) / count
