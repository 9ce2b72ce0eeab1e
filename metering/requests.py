"""Leave to send media: three doors to one decision, for those who can wait for it and for others.

What can be said at once is said in a step that awaits nothing (`request_at_once`). Most of the rest
only waits to be saved, which needs no task (`request_soon`). `request` is for everything.
"""

from typing import NamedTuple

from config.clock import Clock
from config.limits import INTAKE_PACE_MS_MAX, INTAKE_WAITING_MAX
from metering.book import NO_TICKET, Book
from metering.bookkeeper import Bookkeeper
from metering.decision import DUPLICATE, SERVE, Duplicate, Fragmented, Pace, Serve, ShortOfFunds
from metering.errors import (
    InsufficientFunds,
    MeteredElsewhere,
    MeterUnavailable,
    NotHere,
    Overloaded,
    Paced,
    SessionClosed,
)
from metering.open_sessions import File
from metering.refusals import counted
from metering.waiting import Saved
from metering.whereabouts import Whereabouts

# What a NamedTuple's own constructor does, for a third of its time.
_make = tuple.__new__


class Delivery(NamedTuple):
    """Leave to send one segment; give it back with `finish`, whatever became of it."""

    session_id: str
    sequence: int
    ticket: int


class Promise(Saved):
    """Leave to send one segment as soon as it is saved, unless that fails. The delivery is to be
    finished in any case.
    """

    __slots__ = ("delivery",)

    def __init__(self, delivery: Delivery) -> None:
        super().__init__()
        self.delivery = delivery


class MediaRequests:
    """Asks the meter and waits for the store, for all open sessions of this process."""

    def __init__(
        self, whereabouts: Whereabouts, clock: Clock, book: Book, keeper: Bookkeeper
    ) -> None:
        self._whereabouts = whereabouts
        self._clock = clock
        self._book = book
        self._keeper = keeper
        self._asking = 0

    @property
    def waiting(self) -> int:
        """How many requests wait for a commit or for their pace."""
        return self._asking + self._keeper.saves.waiting

    async def request(
        self,
        session_id: str,
        sequence: int,
        lo: int,
        hi: int,
        *,
        prompt: bool = False,
        height: int = 0,
    ) -> Delivery:
        """Ask for a file of a segment whose media is [lo, hi) in units of 1/90000 s. Returns when
        it may be sent: what it costs is held, durably unless it is `prompt`. `finish` has to
        follow. `height` is how many lines its pictures have; 0 is no pictures.

        Raises:
            InsufficientFunds: the viewer cannot pay it.
            Paced: it was held back for as long as a player waits, and still is too early.
            SessionClosed, UnknownSession: there is no such open session.
            MeteredElsewhere: it is another server's.
            Overloaded: too many requests wait already.
            MeterUnavailable: the store does not answer, or in time.
        """
        await self.locate(session_id)
        delivery = self.request_at_once(session_id, sequence, lo, hi, prompt=prompt, height=height)
        if delivery is not None:
            return delivery
        if self.waiting >= INTAKE_WAITING_MAX:
            raise counted(Overloaded("too many requests are waiting"))
        self._asking += 1
        try:
            ticket, is_durable = await self._serve(session_id, (sequence, lo, hi, height))
        except (InsufficientFunds, Paced, MeterUnavailable) as refusal:
            raise counted(refusal) from None
        finally:
            self._asking -= 1
        if not is_durable:
            await self._promise(session_id, ticket)
        return Delivery(session_id, sequence, ticket)

    def request_at_once(
        self, session_id: str, sequence: int, lo: int, hi: int, *, prompt: bool, height: int = 0
    ) -> Delivery | None:
        """As `request`, when the answer is yes and there is nothing to wait for: the media was paid
        for already, or it is a `prompt` file, whose hold is saved in the background, or the store
        is silent and there is credit.

        Returns:
            None when only `request` can tell.
        """
        now = self._clock.monotonic_ms()
        file = (sequence, lo, hi, height)
        if now < self._keeper.in_step_until:
            ticket = self._book.request_at_once(session_id, file, now, prompt=prompt)
        else:
            ticket = self._on_credit(session_id, file, now)
        if ticket is None:
            return None
        return _make(Delivery, (session_id, sequence, ticket))

    def request_soon(
        self, session_id: str, sequence: int, lo: int, hi: int, *, height: int = 0
    ) -> Promise | None:
        """As `request`, when the answer is yes and all there is to wait for is that it is durable:
        what that fails with is what `request` raises.

        Returns:
            None when only `request` can tell.
        """
        now, keeper, book = self._clock.monotonic_ms(), self._keeper, self._book
        if now >= keeper.in_step_until or self._asking + keeper.saves.waiting >= INTAKE_WAITING_MAX:
            return None
        kept = book.open(session_id)
        if kept is None:
            return None
        ticket, decision = book.request_of(kept, (sequence, lo, hi, height), now)
        if decision is not SERVE and decision is not DUPLICATE:
            return None
        promise = Promise(_make(Delivery, (session_id, sequence, ticket)))
        if decision is SERVE or book.owes(session_id):
            keeper.save(kept, promise)
        else:  # it could have been had at once
            promise.set_result(None)
        return promise

    def finish(self, delivery: Delivery, complete: bool, taken: int = 0) -> None:
        """The segment's last byte was taken by the viewer's socket, or not: then `taken` tells how
        many thousandths of the file were, before the viewer left. Bodies that we ended, or of which
        little was taken, cost nothing; others are judged like media that is left.
        May be called again, and after the session ended, to no effect.
        """
        session_id, _, ticket = delivery
        if ticket == NO_TICKET or (complete and self._book.arrives(session_id, ticket)):
            return
        now = self._clock.monotonic_ms()
        self._book.finish(session_id, ticket, complete=complete, now=now, taken=taken)

    def require_open(self, session_id: str) -> None:
        """Pass when the session takes requests.

        Raises:
            SessionClosed: it does not.
            NotHere: only `locate` can tell.
            MeteredElsewhere: another server took it over.
        """
        if not self._book.is_open(session_id):
            raise self._not_open(session_id)

    def look(self, session_id: str) -> None:
        """The player looks for what is new, and so is still there though it asks for no media.

        Raises:
            SessionClosed, NotHere, MeteredElsewhere: as `require_open`.
        """
        if not self._book.look(session_id, self._clock.monotonic_ms()):
            raise self._not_open(session_id)

    def waive(self, session_id: str, lo: int, hi: int) -> None:
        """The media [lo, hi) is sent for nothing: something is missing in it by our own fault.

        Raises:
            SessionClosed, NotHere, MeteredElsewhere: as `require_open`.
        """
        if not self._book.waive(session_id, lo, hi, self._clock.monotonic_ms()):
            raise self._not_open(session_id)

    async def _serve(self, session_id: str, file: File) -> tuple[int, bool]:
        """Ask the meter until it gives leave; the ticket, and whether there is nothing to wait for
        any more.
        """
        hold_until = self._clock.monotonic_ms() + INTAKE_PACE_MS_MAX
        read = False
        while True:
            now = self._clock.monotonic_ms()
            await self.locate(session_id)
            lent = self._keeper.on_credit(session_id, file, now)
            if lent is None and await self._keeper.waits(now):
                continue
            ticket, decision = lent or self._book.request(session_id, file, now)
            match decision:
                case Serve() | Duplicate():
                    return ticket, lent is not None or not self._book.owes(session_id)
                case Pace(wait_ms):
                    if now >= hold_until:
                        raise Paced(max(1, -(-wait_ms // 1000)))
                    await self._keeper.pause(min(now + wait_ms, hold_until))
                case ShortOfFunds(needed):
                    session = self._book.session(session_id)
                    account = session.viewer_account
                    if read:
                        there = self._book.wallets.available(account)
                        raise InsufficientFunds(needed, there, session.tariff.asset)
                    # Somebody may have paid in without telling us.
                    await self._keeper.answered(self._keeper.errands.read(account))
                    read = True
                case Fragmented():
                    self._book.close(session_id, now)
                    self._keeper.wake()
                    raise SessionClosed(session_id)

    def _on_credit(self, session_id: str, file: File, now: int) -> int | None:
        ticket, decision = self._keeper.on_credit(session_id, file, now) or (None, None)
        return ticket if decision is SERVE or decision is DUPLICATE else None

    async def _promise(self, session_id: str, ticket: int) -> None:
        """Wait until what was decided is durable; take it back when that fails."""
        saved, is_kept = Saved(), False
        try:
            self._keeper.save(self._book[session_id], saved)
            await saved
            is_kept = True
        finally:
            if not is_kept:
                now = self._clock.monotonic_ms()
                self._book.finish(session_id, ticket, complete=False, now=now)

    async def locate(self, session_id: str) -> None:
        """Return when a session takes requests here; one that another server has opened for us is
        taken up.

        Raises:
            SessionClosed, UnknownSession: there is no such open session.
            MeteredElsewhere: it is another server's.
            MeterUnavailable: the store does not answer.
        """
        if session_id not in self._book:
            refusal = await self._whereabouts.of(session_id)
            if refusal is not None:
                raise refusal
            await self._keeper.answered(self._keeper.errands.take_up_this(session_id))
            if session_id not in self._book:  # it has ended or was taken over since we looked
                raise MeteredElsewhere
        self.require_open(session_id)

    def _not_open(self, session_id: str) -> SessionClosed | MeteredElsewhere:
        if session_id in self._book:
            return SessionClosed(session_id)
        return MeteredElsewhere() if session_id in self._keeper.lost else NotHere(session_id)
