"""Three times as many viewers come as there is room for: who is in notices nothing, the others
are told when to ask again.

    python -m tests.end_to_end.crowd --seconds 30
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from statistics import quantiles

from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import Client, RunningServer, guest_of, start_server
from tests.end_to_end.small_server import SESSIONS
from tests.end_to_end.viewer import watch
from tests.end_to_end.watched import Watched

TIMES = 3
P99_TIMES_MAX = 1.5


@dataclass
class Crowd:
    """What was found.

    Attributes:
        calm_ms, crowded_ms: how long segments took, before others came and while they did.
        answers: that those got.
        silent: of them, how many did not say when to ask again.
        off: seconds that a viewer was charged beside what it was sent, at most.
    """

    calm_ms: list[float] = field(default_factory=list)
    crowded_ms: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    silent: int = 0
    off: float = 0.0

    @property
    def p99_ms(self) -> tuple[float, float]:
        return _p99(self.calm_ms), _p99(self.crowded_ms)

    @property
    def sound(self) -> bool:
        calm, crowded = self.p99_ms
        shed = set(self.answers) == {HTTPStatus.SERVICE_UNAVAILABLE} and not self.silent
        return shed and crowded <= P99_TIMES_MAX * calm and self.off < 1


def _p99(milliseconds: list[float]) -> float:
    return quantiles(milliseconds, n=100)[98]


async def run(server: RunningServer, seconds: int) -> Crowd:
    """So long without a crowd, and as long with one. Fails when who is in is refused anything."""
    found = Crowd()
    address = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with AsyncExitStack() as stack, publishing(address, keyframes=25):
        guests = [await stack.enter_async_context(guest_of(server)) for _ in range(SESSIONS)]
        inside = [Watched(await watch(guest, "main")) for guest in guests]
        knocking = await stack.enter_async_context(guest_of(server, funded=False))
        await _watch(inside, seconds, found.calm_ms)
        async with _crowd(knocking, (TIMES - 1) * SESSIONS, found):
            await _watch(inside, seconds, found.crowded_ms)
        for each in inside:
            found.off = max(found.off, abs(each.total - await each.billed()))
    return found


async def _watch(inside: list[Watched], seconds: int, took_ms: list[float]) -> None:
    """All of them, who ask one after the other and once a second each."""
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as group:
        for place, each in enumerate(inside):
            first = began + place / len(inside)
            group.create_task(_follow(each, first, began + seconds, took_ms))


async def _follow(watched: Watched, first: float, last: float, took_ms: list[float]) -> None:
    loop, viewer = asyncio.get_running_loop(), watched.viewer
    due = first
    while due < last:
        await asyncio.sleep(max(0, due - loop.time()))
        due += 1
        for address, name, duration in await watched.news():
            asked = time.perf_counter()
            await viewer.body(address)
            took_ms.append((time.perf_counter() - asked) * 1000)
            watched.seconds[name] = duration


@asynccontextmanager
async def _crowd(client: Client, size: int, found: Crowd) -> AsyncIterator[None]:
    """So many who want to come in, and ask again when they were told to, for this block."""

    async def knock(place: int) -> None:
        await asyncio.sleep(2 * place / size)
        while True:
            async with client.http.post(
                "/api/v1/streaming/start", json={"contentId": "main"}
            ) as answer:
                found.answers[answer.status] += 1
                again = answer.headers.get("Retry-After")
            found.silent += again is None
            await asyncio.sleep(int(again or 1))

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(knock(place)) for place in range(size)]
        yield
        for task in tasks:
            task.cancel()


async def run_alone(folder: Path, seconds: int) -> Crowd:
    """The same with a server of its own."""
    server = await start_server(
        folder / "data",
        "--media.segment_milliseconds=1000",
        "--media.part_milliseconds=0",
        module="tests.end_to_end.small_server",
    )
    try:
        return await run(server, seconds)
    finally:
        await server.stop()


def main() -> int:
    """Let them come, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run_alone(Path(folder), seconds))
    calm, crowded = found.p99_ms
    sys.stdout.write(
        f"room for {SESSIONS}, {TIMES * SESSIONS} came: {dict(found.answers)} to the others, "
        f"{found.silent} without Retry-After\n"
        f"p99 of {len(found.calm_ms)} segments {calm:.1f} ms, of {len(found.crowded_ms)} with the "
        f"crowd {crowded:.1f} ms: {crowded / calm:.2f} times\n"
        f"charged at most {found.off:.2f} s beside what was sent\n"
        f"{'sound' if found.sound else 'failed'}\n"
    )
    return 0 if found.sound else 1


if __name__ == "__main__":
    sys.exit(main())
