"""A disk that fails under the database, again and again: it is full, or it loses what was written
and says so when that is synced. Nothing that a viewer was told is saved may be missing afterwards.

    python -m tests.metering.disk_failures --times 20
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from config.postgres import UNAVAILABLE, Database
from config.tasks import cancel, spawn
from metering.errors import MeterUnavailable
from metering.money import Stroops
from metering.outage import OutageRules
from tests.config.failing_disk import FailingDisk
from tests.metering.audience import Audience, metered

# Nothing is lent: whatever is answered has been saved.
_NO_CREDIT = OutageRules(seconds=0)
_GIFT = Stroops(1)
_AGAIN_SECONDS = 0.02
_SECONDS_MAX = 60
_TURNS = 5
# The server's own words: of its log, and of its end.
_NO_ROOM = "PANIC:  could not write to file"
_ENDED = "database system is shut down"
_NEXT_SEGMENT = "SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal()"
_MISSING = """
SELECT count(*) FROM unnest($1::text[], $2::bigint[]) AS told (session_id, sequence)
WHERE NOT EXISTS (
    SELECT FROM delivery WHERE (session_id, sequence) = (told.session_id, told.sequence)
)
"""


@dataclass
class Failures:
    """What was found.

    Attributes:
        full, lost: how often the disk was full, and lost what was written.
        told: segments and payments that were answered as saved.
        refused: times that somebody was told to come back.
        missing: of what was told, how much was not there afterwards.
    """

    full: int = 0
    lost: int = 0
    told: int = 0
    refused: int = 0
    missing: int = 0


class Load:
    """Viewers who watch and pay in all the time, and note what they were told."""

    def __init__(self, audience: Audience, database: Database, found: Failures) -> None:
        self.audience = audience
        self.database = database
        self.found = found
        self.turns = 0
        self.gifts = 0
        self._task = spawn(self._run(), name="load")

    async def stop(self) -> None:
        await cancel(self._task)

    async def until(self, probe: Callable[[], bool], what: str) -> None:
        """Ask again and again while everybody watches; another process gives us no event."""
        try:
            async with asyncio.timeout(_SECONDS_MAX):
                while not probe():
                    if self._task.done():
                        await self._task
                    await asyncio.sleep(_AGAIN_SECONDS)
        except TimeoutError:
            raise AssertionError(f"not within {_SECONDS_MAX} s: {what}") from None

    async def go_on(self) -> None:
        """Everybody is served some times more."""
        wanted = self.turns + _TURNS
        await self.until(lambda: self.turns >= wanted, "everybody is served")

    async def _run(self) -> None:
        while True:
            try:
                await self.audience.watch(1)
                await self.audience.intake.fund("v0", _GIFT, f"present {self.gifts}")
                self.gifts += 1
            except MeterUnavailable:
                self.found.refused += 1
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self.turns += 1

    async def check(self) -> None:
        """All that was told is there."""
        told = [(name, i) for name, sent in self.audience.sent.items() for i in range(sent)]
        names, sequences = zip(*told, strict=True)
        self.found.missing += await self.database.fetchval(_MISSING, names, sequences)
        gifts = "SELECT count(*) FROM ledger_transfer WHERE amount = $1 AND cause = 'fund'"
        self.found.missing += self.gifts - await self.database.fetchval(gifts, _GIFT)
        self.found.told = len(told) + self.gifts


async def run(disk: FailingDisk, times: int) -> Failures:
    """Let it fail so often in each way. Fails when it is not noticed, when anybody is not served
    again afterwards, or when the books are not sound in the end.
    """
    found = Failures()
    url = await disk.server.start()
    keeping = spawn(disk.server.keep_running(), name="keep postgres running")
    superuser = await Database.connect(disk.server.url("postgres"), pool_size=1)
    database = await Database.connect(url, pool_size=1)
    try:
        async with metered(url, outage=_NO_CREDIT) as audience:
            load = Load(audience, database, found)
            for _ in range(times):
                await load.go_on()
                await _fill(load, disk, superuser)
                await load.go_on()
                await _lose_writes(load, disk)
            await load.go_on()
            await load.stop()
            await load.check()
            await audience.pay(given=load.gifts * _GIFT)
    finally:
        await cancel(keeping)
        await superuser.close()
        await database.close()
    return found


async def _fill(load: Load, disk: FailingDisk, superuser: Database) -> None:
    """Neither tables nor the log can grow; the server ends, and does not start."""
    refused, ended = load.found.refused, disk.said(_NO_ROOM)
    with disk.fails("full"):
        await load.until(lambda: load.found.refused > refused, "somebody is refused")
        # Segments of the log that were there already are used up first.
        async with asyncio.timeout(_SECONDS_MAX):
            while disk.said(_NO_ROOM) == ended:
                with suppress(*UNAVAILABLE):
                    await superuser.execute(_NEXT_SEGMENT)
                await asyncio.sleep(_AGAIN_SECONDS)
    load.found.full += 1


async def _lose_writes(load: Load, disk: FailingDisk) -> None:
    """Until the server has ended: whoever still ran would have what it wrote lost."""
    ended = disk.said(_ENDED)
    with disk.fails("sync"):
        await load.until(lambda: disk.said(_ENDED) > ended, "a sync has failed")
    load.found.lost += 1


async def run_alone(times: int) -> Failures:
    """The same in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        disk = FailingDisk(Path(folder))
        try:
            return await run(disk, times)
        finally:
            await disk.server.stop()


def main() -> int:
    """Fail as often as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    found = asyncio.run(run_alone(times))
    sys.stdout.write(
        f"the disk was full {found.full} times and lost what was written {found.lost} times: "
        f"{found.refused} refusals\n"
        f"of {found.told} segments and payments that were answered as saved {found.missing} are "
        f"missing; everybody paid exactly\n"
        f"{'failed' if found.missing else 'the books are sound'}\n"
    )
    return 1 if found.missing else 0


if __name__ == "__main__":
    sys.exit(main())
