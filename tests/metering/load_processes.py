"""Processes of `metered_load`, as a test sees them."""

import asyncio
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from metering.leases.lease import LeaseTerms

_LOAD = Path(__file__).with_name("metered_load.py")
_SECONDS_MAX = 30
_LEASE = LeaseTerms()

# Sequences that viewers of each session were given leave for.
Promises = dict[str, set[int]]


class LoadProcesses:
    """Starts and kills them, and listens to all that they say.

    Attributes:
        acknowledged: by any process.
        fresh: since the last one was started.
        lost: the sessions that were said to be metered elsewhere, since it was cleared.
    """

    def __init__(self, parent: asyncio.subprocess.Process) -> None:
        self._parent = parent
        self.acknowledged: Promises = defaultdict(set)
        self.fresh: Promises = defaultdict(set)
        self.lost: set[str] = set()
        self.alive: set[int] = set()

    async def start(self, url: str, server: str = "one", lease: LeaseTerms = _LEASE) -> int:
        """Begin another process; its id."""
        terms = [lease.duration_ms, lease.renew_ms, lease.margin_ms, lease.patience_ms]
        assert self._parent.stdin is not None
        order = json.dumps({"url": url, "server": server, "lease": terms})
        self._parent.stdin.write(f"{order}\n".encode())
        return int((await self.heard("began"))[0])

    async def heard(self, word: str) -> list[str]:
        """Listen until somebody says `word`; what follows it."""
        assert self._parent.stdout is not None
        async with asyncio.timeout(_SECONDS_MAX):
            while True:
                what, *rest = (await self._parent.stdout.readline()).decode().split()
                self._note(what, rest)
                if what == word:
                    return rest

    async def kill(self, process: int) -> None:
        """End it as a crash would; returns when all that it had said was heard."""
        os.kill(process, signal.SIGKILL)
        while process in self.alive:
            await self.heard("ended")

    def _note(self, what: str, rest: list[str]) -> None:
        match what, rest:
            case "began", [process]:
                self.alive.add(int(process))
                self.fresh.clear()
            case "ended", [process]:
                self.alive.discard(int(process))
            case "asked", [session_id, sequence]:
                self.acknowledged[session_id].add(int(sequence))
                self.fresh[session_id].add(int(sequence))
            case "lost", [session_id]:
                self.lost.add(session_id)
            case _:
                pass  # `ready` needs no note


@asynccontextmanager
async def load_processes() -> AsyncIterator[LoadProcesses]:
    """What they are forked from; whatever still runs at the end is killed."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable, str(_LOAD), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    processes = LoadProcesses(parent)
    try:
        await processes.heard("ready")
        yield processes
    finally:
        for process in processes.alive:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        parent.kill()
        # Not `wait`, which would leave the pipes to the garbage collector.
        await parent.communicate()
