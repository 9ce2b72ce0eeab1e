"""The wall clock of a running server jumps, under viewers of a live, who notice nothing and pay for
exactly what they fetched. The database's clock goes right meanwhile, as that of another machine.

    python -m tests.end_to_end.clock_jumps --times 3
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path

from config.limits import PLAYBACK_TOKEN_SECONDS
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import Client, guest_of, start_server
from tests.end_to_end.viewer import watch
from tests.end_to_end.watched import Watched
from tests.programs import program

_LIBRARY = Path(__file__).with_name("wrong_clock.c")
_HOUR, _MINUTE = 3_600, 60
# By how many seconds the clock is wrong, one after the other.
JUMPS = (_MINUTE, -_MINUTE, 0, _HOUR, -_HOUR, 0)
_SEGMENTS = 3
assert max(JUMPS) < PLAYBACK_TOKEN_SECONDS


class WrongClock:
    """What time a program believes it is that is started meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._wrong = folder / "wrong"
        self.set(0)
        self._library = folder / "wrong_clock.so"
        subprocess.run(
            [program("gcc"), "-O1", "-shared", "-fPIC", "-o", self._library, _LIBRARY], check=True
        )

    def set(self, seconds: int) -> None:
        """Be wrong by so much from now on."""
        with self._wrong.open("r+b" if self._wrong.exists() else "wb") as wrong:
            wrong.write(seconds.to_bytes(8, sys.byteorder, signed=True))

    @contextmanager
    def believed(self) -> Iterator[None]:
        names = {"LD_PRELOAD": str(self._library), "WRONG_CLOCK": str(self._wrong)}
        os.environ.update(names)
        try:
            yield
        finally:
            for name in names:
                del os.environ[name]


async def run(folder: Path, times: int) -> list[str]:
    """What was found of two viewers, of whom one comes when the clock is wrong. Fails when anybody
    is refused anything.
    """
    clock = WrongClock(folder)
    with clock.believed():
        server = await start_server(folder / "data", "--media.segment_milliseconds=1000")
    address = f"{server.rtmp_url}/{server.announced['stream_key']}"
    try:
        async with guest_of(server) as guest, guest_of(server) as late, publishing(address):
            watching = [Watched(await watch(guest, "main"))]
            await watching[0].go_on(_SEGMENTS)
            for jump in JUMPS * times:
                clock.set(jump)
                assert abs(await _wrong_by(guest) - jump) < _MINUTE // 2
                for each in watching:
                    await each.go_on(_SEGMENTS)
                if len(watching) == 1:
                    watching.append(Watched(await watch(late, "main")))
            return [
                f"{len(each.seconds)} segments of {each.total:.2f} s, "
                f"{await each.billed()} s charged"
                for each in watching
                if abs(each.total - await each.billed()) >= 1
            ]
    finally:
        await server.stop()


async def _wrong_by(client: Client) -> float:
    """What the server believes, in seconds beyond what is right."""
    async with client.http.get("/api/v1/content/main") as answer:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()


def main() -> int:
    """Jump as often as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as folder:
        wrong = asyncio.run(run(Path(folder), times))
    jumps = f"{len(JUMPS) * times} jumps of the wall clock by up to an hour"
    sound = "sessions cut 0, requests refused 0, charged seconds error 0"
    sys.stdout.write("\n".join([*wrong, f"{jumps}: {'failed' if wrong else sound}"]) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
