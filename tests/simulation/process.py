"""One process of the server: the real meter and the real settlement, until it dies."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from random import Random
from typing import Any, Protocol

from metering.funding.deposit import Addresses, Rules, network_name
from metering.funding.deposit_store import MemoryDeposits
from metering.funding.taker import DepositTaker
from metering.intake import Delivery, Intake, SessionClosed
from metering.leases.lease import Server
from metering.money import NATIVE, STROOPS_MAX, Stroops
from metering.settlement.creators import Creators
from metering.settlement.outbox_memory import MemoryOutbox
from metering.settlement.planner import Terms
from metering.settlement.treasury import PlayMoney
from metering.settlement.worker import SettlementWorker
from metering.store import MemoryMeterStore
from tests.simulation.conditions import Conditions
from tests.simulation.line import Line
from tests.simulation.loop import ACTOR
from tests.simulation.network import FRIENDBOT, Network
from tests.simulation.ports import (
    HOT,
    ChainPort,
    LedgerPort,
    OutboxPort,
    SignerPort,
    StorePort,
    lost_order,
    lost_request,
    lost_statement,
    lost_transaction,
)
from tests.simulation.truth import Truth
from tests.simulation.weather import Fate

# The server that has the network.
HOST = "server 0"


class Gone(Exception):
    """The process died, or does not answer: nobody knows what it did."""


class Surroundings(Protocol):
    """What a process is put into."""

    chance: Random
    truth: Truth
    store: MemoryMeterStore
    outbox: MemoryOutbox
    network: Network
    conditions: Conditions

    def now_ms(self) -> int: ...
    def wall_ms(self) -> int: ...
    def new_id(self, prefix: str, wall_ms: int) -> str: ...
    def statement_fate(self) -> Fate: ...
    def request_fate(self) -> Fate: ...
    def count(self, fault: str, where: str) -> None: ...
    def note(self, actor: str, what: str, detail: str, money: int | None) -> None: ...
    async def address(self, creator: str) -> str | None: ...


class Process:
    """A process; a new one is made for each start.

    Args:
        world: what it is put into.
        name: who it is in the history.
        server: whose sessions it goes on with.
    """

    def __init__(self, world: Surroundings, name: str, server: str) -> None:
        self.name = name
        self._server = Server(server)
        self.dead = False
        self.died = asyncio.Event()
        self.truth = world.truth
        self.tasks: dict[asyncio.Task[Any], None] = {}
        self._world = world
        # Another origin each time, as clocks have that begin with a boot.
        self._monotonic_ms = world.chance.randrange(10**7)
        self._context = Context()
        self._context.run(ACTOR.set, self)
        self.intake, self.worker = self._parts()

    def _parts(self) -> tuple[Intake, SettlementWorker]:
        world = self._world
        to_store = self._line("database", world.statement_fate, lost_statement)
        to_books = self._line("database", world.statement_fate, lost_transaction)
        to_chain = self._line("chain", world.request_fate, lost_request)
        intake = Intake(
            StorePort(world.store, to_store, self),
            self,
            world.conditions.rules,
            ids=world.new_id,
            server=self._server,
            lease=world.conditions.lease,
            outage=world.conditions.outage,
        )
        ledger = LedgerPort(world.store, to_books, self)
        outbox = OutboxPort(world.outbox, to_books, self)
        chain = ChainPort(world.network, to_chain, self)
        to_signer = self._line("signer", world.request_fate, lost_order)
        channels = world.conditions.channels
        signer = SignerPort(world.outbox, to_signer, channels, world.conditions.envelope_s)
        # Play money is of the network that one server has of its own.
        plays = self._server.id == HOST
        low = world.conditions.treasury_low
        treasury = PlayMoney(chain, chain, ledger, _taker(ledger, chain), low=low)
        worker = SettlementWorker(
            outbox,
            chain,
            signer,
            ledger,
            [Creators(ledger, outbox, world, Stroops(1))],
            self,
            interval_ms=world.conditions.settle_ms,
            terms=Terms(daily_cap=STROOPS_MAX, daily_fees=STROOPS_MAX),
            channels=channels,
            treasury=treasury if plays else None,
            ids=world.new_id,
        )
        return intake, worker

    def _line(self, peer: str, fate: Callable[[], Fate], lost: Callable[[str], Exception]) -> Line:
        return Line(self, peer, fate, lost, self._world.chance, self._world.count)

    # --- its clock, its say -----------------------------------------------------------------------

    def wall_ms(self) -> int:
        """Implements `config.clock.Clock`."""
        return self._world.wall_ms()

    def monotonic_ms(self) -> int:
        """Implements `config.clock.Clock`."""
        return self._monotonic_ms + self._world.now_ms()

    def now_ms(self) -> int:
        """Implements `ports.Watcher`: the true time."""
        return self._world.now_ms()

    def tell(self, what: str, detail: str = "", money: int | None = None) -> None:
        """Implements `ports.Watcher`."""
        self._world.note(self.name, what, detail, money)

    def count(self, what: str, where: str) -> None:
        """Implements `ports.Watcher`."""
        self._world.count(what, where)

    # --- life and death ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what is in the books. Raises what the intake's start does, or Gone."""
        await self.run(self.intake.start)
        await self.run(self.worker.start)
        self.tell("runs")

    async def stop(self) -> None:
        """End in peace. Raises Gone."""
        self.tell("stops")
        await self.run(self.intake.stop)
        await self.run(self.worker.stop)
        self.dead = True

    def die(self, where: str) -> asyncio.CancelledError:
        """Implements `line.Mortal`."""
        self.tell("dies", where)
        self.dead = True
        self.died.set()
        self.truth.disturb(self)
        for task in list(self.tasks):
            task.cancel()
        return asyncio.CancelledError(f"died {where}")

    def require_alive(self) -> None:
        """Implements `line.Mortal`."""
        if self.dead:
            raise asyncio.CancelledError("dead")

    async def run[T](self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Have the process do something, and wait for its answer.

        Raises:
            Gone: it died, or it was dead.
        """
        if self.dead:
            raise Gone
        task: asyncio.Task[T] = self._context.run(asyncio.get_running_loop().create_task, work())
        try:
            answer = await task
        except asyncio.CancelledError:
            if self.dead:
                raise Gone from None
            raise
        if self.dead:
            raise Gone
        return answer

    # --- what it does for players -----------------------------------------------------------------

    async def send(self, session_id: str, file: tuple[int, int, int], body: "Body") -> bool:
        """Serve one file; tells whether all of it went out. Raises what `Intake.request` does."""
        truth, (_, lo, hi) = self.truth, file
        truth.came(session_id, self.now_ms())
        # Under way for the meter from its leave on, which is known here a little later.
        truth.sending(session_id, (lo, hi, body.height))
        delivery, complete, taken = None, False, 0
        try:
            try:
                delivery = await self._leave(session_id, file, body)
            finally:
                truth.answered(session_id, self.now_ms())
            (truth.promised if body.prompt else truth.allowed)(session_id, lo, hi, self)
            if body.ms:
                await asyncio.sleep(body.ms / 1000)
            complete, taken = body.complete, body.taken
            if complete:
                counts = self._goes_on(session_id)
                truth.delivered(session_id, lo, hi, height=body.height, counts=counts)
        finally:
            left = not complete and (self._is_left(taken) or not self._goes_on(session_id))
            truth.sent(session_id, (lo, hi, body.height), left=left)
            if delivery is not None and not self.dead:
                self.intake.finish(delivery, complete, 0 if complete else taken)
        return complete

    def _is_left(self, taken: int) -> bool:
        return taken >= self.truth.rules.taken_permille_min

    def _goes_on(self, session_id: str) -> bool:
        try:
            self.intake.require_open(session_id)
        except SessionClosed:
            return False
        return True

    async def _leave(self, session_id: str, file: tuple[int, int, int], body: "Body") -> Delivery:
        """As the HTTP side does: at once, soon, or however long it takes."""
        if not body.prompt:
            promise = self.intake.request_soon(session_id, *file, height=body.height)
            if promise is not None:
                try:
                    await promise
                except BaseException:
                    self.intake.finish(promise.delivery, complete=False)
                    raise
                return promise.delivery
        return await self.intake.request(session_id, *file, prompt=body.prompt, height=body.height)


def _taker(ledger: LedgerPort, chain: ChainPort) -> DepositTaker:
    """Reads the chain from its beginning each time, and books in vain what was booked before."""
    ours = Addresses(HOT, HOT, friendbot=FRIENDBOT)
    rules = Rules(network_name("simulated"), ours, frozenset([NATIVE]), Stroops(1))
    return DepositTaker([chain], MemoryDeposits(ledger), rules, lambda *_: None)


class Body:
    """What a body is like: how long it takes, whether the socket takes all of it, whether it is a
    part of a live, and how many lines its pictures have.

    Attributes:
        taken: how many thousandths a socket takes that does not take all: more in a longer time.
    """

    __slots__ = ("complete", "height", "ms", "prompt", "taken")

    def __init__(
        self, ms: int, *, complete: bool = True, prompt: bool = False, height: int = 0
    ) -> None:
        self.ms = ms
        self.complete = complete
        self.prompt = prompt
        self.height = height
        self.taken = min(999, 4 * ms)
