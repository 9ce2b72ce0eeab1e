"""The task that keeps the book and the store in step: it sweeps, runs errands and commits."""

import asyncio
from contextlib import suppress
from typing import Any

import structlog

from config.clock import Clock
from config.limits import (
    INTAKE_BATCH_SESSIONS_MAX,
    INTAKE_BEHIND_MS_MAX,
    INTAKE_GATHER_MS,
    INTAKE_LATE_MS,
    INTAKE_STOP_MS_MAX,
    INTAKE_SWEEP_MS,
    INTAKE_SWEEP_QUIET_MS_MAX,
    INTAKE_SWEEP_SESSIONS_MAX,
    INTAKE_SWEEP_SESSIONS_PER_S,
    SESSION_IDLE_MS_MAX,
)
from config.loop_lag import LoopLag
from config.tasks import cancel, spawn
from config.telemetry import counter
from metering.book import Book
from metering.decision import Decision
from metering.errands import Errands
from metering.errors import LeaseLost, MeteredElsewhere, MeterUnavailable
from metering.leases.holder import LeaseHolder
from metering.open_session import OpenSession
from metering.open_sessions import File
from metering.outage import OutageCredit, OutageRules
from metering.saves import Saves
from metering.store import MeterStore
from metering.waiting import Pauses, Saved, settle

log = structlog.get_logger(__name__)

_lent = counter("metering_lent_total", "Requests that were granted while the store did not answer")

_NEVER, _ALWAYS = 0, 2**63


class Bookkeeper:
    """The only one who talks to the store about what is in the book.

    It commits again and again whatever has gathered, and never two batches at once. When nobody
    waits for a commit it waits itself, until somebody wakes it, a sweep is due, or a pause is over:
    what was decided and is not awaited is saved along with the next round.

    While the store takes long or does not answer, time goes on in the book, and sessions do within
    the outage credit.
    """

    def __init__(
        self, store: MeterStore, clock: Clock, book: Book, holder: LeaseHolder, outage: OutageRules
    ) -> None:
        self._clock = clock
        self._book = book
        self._holder = holder
        self._errands = Errands(store, book, clock)
        self._credit = OutageCredit(outage, book)
        self.saves = Saves(store, clock, book, self._errands, self._credit)
        self._lag = LoopLag()
        self._pauses = Pauses()
        self._rounds: list[asyncio.Future[None]] = []
        self._taking_up = False
        self.lost: frozenset[str] = frozenset()
        """The sessions that were ours until another process took them over, the last time."""
        self._next_sweep = 0
        self._gather_until = 0.0  # by the loop's clock
        self._late_at = _ALWAYS
        self.in_step_until = _NEVER
        """What is decided before this time is going to be saved within seconds, as far as is known.
        What was not, when the process dies, nobody is charged for."""
        self._wake = asyncio.Event()
        self._is_awake = False  # as `_wake` has it, and known without a call
        self._stopping = False
        self._ended = True
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to keep the book, with the sessions that are ours.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        now = self._clock.monotonic_ms()
        try:
            await self._keep_lease(now)
        except LeaseLost as lost:
            raise MeterUnavailable("another process of this server has just started") from lost
        self._next_sweep = now + INTAKE_SWEEP_MS
        self._ended = False
        self.in_step_until = self._holder.until
        self._lag.start()
        self._task = spawn(self._run(), name="meter bookkeeper")

    async def stop(self) -> None:
        """Charge what there was time to watch, save everything, and end."""
        if self._task is None:
            return
        self._stopping = True
        self.in_step_until = _NEVER
        self.wake()
        await asyncio.wait([self._task], timeout=INTAKE_STOP_MS_MAX / 1000)
        await cancel(self._task)
        self._task = None
        self._lag.stop()
        with suppress(MeterUnavailable):
            await self._holder.release()

    @property
    def errands(self) -> Errands:
        """What else to ask of the store; wake the bookkeeper afterwards."""
        return self._errands

    @property
    def available(self) -> bool:
        """Whether something that is decided now can be expected to be saved."""
        return not (self._stopping or self.saves.in_doubt or not self._holder.fence)

    @property
    def lag_ms(self) -> int:
        """How late this process does what is due."""
        return self._lag.ms

    def is_silent(self, now: int) -> bool:
        """Whether the store has been asked something for too long already."""
        return self.saves.in_doubt or now >= self._late_at

    async def waits(self, now: int) -> bool:
        """See to it that what is decided next can be expected to be saved: renew a lease that ran
        out, as it does when this process was not let run.

        Returns:
            Whether that took time; nothing that was looked at before needs to be so any more.

        Raises:
            MeterUnavailable: it cannot.
        """
        renews = self.available and self.has_lapsed(now)
        if renews:
            await self.sweep()
        if not self.available or self.has_lapsed(self._clock.monotonic_ms()):
            raise MeterUnavailable("nothing can be saved now")
        return renews

    def has_lapsed(self, now: int) -> bool:
        """Whether the lease has to be renewed before anything may be served under it."""
        return now >= self._holder.until

    def on_credit(self, session_id: str, file: File, now: int) -> tuple[int, Decision] | None:
        """As `Book.request`, while the store is silent: what is decided may be sent at once.

        Returns:
            None when the session has no credit, or none is needed.
        """
        if self._stopping or not self.is_silent(now) or self.has_lapsed(now):
            return None
        if not self._book.is_open(session_id):
            return None
        decided = self._credit.request(session_id, file, now)
        if decided is not None:
            _lent.inc()
        return decided

    def wake(self) -> None:
        """There is something to commit, or an errand."""
        self._is_awake = True
        self._wake.set()

    def look_for_leases(self) -> None:
        """Somebody has left sessions, to be taken over now."""
        self._holder.hurry()
        self._next_sweep = 0
        self.wake()

    def save(self, kept: OpenSession, saved: Saved) -> None:
        """Answer `saved` when what is decided about a session by now is saved, or need not be:
        requests of an open session go on, on credit, when the store is silent.

        It is answered with:
            InsufficientFunds: the store refused it.
            SessionClosed: the store refused it, or it ended meanwhile: what was to be sent is void.
            MeteredElsewhere: the session is not ours any more.
            MeterUnavailable: the store does not answer.
        """
        if self._ended:
            settle(saved, MeterUnavailable("the meter does not run"))
        else:
            self.saves.add(kept, saved)
            if not self._is_awake:
                self.wake()

    def ended(self, session_id: str) -> Saved:
        """What to wait for until a session's end is saved.

        Returns:
            The session's last summary; None when it was ended before.

        Raises:
            InsufficientFunds, SessionClosed, MeterUnavailable: as `save`.
        """
        ended = Saved()
        if not self._ended:
            self.saves.add_for_end(self._book[session_id], ended)
        self._call(ended)
        return ended

    async def pause(self, until: int) -> None:
        """Wait until the clock shows `until`."""
        await self.answered(self._pauses.wait(until))

    async def sweep(self) -> None:
        """Do now what is due once a second; returns when it is saved."""
        self._next_sweep = 0
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rounds.append(done)
        await self.answered(done)

    async def answered[T](self, future: asyncio.Future[T]) -> T:
        """Wake the bookkeeper, and wait for its answer.

        That comes for certain: whatever the bookkeeper asks of the store has a deadline, and when
        it ends it answers everybody. (A timer for every request would cost a tenth of it.)

        Raises:
            MeterUnavailable: the store does not answer, or the bookkeeper has ended.
        """
        self._call(future)
        return await future

    def _call(self, future: asyncio.Future[Any] | Saved) -> None:
        if self._ended:
            settle(future, MeterUnavailable("the meter does not run"))
        self.wake()

    async def _run(self) -> None:
        try:
            while not self._stopping:
                await self._woken()
                await self._gathered()
                rounds, self._rounds = self._rounds, []
                await self._round(everything=bool(rounds))
                for waiting in rounds:
                    settle(waiting, None)
            await self._save_all()
        finally:
            self._ended = True
            self.in_step_until = _NEVER
            self._refuse_all(MeterUnavailable("the meter does not run"))

    async def _save_all(self) -> None:
        self._book.sweep(
            self._clock.monotonic_ms(),
            quiet_ms=0,
            idle_ms=SESSION_IDLE_MS_MAX,
            limit=len(self._book),
        )
        try:
            while self._book.has_changes or self.saves.in_doubt:
                if not await self._commit():
                    log.warning("the last seconds were not saved, so they are not charged")
                    return
        except LeaseLost:
            self._lose()

    async def _woken(self) -> None:
        if (self._book.awaited or self._errands) and not self.saves.in_doubt:
            return
        due = self._pauses.next(self._next_sweep)
        seconds = max(0, due - self._clock.monotonic_ms()) / 1000
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()
        self._is_awake = False

    async def _gathered(self) -> None:
        """Let more sessions come together that share a commit, if there are several already, and
        there is room for more.
        """
        loop = asyncio.get_running_loop()
        early = self._gather_until - loop.time()
        has_room = 1 < self._book.awaited < INTAKE_BATCH_SESSIONS_MAX
        if early > 0 and has_room and not self._stopping:
            await asyncio.sleep(early)
        self._gather_until = loop.time() + INTAKE_GATHER_MS / 1000

    async def _round(self, *, everything: bool) -> None:
        now = self._clock.monotonic_ms()
        self._late_at = now + INTAKE_BEHIND_MS_MAX
        self._set_step()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(INTAKE_BEHIND_MS_MAX / 1000, self._go_on)
        try:
            await self._work(now, everything=everything)
        except LeaseLost:
            self._lose()
        finally:
            self._timer.cancel()
        self._late_at = _ALWAYS
        self._set_step()

    def _set_step(self) -> None:
        until = self._holder.until if self.available else _NEVER
        self.in_step_until = min(self._late_at, until)

    async def _work(self, now: int, *, everything: bool) -> None:
        self._pass_time(now)
        if self.saves.in_doubt and not await self._commit():
            return
        if self._taking_up or self._holder.is_due(now):
            with suppress(MeterUnavailable):  # the next round tries again
                await self._keep_lease(now)
        if self._errands or self._errands.hints:
            await self._errands.run()
        if self._book.has_changes:
            await self._commit(None if everything else self._due_since(now))

    def _due_since(self, now: int) -> int:
        """With many sessions there are several turns a second, and rounds for those that somebody
        waits for: each of the others is saved with the last of a second all the same.
        """
        return now - INTAKE_SWEEP_MS + INTAKE_SWEEP_MS // self._turns

    def _go_on(self) -> None:
        """The store takes long. Who waits for it goes on if there is credit, and so does time."""
        now = self._clock.monotonic_ms()
        self._lend(now)
        self._pass_time(now)
        self._timer = asyncio.get_running_loop().call_later(INTAKE_LATE_MS / 1000, self._go_on)

    def _pass_time(self, now: int) -> None:
        if now >= self._next_sweep:
            self._sweep(now)
        self._pauses.resume(now)

    async def _keep_lease(self, now: int) -> None:
        if await self._holder.keep(now):
            self._taking_up = True
            self._book.fence = self._holder.fence
        if self._taking_up:
            await self._errands.take_up()
            self._taking_up = False

    def _lose(self) -> None:
        """Whoever has our sessions now goes on with them."""
        self._holder.lose()
        self._credit.answered()
        self.lost = frozenset(self._book.session_ids())
        self.saves.refuse(MeteredElsewhere())
        self._book.clear()

    def _sweep(self, now: int) -> None:
        self._book.end_prices(now)
        rarely_ms = len(self._book) * 1000 // INTAKE_SWEEP_SESSIONS_PER_S
        self._book.sweep(
            now,
            quiet_ms=max(INTAKE_SWEEP_MS, min(rarely_ms, INTAKE_SWEEP_QUIET_MS_MAX)),
            idle_ms=SESSION_IDLE_MS_MAX,
            limit=INTAKE_SWEEP_SESSIONS_MAX,
        )
        self._next_sweep = now + INTAKE_SWEEP_MS // self._turns

    @property
    def _turns(self) -> int:
        return 1 + len(self._book) // INTAKE_SWEEP_SESSIONS_MAX

    async def _commit(self, until: int | None = None) -> bool:
        """As `Saves.commit`; False when the store is silent."""
        try:
            await self.saves.commit(until)
        except MeterUnavailable as error:
            log.warning("commit got no answer", reason=str(error))
            self._fail(error)
            return False
        return True

    def _lend(self, now: int) -> None:
        """Let requests that wait for the store go on, as far as there is credit."""
        if not (self._stopping or self.has_lapsed(now)):
            self.saves.lend()

    def _fail(self, error: MeterUnavailable) -> None:
        """The store does not answer: refuse what waits for it and has no credit."""
        self._lend(self._clock.monotonic_ms())
        self.saves.refuse(error)
        rounds, self._rounds = self._rounds, []
        for over in rounds:
            settle(over, error)
        self._errands.fail(error)

    def _refuse_all(self, error: MeterUnavailable) -> None:
        self.saves.refuse(error)
        self._pauses.refuse(error)
        for over in self._rounds:
            settle(over, error)
        self._rounds = []
        self._errands.fail(error)
