"""Three times as many viewers come as there is room for: who is in notices nothing, the others
are told when to ask again.

    python -m tests.end_to_end.crowd --rounds 8
"""

import argparse
import asyncio
import sys
import tempfile
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
_SETTLING_SECONDS = 10
_ROUND_SECONDS = 6


@dataclass
class Crowd:
    """What was found.

    Attributes:
        calm, crowded: how many seconds segments took, before others came and while they did.
        answers: that those got.
        silent: of them, how many did not say when to ask again.
        off: seconds that a viewer was charged beside what it was sent, at most.
    """

    calm: list[float] = field(default_factory=list)
    crowded: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    silent: int = 0
    off: float = 0.0

    @property
    def p99_ms(self) -> tuple[float, float]:
        return _p99_ms(self.calm), _p99_ms(self.crowded)

    @property
    def sound(self) -> bool:
        calm, crowded = self.p99_ms
        shed = set(self.answers) == {HTTPStatus.SERVICE_UNAVAILABLE} and not self.silent
        return shed and crowded <= P99_TIMES_MAX * calm and self.off < 1


def _p99_ms(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98] * 1000


async def run(server: RunningServer, rounds: int) -> Crowd:
    """Some seconds without a crowd and as many with one, in turns: what else the machine does is in
    both. Fails when who is in is refused anything.
    """
    found = Crowd()
    address = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with AsyncExitStack() as stack, publishing(address, keyframes=25):
        guests = [await stack.enter_async_context(guest_of(server)) for _ in range(SESSIONS)]
        inside = [Watched(await watch(guest, "main")) for guest in guests]
        knocking = await stack.enter_async_context(guest_of(server, funded=False))
        # Those who came first have some to catch up on.
        await _watch(inside, _SETTLING_SECONDS)
        for _ in range(rounds):
            found.calm += await _watch(inside, _ROUND_SECONDS)
            async with _crowd(knocking, (TIMES - 1) * SESSIONS, found):
                found.crowded += await _watch(inside, _ROUND_SECONDS)
        for each in inside:
            found.off = max(found.off, abs(each.total - await each.billed()))
    return found


async def _watch(inside: list[Watched], seconds: int) -> list[float]:
    """All of them, who ask one after the other and once a second each; how long segments took."""
    began = asyncio.get_running_loop().time()
    for each in inside:
        each.took.clear()
    async with asyncio.TaskGroup() as group:
        for place, each in enumerate(inside):
            first = began + place / len(inside)
            group.create_task(_follow(each, first, began + seconds))
    return [took for each in inside for took in each.took]


async def _follow(watched: Watched, first: float, last: float) -> None:
    loop = asyncio.get_running_loop()
    due = first
    while due < last:
        await asyncio.sleep(max(0, due - loop.time()))
        due += 1
        for each in await watched.news():
            await watched.fetch(*each)


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


async def run_alone(folder: Path, rounds: int) -> Crowd:
    """The same with a server of its own."""
    server = await start_server(
        folder / "data",
        "--media.segment_milliseconds=1000",
        "--media.part_milliseconds=0",
        module="tests.end_to_end.small_server",
    )
    try:
        return await run(server, rounds)
    finally:
        await server.stop()


def main() -> int:
    """Let them come, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(run_alone(Path(folder), rounds))
    calm, crowded = found.p99_ms
    sys.stdout.write(
        f"room for {SESSIONS}, {TIMES * SESSIONS} came: {dict(found.answers)} to the others, "
        f"{found.silent} without Retry-After\n"
        f"p99 of {len(found.calm)} segments {calm:.1f} ms, of {len(found.crowded)} with the "
        f"crowd {crowded:.1f} ms: {crowded / calm:.2f} times\n"
        f"charged at most {found.off:.2f} s beside what was sent\n"
        f"{'sound' if found.sound else 'failed'}\n"
    )
    return 0 if found.sound else 1


if __name__ == "__main__":
    sys.exit(main())
