"""Where requests for media meet the meter and the store: nothing is answered before it is durable.

(But for parts of a live, which come five times a second and are worth a fraction of a tick each:
their holds are saved about once a second. If the process dies in between, that is the viewer's.)

Many requests share a commit: those that come while one is being written wait for the next, so that
batches grow with the load and an idle server answers at once, without a fixed delay. One task talks
to the store. The `Book` is only ever touched in steps that await nothing, so that no step sees
another one half done.

When a commit fails without an answer nobody knows whether it happened. The same batch is then sent
again, before anything else, until the store tells (committing twice is committing once). Meanwhile
sessions that are open go on within the outage credit, see `outage`; beyond it they are refused, and
so is everything new.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import structlog

from config.clock import Clock
from config.ids import Ids, new_id
from config.limits import (
    INTAKE_PACE_MS_MAX,
    INTAKE_WAITING_MAX,
    PRICE_NOTICE_MS,
    SESSION_WATCHING_MS_MAX,
)
from config.telemetry import counter
from metering.admission import Load, crowded
from metering.book import NO_TICKET, Book, File
from metering.bookkeeper import Bookkeeper
from metering.decision import DUPLICATE, SERVE, Duplicate, Fragmented, Pace, Serve, ShortOfFunds
from metering.errors import (
    InsufficientFunds,
    MeteredElsewhere,
    MeterUnavailable,
    Overloaded,
    Paced,
    SessionClosed,
    UnknownSession,
)
from metering.lease import LeaseTerms, Server
from metering.lease_holder import LeaseHolder
from metering.ledger import Transfer, treasury_account, viewer_account
from metering.money import NATIVE, Stroops
from metering.offer import Offer
from metering.outage import OutageRules
from metering.repricing import NoSuchChange, Notice, PriceChange
from metering.rules import MeterRules
from metering.session import Session, SessionState, SessionSummary, summary_of
from metering.store import MeterStore
from metering.tariff import Price, Tariff
from metering.terms import Terms
from metering.waiting import Saved

__all__ = [
    "Balance",
    "Delivery",
    "InsufficientFunds",
    "Intake",
    "MeterUnavailable",
    "NoSuchChange",
    "Overloaded",
    "Paced",
    "Promise",
    "SessionClosed",
    "UnknownSession",
]

log = structlog.get_logger(__name__)

_SERVER, _LEASE, _OUTAGE = Server("server"), LeaseTerms(), OutageRules()

_refused = counter("metering_refused_total", "Requests for media that were refused", ["reason"])


class Delivery(NamedTuple):
    """Leave to send one segment; give it back with `finish`, whatever became of it."""

    session_id: str
    sequence: int
    ticket: int


class Promise(NamedTuple):
    """Leave to send one segment as soon as `saved` is done, unless that fails. The delivery is to
    be finished in any case.
    """

    delivery: Delivery
    saved: Saved


class Balance(NamedTuple):
    """A viewer's money: free, and held for media that was delivered but not charged yet."""

    available: Stroops
    held: Stroops


class Intake:
    """All open playback sessions of this process.

    Args:
        store: where sessions and money are kept.
        clock: the time.
        rules: how watching is told from fetching.
        asset: what viewers' balances are in when nothing else is said.
        ids: how sessions get theirs.
        server: whose sessions these are. An earlier process of the same one has ended.
        lease: for how long they are ours when we say nothing.
        outage: what they may have while the store does not answer.
    """

    def __init__(  # noqa: PLR0913  # one place wires it, by keyword
        self,
        store: MeterStore,
        clock: Clock,
        rules: MeterRules,
        asset: str = NATIVE,
        *,
        ids: Ids = new_id,
        server: Server = _SERVER,
        lease: LeaseTerms = _LEASE,
        outage: OutageRules = _OUTAGE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._asset = asset
        self._ids = ids
        self._book = Book(rules, clock.wall_ms() - clock.monotonic_ms())
        holder = LeaseHolder(store.leases, server, lease)
        self._keeper = Bookkeeper(store, clock, self._book, holder, outage)
        self._requests = 0

    # --- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up the sessions of this server that are open in the store, and those of servers that
        have stopped. What was being delivered when the last process ended is void; time that nobody
        ran does not count as watched.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        await self._keeper.start()
        log.info("meter runs", sessions=len(self._book))

    async def stop(self) -> None:
        """Charge what there was time to watch, save everything, and end. Sessions stay open: the
        next start goes on with them.
        """
        await self._keeper.stop()

    # --- sessions --------------------------------------------------------------------------------

    def require_room(self) -> None:
        """Pass when one more session is let in now: to be asked before anything is looked up.

        Raises:
            Overloaded: there is no room for it, or too much to do.
            MeterUnavailable: the store does not answer.
        """
        load = Load(
            len(self._book), self._keeper.errands.openings, self._requests, self._keeper.lag_ms
        )
        if (why := crowded(load)) is not None:
            raise self._refusal(Overloaded(why))
        if self._keeper.is_silent(self._clock.monotonic_ms()):
            raise self._refusal(MeterUnavailable("no session can be opened now"))

    async def open(
        self,
        viewer: str,
        asset_id: str,
        payee: str,
        offer: Offer | Tariff | Price,
        session_id: str | None = None,
    ) -> SessionSummary:
        """Begin a session of `viewer` on an asset that `payee` earns with. Where the offer has a
        cap for a day, it ends the viewer's other sessions on it, which count towards that.

        Whoever may try again names it by `session_id`, and asks `begun` first when trying again.

        Raises:
            InsufficientFunds: not even the first second that costs something could be paid.
            Overloaded, MeterUnavailable: as `require_room`, or the store does not answer.
        """
        self.require_room()
        now_ms = self._clock.wall_ms()
        session = Session(
            id=session_id or self._ids("ses", now_ms),
            viewer=viewer,
            asset_id=asset_id,
            payee=payee,
            terms=Terms(Offer.of(offer).tariff),
            opened_at=datetime.fromtimestamp(now_ms / 1000, UTC),
        )
        await self._keeper.answered(self._keeper.errands.open(session, Offer.of(offer)))
        # Another one that is begun at the same time may have ended it already.
        return await self.summary(session.id)

    async def begun(self, session_id: str) -> SessionSummary | None:
        """A session that `open` began, although nobody may have heard of it; None: it did not.

        Raises:
            InsufficientFunds, MeterUnavailable: as `open`.
        """
        if session_id not in self._book:
            saved = await self._store.session(session_id)
            if saved is None:
                return None
            if saved.closed_at is None and saved.revision == 0:
                # The store has made it and was not heard: it would take no requests.
                offer = Offer(saved.session.tariff)
                await self._keeper.answered(self._keeper.errands.open(saved.session, offer))
        return await self.summary(session_id)

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
        await self._require_ours(session_id)
        delivery = self.request_at_once(session_id, sequence, lo, hi, prompt=prompt, height=height)
        if delivery is not None:
            return delivery
        if self._requests >= INTAKE_WAITING_MAX:
            raise self._refusal(Overloaded("too many requests are waiting"))
        self._requests += 1
        try:
            ticket = await self._serve(session_id, (sequence, lo, hi, height))
        except (InsufficientFunds, Paced, MeterUnavailable) as refusal:
            raise self._refusal(refusal) from None
        finally:
            self._requests -= 1
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
        if self._keeper.in_step(now):
            ticket = self._book.request_at_once(session_id, file, now, prompt=prompt)
        else:
            ticket = self._on_credit(session_id, file, now)
        if ticket is None:
            return None
        # What a NamedTuple's own constructor does, for a third of its time.
        return tuple.__new__(Delivery, (session_id, sequence, ticket))

    def request_soon(
        self, session_id: str, sequence: int, lo: int, hi: int, *, height: int = 0
    ) -> Promise | None:
        """As `request`, when the answer is yes and all there is to wait for is that it is durable:
        what that fails with is what `request` raises.

        Returns:
            None when only `request` can tell.
        """
        now = self._clock.monotonic_ms()
        if not (self._keeper.in_step(now) and self._book.is_open(session_id)):
            return None
        if self._requests >= INTAKE_WAITING_MAX:
            return None
        ticket, decision = self._book.request(session_id, (sequence, lo, hi, height), now)
        if decision is not SERVE and decision is not DUPLICATE:
            return None
        if not self._book.owes(session_id):
            # It could have been had at once.
            saved = Saved()
            saved.set_result(None)
            return Promise(Delivery(session_id, sequence, ticket), saved)
        self._requests += 1
        saved = self._keeper.saved(session_id)
        saved.add_done_callback(self._answered)
        return Promise(Delivery(session_id, sequence, ticket), saved)

    def finish(self, delivery: Delivery, complete: bool) -> None:
        """The segment's last byte was taken by the viewer's socket, or not; then it is not billed.
        May be called again, and after the session ended, to no effect.
        """
        session_id, _, ticket = delivery
        if ticket != NO_TICKET:
            now = self._clock.monotonic_ms()
            self._book.finish(session_id, ticket, complete=complete, now=now)

    async def close(self, session_id: str) -> SessionSummary:
        """End a session; again is the same as once. Returns when it is durable.

        Raises:
            UnknownSession: there never was one.
            MeteredElsewhere: it is another server's.
            MeterUnavailable: the store does not answer; the session takes no more requests.
        """
        if session_id not in self._book:
            return await self._ended(session_id)
        self._book.close(session_id, self._clock.monotonic_ms())
        try:
            summary = await self._keeper.ended(session_id)
        except InsufficientFunds:
            # Money went out without telling us; what it was to pay for is void now.
            return await self.close(session_id)
        except SessionClosed:
            summary = None
        return summary if summary is not None else await self._ended(session_id)

    async def summary(self, session_id: str) -> SessionSummary:
        """What is saved of a session, open or closed.

        Raises:
            UnknownSession: there never was one.
            MeterUnavailable: the store does not answer.
        """
        if session_id in self._book:
            return self._book.summary(session_id)
        return await self._stored(session_id)

    def require_open(self, session_id: str) -> None:
        """Pass when the session takes requests.

        Raises:
            SessionClosed: it does not.
            MeteredElsewhere: another server took it over.
        """
        if not self._book.is_open(session_id):
            raise self._not_open(session_id)

    def look(self, session_id: str) -> None:
        """The player looks for what is new, and so is still there though it asks for no media.

        Raises:
            SessionClosed, MeteredElsewhere: as `require_open`.
        """
        if not self._book.look(session_id, self._clock.monotonic_ms()):
            raise self._not_open(session_id)

    def waive(self, session_id: str, lo: int, hi: int) -> None:
        """The media [lo, hi) is sent for nothing: something is missing in it by our own fault.

        Raises:
            SessionClosed: the session takes no requests.
        """
        if not self._book.waive(session_id, lo, hi, self._clock.monotonic_ms()):
            raise SessionClosed(session_id)

    def viewers(self, asset_id: str) -> int:
        """How many sessions watch an asset now."""
        return self._book.watching(asset_id, self._clock.monotonic_ms() - SESSION_WATCHING_MS_MAX)

    # --- prices ----------------------------------------------------------------------------------

    async def change_price(self, asset_id: str, tariff: Tariff) -> None:
        """An asset has got another price. Those who watch it go on at a lower one from their next
        second on; of a higher one `notice` tells them, and without their consent their sessions end
        after `PRICE_NOTICE_MS`.

        Raises:
            MeterUnavailable: the store does not answer; change it again.
        """
        now_ms = self._clock.wall_ms()
        moments = [
            datetime.fromtimestamp(ms / 1000, UTC) for ms in (now_ms, now_ms + PRICE_NOTICE_MS)
        ]
        change = PriceChange(asset_id, tariff, *moments)
        await self._keeper.answered(self._keeper.errands.announce(change))

    def notice(self, session_id: str) -> Notice | None:
        """The higher price that a session's viewer has to agree to; None when there is none."""
        return self._book.notice(session_id)

    async def agree(self, session_id: str, epoch: str) -> None:
        """A session goes on at a higher price when that holds.

        Args:
            session_id: an open session.
            epoch: the id of the tariff that its viewer agrees to.

        Raises:
            NoSuchChange: that is not its asset's new price.
            SessionClosed: the session takes no requests.
            MeterUnavailable: the store does not answer; agree again.
        """
        at = datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)
        await self._keeper.answered(self._keeper.errands.agree(session_id, epoch, at))

    # --- money -----------------------------------------------------------------------------------

    async def credit(self, transfers: Sequence[Transfer]) -> None:
        """Post transfers to or from viewers' accounts, so that wallets in memory know of them.

        Raises:
            LedgerRefusal: the ledger's rules forbid it.
            MeterUnavailable: nobody knows whether it happened; post it again.
        """
        await self._keeper.answered(self._keeper.errands.credit((), transfers))

    async def fund(
        self, viewer: str, amount: Stroops, cause: str, asset: str | None = None
    ) -> Balance:
        """Give a viewer money of the treasury.

        Args:
            viewer: whose account; it is made when missing.
            amount: more than nothing.
            cause: names the event: the same cause funds once.
            asset: the intake's own by default.

        Raises:
            WouldOverdraw, UnknownAccount: the treasury has too little, or was never filled.
            MeterUnavailable: nobody knows whether it happened; fund with the same cause again.
        """
        asset = asset or self._asset
        source, target = treasury_account(asset), viewer_account(viewer, asset)
        transfer = Transfer(cause, source.id, target.id, amount, asset, "fund")
        await self._keeper.answered(self._keeper.errands.credit((source, target), (transfer,)))
        return await self.balance(viewer, asset)

    async def balance(self, viewer: str, asset: str | None = None) -> Balance:
        """A viewer's money; nothing when there is no account.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        account = viewer_account(viewer, asset or self._asset).id
        if self._book.has_wallet(account):
            return Balance(self._book.available(account), self._book.held(account))
        balances = await self._store.balances([account])
        return Balance(balances.get(account, Stroops(0)), Stroops(0))

    async def sweep(self) -> None:
        """Let the intake do now what it does about once a second; returns when it is saved."""
        await self._keeper.sweep()

    # --- requests --------------------------------------------------------------------------------

    async def _serve(self, session_id: str, file: File) -> int:
        """Ask the meter until it gives leave; the ticket."""
        hold_until = self._clock.monotonic_ms() + INTAKE_PACE_MS_MAX
        read = False
        while True:
            now = self._clock.monotonic_ms()
            await self._require_ours(session_id)
            lent = self._keeper.on_credit(session_id, file, now)
            if lent is None and await self._keeper.waits(now):
                continue
            ticket, decision = lent or self._book.request(session_id, file, now)
            match decision:
                case Serve() | Duplicate():
                    if lent is None:
                        await self._promise(session_id, ticket)
                    return ticket
                case Pace(wait_ms):
                    if now >= hold_until:
                        raise Paced(max(1, -(-wait_ms // 1000)))
                    await self._keeper.pause(min(now + wait_ms, hold_until))
                case ShortOfFunds(needed):
                    session = self._book.session(session_id)
                    account = session.viewer_account
                    if read:
                        there = self._book.available(account)
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
        kept = False
        try:
            if self._book.owes(session_id):
                await self._keeper.saved(session_id)
            kept = True
        finally:
            if not kept:
                now = self._clock.monotonic_ms()
                self._book.finish(session_id, ticket, complete=False, now=now)

    def _answered(self, saved: Saved) -> None:
        self._requests -= 1
        refusal = saved.exception()
        if isinstance(refusal, InsufficientFunds | MeterUnavailable):
            self._refusal(refusal)

    async def _require_ours(self, session_id: str) -> None:
        if session_id in self._book:
            self.require_open(session_id)
        else:
            raise await self._elsewhere(session_id)

    def _not_open(self, session_id: str) -> SessionClosed | MeteredElsewhere:
        if session_id in self._keeper.lost and session_id not in self._book:
            return MeteredElsewhere()
        return SessionClosed(session_id)

    async def _elsewhere(
        self, session_id: str
    ) -> SessionClosed | UnknownSession | MeteredElsewhere:
        """What to say of a session that is not in the book."""
        saved = await self._store.session(session_id)
        if saved is None:
            return UnknownSession(session_id)
        if saved.closed_at is not None:
            return SessionClosed(session_id)
        holder = await self._store.leases.holder(session_id)
        return MeteredElsewhere("" if holder is None else holder.url)

    async def _ended(self, session_id: str) -> SessionSummary:
        summary = await self._stored(session_id)
        if summary.state is SessionState.OPEN:
            raise await self._elsewhere(session_id)
        return summary

    async def _stored(self, session_id: str) -> SessionSummary:
        saved = await self._store.session(session_id)
        if saved is None:
            raise UnknownSession(session_id)
        account = saved.session.viewer_account
        if self._book.has_wallet(account):
            return summary_of(saved, self._book.available(account))
        balances = await self._store.balances([account])
        return summary_of(saved, balances.get(account, Stroops(0)))

    def _refusal[E: Exception](self, error: E) -> E:
        _refused.labels(type(error).__name__).inc()
        return error
