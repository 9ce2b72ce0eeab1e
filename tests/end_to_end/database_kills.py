"""The database of a running server is killed over and over, under a viewer of a live who notices
nothing and pays for exactly what it fetched.

    python -m tests.end_to_end.database_kills --times 20
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import RunningServer, descendants, guest_of, start_server
from tests.end_to_end.viewer import watch
from tests.end_to_end.watched import Watched

_SEGMENTS = 4
# Half of what hls.js gives a request; the server's own patience with the database is a second.
ANSWER_SECONDS_MAX = 5.0


async def run(server: RunningServer, times: int) -> tuple[Watched, int]:
    """Kill it so often; the viewer, and how many seconds it was charged. Fails when it is refused
    anything.
    """
    address = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with guest_of(server) as guest, publishing(address):
        watched = Watched(await watch(guest, "main"))
        await watched.go_on(_SEGMENTS)
        for _ in range(times):
            for process in _postgres(server):
                os.kill(process, signal.SIGKILL)
            await watched.go_on(_SEGMENTS)
        return watched, await watched.billed()


def _postgres(server: RunningServer) -> list[int]:
    """The embedded server's processes, the postmaster first."""
    master = int((server.data / "postgres/data/postmaster.pid").read_text().split()[0])
    return [master, *descendants(master)]


async def run_alone(folder: Path, times: int) -> tuple[Watched, int]:
    """The same with a server of its own."""
    server = await start_server(
        folder / "data", "--media.segment_milliseconds=1000", "--media.part_milliseconds=0"
    )
    try:
        return await run(server, times)
    finally:
        await server.stop()


def main() -> int:
    """Kill as often as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        watched, charged = asyncio.run(run_alone(Path(folder), times))
    slow = [each for each in watched.took if each > ANSWER_SECONDS_MAX]
    wrong = slow or watched.missing or abs(watched.total - charged) >= 1
    sys.stdout.write(
        f"{times} kills of the database: {len(slow)} stalls in {len(watched.took)} requests for "
        f"segments, the longest took {max(watched.took):.2f} s; {watched.missing} missing\n"
        f"{watched.total:.2f} s fetched, {charged} s charged\n"
        f"{'failed' if wrong else 'nobody noticed'}\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
