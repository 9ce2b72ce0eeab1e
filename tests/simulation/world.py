"""What is around the processes of one history: database, chain, network, clock; and its faults."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from random import Random
from typing import Any

from config.ids import new_id
from metering.errors import MeterUnavailable
from metering.ledger.ledger import Transfer, treasury_account
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND
from metering.settlement.outbox_memory import MemoryOutbox
from metering.store import MemoryMeterStore
from tests.simulation.at_once import at_once
from tests.simulation.conditions import draw, draw_price
from tests.simulation.history import Event, History
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import GIFT, Network, Transaction
from tests.simulation.ports import HOT
from tests.simulation.process import Gone, Process
from tests.simulation.truth import Truth
from tests.simulation.viewers import ASSET, Viewer, unheard
from tests.simulation.watched import wallet
from tests.simulation.weather import Fate, Weather, forecast

_START_WALL_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


class World:
    """Everything of one history; see the protocols `Surroundings` and `Town`."""

    def __init__(self, seed: int, loop: VirtualLoop, chance: Random) -> None:
        self.history = History(seed)
        self.chance = chance
        self.loop = loop
        self.weather = forecast(chance)
        self.conditions = draw(chance)
        self.offer = self.conditions.offer
        self.repriced = False
        self._wall_ms = self._latest_wall_ms = _START_WALL_MS
        self._away_until_ms = 0
        self._ids = 0
        self.store = MemoryMeterStore(clock=self)
        self.outbox = MemoryOutbox(self.store.ledger)
        self.network = Network(chance, self.weather, self.now_ms, self._applied)
        self.truth = self._expect()
        self.addresses = {f"creator {i}": f"G{i}" for i in range(2)}
        for address in self.addresses.values():
            self.network.create(address)
        self.network.create(HOT, GIFT)
        self.processes: list[Process | None] = [None] * self.weather.meters
        self.forgotten: list[Process] = []
        viewers = enumerate(self.conditions.viewers)
        self.viewers = [Viewer(self, number, *each) for number, each in viewers]
        self._copies: set[asyncio.Task[None]] = set()

    def _expect(self) -> Truth:
        weather, conditions = self.weather, self.conditions
        truth = Truth(self.history, conditions.rules, conditions.cell, self.store)
        truth.credit_units = conditions.outage.seconds * UNITS_PER_SECOND
        others = weather.meters > 1 or weather.twins > 0
        truth.uncertain = others or weather.withdrawals
        if others:
            # Each meter knows what a viewer left there, and the last one to save is believed.
            truth.budgets = 100
        elif not (weather.jumps or weather.prices):
            truth.day_cap = conditions.offer.day_cap
        return truth

    # --- what a process is put into ---------------------------------------------------------------

    def now_ms(self) -> int:
        return self.loop.now_ms

    def monotonic_ms(self) -> int:
        """Of the database's own clock, with `wall_ms` a `config.clock.Clock`."""
        return self.loop.now_ms

    def wall_ms(self) -> int:
        return self._wall_ms + self.loop.now_ms

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
        self.history.events.append(Event(self.loop.now_ms, actor, what, detail, money))

    async def address(self, creator: str) -> str | None:
        return self.addresses.get(creator)

    def _applied(self, ms: int, transaction: Transaction) -> None:
        creators = {address: creator for creator, address in self.addresses.items()}
        for _, address, amount in transaction.payments:
            if address not in creators:
                continue  # a channel account of ours
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
            copy = self.loop.create_task(unheard(self._copy(viewer, work)))
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

    async def quiet(self) -> None:
        """Wait until no second copy of a request is under way."""
        if self._copies:
            await asyncio.wait(self._copies)

    # --- what happens to it -----------------------------------------------------------------------

    def heal(self) -> None:
        """From now on nothing goes wrong."""
        self.note("world", "all faults end")
        if self.weather.closing_accounts:
            # A payee who refused a payment is not tried again for so long.
            self.jump(self._latest_wall_ms - self._wall_ms + HOUR_MS + 60_000)
        self.weather = self.network.weather = Weather(meters=self.weather.meters)
        self._away_until_ms = 0
        self.network.reopen_accounts()

    def lose_database(self, ms: int) -> None:
        """It is away for a while."""
        self._away_until_ms = self.now_ms() + ms
        self.note("database", "is away", f"until {self._away_until_ms / 1000} s")
        self.history.counts["database: outage"] += 1

    def jump(self, ms: int) -> None:
        """Somebody sets the wall clock."""
        self._wall_ms += ms
        self._latest_wall_ms = max(self._latest_wall_ms, self._wall_ms)
        self.note("world", "the wall clock jumps", f"{ms / 1000} s")
        self.history.counts["clock: jump"] += 1
        if ms > 0:
            # Whoever starts now may believe that the hour of a void budget is over.
            self.truth.budgets += 1

    async def reprice(self) -> None:
        """A creator asks for another price, again until somebody has taken note."""
        tariff = replace(self.offer.tariff, price=draw_price(self.chance))
        self.truth.announced(tariff)
        self.repriced = True
        self.note("creators", "ask for", f"{tariff.price.stroops}/{tariff.price.seconds} s")
        self.history.counts["creators: other price"] += 1
        while True:
            try:
                await self._deliver(0, lambda process: process.intake.change_price(ASSET, tariff))
            except (MeterUnavailable, Gone):
                await asyncio.sleep(1)
            else:
                self.offer = replace(self.offer, tariff=tariff)
                return

    def withdraw(self, viewer: str) -> None:
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
