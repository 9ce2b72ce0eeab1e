"""The disk of a running server is full, for recordings and then for its database too: viewers of a
live go on, uploads are refused, and when there is room again everybody has paid exactly.

    python -m tests.end_to_end.full_disk --times 3

As root: the disk is a file system of its own, in memory.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config.embedded_postgres import url_of_running
from config.postgres import UNAVAILABLE, Database
from metering.ledger.ledger_postgres import PostgresLedger
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import RunningServer, client_of, guest_of, start_server
from tests.end_to_end.viewer import watch
from tests.end_to_end.watched import Watched

# Less than recordings leave to the database.
_MEBIBYTES = 256
_SEGMENTS = 4
_SECONDS_MAX = 60
_NEXT_SEGMENT = "SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()"
_NO_ROOM = "No space left on device"


@contextmanager
def disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """A small one in that folder."""
    size = f"size={mebibytes}m,mode=755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


async def run(server: RunningServer, times: int) -> str:
    """What was found. Fails when a viewer is refused anything or does not pay exactly, or when the
    books are not sound.
    """
    address = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with guest_of(server) as guest, client_of(server, **server.creator) as creator:
        async with publishing(address):
            watched = Watched(await watch(guest, "main"))
            await watched.go_on(_SEGMENTS)
            async with creator.http.post(
                "/api/v1/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "1000"}
            ) as answer:
                refused = answer.status
            async with creator.http.get("/ready") as answer:
                told = [each for each in (await answer.text()).split('"') if "MiB are left" in each]
            for _ in range(times):
                await _full(server, watched)
                await watched.go_on(_SEGMENTS)
            charged = await watched.billed()
        assert abs(watched.total - charged) < 1, f"{charged} s charged of {watched.total:.2f}"
    await _check_books(server)
    assert server.process.returncode is None
    return (
        f"{times} times no room for the database: the process is alive, {watched.missing} of "
        f"{len(watched.seconds)} segments missing, requests refused 0\n"
        f"uploads are answered {refused}, /ready says {told}\n"
        f"{watched.total:.2f} s fetched, {charged} s charged: ledger errors 0"
    )


async def _full(server: RunningServer, watched: Watched) -> None:
    """The viewer goes on while nothing can be written."""
    log = server.data / "postgres" / "server.log"
    said = log.read_text().count(_NO_ROOM)
    filler = server.data.parent / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    async with asyncio.timeout(_SECONDS_MAX):
        while log.read_text().count(_NO_ROOM) == said:
            with suppress(*UNAVAILABLE):
                await _ask(server, _NEXT_SEGMENT)
            await asyncio.sleep(0.05)
    await watched.go_on(_SEGMENTS)
    filler.unlink()


async def _ask(server: RunningServer, query: str) -> None:
    url = url_of_running(server.data / "postgres", "postgres")
    assert url is not None
    database = await Database.connect(url, pool_size=1)
    try:
        await database.execute(query)
    finally:
        await database.close()


async def _check_books(server: RunningServer) -> None:
    url = url_of_running(server.data / "postgres")
    assert url is not None
    database = await Database.connect(url, pool_size=1)
    try:
        assert (await PostgresLedger(database).check()).sound
    finally:
        await database.close()


async def run_alone(folder: Path, times: int) -> str:
    """The same with a server of its own."""
    with disk(folder, _MEBIBYTES):
        server = await start_server(folder / "data", "--media.segment_milliseconds=1000")
        try:
            return await run(server, times)
        finally:
            await server.stop()


def main() -> int:
    """Fill the disk as often as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(asyncio.run(run_alone(Path(folder), times)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
