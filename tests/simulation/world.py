"""One simulated history from its seed: the real meter and settlement in a world that fails.

For some tens of seconds everything may go wrong. Then nothing does any more, and within minutes
all must come to rest, with everybody having exactly what is theirs.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

from config.ids import new_id
from config.tasks import happens
from metering.errors import MeteredElsewhere, MeterUnavailable
from metering.lease import LeaseTerms
from metering.ledger import Transfer, treasury_account
from metering.money import Stroops
from metering.offer import Offer
from metering.outage import OutageRules
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.settlement.outbox_memory import MemoryOutbox
from metering.store import MemoryMeterStore
from metering.tariff import Price, RungPrice, Tariff
from tests.simulation.at_once import at_once
from tests.simulation.history import Event, History
from tests.simulation.line import UNDER_WAY_S
from tests.simulation.loop import ACTOR, VirtualLoop
from tests.simulation.network import GIFT, Network, Transaction
from tests.simulation.ports import HOT
from tests.simulation.process import HOST, Gone, Process
from tests.simulation.truth import Truth, wallet
from tests.simulation.viewers import Viewer, unheard
from tests.simulation.weather import CALM, Fate, Weather, forecast

KINDS = (
    "plain",
    "seeking",
    "pausing",
    "prefetching",
    "switching",
    "parts",
    "sharing",
    "fetch and run",
)

# So short that leases run out and are taken over within a history.
_SHORT_LEASE = LeaseTerms(duration_ms=6_000, renew_ms=1_500, margin_ms=1_500, patience_ms=3_000)
_START_WALL_MS = 1_700_000_000_000
_HOUR_MS = 3_600_000
# Prices from nothing over parts of a stroop to a lot.
_PRICES = ((0, 1), (1, 60), (7, 1), (333, 1), (1_000, 3), (5_000_000, 3_600), (2_000_000, 1))
_RUNGS = (
    RungPrice(720, Price("XLM", 100, 1)),
    RungPrice(1080, Price("XLM", 1_000, 7)),
)
# After the faults: viewers finish what they do, a lost envelope expires (2 min) and is paid anew.
REST_S_MAX = 600


def draw_offer(chance: Random) -> Offer:
    """What the viewers are asked for: mostly a price for time and nothing else."""
    price = Price("XLM", *chance.choice(_PRICES))
    if chance.random() < 0.6:
        return Offer(Tariff(price))
    tariff = Tariff(
        price,
        view_stroops=chance.choice((0, 0, 500)),
        free_seconds=chance.choice((0, 0, 5)),
        session_cap=chance.choice((None, None, 3_000)),
        rungs=chance.choice(((), _RUNGS)),
    )
    return Offer(tariff, day_cap=chance.choice((None, None, 4_000)))


class World:
    """Everything of one history; see the protocols `Surroundings` and `Town`."""

    def __init__(self, seed: int, loop: VirtualLoop, chance: Random) -> None:
        self.history = History(seed)
        self.chance = chance
        self.weather = forecast(chance)
        self._loop = loop
        self._wall_ms = self._latest_wall_ms = _START_WALL_MS
        self._away_until_ms = 0
        self._ids = 0
        self.offer = draw_offer(chance)
        self._cut_media()
        self.settle_ms = chance.choice((3_000, 10_000, 20_000))
        # Two minutes, as of `SETTLEMENT_ENVELOPE_SECONDS`, or less, so that some payouts expire
        # while everything goes wrong.
        self.envelope_s = chance.choice((15, 30, 120))
        self.treasury_low = Stroops(chance.choice((10**10, 99_990_000_000)))
        self.lease = chance.choice((LeaseTerms(), _SHORT_LEASE))
        self.outage = OutageRules(chance.choice((0, 4, 30)), chance.choice((10**9, 1_000)))
        self.store = MemoryMeterStore(clock=self)
        self.outbox = MemoryOutbox(self.store.ledger)
        self.network = Network(chance, self.weather, self.now_ms, self._applied)
        self.truth = Truth(self.history, self._rules(), self._cell, self.store)
        self.truth.credit_units = self.outage.seconds * UNITS_PER_SECOND
        self._expect_others()
        if self.weather == replace(self.weather, jumps=0.0, meters=1, twins=0.0):
            self.truth.day_cap = self.offer.day_cap
        self.addresses = {f"creator {i}": f"G{i}" for i in range(2)}
        for address in self.addresses.values():
            self.network.create(address)
        self.network.create(HOT, GIFT)
        self.processes: list[Process | None] = [None] * self.weather.meters
        self.forgotten: list[Process] = []
        self.viewers = [
            Viewer(self, number, chance.choice(KINDS), chance.choice((3, 20, 60)))
            for number in range(chance.choice((1, 1, 1, 2, 2, 3)))
        ]
        self._copies: set[asyncio.Task[None]] = set()

    def _cut_media(self) -> None:
        chance = self.chance
        self._cell = chance.choice((9_000, 15_015, 18_000))
        self.segment_cells = chance.randrange(2, 7) * UNITS_PER_SECOND // self._cell
        self.part_cells = max(1, UNITS_PER_SECOND * 2 // 5 // self._cell)

    def _expect_others(self) -> None:
        weather = self.weather
        others = weather.meters > 1 or weather.twins > 0
        self.truth.uncertain = others or weather.withdrawals
        if others:
            # Each meter knows what a viewer left there, and the last one to save is believed.
            self.truth.budgets = 100

    def _rules(self) -> MeterRules:
        chance = self.chance
        return MeterRules(
            void_units_max=chance.choice((10, 30, 120)) * UNITS_PER_SECOND,
            speed=chance.choice(((1, 1), (1, 1), (2, 1))),
            keepalive_ms=chance.choice((9_000, 18_000)),
        )

    # --- what a process is put into ---------------------------------------------------------------

    def now_ms(self) -> int:
        return self._loop.now_ms

    def monotonic_ms(self) -> int:
        """Of the database's own clock, with `wall_ms` a `config.clock.Clock`."""
        return self._loop.now_ms

    def wall_ms(self) -> int:
        return self._wall_ms + self._loop.now_ms

    def new_id(self, prefix: str, wall_ms: int) -> str:
        """Ids that are short to read, and in order."""
        self._ids += 1
        made = new_id(prefix, self._ids, self.chance.getrandbits(20))
        if prefix == "ses":
            self.truth.asked_for(made, self.now_ms())
        return made

    def statement_fate(self) -> Fate:
        if self.now_ms() < self._away_until_ms:
            return Fate.LOST_BEFORE
        return self.weather.fate(self.chance)

    def request_fate(self) -> Fate:
        return self.weather.node_fate(self.chance)

    def count(self, fault: str, where: str) -> None:
        self.history.counts[fault] += 1
        if "crash" not in fault and "settlement" not in fault:
            self.note("world", fault, where)

    def note(self, actor: str, what: str, detail: str = "", money: int | None = None) -> None:
        self.history.events.append(Event(self._loop.now_ms, actor, what, detail, money))

    async def address(self, creator: str) -> str | None:
        return self.addresses.get(creator)

    def _applied(self, ms: int, transaction: Transaction) -> None:
        creators = {address: creator for creator, address in self.addresses.items()}
        for address, amount in transaction.payments:
            self.note("chain", "paid", f"{creators[address]} {transaction.hash[:8]}", amount)
            self.truth.applied(creators[address], amount)

    # --- the network between viewers and processes ------------------------------------------------

    async def request[T](
        self, viewer: int, work: Callable[[Process], Coroutine[Any, Any, T]], *, twice: bool
    ) -> T:
        """Ask the process that this viewer is sent to. Raises Gone when there is none."""
        if self.chance.random() < 0.5:
            await asyncio.sleep(self.chance.randrange(1, 40) / 1000)
        if twice and self.chance.random() < self.weather.twice:
            self.history.counts["network: twice"] += 1
            copy = self._loop.create_task(unheard(self._copy(viewer, work)))
            self._copies.add(copy)
            copy.add_done_callback(self._copies.discard)
        return await self._deliver(viewer, work)

    async def _copy[T](
        self, viewer: int, work: Callable[[Process], Coroutine[Any, Any, T]]
    ) -> None:
        await asyncio.sleep(self.chance.randrange(3_000) / 1000)
        await self._deliver(viewer, work)

    async def _deliver[T](
        self, viewer: int, work: Callable[[Process], Coroutine[Any, Any, T]]
    ) -> T:
        elsewhere = len(self.processes) > 1 and self.chance.random() < 0.1
        process = self.processes[(viewer + elsewhere) % len(self.processes)]
        if self.forgotten and self.chance.random() < 0.3:
            process = self.chance.choice(self.forgotten)
        if process is None:
            raise Gone
        return await process.run(lambda: work(process))

    # --- the course of things ---------------------------------------------------------------------

    async def run(self) -> None:
        """The whole history. Raises Violation."""
        self._tell_conditions()
        background = [
            self._start("nature", self._nature()),
            *(self._start(f"keeper {i}", self._keep(i)) for i in range(len(self.processes))),
        ]
        viewers = [self._start(each.name, each.live()) for each in self.viewers]
        await asyncio.wait(viewers, timeout=self.chance.randrange(20, 60))
        self.heal()
        healed_ms = self.now_ms()
        try:
            async with asyncio.timeout(REST_S_MAX):
                await asyncio.gather(*viewers)
                if self._copies:
                    await asyncio.wait(self._copies)
                await self._rest(background)
        except TimeoutError:
            raise self.history.fail(f"no rest within {REST_S_MAX} s after the faults") from None
        self.note(
            "world", "at rest", f"{(self.now_ms() - healed_ms) / 1000:.1f} s after the faults"
        )
        self.truth.check_end(self.addresses, self.network.balance(HOT))

    def _tell_conditions(self) -> None:
        faults = {
            name: getattr(self.weather, name)
            for name in Weather.__slots__
            if getattr(self.weather, name) != getattr(CALM, name)
        }
        self.note("world", "weather", ", ".join(f"{k} {v}" for k, v in faults.items()) or "calm")
        self.note("world", "offer", json.dumps(self.offer.to_document()))
        for viewer in self.viewers:
            self.note(viewer.name, "is", viewer.kind)

    def _start(self, actor: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        token = ACTOR.set(actor)
        try:
            task = self._loop.create_task(work)
        finally:
            ACTOR.reset(token)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.history.fail(f"{type(error).__name__}: {error}")

    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self.note("world", "all faults end")
        meters = self.weather.meters
        if self.weather.closing_accounts:
            # A payee who refused a payment is not tried again for so long.
            self._jump(self._latest_wall_ms - self._wall_ms + _HOUR_MS + 60_000)
        self.weather = self.network.weather = Weather(meters=meters)
        self._away_until_ms = 0
        self.network.reopen_accounts()

    async def _keep(self, slot: int) -> None:
        """Start a process, and another when it died: or before, by mistake."""
        for life in range(1, 1_000):
            process = Process(self, f"process {slot}.{life}", f"server {slot}")
            try:
                await process.start()
            except (MeterUnavailable, Gone):
                if not process.dead:
                    process.die("at its start")
                await asyncio.sleep(1)
                continue
            self.processes[slot] = process
            if await happens(process.died, self._patience_s()):
                self.processes[slot] = None
                await asyncio.sleep(self.chance.randrange(100, 4_000) / 1000)
            else:
                self.history.counts["server: started twice"] += 1
                self._forget(process)

    def _forget(self, process: Process) -> None:
        """It runs on for a while, and is still found by some."""
        self.forgotten.append(process)

        def end() -> None:
            self.forgotten.remove(process)
            if not process.dead:
                process.die("as it was forgotten")

        self._loop.call_later(self.chance.randrange(2, 12), end)

    def _patience_s(self) -> float:
        """For how long a process is left alone before its server is started once more."""
        if self.chance.random() < 30 * self.weather.twins:
            return self.chance.randrange(30)
        return 10_000

    async def _nature(self) -> None:
        """Outages of the database, jumps of the clock, withdrawals and accounts that close."""
        while True:
            await asyncio.sleep(1)
            chance, weather = self.chance, self.weather
            if chance.random() < weather.outage:
                self._away_until_ms = self.now_ms() + chance.randrange(1_000, 15_000)
                self.note("database", "is away", f"until {self._away_until_ms / 1000} s")
                self.history.counts["database: outage"] += 1
            if chance.random() < weather.jumps:
                self._jump(chance.randrange(-_HOUR_MS, _HOUR_MS))
            if weather.withdrawals and chance.random() < 0.2:
                self._withdraw(chance.choice(self.viewers).id)
            if weather.closing_accounts and chance.random() < 0.05:
                self.network.reopen_accounts()
                self.network.close_account("G0")
                self.note("creator 0", "closes the account")

    def _jump(self, ms: int) -> None:
        self._wall_ms += ms
        self._latest_wall_ms = max(self._latest_wall_ms, self._wall_ms)
        self.note("world", "the wall clock jumps", f"{ms / 1000} s")
        self.history.counts["clock: jump"] += 1
        if ms > 0:
            # Whoever starts now may believe that the hour of a void budget is over.
            self.truth.budgets += 1

    def _withdraw(self, viewer: str) -> None:
        """Money goes out behind the meters' backs."""
        account = wallet(viewer)
        balance = at_once(self.store.balances([account])).get(account, 0)
        if balance < 2:
            return
        self._ids += 1
        amount = Stroops(balance // 2)
        cause = f"withdrawal {self._ids}"
        transfer = Transfer(cause, account, treasury_account("XLM").id, amount, "XLM", "withdraw")
        at_once(self.store.post([], [transfer]))
        self.truth.wishes(cause, account, -amount)
        self.truth.posted([transfer])
        self.note(viewer, "withdraws", cause, amount)

    # --- coming to rest ---------------------------------------------------------------------------

    async def _rest(self, background: list[asyncio.Task[None]]) -> None:
        """One process ends all that is open, and settles until nothing is left to pay."""
        for task in background:
            task.cancel()
        await asyncio.wait(background)
        for process in [*self.processes, *self.forgotten]:
            with suppress(Gone):
                if process is not None:
                    await process.stop()
        # Statements that somebody sent before the end of the faults may still be under way.
        await asyncio.sleep(UNDER_WAY_S)
        last = Process(self, "process at last", HOST)
        self.processes = [last]
        await last.start()
        for session_id in self.truth.sessions:
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
                self.truth.closed(session_id, summary.ticks, summary.amount)
                return

    def _is_settled(self) -> bool:
        balances = at_once(self.store.ledger.balances("creator:"))
        busy = at_once(self.outbox.unfinished(HOT))
        return not busy and not any(balances.values())


def simulate(seed: int, listen: Callable[[History, VirtualLoop], None] | None = None) -> History:
    """Run the history of a seed; its `violation` tells whether an invariant was broken."""
    chance = Random(seed)
    loop = VirtualLoop(chance)
    world = World(seed, loop, chance)
    history = world.history
    history.ended = loop.stop
    loop.set_exception_handler(lambda _, context: _unhandled(history, context))
    loop.set_task_factory(_remembered)
    if listen is not None:
        listen(history, loop)
    main = loop.create_task(world.run())
    main.add_done_callback(lambda _: loop.stop())
    asyncio.set_event_loop(None)
    try:
        loop.run_forever()
        _judge(history, main)
    finally:
        _clear(loop)
    history.seconds = loop.now_ms // 1000
    return history


def _judge(history: History, main: asyncio.Task[None]) -> None:
    if not main.done():
        assert history.violation is not None, "the loop only stops for a reason"
    elif not main.cancelled() and (error := main.exception()) is not None:
        history.fail(f"{type(error).__name__}: {error}")


def _unhandled(history: History, context: dict[str, Any]) -> None:
    error = context.get("exception")
    history.fail(f"{context['message']}: {error!r}")


def _remembered(
    loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    """A process has to know its tasks, which end with it."""
    task = asyncio.Task(work, loop=loop, **options)
    actor = ACTOR.get()
    if isinstance(actor, Process):
        actor.tasks[task] = None
        task.add_done_callback(actor.tasks.pop)
    return task


def _clear(loop: VirtualLoop) -> None:
    """End what still waits, in silence."""
    loop.set_exception_handler(lambda *_: None)
    for task in asyncio.all_tasks(loop):
        task.cancel()
    with suppress(AssertionError):
        for _ in range(10):
            loop.call_soon(loop.stop)
            loop.run_forever()
    loop.close()
