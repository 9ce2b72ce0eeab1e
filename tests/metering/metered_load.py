"""Viewers that watch as fast as they can, for tests that kill this process.

Reads a database URL from its standard input; says `asked SESSION SEQUENCE` for each segment that
the intake gave leave for, and `done SESSION SEQUENCE` once it was delivered, each in one write.
Some take parts of a live instead, and say nothing: what was not saved of theirs is lost.
"""

import asyncio
import itertools
import os
import sys
from contextlib import suppress

from config.clock import SystemClock
from config.ids import new_id
from config.postgres import Database
from metering.errors import Paced
from metering.intake import Intake
from metering.ledger import Transfer, hot_account, treasury_account
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price

SESSIONS = 20
PARTS_ASSET = "ast_parts"
SEGMENT = 2 * UNITS_PER_SECOND
PART = UNITS_PER_SECOND // 5
PRICE = Price("XLM", 5_000_000, 3600)


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def watch(intake: Intake, session_id: str, sequence: int) -> None:
    while True:
        try:
            delivery = await intake.request(
                session_id, sequence, sequence * SEGMENT, (sequence + 1) * SEGMENT
            )
        except Paced:
            continue
        say("asked", session_id, sequence)
        await asyncio.sleep(0)
        intake.finish(delivery, complete=True)
        say("done", session_id, sequence)
        sequence += 1


async def follow(intake: Intake, session_id: str, sequence: int) -> None:
    for part in itertools.count(sequence * SEGMENT // PART):
        lo = part * PART
        with suppress(Paced):
            delivery = await intake.request(session_id, lo // SEGMENT, lo, lo + PART, prompt=True)
            intake.finish(delivery, complete=True)
        await asyncio.sleep(0.001)


async def main() -> None:
    database = await Database.connect(sys.stdin.readline().strip())
    store = PostgresMeterStore(database)
    clock = SystemClock()
    # A thousand times faster than a viewer can watch, so that what limits is the store.
    intake = Intake(store, clock, MeterRules(speed=(1000, 1)))
    await intake.start()
    open_sessions = await store.open_sessions()
    if not open_sessions:
        hot, treasury = hot_account("XLM"), treasury_account("XLM")
        fill = Transfer("fill", hot.id, treasury.id, Stroops(10**12), "XLM", "fill")
        await store.post([hot, treasury], [fill])
        for i in range(SESSIONS):
            # Every two sessions share a wallet.
            viewer = f"acc_{i // 2}"
            await intake.fund(viewer, Stroops(10**9), new_id("fnd", clock.wall_ms()))
            asset = PARTS_ASSET if i % 4 == 3 else "ast_1"
            await intake.open(viewer, asset, f"acc_c{i % 3}", PRICE)
        open_sessions = await store.open_sessions()
    async with asyncio.TaskGroup() as viewers:
        for each in open_sessions:
            state = each.meter_state()
            covered = state.covered if state is not None else []
            sequence = covered[-1][1] // SEGMENT if covered else 0
            play = follow if each.session.asset_id == PARTS_ASSET else watch
            viewers.create_task(play(intake, each.session.id, sequence))


if __name__ == "__main__":
    asyncio.run(main())
