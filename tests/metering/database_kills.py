"""A database that is killed over and over: who was let in notices nothing within the credit, and
pays for exactly what was sent, unless the process that meters it dies meanwhile.

    python -m tests.metering.database_kills --times 20
"""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from config.embedded_postgres import EmbeddedPostgres
from metering.errors import MeterUnavailable
from tests.metering.audience import CREDIT, PRICE, SEGMENT_MS, Audience, family, metered, postmaster

# With each kill of this number the process dies too, after it has lent all that it may.
_DEATH_EVERY = 5
# What a death may cost: the credit, and the segment whose arrival was not saved yet when the
# database went, which every death of a process costs.
UNPAID_SECONDS_MAX = CREDIT.seconds + SEGMENT_MS // 1000


@dataclass
class Kills:
    """What was found.

    Attributes:
        sent: segments that viewers were sent while the database was away.
        stalls: segments that they were refused within the credit.
        let_in: sessions that were opened meanwhile, which nobody may be.
        unpaid: seconds that a viewer was sent and did not pay for, for each death of the process.
    """

    kills: int = 0
    sent: int = 0
    stalls: int = 0
    let_in: int = 0
    unpaid: list[int] = field(default_factory=list)


async def run(server: EmbeddedPostgres, times: int) -> Kills:
    """Kill it so often. Fails when somebody pays for what was not sent, or does not for what was
    (but for what is told), or when the books are not sound.
    """
    found = Kills()
    async with metered(await server.start()) as audience:
        for kill in range(1, times + 1):
            await audience.watch(2)
            for process in family(postmaster(server)):
                os.kill(process, signal.SIGKILL)
            await server.stop()
            found.kills += 1
            await _watch_on_credit(audience, found)
            if kill % _DEATH_EVERY:
                await server.start()
                await audience.intake.sweep()
                await audience.watch(2)
                await audience.pay()
            else:
                await _spend_the_credit(audience)
                await audience.intake.stop()
                await server.start()
                found.unpaid += (await audience.begin_again()).values()
            await audience.come()
    return found


async def _watch_on_credit(audience: Audience, found: Kills) -> None:
    for _ in range(CREDIT.seconds // 2 - 1):
        for session_id in audience.sent:
            try:
                await audience.next(session_id)
            except MeterUnavailable:
                found.stalls += 1
            else:
                found.sent += 1
        audience.clock.advance(SEGMENT_MS)
    try:
        await audience.intake.open("v0", "ast", "creator", PRICE)
    except MeterUnavailable:
        return
    found.let_in += 1


async def _spend_the_credit(audience: Audience) -> None:
    """Go on until everybody has to wait."""
    waiting: set[str] = set()
    while len(waiting) < len(audience.sent):
        for session_id in audience.sent.keys() - waiting:
            try:
                await audience.next(session_id)
            except MeterUnavailable:
                waiting.add(session_id)
        audience.clock.advance(SEGMENT_MS)


async def run_alone(times: int) -> Kills:
    """The same on a server of its own, which syncs as one in use does."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            return await run(server, times)
        finally:
            await server.stop()


def main() -> int:
    """Kill as often as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    found = asyncio.run(run_alone(times))
    unpaid = max(found.unpaid, default=0)
    wrong = found.stalls or found.let_in or unpaid > UNPAID_SECONDS_MAX
    sys.stdout.write(
        f"{found.kills} kills of the database: {found.stalls} stalls in {found.sent} segments "
        f"within the credit of {CREDIT.seconds} s, {found.let_in} let in meanwhile\n"
        f"all paid exactly, but for {len(found.unpaid)} viewers whose process died as well: "
        f"at most {unpaid} of {UNPAID_SECONDS_MAX} s unpaid\n"
        f"{'failed' if wrong else 'the books are sound'}\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
