"""Viewers that wait together: for the next part, or for nothing."""

import selectors
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.bench.delivery_servers import Failed, Subject
from scripts.bench.process_cost import resident_bytes

_SECONDS_MAX = 20
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
        waiting = dict.fromkeys(self.sockets, b"")
        deadline = time.monotonic() + _SECONDS_MAX
        with selectors.DefaultSelector() as selector:
            for one in waiting:
                selector.register(one, selectors.EVENT_READ, one)
            while waiting and time.monotonic() < deadline:
                for key, _ in selector.select(1):
                    one = key.data
                    waiting[one] += one.recv(1 << 18)
                    if _is_whole(waiting[one]):
                        del waiting[one]
                        selector.unregister(one)
        if waiting:
            raise Failed(f"{len(waiting)} answers did not come")
        return time.monotonic_ns()


def _is_whole(data: bytes) -> bool:
    head, end, body = data.partition(_HEAD_END)
    if not end:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise Failed(head.decode())
    return len(body) >= int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])


def release_ms(subject: Subject, targets: Path, sequence: int, part: int) -> float:
    """From the moment before a part is made until the last of all who wait for it has its list."""
    with Herd(subject.port, targets.read_text().split()) as herd:
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
