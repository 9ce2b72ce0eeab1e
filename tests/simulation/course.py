"""The course of one history: faults for some tens of seconds, and then none any more.

Within minutes after them all must come to rest, with everybody having exactly what is theirs.
"""

import asyncio
import json
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from config.tasks import happens
from metering.errors import MeteredElsewhere, MeterUnavailable
from tests.simulation.at_once import at_once
from tests.simulation.line import UNDER_WAY_S
from tests.simulation.loop import ACTOR
from tests.simulation.ports import CHANNELS, HOT
from tests.simulation.process import HOST, Gone, Process
from tests.simulation.weather import CALM, Weather
from tests.simulation.world import HOUR_MS, World

# Viewers finish what they do, a lost envelope expires (2 min) and is paid anew.
REST_S_MAX = 600


class Course:
    """Lets a world go its way."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.history = world.history

    async def run(self) -> None:
        """The whole history. Raises Violation."""
        self._tell_conditions()
        background = [
            self._start("nature", self._nature()),
            *(self._start(f"keeper {i}", self._keep(i)) for i in range(len(self.world.processes))),
        ]
        viewers = [self._start(each.name, each.live()) for each in self.world.viewers]
        await asyncio.wait(viewers, timeout=self.world.chance.randrange(20, 60))
        self.world.heal()
        healed_ms = self.world.now_ms()
        try:
            async with asyncio.timeout(REST_S_MAX):
                await asyncio.gather(*viewers)
                await self.world.quiet()
                await self._rest(background)
        except TimeoutError:
            raise self.history.fail(f"no rest within {REST_S_MAX} s after the faults") from None
        self.world.note(
            "world", "at rest", f"{(self.world.now_ms() - healed_ms) / 1000:.1f} s after the faults"
        )
        held = {address: self.world.network.balance(address) for address in CHANNELS}
        on_chain = self.world.network.balance(HOT)
        self.world.truth.check_end(self.world.addresses, on_chain, held)

    def _tell_conditions(self) -> None:
        faults = {
            name: getattr(self.world.weather, name)
            for name in Weather.__slots__
            if getattr(self.world.weather, name) != getattr(CALM, name)
        }
        self.world.note(
            "world", "weather", ", ".join(f"{k} {v}" for k, v in faults.items()) or "calm"
        )
        self.world.note("world", "offer", json.dumps(self.world.conditions.offer.to_document()))
        for viewer in self.world.viewers:
            self.world.note(viewer.name, "is", viewer.kind)

    def _start(self, actor: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        token = ACTOR.set(actor)
        try:
            task = self.world.loop.create_task(work)
        finally:
            ACTOR.reset(token)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.history.fail(f"{type(error).__name__}: {error}")

    async def _keep(self, slot: int) -> None:
        """Start a process, and another when it died: or before, by mistake."""
        for life in range(1, 1_000):
            process = Process(self.world, f"process {slot}.{life}", f"server {slot}")
            try:
                await process.start()
            except (MeterUnavailable, Gone):
                if not process.dead:
                    process.die("at its start")
                await asyncio.sleep(1)
                continue
            self.world.processes[slot] = process
            if await happens(process.died, self._patience_s()):
                self.world.processes[slot] = None
                await asyncio.sleep(self.world.chance.randrange(100, 4_000) / 1000)
            else:
                self.history.counts["server: started twice"] += 1
                self._forget(process)

    def _forget(self, process: Process) -> None:
        """It runs on for a while, and is still found by some."""
        self.world.forgotten.append(process)

        def end() -> None:
            self.world.forgotten.remove(process)
            if not process.dead:
                process.die("as it was forgotten")

        self.world.loop.call_later(self.world.chance.randrange(2, 12), end)

    def _patience_s(self) -> float:
        """For how long a process is left alone before its server is started once more."""
        if self.world.chance.random() < 30 * self.world.weather.twins:
            return self.world.chance.randrange(30)
        return 10_000

    async def _nature(self) -> None:
        """Outages of the database, jumps of the clock, withdrawals and accounts that close."""
        while True:
            await asyncio.sleep(1)
            chance, weather = self.world.chance, self.world.weather
            if chance.random() < weather.outage:
                self.world.lose_database(chance.randrange(1_000, 15_000))
            if chance.random() < weather.jumps:
                self.world.jump(chance.randrange(-HOUR_MS, HOUR_MS))
            if chance.random() < weather.prices:
                await self.world.reprice()
                weather = self.world.weather  # the faults may have ended meanwhile
            if weather.withdrawals and chance.random() < 0.2:
                self.world.withdraw(chance.choice(self.world.viewers).id)
            if weather.closing_accounts and chance.random() < 0.05:
                self.world.network.reopen_accounts()
                self.world.network.close_account("G0")
                self.world.note("creator 0", "closes the account")

    # --- coming to rest ---------------------------------------------------------------------------

    async def _rest(self, background: list[asyncio.Task[None]]) -> None:
        """One process ends all that is open, and settles until nothing is left to pay."""
        for task in background:
            task.cancel()
        await asyncio.wait(background)
        for process in [*self.world.processes, *self.world.forgotten]:
            with suppress(Gone):
                if process is not None:
                    await process.stop()
        # Statements that somebody sent before the end of the faults may still be under way.
        await asyncio.sleep(UNDER_WAY_S)
        last = Process(self.world, "process at last", HOST)
        self.world.processes = [last]
        await last.start()
        for session_id in self.world.truth.sessions:
            await self._end(last, session_id)
        await last.run(last.intake.stop)
        while not self._is_settled():  # noqa: ASYNC110  # time costs nothing here
            await asyncio.sleep(1)
        await last.stop()

    async def _end(self, process: Process, session_id: str) -> None:
        """End a session that nobody ended, as soon as it is this process's."""
        while True:
            try:
                summary = await process.run(lambda: process.intake.close(session_id))
            except (MeterUnavailable, MeteredElsewhere):
                await asyncio.sleep(1)
            else:
                self.world.truth.closed(session_id, summary.ticks, summary.amount)
                return

    def _is_settled(self) -> bool:
        balances = at_once(self.world.store.ledger.balances("creator:"))
        busy = at_once(self.world.outbox.unfinished())
        return not busy and not any(balances.values())
