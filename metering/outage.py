"""What viewers who were let in may have while the store does not answer.

A database restarts, or another one takes its place, and for half a minute nothing can be saved.
Then sessions that are open go on in memory: they hold, post and void as ever, and all of it is
saved when the store answers again. If this process dies before that, what was not saved is the
viewers'. That is the risk, and it has a limit for each session and one for all together. Beyond it
a session is paused: it stays open, is told to ask again, and goes on by itself.
"""

from dataclasses import dataclass

from config.limits import METER_OUTAGE_SECONDS, METER_OUTAGE_STROOPS
from metering.book import Book
from metering.decision import SERVE, Decision
from metering.open_sessions import File
from metering.rules import UNITS_PER_SECOND
from metering.session import Batch


@dataclass(frozen=True, slots=True)
class OutageRules:
    """What may be promised and not saved: media seconds of each session, and stroops of each
    currency in all.
    """

    seconds: int = METER_OUTAGE_SECONDS
    stroops: int = METER_OUTAGE_STROOPS


class OutageCredit:
    """Decides about files as the book does, but within the limits of an outage."""

    def __init__(self, rules: OutageRules, book: Book) -> None:
        self._rules = rules
        self._book = book
        self._sent: Batch | None = None
        # Both are only looked up when something is lent, and then once: the units by session of
        # what was sent, and by currency what is not saved. The latter grows with what is lent.
        self._sent_units: dict[str, int] | None = None
        self._at_risk: dict[str, int] | None = None

    def sending(self, batch: Batch) -> None:
        """The store is asked to save this, and does not answer yet."""
        self._sent = batch
        self._sent_units = None

    def answered(self) -> None:
        """It has answered: what is not saved now is counted anew if it stops again."""
        self._sent = self._sent_units = self._at_risk = None

    def request(self, session_id: str, file: File, now: int) -> tuple[int, Decision] | None:
        """As `Book.request`, of an open session; None when there is no credit left for it."""
        new = 0 if self._book.covers(session_id, file) else file[2] - file[1]
        # Also a copy of what somebody still waits for would be sent unsaved.
        if not self._has_seconds(session_id, new):
            return None
        session = self._book.session(session_id)
        account, asset = session.viewer_account, session.price.asset
        before = self._book.wallets.available(account)
        ticket, decision = self._book.request(session_id, file, now)
        self._lend(asset, before - self._book.wallets.available(account))
        if decision is SERVE and not self._has_stroops(asset):
            before = self._book.wallets.available(account)
            self._book.finish(session_id, ticket, complete=False, now=now)
            self._lend(asset, before - self._book.wallets.available(account))
            return None
        return ticket, decision

    def covers(self, session_id: str) -> bool:
        """Whether all that was promised to a session may be sent without being saved."""
        asset = self._book.session(session_id).price.asset
        return self._has_seconds(session_id, 0) and self._has_stroops(asset)

    def _has_seconds(self, session_id: str, more: int) -> bool:
        if self._sent_units is None:
            self._sent_units = _units(self._sent)
        unsaved = self._sent_units.get(session_id, 0) + self._book.promised(session_id)
        return unsaved + more <= self._rules.seconds * UNITS_PER_SECOND

    def _has_stroops(self, asset: str) -> bool:
        return self._lend(asset, 0) <= self._rules.stroops

    def _lend(self, asset: str, stroops: int) -> int:
        """Count what was taken from a wallet; what is at risk of that currency now."""
        if self._at_risk is None:
            self._at_risk = self._book.at_risk()
            stroops = 0  # it is among them
        self._at_risk[asset] = self._at_risk.get(asset, 0) + stroops
        return self._at_risk[asset]


def _units(batch: Batch | None) -> dict[str, int]:
    """How many units of media a batch promises to each session."""
    changes = () if batch is None else batch.changes
    return {
        each.saved.session.id: sum(served.hi - served.lo for served in each.served)
        for each in changes
    }
