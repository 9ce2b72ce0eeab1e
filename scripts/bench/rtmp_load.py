"""Publishers in real time, in a process of their own: `python -m scripts.bench.rtmp_load JSON`.

Each message is sent by itself at its time, as encoders do; the publishers begin one after the other
within a second. When all of them publish, a line of JSON says so. Each line of standard input is
answered with how it went until then, and its end ends it.
"""

import heapq
import json
import os
import select
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from media.wire.amf0 import Value
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_link import Link
from media.wire.rtmp_message import Command, SetChunkSize
from scripts.bench.rtmp_clip import STREAM_ID, Clip, read_clip

_TIMEOUT_SECONDS = 10
_COMMANDS = 3
_CALLERS = 16
_SPREAD_MS = 1_000


@dataclass(frozen=True)
class Load:
    """What to publish: `film` so many times at once to names of their own."""

    port: int
    app: str
    film: str
    publishers: int
    chunk_bytes: int


@dataclass
class Report:
    """How it went: `late_ms` is by how much a message was late at worst."""

    messages: int = 0
    bytes: int = 0
    late_ms: int = 0


class Caller:
    """The commands of one connection, one after the other."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link = Link(is_client=True, nonce=bytes(NONCE_BYTES))
        self._transaction = 0
        self._flush()
        while not self._link.is_open:
            self._receive()

    def publish(self, app: str, name: str, chunk_bytes: int) -> None:
        """Up to the server's consent."""
        url = f"rtmp://127.0.0.1/{app}"
        self._call("connect", {"app": app, "type": "nonprivate", "tcUrl": url}, answer="_result")
        if chunk_bytes != 128:
            self._link.control(SetChunkSize(chunk_bytes))
        self._call("createStream", None, answer="_result")
        self._call("publish", None, name, "live", stream=STREAM_ID, answer="onStatus")
        self.socket.settimeout(None)

    def _call(self, name: str, *arguments: Value, answer: str, stream: int = 0) -> None:
        self._transaction += 1
        self._link.send(Command(stream, name, self._transaction, arguments), _COMMANDS)
        self._flush()
        while answer not in self._receive():
            pass

    def _receive(self) -> list[str]:
        """Names of the commands that came."""
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("the server closed the connection")
        messages = self._link.receive(data)
        self._flush()
        return [message.name for message in messages if isinstance(message, Command)]

    def _flush(self) -> None:
        self.socket.sendall(self._link.data_to_send())


def _publish(sockets: list[socket.socket], clip: Clip) -> None:
    """Send until standard input has ended."""
    report = Report()
    began = time.perf_counter()
    # (when, who, how many messages it has sent)
    due = [(_SPREAD_MS * n / len(sockets), n, 0) for n in range(len(sockets))]
    starts = [when for when, _, _ in due]
    heapq.heapify(due)
    for each in sockets:
        each.sendall(clip.head)
    while _goes_on(report):
        now = (time.perf_counter() - began) * 1000
        while due[0][0] <= now:
            when, publisher, sent = due[0]
            piece = clip.loop[sent % len(clip.loop)]
            sockets[publisher].sendall(piece.data)
            report.messages += 1
            report.bytes += len(piece.data)
            report.late_ms = max(report.late_ms, int(now - when))
            rounds, place = divmod(sent + 1, len(clip.loop))
            following = starts[publisher] + rounds * clip.loop_ms + clip.loop[place].time_ms
            heapq.heapreplace(due, (following, publisher, sent + 1))
        time.sleep(max(0, due[0][0] / 1000 - (time.perf_counter() - began)))


def _goes_on(report: Report) -> bool:
    """Answer a line of standard input, if there is one; false once it has ended."""
    if not select.select([sys.stdin], [], [], 0)[0]:
        return True
    is_asked = bool(sys.stdin.readline())
    if is_asked:
        print(json.dumps(asdict(report)), flush=True)
    return is_asked


def _call(load: Load, number: int) -> socket.socket:
    caller = Caller(load.port)
    caller.publish(load.app, f"b{os.getpid()}-{number}", load.chunk_bytes)
    return caller.socket


def main(load: Load) -> None:
    """Publish until told to stop."""
    clip = read_clip(Path(load.film), load.chunk_bytes)
    # Side by side: some servers wait for acknowledgements in between, 40 ms each.
    with ThreadPoolExecutor(_CALLERS) as threads:
        sockets = list(threads.map(lambda number: _call(load, number), range(load.publishers)))
    print(json.dumps({"publishing": len(sockets)}), flush=True)
    _publish(sockets, clip)


if __name__ == "__main__":
    main(Load(**json.loads(sys.argv[1])))
