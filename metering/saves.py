"""Saves what the book has decided, batch after batch, and answers those who wait for that."""

import asyncio
from collections.abc import Iterable

import structlog

from config.clock import Clock
from config.limits import INTAKE_BATCH_SESSIONS_MAX
from metering.book import Book
from metering.committer import Committer, Outcome, Refusal
from metering.errands import Errands
from metering.errors import InsufficientFunds, MeterUnavailable, SessionClosed
from metering.ledger.ledger import WouldOverdraw
from metering.open_session import OpenSession, Waiter
from metering.outage import OutageCredit
from metering.refusals import counted
from metering.session import SessionSummary
from metering.store import MeterStore
from metering.waiting import Saved, answer_all, settle

log = structlog.get_logger(__name__)

_COUNTED = (InsufficientFunds, MeterUnavailable)


class Saves:
    """Never two batches at once. Who waits is kept with the session: for the batch that is being
    sent, or for a later one.

    Attributes:
        waiting: how many they are.
    """

    def __init__(
        self, store: MeterStore, clock: Clock, book: Book, errands: Errands, credit: OutageCredit
    ) -> None:
        self._clock = clock
        self._book = book
        self._errands = errands
        self._credit = credit
        self._committer = Committer(store)
        self.waiting = 0
        self._ending: set[Waiter] = set()  # of those, who waits for the session's end

    @property
    def in_doubt(self) -> bool:
        """Whether a batch was sent and not answered."""
        return self._committer.in_doubt

    # --- who waits -------------------------------------------------------------------------------

    def add(self, kept: OpenSession, saved: Saved) -> None:
        """Somebody waits for all that is decided about a session by now, and not saved."""
        if kept.awaited:
            kept.waiting += (saved,)
        else:
            assert kept.saving, "there is nothing to wait for"
            kept.sent += (saved,)
        self.waiting += 1

    def add_for_end(self, kept: OpenSession, ended: Saved) -> None:
        """Somebody waits for the session's last summary."""
        self.add(kept, ended)
        self._ending.add(ended)
        ended.add_done_callback(self._ending.discard)

    def lend(self) -> None:
        """Let those go on without being saved who have credit for it."""
        for kept in self._book.unsaved():
            session_id = kept.session.id
            if self._book.is_open(session_id) and self._credit.covers(session_id):
                for saved in self._taken(kept):
                    settle(saved, None)

    def refuse(self, error: Exception) -> None:
        """Nobody is served any more."""
        for kept in self._book.unsaved():
            self._refuse_these(self._taken(kept), error)

    def _taken(self, kept: OpenSession) -> tuple[Waiter, ...]:
        taken = kept.sent + kept.waiting
        kept.sent = kept.waiting = ()
        self.waiting -= len(taken)
        return taken

    def _refuse_these(self, waiting: Iterable[Waiter], error: Exception) -> None:
        """They are not served. Requests are counted that were short of money, or not answered."""
        for saved in waiting:
            if isinstance(error, _COUNTED) and not (saved in self._ending or saved.done()):
                counted(error)
            settle(saved, error)

    # --- commits ---------------------------------------------------------------------------------

    async def commit(self, until: int | None = None) -> None:
        """Save what has gathered, after the batch in doubt. What nobody waits for is left when it
        came after `until`.

        Raises:
            MeterUnavailable: the store does not answer; what was sent is in doubt.
            LeaseLost: somebody took over the sessions; nothing was saved.
        """
        if self.in_doubt:
            self._note(await self._committer.resolve())
        batch = self._book.changes(INTAKE_BATCH_SESSIONS_MAX, until)
        if batch.rows:
            self._credit.sending(batch)
            self._note(await self._committer.commit(batch))

    def _note(self, outcome: Outcome) -> None:
        self._credit.answered()
        ended = self._book.committed(outcome.committed)
        sent = self._book.take_sent()
        for summary in ended:
            self._end(sent.pop(summary.session_id), summary)
        for session_id, refusal in outcome.refused.items():
            # Also what was decided meanwhile is gone with the session's unsaved part.
            waiting = self._taken(sent.pop(session_id))
            self._refuse_these(waiting, self._refusal(session_id, refusal))
        # A turn of the loop later: by then the next batch is on its way to the store, which works
        # on it while a thousand answers are given and acted on.
        answered = [saved for kept in sent.values() for saved in kept.sent]
        for kept in sent.values():
            kept.sent = ()
        self.waiting -= len(answered)
        asyncio.get_running_loop().call_soon(answer_all, iter(answered))

    def _end(self, kept: OpenSession, summary: SessionSummary) -> None:
        """Nothing is sent any more of a session that has ended: what was held for it went back."""
        for saved in self._taken(kept):
            is_ending = saved in self._ending
            settle(saved, summary if is_ending else SessionClosed(summary.session_id))

    def _refusal(self, session_id: str, refusal: Refusal) -> Exception:
        """Bring the book back to what the store has; what to tell those who wait."""
        session = self._book.session(session_id)
        account = session.viewer_account
        if isinstance(refusal, WouldOverdraw) and refusal.account == account:
            # Money went out without telling us. Read what is left.
            self._book.roll_back(session_id, self._clock.monotonic_ms())
            self._book.wallets.empty(account)
            self._errands.reread(account)
            needed, there = session.terms.entry, self._book.wallets.available(account)
            return InsufficientFunds(needed, there, session.tariff.asset)
        # Its rows are not ours any more. Whoever has them goes on; the next start reads them.
        self._book.forget(session_id)
        log.error("session was given up", session=session_id, reason=str(refusal))
        return SessionClosed(session_id)
