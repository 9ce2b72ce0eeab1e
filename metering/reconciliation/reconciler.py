"""Compares chain, journal and outbox all the time, and each day once more as a whole.

Payouts wait for it. Nothing is planned before the chain was read to its end since the process
started, nor while anything is missing or of another amount. So a database that was restored from an
older copy, which does not know of the payments since, pays none of them again: the reconciler reads
on from the copy's cursor, and finds each of those transactions under a hash that the outbox lacks.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import structlog

from config import telemetry
from config.clock import Clock
from config.limits import (
    FEED_PAYMENTS_MAX,
    RECONCILE_FIRST_SECONDS,
    RECONCILE_HALT_SECONDS,
    RECONCILE_PAGES_MAX,
    RECONCILE_SECONDS,
    RECONCILE_SNAPSHOTS_MAX,
)
from config.postgres import UNAVAILABLE
from config.tasks import cancel, spawn
from metering.reconciliation.addresses import Ours
from metering.reconciliation.books_postgres import PostgresBooks
from metering.reconciliation.days import Days, MadeBy
from metering.reconciliation.difference import Difference, Kind
from metering.reconciliation.examination import Examiner
from metering.reconciliation.reconciliation_postgres import PostgresReconciliation
from metering.reconciliation.store import Pass, Progress, Reading
from metering.settlement.chain import (
    ChainUnreachable,
    SeenTransaction,
    Snapshot,
    Tip,
    WrongNetwork,
)
from metering.settlement.feed import Feed, HistoryGap
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.place import end_of
from metering.settlement.sending import Found, NotFound

log = structlog.get_logger(__name__)

_open = telemetry.gauge(
    "reconciliation_differences", "What chain and books do not agree about", ("kind",)
)
_halted = telemetry.gauge(
    "reconciliation_halted", "1 while ledgers are missing that nobody can read"
)

_AWAY: tuple[type[Exception], ...] = (ChainUnreachable, *UNAVAILABLE)


class Chain(Protocol):
    """What the reconciler needs of a chain; raises as `metering.settlement.chain.Chain`."""

    async def tip(self) -> Tip: ...

    async def snapshot(self, addresses: Sequence[str], assets: Sequence[str]) -> Snapshot: ...

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound: ...

    async def transaction(self, hash_: str) -> SeenTransaction | None: ...

    def feed(self, address: str) -> Feed: ...


@dataclass(frozen=True, slots=True)
class State:
    """How it stands.

    Args:
        differences: those that are not over; None before the first pass came to its end.
        gap: why nothing is compared any more.
        ledger: up to which the chain was read.
    """

    differences: tuple[Difference, ...] | None = None
    gap: HistoryGap | None = None
    ledger: int = 0

    @property
    def hold(self) -> str | None:
        """Why nothing may be paid now; None: it may."""
        if self.gap is not None:
            return f"the chain's history has a gap: {self.gap}"
        if self.differences is None:
            return "the chain was not compared with the books yet"
        serious = [each for each in self.differences if each.kind.stops_payouts]
        if serious:
            first = serious[0]
            return (
                f"{len(serious)} differences, first {first.kind} of {first.about}: {first.detail}"
            )
        return None


class Reconciler:
    """One for a network. Several processes may each have one.

    Args:
        chain: asked what it shows.
        ours: addresses that are compared.
        store: what was read and found.
        books: what journal and outbox say.
        clock: for the day.
        made_by: of what network reports are, and who signs them.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        ours: Ours,
        store: PostgresReconciliation,
        books: PostgresBooks,
        clock: Clock,
        made_by: MadeBy,
    ) -> None:
        self._chain = chain
        self._ours = ours
        self._store = store
        self._books = books
        self._clock = clock
        self._examiner = Examiner(chain, ours, books, store)
        self._feeds = {address: chain.feed(address) for address in ours.all}
        self._days = Days(self._feeds.values(), self._examiner, store, books, ours, made_by)
        self._snapshots: deque[Snapshot] = deque(maxlen=RECONCILE_SNAPSHOTS_MAX)
        self._suspected: dict[str, Difference] = {}
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.state = State()

    async def start(self) -> None:
        """Begin to compare."""
        self._task = spawn(self._run(), "reconciliation")

    async def stop(self) -> None:
        """End; the next one goes on where this one was."""
        await cancel(self._task)

    def hold(self) -> str | None:
        """Why nothing may be paid now; None: it may. Implements `worker.Gate`."""
        return self.state.hold

    async def run_once(self) -> State:
        """One pass.

        Raises:
            HistoryGap: some ledgers are not to be had any more; nothing behind them is looked at.
            ChainUnreachable, WrongNetwork, or one of `config.postgres.UNAVAILABLE`.
        """
        async with self._turn:
            try:
                await self._pass()
            except HistoryGap as gap:
                self.state = replace(self.state, gap=gap)
                _halted.set(1)
                raise
            return self.state

    async def _run(self) -> None:
        while True:
            wait = RECONCILE_FIRST_SECONDS
            try:
                if (await self.run_once()).differences is not None:
                    wait = RECONCILE_SECONDS
            except HistoryGap as gap:
                log.error("nothing is compared: the node forgot ledgers", reason=str(gap))
                wait = RECONCILE_HALT_SECONDS
            except WrongNetwork as error:
                log.error("nothing is compared", reason=str(error))
                wait = RECONCILE_HALT_SECONDS
            except _AWAY as error:
                log.info("reconciliation waits", reason=str(error))
            await asyncio.sleep(wait)

    async def _pass(self) -> None:
        # The chain before the books: what is in flight is in the books already then.
        tip = await self._chain.tip()
        snapshot = await self._chain.snapshot(self._ours.all, self._ours.assets)
        self._snapshots.append(snapshot)
        progress = await self._begin(tip, snapshot)
        covered = await self._read()
        at = datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)
        began, changed = await self._days.turn(at, progress, tip)
        known = await self._store.open()
        examination = await self._examiner.examine(
            progress, covered, tip, self._comparable(covered), known
        )
        lasting = {
            each.difference.key: each.difference
            for each in known
            if each.difference.key not in examination.checked
        }
        differences = lasting | self._certain(examination.differences) | changed
        report = await self._days.running(at, began, examination, differences, known)
        done = Pass(differences, examination.checked, examination.progress, report, at)
        await self._store.save(done)
        self._tell(differences, {each.difference.key for each in known}, covered)

    # --- reading ---------------------------------------------------------------------------------

    async def _begin(self, tip: Tip, snapshot: Snapshot) -> Progress:
        """Where to go on from. What was before the very first pass is only compared by balances."""
        progress = await self._store.progress()
        if progress is None:
            sealed, _ = await self._books.sealed()
            progress = Progress(tip.ledger, sealed)
        readings = await self._store.readings()
        for address in self._ours.all:
            if address not in readings:
                sequence = snapshot.sequences.get(address, 0)
                place = end_of(progress.ledger)
                await self._store.begin(address, Reading(place.cursor, progress.ledger, sequence))
        return progress

    async def _read(self) -> int:
        """Read every feed on; up to which ledger all of them are known."""
        for address, feed in self._feeds.items():
            await self._follow(address, feed)
        readings = await self._store.readings()
        return min(readings[address].ledger for address in self._feeds)

    async def _follow(self, address: str, feed: Feed) -> None:
        for _ in range(RECONCILE_PAGES_MAX):
            reading = (await self._store.readings())[address]
            page = await feed.after(reading.cursor, FEED_PAYMENTS_MAX)
            await self._store.keep(address, reading.cursor, page.cursor, page.ledger, page.payments)
            if page.finished:
                return

    def _comparable(self, covered: int) -> Snapshot | None:
        """The newest one of which everything up to its ledger is known."""
        return next((each for each in reversed(self._snapshots) if each.ledger <= covered), None)

    # --- what comes of it ------------------------------------------------------------------------

    def _certain(self, found: dict[str, Difference]) -> dict[str, Difference]:
        """Balances change while books are read: what differs there has to be seen twice."""
        suspected = {key: each for key, each in found.items() if key.startswith("balance:")}
        certain = {
            key: each
            for key, each in found.items()
            if key not in suspected or _is_same(each, self._suspected.get(key))
        }
        self._suspected = suspected
        return certain

    def _tell(self, differences: dict[str, Difference], known: set[str], covered: int) -> None:
        for key, each in differences.items():
            if key not in known and each.kind.stops_payouts:
                log.error("chain and books differ", **each.document())
        for kind in Kind:
            _open.labels(kind.value).set(sum(e.kind == kind for e in differences.values()))
        _halted.set(0)
        # Before the first payout whatever is doubtful is waited for.
        unsure = self.state.differences is None and not self._suspected.keys() <= differences.keys()
        listed = None if unsure else tuple(differences.values())
        self.state = State(listed, None, covered)


def _is_same(difference: Difference, before: Difference | None) -> bool:
    return before is not None and _gap(difference) == _gap(before)


def _gap(difference: Difference) -> int:
    return (difference.on_chain or 0) - (difference.in_ledger or 0)
