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
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple

import structlog

from config.clock import Clock
from config.ids import Ids, new_id
from config.limits import (
    PRICE_NOTICE_MS,
    SESSION_WATCHING_MS_MAX,
)
from metering.admission import Load, crowded
from metering.book import Book
from metering.bookkeeper import Bookkeeper
from metering.errands import TakingOut
from metering.errors import (
    InsufficientFunds,
    MeteredElsewhere,
    MeterUnavailable,
    Overloaded,
    Paced,
    SessionClosed,
    UnknownSession,
)
from metering.leases.holder import LeaseHolder
from metering.leases.lease import LeaseTerms, Server
from metering.leases.others import Others
from metering.ledger.ledger import Transfer, treasury_account, viewer_account
from metering.money import NATIVE, Stroops
from metering.neighbours import Neighbours
from metering.offer import Offer
from metering.outage import OutageRules
from metering.refusals import counted
from metering.repricing import NoSuchChange, Notice, PriceChange
from metering.requests import Delivery, MediaRequests, Promise
from metering.rules import MeterRules
from metering.session import Session, SessionState, SessionSummary, summary_of
from metering.store import MeterStore
from metering.tariff import Price, Tariff
from metering.terms import Terms
from metering.whereabouts import Whereabouts

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
        others: the other servers on the store; None: whoever asks for their sessions is refused.
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
        others: Others | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._asset = asset
        self._ids = ids
        self._book = Book(rules, clock.wall_ms() - clock.monotonic_ms())
        holder = LeaseHolder(store.leases, server, lease)
        self._keeper = Bookkeeper(store, clock, self._book, holder, outage)
        self._whereabouts = Whereabouts(store, clock, server)
        self._neighbours = Neighbours(store, clock, self._book, self._keeper, server, others)
        requests = MediaRequests(self._whereabouts, clock, self._book, self._keeper)
        self._requests = requests
        # What is asked for with every file: without a step in between.
        self.request = requests.request
        self.request_at_once = requests.request_at_once
        self.request_soon = requests.request_soon
        self.finish = requests.finish
        self.require_open = requests.require_open
        self.look = requests.look
        self.locate = requests.locate
        self.waive = requests.waive

    # --- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up the sessions of this server that are open in the store, and those of servers that
        have stopped. What was being delivered when the last process ended is void; time that nobody
        ran does not count as watched.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        await self._keeper.start()
        self._neighbours.start()
        log.info("meter runs", sessions=len(self._book))

    async def stop(self) -> None:
        """Charge what there was time to watch, save everything, and end. Sessions stay open: the
        next start goes on with them.
        """
        await self._neighbours.stop()
        await self._keeper.stop()

    # --- sessions --------------------------------------------------------------------------------

    def require_room(self) -> None:
        """Pass when one more session is let in now: to be asked before anything is looked up.

        Raises:
            Overloaded: there is no room for it, or too much to do.
            MeterUnavailable: the store does not answer.
        """
        load = Load(
            len(self._book),
            self._keeper.errands.openings,
            self._requests.waiting,
            self._keeper.lag_ms,
        )
        if (why := crowded(load)) is not None:
            raise counted(Overloaded(why))
        if self._keeper.is_silent(self._clock.monotonic_ms()):
            raise counted(MeterUnavailable("no session can be opened now"))

    async def open(
        self,
        viewer: str,
        asset_id: str,
        payee: str,
        offer: Offer | Tariff | Price,
        session_id: str | None = None,
        live_at: str = "",
    ) -> SessionSummary:
        """Begin a session of `viewer` on an asset that `payee` earns with. Where the offer has a
        cap for a day, it ends the viewer's other sessions on it, which count towards that.

        Whoever may try again names it by `session_id`, and asks `begun` first when trying again.
        What is live at a server (`live_at`) is metered there; else all sessions of a viewer are at
        one, if that is there.

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
        if not await self._neighbours.open(session, Offer.of(offer), live_at):
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
                with suppress(MeteredElsewhere, SessionClosed):
                    await self.locate(session_id)
        return await self.summary(session_id)

    async def close(self, session_id: str) -> SessionSummary:
        """End a session; again is the same as once. Returns when it is durable.

        Raises:
            UnknownSession: there never was one.
            MeteredElsewhere: it is another server's, which does not end it in time.
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
        self._neighbours.price_changed(asset_id)

    async def notice(self, session_id: str) -> Notice | None:
        """The higher price that a session's viewer has to agree to, whoever meters it; None when
        there is none.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        if session_id in self._book:
            return self._book.notice(session_id)
        return await self._neighbours.notice(session_id)

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
        if session_id in self._book:
            await self._keeper.answered(self._keeper.errands.agree(session_id, epoch, at))
        else:
            await self._neighbours.agree(session_id, epoch, at)

    # --- money -----------------------------------------------------------------------------------

    async def credit(self, transfers: Sequence[Transfer]) -> None:
        """Post transfers to or from viewers' accounts, so that wallets in memory know of them.

        Raises:
            LedgerRefusal: the ledger's rules forbid it.
            MeterUnavailable: nobody knows whether it happened; post it again.
        """
        await self._keeper.answered(self._keeper.errands.credit((), transfers))
        for account in {a for each in transfers for a in (each.debit, each.credit)}:
            self._neighbours.balance_changed(account)

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
        self._neighbours.balance_changed(target.id)
        return await self.balance(viewer, asset)

    async def take_out(self, taking: TakingOut) -> None:
        """Let money leave a viewer's account. What open sessions hold of it, or have drawn and not
        saved yet, is not there to be taken.

        Raises:
            InsufficientFunds: there is less.
            LedgerRefusal: as `taking.work` raises it.
            MeterUnavailable: nobody knows whether it happened; do it again.
        """
        await self._keeper.answered(self._keeper.errands.take_out(taking))
        self._neighbours.balance_changed(taking.account.id)

    def balance_changed(self, viewer: str, asset: str | None = None) -> None:
        """Somebody else posted a transfer of this viewer's: read the balance again, soon."""
        account = viewer_account(viewer, asset or self._asset).id
        self._neighbours.balance_changed(account)
        if account in self._book.wallets:
            self._keeper.errands.reread(account)
            self._keeper.wake()

    async def balance_read(self, viewer: str, asset: str | None = None) -> None:
        """As `balance_changed`, and return when what was posted can be spent.

        Raises:
            MeterUnavailable: the store does not answer; it is read as soon as it does.
        """
        account = viewer_account(viewer, asset or self._asset).id
        self._neighbours.balance_changed(account)
        if account in self._book.wallets:
            await self._keeper.answered(self._keeper.errands.read(account))

    async def balance(self, viewer: str, asset: str | None = None) -> Balance:
        """A viewer's money; nothing when there is no account.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        account = viewer_account(viewer, asset or self._asset).id
        if account in self._book.wallets:
            return Balance(self._book.wallets.available(account), self._book.wallets.held(account))
        balances = await self._store.balances([account])
        return Balance(balances.get(account, Stroops(0)), Stroops(0))

    async def sweep(self) -> None:
        """Let the intake do now what it does about once a second; returns when it is saved."""
        await self._keeper.sweep()

    async def _ended(self, session_id: str) -> SessionSummary:
        summary = await self._stored(session_id)
        if summary.state is SessionState.CLOSED:
            return summary
        try:
            await self.locate(session_id)
        except SessionClosed:  # by its server, since we looked
            return await self._stored(session_id)
        except MeteredElsewhere:
            await self._neighbours.close(session_id)
            self._whereabouts.forget(session_id)
        return await self.close(session_id)

    async def _stored(self, session_id: str) -> SessionSummary:
        saved = await self._store.session(session_id)
        if saved is None:
            raise UnknownSession(session_id)
        account = saved.session.viewer_account
        if account in self._book.wallets:
            return summary_of(saved, self._book.wallets.available(account))
        balances = await self._store.balances([account])
        return summary_of(saved, balances.get(account, Stroops(0)))
