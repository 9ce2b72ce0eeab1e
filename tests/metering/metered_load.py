"""Viewers that watch as fast as they can, in processes that tests kill and freeze.

Reads one line of JSON for each process to start: the database's URL, which server it is, and the
terms of its lease. Each is forked from this one, which has imported everything, and so runs within
some milliseconds. What they say goes to standard output, each line in one write:

    ready                        everything is imported
    began PROCESS                a process was forked
    asked SESSION SEQUENCE       the intake gave leave for a segment
    lost SESSION                 another process meters the session
    ended PROCESS                a process has ended, and said all that it ever will

Some viewers take parts of a live instead, and say nothing: what was not saved is theirs.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from config.clock import SystemClock
from config.ids import new_id
from config.postgres import Database
from metering.errors import MeteredElsewhere, MeterUnavailable, Paced
from metering.intake import Intake
from metering.leases.lease import LeaseTerms, Server
from metering.ledger.ledger import Transfer, hot_account, treasury_account
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.session import SavedSession
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price

SESSIONS = 20
PARTS_ASSET = "ast_parts"
SEGMENT = 2 * UNITS_PER_SECOND
PART = UNITS_PER_SECOND // 5
PRICE = Price("XLM", 5_000_000, 3600)

# How soon a viewer asks again who was told to.
_AGAIN_SECONDS = 0.02


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def after(saved: SavedSession) -> int:
    """The segment after those that a session was promised."""
    state = saved.meter_state()
    return state.covered[-1][1] // SEGMENT if state is not None and state.covered else 0


class Audience:
    """The viewers of all open sessions, wherever those are metered."""

    def __init__(self, intake: Intake, store: PostgresMeterStore) -> None:
        self.intake = intake
        self.store = store

    async def watch(self, saved: SavedSession) -> None:
        session_id, sequence = saved.session.id, after(saved)
        while True:
            lo = sequence * SEGMENT
            try:
                delivery = await self.intake.request(session_id, sequence, lo, lo + SEGMENT)
            except Paced:
                continue
            except MeterUnavailable:
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            except MeteredElsewhere:
                say("lost", session_id)
                sequence = await self.found(session_id)
                continue
            say("asked", session_id, sequence)
            await asyncio.sleep(0)
            self.intake.finish(delivery, complete=True)
            sequence += 1

    async def found(self, session_id: str) -> int:
        """Where to go on, when the session is ours again."""
        while True:
            await asyncio.sleep(_AGAIN_SECONDS)
            with suppress(MeterUnavailable):
                saved = await self.store.session(session_id)
                assert saved is not None
                with suppress(MeteredElsewhere):
                    await self.intake.request(session_id, 0, 0, 1)
                    return after(saved)

    async def follow(self, saved: SavedSession) -> None:
        session_id = saved.session.id
        for part in itertools.count(after(saved) * SEGMENT // PART):
            lo = part * PART
            with suppress(Paced, MeterUnavailable, MeteredElsewhere):
                delivery = await self.intake.request(
                    session_id, lo // SEGMENT, lo, lo + PART, prompt=True
                )
                self.intake.finish(delivery, complete=True)
            await asyncio.sleep(0.001)


async def open_sessions(intake: Intake, store: PostgresMeterStore) -> list[SavedSession]:
    """Of everybody; the first process makes them."""
    found = await store.open_sessions()
    if found:
        return found
    hot, treasury = hot_account("XLM"), treasury_account("XLM")
    fill = Transfer("fill", hot.id, treasury.id, Stroops(10**12), "XLM", "fill")
    await store.post([hot, treasury], [fill])
    for i in range(SESSIONS):
        # Every two sessions share a wallet.
        viewer = f"acc_{i // 2}"
        await intake.fund(viewer, Stroops(10**9), new_id("fnd", SystemClock().wall_ms()))
        asset = PARTS_ASSET if i % 4 == 3 else "ast_1"
        await intake.open(viewer, asset, f"acc_c{i % 3}", PRICE)
    return await store.open_sessions()


async def run(order: dict[str, Any]) -> None:
    database = await Database.connect(order["url"], pool_size=2)
    store = PostgresMeterStore(database)
    # A thousand times faster than a viewer can watch, so that what limits is the store.
    intake = Intake(
        store,
        SystemClock(),
        MeterRules(speed=(1000, 1)),
        server=Server(order["server"]),
        lease=LeaseTerms(*order["lease"]),
    )
    await intake.start()
    audience = Audience(intake, store)
    async with asyncio.TaskGroup() as viewers:
        for saved in await open_sessions(intake, store):
            is_live = saved.session.asset_id == PARTS_ASSET
            viewers.create_task((audience.follow if is_live else audience.watch)(saved))


def begin(order: dict[str, Any]) -> None:
    process = os.fork()
    if process == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            asyncio.run(run(order))
        finally:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    say("began", process)


def reap(*_: object) -> None:
    with suppress(ChildProcessError):
        while (process := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            say("ended", process)


def main() -> None:
    signal.signal(signal.SIGCHLD, reap)
    say("ready")
    for line in sys.stdin:
        begin(json.loads(line))


if __name__ == "__main__":
    main()
