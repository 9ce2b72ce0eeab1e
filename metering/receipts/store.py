"""Where receipts are kept, and the keeper in memory."""

from collections.abc import Callable
from typing import Protocol

from config.limits import LEDGER_PAGE_MAX
from metering.ledger.ledger import Entry, Ledger
from metering.receipts.receipt import ClosedSession, Receipt, Refund
from metering.receipts.sources import ChargedRun, PastTerms, Sources, closed_session
from metering.session import SavedSession
from metering.store import MemoryMeterStore

REFUND = "refund"

type Make = Callable[[ClosedSession, str | None], Receipt]
"""Makes the receipt of a session, after the one with that hash."""


class ReceiptStore(Protocol):
    """Receipts of closed sessions, each made once: of a viewer one after the other, each with the
    hash of the one before. Each call may raise `MeterUnavailable`.

    A refund is a transfer to the viewer whose id begins with `{session}:refund`; a receipt has
    those that were posted before it was made.
    """

    async def due(self, limit: int) -> list[str]:
        """Viewers who have closed sessions without a receipt, at most so many."""

    async def make(self, viewer: str, limit: int, make: Make) -> int:
        """Keep receipts of at most so many of a viewer's closed sessions that have none, those that
        ended first before the others, all or nothing; how many. Of two callers at once, the second
        finds none left.
        """

    async def get(self, session_id: str) -> Receipt | None:
        """A session's receipt."""


class MemoryReceiptStore:
    """Implements `ReceiptStore` over sessions in memory. Lost with the process."""

    def __init__(self, sessions: MemoryMeterStore) -> None:
        self._sessions = sessions
        self._receipts: dict[str, Receipt] = {}

    async def due(self, limit: int) -> list[str]:
        viewers = dict.fromkeys(saved.session.viewer for saved in self._due())
        return list(viewers)[:limit]

    async def make(self, viewer: str, limit: int, make: Make) -> int:
        own = [saved for saved in self._due() if saved.session.viewer == viewer][:limit]
        sources = [await self._sources(saved) for saved in own]
        for each in sources:
            receipt = make(closed_session(each), self._last(viewer))
            self._receipts[receipt.session_id] = receipt
        return len(sources)

    async def get(self, session_id: str) -> Receipt | None:
        return self._receipts.get(session_id)

    def _due(self) -> list[SavedSession]:
        closed = self._sessions.closed_sessions()
        due = [saved for saved in closed if saved.session.id not in self._receipts]
        return sorted(due, key=lambda saved: (saved.closed_at, saved.session.id))

    def _last(self, viewer: str) -> str | None:
        own = [receipt for receipt in self._receipts.values() if receipt.viewer == viewer]
        return own[-1].hash if own else None

    async def _sources(self, saved: SavedSession) -> Sources:
        session_id = saved.session.id
        runs = enumerate(self._sessions.tick_runs.get(session_id, []), start=1)
        return Sources(
            saved=saved,
            past=tuple(map(_past, self._sessions.repriced.get(session_id, []))),
            runs=tuple(
                ChargedRun(revision, run.first_tick, run.last_tick, run.amount)
                for revision, run in runs
                if run.first_tick < run.last_tick or run.amount
            ),
            refunds=await _refunds(self._sessions.ledger, saved),
        )


def _past(saved: SavedSession) -> PastTerms:
    """A session as it was when other terms took over."""
    totals = saved.totals
    return PastTerms(saved.session.terms, saved.revision, totals.ticks, totals.rungs, totals.amount)


async def _refunds(ledger: Ledger, saved: SavedSession) -> tuple[Refund, ...]:
    prefix, found = f"{saved.session.id}:{REFUND}", list[Entry]()
    while True:
        after = found[-1].position if found else 0
        page = await ledger.transfers_of(saved.session.viewer_account, after)
        found += page
        if len(page) < LEDGER_PAGE_MAX:
            break
    return tuple(
        Refund(entry.transfer.id, entry.transfer.cause, entry.transfer.amount)
        for entry in found
        if entry.transfer.id.startswith(prefix)
    )
