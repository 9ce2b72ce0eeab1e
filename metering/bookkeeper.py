"""The task that keeps the book and the store in step: it sweeps, runs errands and commits."""

import asyncio
from contextlib import suppress
from typing import Any

import structlog

from config.clock import Clock
from config.limits import (
    INTAKE_BATCH_SESSIONS_MAX,
    INTAKE_BEHIND_MS_MAX,
    INTAKE_STOP_MS_MAX,
    INTAKE_SWEEP_MS,
    INTAKE_SWEEP_QUIET_MS_MAX,
    INTAKE_SWEEP_SESSIONS_MAX,
    INTAKE_SWEEP_SESSIONS_PER_S,
    SESSION_IDLE_MS_MAX,
)
from config.tasks import cancel, spawn
from metering.book import Book
from metering.committer import Committer, Outcome, Refusal
from metering.errands import Errands
from metering.errors import (
    InsufficientFunds,
    LeaseLost,
    MeteredElsewhere,
    MeterUnavailable,
    SessionClosed,
)
from metering.lease_holder import LeaseHolder
from metering.ledger import WouldOverdraw
from metering.session import Batch, SessionSummary
from metering.store import MeterStore

log = structlog.get_logger(__name__)

_NEVER, _ALWAYS = 0, 2**63

# What waits for a commit: the session's last summary for those who wait for its end.
Saved = asyncio.Future[SessionSummary | None]


class Bookkeeper:
    """The only one who talks to the store about what is in the book.

    It commits again and again whatever has gathered, and never two batches at once. When nobody
    waits for a commit it waits itself, until somebody wakes it, a sweep is due, or a pause is over:
    what was decided and is not awaited is saved along with the next round.
    """

    def __init__(self, store: MeterStore, clock: Clock, book: Book, holder: LeaseHolder) -> None:
        self._clock = clock
        self._book = book
        self._holder = holder
        self._errands = Errands(store, book, clock)
        self._committer = Committer(store)
        self._saves: dict[str, list[Saved]] = {}
        self._closing: set[Saved] = set()  # of those, who waits for the session's end
        self._sending: dict[str, list[Saved]] = {}  # of those, who waits for the batch under way
        self._taking_up = False
        self._pauses: list[tuple[int, asyncio.Future[None]]] = []
        self._rounds: list[asyncio.Future[None]] = []
        self._next_sweep = 0
        self._in_step_until = _NEVER
        self._wake = asyncio.Event()
        self._stopping = False
        self._ended = True
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to keep the book, with the sessions that are ours.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        now = self._clock.monotonic_ms()
        await self._keep_lease(now)
        self._next_sweep = now + INTAKE_SWEEP_MS
        self._ended = False
        self._in_step_until = self._holder.until
        self._task = spawn(self._run(), name="meter bookkeeper")

    async def stop(self) -> None:
        """Charge what there was time to watch, save everything, and end."""
        if self._task is None:
            return
        self._stopping = True
        self._in_step_until = _NEVER
        self._wake.set()
        await asyncio.wait([self._task], timeout=INTAKE_STOP_MS_MAX / 1000)
        await cancel(self._task)
        self._task = None
        with suppress(MeterUnavailable):
            await self._holder.release()

    @property
    def errands(self) -> Errands:
        """What else to ask of the store; wake the bookkeeper afterwards."""
        return self._errands

    @property
    def available(self) -> bool:
        """Whether something that is decided now can be expected to be saved."""
        return not (self._stopping or self._committer.in_doubt or not self._holder.fence)

    def in_step(self, now: int) -> bool:
        """Whether what is decided now is going to be saved within seconds, as far as is known. What
        was not, when the process dies, nobody is charged for.
        """
        return now < self._in_step_until

    def wake(self) -> None:
        """There is something to commit, or an errand."""
        self._wake.set()

    def saved(self, session_id: str) -> Saved:
        """What to wait for until what is decided about a session by now is saved.

        Raises:
            InsufficientFunds: the store refused it.
            SessionClosed: the store refused it, or it ended meanwhile: what was to be sent is void.
            MeterUnavailable: the store does not answer.
        """
        saved: Saved = asyncio.get_running_loop().create_future()
        self._saves.setdefault(session_id, []).append(saved)
        self._call(saved)
        return saved

    def ended(self, session_id: str) -> Saved:
        """What to wait for until a session's end is saved.

        Returns:
            The session's last summary; None when it was ended before.

        Raises:
            InsufficientFunds, SessionClosed, MeterUnavailable: as `saved`.
        """
        ended = self.saved(session_id)
        self._closing.add(ended)
        ended.add_done_callback(self._closing.discard)
        return ended

    async def pause(self, until: int) -> None:
        """Wait until the clock shows `until`."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pauses.append((until, over))
        await self.answered(over)

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

    def _call(self, future: asyncio.Future[Any]) -> None:
        if self._ended:
            _settle(future, MeterUnavailable("the meter does not run"))
        self._wake.set()

    async def _run(self) -> None:
        try:
            while not self._stopping:
                await self._woken()
                rounds, self._rounds = self._rounds, []
                await self._round()
                for waiting in rounds:
                    _settle(waiting, None)
            await self._save_all()
        finally:
            self._ended = True
            self._in_step_until = _NEVER
            self._fail(MeterUnavailable("the meter does not run"))

    async def _save_all(self) -> None:
        self._book.sweep(
            self._clock.monotonic_ms(),
            quiet_ms=0,
            idle_ms=SESSION_IDLE_MS_MAX,
            limit=len(self._book),
        )
        while self._book.has_changes or self._committer.in_doubt:
            if not await self._commit():
                log.warning("the last seconds were not saved, so they are not charged")
                return

    async def _woken(self) -> None:
        if self._book.is_awaited and not self._committer.in_doubt:
            return
        due = min([self._next_sweep, *(until for until, _ in self._pauses)])
        seconds = max(0, due - self._clock.monotonic_ms()) / 1000
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    async def _round(self) -> None:
        now = self._clock.monotonic_ms()
        until = self._holder.until if self.available else _NEVER
        self._in_step_until = min(now + INTAKE_BEHIND_MS_MAX, until)
        try:
            await self._work(now)
        except LeaseLost:
            self._lose()
        self._in_step_until = self._holder.until if self.available else _NEVER

    async def _work(self, now: int) -> None:
        if now >= self._next_sweep:
            self._sweep(now)
        self._resume(now)
        if self._committer.in_doubt and not await self._commit():
            self._errands.fail(MeterUnavailable("the store does not answer"))
            return
        if self._taking_up or self._holder.is_due(now):
            with suppress(MeterUnavailable):  # the next round tries again
                await self._keep_lease(now)
        if self._errands:
            await self._errands.run()
        if self._book.has_changes:
            await self._commit()

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
        self._book.clear()
        self._refuse_saves(MeteredElsewhere())

    def _sweep(self, now: int) -> None:
        self._book.end_prices(now)
        rarely_ms = len(self._book) * 1000 // INTAKE_SWEEP_SESSIONS_PER_S
        self._book.sweep(
            now,
            quiet_ms=max(INTAKE_SWEEP_MS, min(rarely_ms, INTAKE_SWEEP_QUIET_MS_MAX)),
            idle_ms=SESSION_IDLE_MS_MAX,
            limit=INTAKE_SWEEP_SESSIONS_MAX,
        )
        turns = 1 + len(self._book) // INTAKE_SWEEP_SESSIONS_MAX
        self._next_sweep = now + INTAKE_SWEEP_MS // turns

    def _resume(self, now: int) -> None:
        pauses, self._pauses = self._pauses, []
        for until, over in pauses:
            if until <= now:
                _settle(over, None)
            else:
                self._pauses.append((until, over))

    async def _commit(self) -> bool:
        """Save what has gathered, after the batch in doubt; False when the store is silent."""
        try:
            if self._committer.in_doubt:
                self._note(await self._committer.resolve(), {})
            batch = self._book.changes(INTAKE_BATCH_SESSIONS_MAX)
            for change in batch.changes:
                session_id = change.saved.session.id
                self._sending[session_id] = self._saves.pop(session_id, [])
            if batch.changes:
                outcome = await self._committer.commit(batch)
                saves, self._sending = self._sending, {}
                self._note(outcome, saves)
        except MeterUnavailable as error:
            log.warning("commit got no answer", reason=str(error))
            self._fail(error)
            return False
        return True

    def _note(self, outcome: Outcome, saves: dict[str, list[Saved]]) -> None:
        ended = {each.session_id: each for each in self._book.committed(outcome.committed)}
        # A turn of the loop later: by then the next batch is on its way to the store, which works
        # on it while a thousand answers are given and acted on.
        asyncio.get_running_loop().call_soon(self._answer, outcome.committed, saves, ended)
        for session_id, refusal in outcome.refused.items():
            error = self._refuse(session_id, refusal)
            # Also what was decided meanwhile is gone with the session's unsaved part.
            for saved in [*saves.get(session_id, ()), *self._saves.pop(session_id, ())]:
                _settle(saved, error)

    def _answer(
        self,
        committed: Batch,
        saves: dict[str, list[Saved]],
        ended: dict[str, SessionSummary],
    ) -> None:
        for change in committed.changes:
            session_id = change.saved.session.id
            answer = ended.get(session_id)
            for saved in saves.get(session_id, ()):
                self._tell(saved, answer)
            if session_id not in self._book or not self._book.owes(session_id):
                # Who asked meanwhile and changed nothing has waited for this commit, too.
                for saved in self._saves.pop(session_id, ()):
                    self._tell(saved, answer)

    def _tell(self, saved: Saved, summary: SessionSummary | None) -> None:
        if summary is None or saved in self._closing:
            _settle(saved, summary)
        else:
            _settle(saved, SessionClosed(summary.session_id))

    def _refuse(self, session_id: str, refusal: Refusal) -> Exception:
        """Bring the book back to what the store has; what to tell those who wait."""
        session = self._book.session(session_id)
        account = session.viewer_account
        if isinstance(refusal, WouldOverdraw) and refusal.account == account:
            # Money went out without telling us. Read what is left.
            self._book.roll_back(session_id, self._clock.monotonic_ms())
            self._book.empty(account)
            self._errands.reread(account)
            self._wake.set()
            needed, there = session.terms.entry, self._book.available(account)
            return InsufficientFunds(needed, there, session.tariff.asset)
        # Its rows are not ours any more. Whoever has them goes on; the next start reads them.
        self._book.forget(session_id)
        log.error("session was given up", session=session_id, reason=str(refusal))
        return SessionClosed(session_id)

    def _fail(self, error: MeterUnavailable) -> None:
        """Refuse everything that waits for the store."""
        self._refuse_saves(error)
        for over in [*(over for _, over in self._pauses), *self._rounds]:
            _settle(over, error)
        self._pauses = []
        self._rounds = []
        self._errands.fail(error)

    def _refuse_saves(self, error: Exception) -> None:
        waiting = [*self._sending.values(), *self._saves.values()]
        self._sending, self._saves = {}, {}
        for saved in [saved for those in waiting for saved in those]:
            _settle(saved, error)


def _settle[T](future: asyncio.Future[T], answer: T | Exception) -> None:
    """Answer, unless whoever asked has gone."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
