"""An RTMP server in a process of its own, so that its memory can be looked at.

As a program: prints its port, then a line for each publication that has ended.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import uvloop

from config import logs
from config.clock import SystemClock
from config.tasks import spawn
from ingest.admission import Admitted, PublishRequest
from ingest.rtmp_server import Listener, RtmpLimits, RtmpServer
from media.hub import Hub, PacketReceived, Reader, Stream
from media.terms import Terms

_LIMITS = RtmpLimits(connections=5_000, per_address=5_000, idle=5_000)


@dataclass(frozen=True)
class SeparateServer:
    """`process` runs it."""

    process: asyncio.subprocess.Process
    port: int

    async def publication(self) -> int:
        """Packets of the next publication that has ended."""
        assert self.process.stdout is not None
        return int(json.loads(await self.process.stdout.readline())["packets"])

    def resident_bytes(self, what: str = "VmRSS") -> int:
        """Memory now, or with `VmHWM` at its peak since `forget_peak`."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith(f"{what}:"))
        return int(line.split()[1]) * 1024

    def forget_peak(self) -> None:
        """From now on the peak is measured (proc(5), clear_refs)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


@contextlib.asynccontextmanager
async def separate_server() -> AsyncIterator[SeparateServer]:
    """Runs for this block, with room for thousands of connections from one address."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __name__),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            port = int(await process.stdout.readline())
        yield SeparateServer(process, port)
    finally:
        process.kill()
        await process.communicate()


class _Everyone:
    async def admit(self, request: PublishRequest) -> Admitted:
        return Admitted(request.stream_name, Terms(window_ms=0))


async def _count(reader: Reader) -> None:
    packets = 0
    async for event in reader:
        packets += isinstance(event, PacketReceived)
    _say(json.dumps({"packets": packets}))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _serve() -> None:
    clock, counting = SystemClock(), set[asyncio.Task[None]]()

    def published(stream: Stream) -> None:
        counting.add(spawn(_count(stream.read()), name="count"))

    hub = Hub(published, clock)
    server = RtmpServer([Listener("127.0.0.1", 0)], _Everyone(), hub, clock, "", _LIMITS)
    await server.start()
    _say(str(server.ports[0]))
    await asyncio.Event().wait()


if __name__ == "__main__":
    logs.set_up("error")
    uvloop.run(_serve())
