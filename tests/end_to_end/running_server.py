"""The whole server as a process, and JSON clients of it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

START_SECONDS_MAX = 100
# What stops takes a moment; only what hangs on a busy machine takes this long.
STOP_SECONDS_MAX = 30
COME_BACK_SECONDS_MAX = 60

_CAP_SYS_PTRACE = 19


@dataclass
class RunningServer:
    """One `tollcast up` on free ports, with its data in a directory of its own."""

    process: asyncio.subprocess.Process
    announced: dict[str, Any]
    data: Path

    @property
    def http_url(self) -> str:
        return str(self.announced["http_url"])

    @property
    def rtmp_url(self) -> str:
        return str(self.announced["rtmp_url"])

    @property
    def creator(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.announced['creator_token']}"}

    def descendants(self) -> list[int]:
        return descendants(self.process.pid)

    async def stop(self, by: signal.Signals = signal.SIGINT) -> int:
        """Ctrl-C, or another signal; fails when it hangs or leaves a process behind."""
        children = self.descendants()
        self.process.send_signal(by)
        try:
            async with asyncio.timeout(STOP_SECONDS_MAX):
                code = await self.process.wait()
        finally:
            if self.process.returncode is None:
                self.process.kill()
        # Who outlives it was not waited for, however soon it ends.
        assert [pid for pid in children if _alive(pid)] == []
        return code

    async def kill(self) -> None:
        """`kill -9` of the server alone; its children have to end by themselves."""
        children = self.descendants()
        self.process.kill()
        await self.process.wait()
        async with asyncio.timeout(STOP_SECONDS_MAX):
            while any(_alive(pid) for pid in children):  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def descendants(pid: int) -> list[int]:
    """All processes below this one."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def may_look_into_others() -> bool:
    """Whether this process may read what others have in their memory, though they forbid it: root
    may, but for root in a container that was not given CAP_SYS_PTRACE (capabilities(7)).
    """
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> _CAP_SYS_PTRACE & 1)


def waited_for_a_core(pid: int) -> float:
    """For how many seconds a process was ready to run and others had the cores, in all its threads
    (Documentation/scheduler/sched-stats.rst): what a machine that is busy adds to what it takes.
    """
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text().split()[1]) for each in threads) / 1e9


async def start_server(
    data: Path, *flags: str, demo: str = "off", module: str = "api.cli"
) -> RunningServer:
    """Start the server and return when it has announced itself. `module` runs it."""
    with (data.parent / "server.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            module,
            "up",
            "--json",
            f"--data_directory={data}",
            "--http.port=0",
            "--rtmp.port=0",
            f"--demo={demo}",
            *flags,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={k: v for k, v in os.environ.items() if not k.startswith("TOLLCAST_")},
        )
    assert process.stdout is not None
    async with asyncio.timeout(START_SECONDS_MAX):
        line = await process.stdout.readline()
    if not line:
        text = (data.parent / "server.log").read_text()[-4000:]
        raise AssertionError(f"the server did not start:\n{text}")
    return RunningServer(process, json.loads(line), data)


class Client:
    """A JSON client of one account."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self.http = http
        self.account = ""

    async def get(self, path: str, status: int = 200) -> Any:
        return await self._ask("GET", path, status)

    async def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        return await self._ask("POST", path, status, json=body or {})

    async def _ask(self, method: str, path: str, status: int, **body: Any) -> Any:
        """The answer's document, or its text. Who is told to come back in a moment does so: on a
        machine that is busy the database may take longer than viewers are kept waiting for.
        """
        async with asyncio.timeout(COME_BACK_SECONDS_MAX):
            while True:
                async with self.http.request(method, path, **body) as answer:
                    text = await answer.text()
                    again = answer.headers.get("Retry-After")
                    if (
                        not again
                        or answer.status != HTTPStatus.SERVICE_UNAVAILABLE
                        or (status == answer.status)
                    ):
                        assert answer.status == status, f"{path}: {answer.status} {text[:300]}"
                        return json.loads(text) if text.startswith("{") else text
                await asyncio.sleep(int(again))


@contextlib.asynccontextmanager
async def client_of(server: RunningServer, **headers: str) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(server.http_url, headers=headers) as http:
        yield Client(http)


@contextlib.asynccontextmanager
async def guest_of(server: RunningServer, *, funded: bool = True) -> AsyncIterator[Client]:
    """A new guest, with play money unless told otherwise."""
    async with client_of(server) as client:
        guest = await client.post("/api/v1/guests", status=201)
        client.http.headers["Authorization"] = f"Bearer {guest['token']}"
        client.account = guest["accountId"]
        if funded:
            await client.post("/api/v1/sandbox/fund")
        yield client


async def eventually[T](probe: Callable[[], Awaitable[T | None]], seconds: float, what: str) -> T:
    """Ask again and again until the answer is not None; another process gives us no event."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = await probe()
                if answer is not None:
                    return answer
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what}") from None


async def settled(creator: Client) -> dict[str, Any] | None:
    """The creator's earnings, once all of them were paid out and nobody watches any more."""
    earnings: dict[str, Any] = await creator.get("/api/v1/earnings")
    still_open = (earnings["pending"], earnings["inFlight"])
    done = still_open == ("0.0000000", "0.0000000") and earnings["viewers"] == 0
    return earnings if done and earnings["settled"] != "0.0000000" else None
