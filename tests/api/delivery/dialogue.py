"""Requests as bytes, of which not all are right, and what came back on one connection."""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

# Different in each answer, or of the sender alone.
_OWN = {"date", "server", "x-request-id"}
_REQUEST_ID = re.compile(rb'"requestId": "[0-9a-f]{16}"')
_SECONDS_MAX = 30


@dataclass(frozen=True)
class Asked:
    """A request. `body` is what follows the head, whatever the head says."""

    method: str
    target: str
    version: str = "HTTP/1.1"
    fields: tuple[str, ...] = ("Host: a",)
    body: bytes = b""
    line_end: str = "\r\n"

    def data(self) -> bytes:
        lines = (f"{self.method} {self.target} {self.version}", *self.fields, "", "")
        return self.line_end.join(lines).encode("latin-1") + self.body


@dataclass(frozen=True)
class Answered:
    """What matters of an answer."""

    status: int
    fields: dict[str, str]
    body: bytes


async def talk(port: int, data: bytes, cuts: Sequence[int] = ()) -> bytes:
    """Send bytes in pieces; returns what came until the server closed the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(ConnectionError):
            for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
                writer.write(data[start:end])
                await writer.drain()
                await asyncio.sleep(0)
        received = bytearray()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(_SECONDS_MAX):
                while more := await reader.read(1 << 20):
                    received += more
        return bytes(received)
    finally:
        writer.transport.abort()


def answers(data: bytes, methods: Sequence[str]) -> list[Answered]:
    """Take answers apart; those beyond `methods` are to requests that nobody meant to send."""
    found = []
    pending = list(methods)
    while data:
        head, end, data = data.partition(b"\r\n\r\n")
        assert end, "an answer is cut off"
        line, *lines = head.decode("latin-1").split("\r\n")
        status = int(line.split(" ")[1])
        fields = {}
        for one in lines:
            name, _, value = one.partition(": ")
            fields[name.lower()] = value
        is_last = status >= 200
        method = pending.pop(0) if is_last and pending else "GET"
        # What cannot be read is refused without regard to its method.
        refused = line.startswith("HTTP/1.0 400")
        bodiless = (method == "HEAD" and not refused) or status in (204, 304)
        length = 0 if bodiless else int(fields.get("content-length", "0"))
        assert len(data) >= length, "a body is cut off"
        body, data = data[:length], data[length:]
        found.append(_answered(status, fields, body))
    return found


def _answered(status: int, fields: dict[str, str], body: bytes) -> Answered:
    kept = {name: value for name, value in fields.items() if name not in _OWN}
    if fields.get("content-length") == "0":
        kept.pop("content-type", None)  # of nothing
    return Answered(status, kept, _REQUEST_ID.sub(b"", body))
