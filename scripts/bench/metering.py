"""What it costs to bill a segment: its CPU, and how many are durable in a second.

All arms do the same work through the same `Intake` into the same Postgres, which is really durable
(fsync and synchronous_commit on); they take turns, so that they meet the same machine.

`ticks_ratio` is of thousands of players who ask at once and share commits, to a single one who
waits for a commit of his own for each segment.

`cpu_per_billed_segment_us` is the CPU of this process, all its threads, while thousands ask at
once: the check of the token that is shown with each segment, the meter, its share of a batch, that
batch written for Postgres and sent by the driver, the answer to whoever waits, the note that the
body was sent, and what the bookkeeper does each second beside it. What the players themselves take,
who are in the same process, is measured without a meter and not in it; nor is HTTP
(`scripts.bench.delivery` has that), nor what Postgres does, which are processes of their own.

`cost_at_10000_over_cost_at_100` is the same CPU of so many sessions, by as few players at once.
"""

import asyncio
import itertools
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from api.auth.playback_token import Grant, PlaybackTokens
from config.clock import ManualClock
from config.collector import collect_rarely
from config.embedded_postgres import EmbeddedPostgres
from config.ids import new_id
from config.migrate import migrate
from config.postgres import Database
from config.tasks import spawn
from metering.intake import Delivery, Intake, Promise
from metering.leases.lease import Server
from metering.leases.lease_postgres import PostgresLeases
from metering.ledger.ledger import Transfer, hot_account, treasury_account, viewer_account
from metering.money import Stroops
from metering.rules import UNITS_PER_SECOND, MeterRules
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price
from metering.waiting import answer_all
from scripts.bench.figures import Figure

_NAME = "metering"
_MANY, _FEW = 10_000, 100
_CREATORS = 20
_SEGMENT_SECONDS = 2
_UNITS = _SEGMENT_SECONDS * UNITS_PER_SECOND
_ROUNDS = 5
# What a neighbour on the machine does to one turn is in none of their medians.
_TURNS = 9
# Players at once, and the segments that they take in a turn.
_TOGETHER = (2_000, 20_000)
_ALONE = (1, 400)
_STEADY = (32, 6_000)
_BALANCE = Stroops(10**9)
_PRICE = Price("XLM", 5_000_000, 3600)
_FOREVER_S = 1 << 31
# On a machine that has much else to do, a turn takes many times as long as by itself.
_TURN_SECONDS_MAX = 300
_BENCH_MS_MAX = 3_600_000

_TICKS = "SELECT coalesce(sum(last_tick - first_tick), 0)::bigint FROM tick_run"


@dataclass(slots=True)
class Arm:
    """What one way of asking got done."""

    segments: int
    ticks: int
    seconds: float
    cpu_seconds: float

    def __str__(self) -> str:
        return f"{self.rate:.0f} ticks/s at {self.cpu_us:.1f} us"

    @property
    def rate(self) -> float:
        return self.ticks / self.seconds

    @property
    def cpu_us(self) -> float:
        """Of one segment."""
        return self.cpu_seconds * 1e6 / self.segments


class LastingLeases(PostgresLeases):
    """The clock of an audience stands still while others have their turn, and the database's does
    not: nobody's sessions are to be taken over meanwhile.
    """

    async def acquire(self, server: Server, duration_ms: int, *, succeed: bool) -> int:
        return await super().acquire(server, duration_ms + _BENCH_MS_MAX, succeed=succeed)

    async def renew(self, fence: int, duration_ms: int) -> bool:
        return await super().renew(fence, duration_ms + _BENCH_MS_MAX)


class Everybody:
    """A meter that lets everybody have everything, as soon as all have asked."""

    def __init__(self) -> None:
        self._asking: list[Promise] = []

    def request_soon(self, session_id: str, sequence: int, lo: int, hi: int) -> Promise:
        del lo, hi
        if not self._asking:
            asyncio.get_running_loop().call_soon(self._answer)
        promise = Promise(Delivery(session_id, sequence, 0))
        self._asking.append(promise)
        return promise

    def finish(self, delivery: Delivery, complete: bool) -> None:
        del delivery, complete

    def _answer(self) -> None:
        asking, self._asking = self._asking, []
        answer_all(iter(asking))


@dataclass(slots=True)
class Seat:
    """Where a viewer is."""

    token: str
    sequence: int = 0


class Audience:
    """Viewers who all play on, one segment after the other, by a clock that their requests move."""

    def __init__(self, database: Database, sessions: int) -> None:
        self._database = database
        self._clock = ManualClock()
        self._late_us = 0
        self._store = PostgresMeterStore(database)
        self._store.leases = LastingLeases(database)
        self._tokens = PlaybackTokens(bytes(32))
        self._asset = new_id("ast", sessions)
        self._count = sessions
        self._next: Iterator[Seat] = iter(())
        self._waiting = 0
        self._left = 0
        self._over = asyncio.Event()
        self._patient: list[asyncio.Task[None]] = []
        self.intake = Intake(
            self._store, self._clock, MeterRules(), server=Server(f"bench {sessions}")
        )
        self._meter: Intake | Everybody = self.intake

    async def open(self) -> None:
        """Fund every viewer and open their sessions."""
        names = [f"acc_{self._count}_{number}" for number in range(self._count)]
        hot = hot_account("XLM")
        accounts = [viewer_account(name, "XLM") for name in names]
        funds = [Transfer(each.id, hot.id, each.id, _BALANCE, "XLM", "fund") for each in accounts]
        await self._store.post([hot, treasury_account("XLM"), *accounts], funds)
        await self.intake.start()
        opened = await asyncio.gather(
            *(
                self.intake.open(name, self._asset, f"acc_c{number % _CREATORS}", _PRICE)
                for number, name in enumerate(names)
            )
        )
        grants = [Grant(each.session_id, _FOREVER_S) for each in opened]
        seats = [Seat(self._tokens.media_token(each, self._asset, 0).decode()) for each in grants]
        self._next = itertools.cycle(seats)

    async def watch(self, players: int, segments: int, *, metered: bool = True) -> Arm:
        """Take so many segments, by so many players at once."""
        self._meter = self.intake if metered else Everybody()
        before = await self._database.fetchval(_TICKS)
        self._left, self._over = segments, asyncio.Event()
        started, cpu_started = perf_counter(), process_time()
        for _ in range(players):
            self._ask()
        async with asyncio.timeout(_TURN_SECONDS_MAX):
            await self._over.wait()
        seconds, cpu_seconds = perf_counter() - started, process_time() - cpu_started
        ticks = await self._database.fetchval(_TICKS) - before
        return Arm(segments, ticks, seconds, cpu_seconds)

    def _ask(self) -> None:
        """What a connection does when it has read a request."""
        if not self._left:
            return
        self._left -= 1
        seat = next(self._next)
        sequence, lo, session_id = seat.sequence, seat.sequence * _UNITS, ""
        self._waiting += 1
        if self._meter is self.intake:
            seat.sequence = sequence + 1
            self._pass_time()
            session_id = self._tokens.read(seat.token, self._asset, 0).session_id
        media = (session_id, sequence, lo, lo + _UNITS)
        promise = self._meter.request_soon(*media)
        if promise is None:  # the store takes long: the machine is busy with something else
            self._patient.append(spawn(self._patiently(media), "patient player"))
        else:
            promise.add_done_callback(self._saved)

    async def _patiently(self, media: tuple[str, int, int, int]) -> None:
        self._taken(await self.intake.request(*media))

    def _saved(self, promise: Promise) -> None:
        promise.result()
        self._taken(promise.delivery)

    def _taken(self, delivery: Delivery) -> None:
        self._meter.finish(delivery, complete=True)
        self._waiting -= 1
        self._ask()
        if not self._waiting:
            self._over.set()

    def _pass_time(self) -> None:
        """Each session asks once in as long as its segment plays."""
        self._late_us += _SEGMENT_SECONDS * 1_000_000 // self._count
        if self._late_us >= 1000:
            self._clock.advance(self._late_us // 1000)
            self._late_us %= 1000


async def _measured(database: Database) -> list[Figure]:
    many, few = Audience(database, _MANY), Audience(database, _FEW)
    await many.open()
    await few.open()
    collect_rarely()  # as the server does
    await many.watch(*_TOGETHER)
    await few.watch(*_STEADY)
    figures = [*await _shared(many), await _flat(many, few)]
    await many.intake.stop()
    await few.intake.stop()
    return figures


async def _shared(many: Audience) -> list[Figure]:
    ratios, costs = [], []
    for _ in range(_TURNS):
        together = await many.watch(*_TOGETHER)
        free = await many.watch(*_TOGETHER, metered=False)
        alone = await many.watch(*_ALONE)
        print(f"bench {_NAME}: info together {together}, alone {alone}, free {free}")
        ratios.append(together.rate / alone.rate)
        costs.append(together.cpu_us - free.cpu_us)
    return [
        Figure(_NAME, "ticks_ratio", median(ratios), 20, at_most=False),
        Figure(_NAME, "cpu_per_billed_segment_us", median(costs), 15, at_most=True),
    ]


async def _flat(many: Audience, few: Audience) -> Figure:
    ratios = []
    for _ in range(_ROUNDS):
        dear, cheap = await many.watch(*_STEADY), await few.watch(*_STEADY)
        print(f"bench {_NAME}: info {_MANY}: {dear.cpu_us:.1f} us, {_FEW}: {cheap.cpu_us:.1f} us")
        ratios.append(dear.cpu_us / cheap.cpu_us)
    return Figure(_NAME, f"cost_at_{_MANY}_over_cost_at_{_FEW}", median(ratios), 1.2, at_most=True)


async def _run() -> list[Figure]:
    directory = Path(tempfile.mkdtemp(prefix="tollcast-bench-"))
    server = EmbeddedPostgres(directory)
    try:
        database = await Database.connect(await server.start())
        await migrate(database)
        try:
            return await _measured(database)
        finally:
            await database.close()
    finally:
        await server.stop()
        shutil.rmtree(directory)


def run() -> list[Figure]:
    """Measure; about half a minute."""
    if sys.platform == "win32":
        return asyncio.run(_run())
    import uvloop

    return uvloop.run(_run())
