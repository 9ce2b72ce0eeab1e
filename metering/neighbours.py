"""What servers on one database tell each other, and do for each other.

Each session is metered by one of them. What another one is asked to do with it, it has that one do:
a word is enough, since what it comes to is in the store. Nothing is lost with a word: whoever asked
looks at the store, and whoever was not listening reads everything when it listens again.

A viewer's sessions come together at one server, where they share a void budget and a wallet: who
opens another one elsewhere has it opened there, and players find the way (`whereabouts`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from config.clock import Clock
from config.limits import (
    CLOSE_ELSEWHERE_MS,
    NEIGHBOUR_RETRY_MS,
    NEIGHBOUR_WORDS_MAX,
)
from config.tasks import cancel, spawn
from config.telemetry import counter
from metering.book import Book
from metering.bookkeeper import Bookkeeper
from metering.errors import (
    InsufficientFunds,
    LeaseLost,
    MeteredElsewhere,
    MeterUnavailable,
    SessionClosed,
)
from metering.leases.lease import Server
from metering.leases.others import Home, Others
from metering.money import Stroops
from metering.offer import Offer
from metering.repricing import Notice, Repricing
from metering.session import SavedSession, Session
from metering.store import MeterStore
from metering.terms import Terms

log = structlog.get_logger(__name__)

_forgotten = counter("metering_words_forgotten_total", "Words to other servers that were not told")


class Neighbours:
    """Tells the others, and listens to them; alone it does nothing at all."""

    def __init__(
        self,
        store: MeterStore,
        clock: Clock,
        book: Book,
        keeper: Bookkeeper,
        server: Server,
        others: Others | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._book = book
        self._keeper = keeper
        self._server = server
        self._others = others
        self._words: dict[str, None] = {}
        self._has_words = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        if self._others is not None:
            self._tasks = [
                spawn(self._attend(self._others), name="other servers"),
                spawn(self._tell(self._others), name="words to other servers"),
            ]

    async def stop(self) -> None:
        await cancel(*self._tasks)

    # --- words -----------------------------------------------------------------------------------

    def balance_changed(self, account: str) -> None:
        """Somebody may have a wallet of this account in memory."""
        self._say("balance", account)

    def price_changed(self, asset_id: str) -> None:
        """Somebody may have sessions on this asset."""
        self._say("price", asset_id)

    def _say(self, *word: str) -> None:
        if self._others is None or not self._others.are_there:
            return
        self._words[" ".join((self._server.id, *word))] = None
        while len(self._words) > NEIGHBOUR_WORDS_MAX:
            del self._words[next(iter(self._words))]
            _forgotten.inc()
        self._has_words.set()

    async def _tell(self, others: Others) -> None:
        while True:
            await self._has_words.wait()
            self._has_words.clear()
            words, self._words = self._words, {}
            try:
                await others.tell(list(words))
            except MeterUnavailable as reason:
                log.info("other servers are told later", reason=str(reason))
                self._words = words | self._words
                self._has_words.set()
                await asyncio.sleep(NEIGHBOUR_RETRY_MS / 1000)

    async def _attend(self, others: Others) -> None:
        while True:
            try:
                await others.attend(lambda: self._book.fence, self._hear, self._gone)
            except MeterUnavailable as reason:
                log.info("other servers are not heard", reason=str(reason))
            await asyncio.sleep(NEIGHBOUR_RETRY_MS / 1000)

    def _gone(self) -> None:
        log.warning("another server has ended without a word")
        self._keeper.look_for_leases()

    def _hear(self, said: str) -> None:
        if not said:
            self._hear_nothing()
            return
        who, kind, *rest = said.split(" ")
        act = self._acts.get(kind)
        if who != self._server.id and act is not None:
            act(self, *rest)
            self._keeper.wake()

    def _hear_nothing(self) -> None:
        """We may have missed anything."""
        errands = self._keeper.errands
        for account in self._book.wallets:
            errands.reread(account)
        errands.hints.assets.update(self._book.assets)
        errands.hints.everything = True
        self._keeper.wake()

    def _hear_balance(self, account: str) -> None:
        if account in self._book.wallets:
            self._keeper.errands.reread(account)

    def _hear_price(self, asset_id: str) -> None:
        if asset_id in self._book.assets:
            self._keeper.errands.hints.assets.add(asset_id)

    def _hear_close(self, session_id: str) -> None:
        if session_id in self._book:
            self._book.close(session_id, self._clock.monotonic_ms())

    def _hear_consent(self, session_id: str) -> None:
        if session_id in self._book:
            self._keeper.errands.hints.consents.add(session_id)

    def _hear_open(self, server_id: str, session_id: str) -> None:
        if server_id == self._server.id:
            self._keeper.errands.hints.opened.add(session_id)

    _acts: "dict[str, Callable[..., None]]" = {  # noqa: RUF012  # one table, never changed
        "balance": _hear_balance,
        "price": _hear_price,
        "close": _hear_close,
        "consent": _hear_consent,
        "open": _hear_open,
    }

    # --- sessions of others ----------------------------------------------------------------------

    async def close(self, session_id: str) -> None:
        """Have a session ended by whoever meters it. Returns when it is, or when it is ours now.

        Raises:
            MeteredElsewhere: its server has not done so in time.
            MeterUnavailable: the store does not answer.
        """
        if self._others is None:
            raise MeteredElsewhere
        waits_ms, waited_ms = 20, 0
        while waited_ms < CLOSE_ELSEWHERE_MS:
            self._say("close", session_id)
            await asyncio.sleep(waits_ms / 1000)
            waited_ms, waits_ms = waited_ms + waits_ms, min(2 * waits_ms, 640)
            if session_id in self._book:
                return
            saved = await self._store.session(session_id)
            if saved is None or saved.closed_at is not None:
                return
        raise MeteredElsewhere

    async def notice(self, session_id: str) -> Notice | None:
        """The higher price that the viewer of another server's session has to agree to."""
        saved = await self._store.session(session_id)
        if saved is None or saved.closed_at is not None:
            return None
        return (await self._repricing(saved)).notice(session_id)

    async def agree(self, session_id: str, epoch: str, at: datetime) -> None:
        """A session of another server goes on at a higher price.

        Raises:
            NoSuchChange: that is not its asset's new price.
            SessionClosed: it is over.
            MeterUnavailable: the store does not answer; agree again.
        """
        saved = await self._store.session(session_id)
        if saved is None or saved.closed_at is not None:
            raise SessionClosed(session_id)
        repricing = await self._repricing(saved)
        repricing.agree(saved.session, epoch)
        await self._store.consent(session_id, epoch, at)
        self._say("consent", session_id)

    async def _repricing(self, saved: SavedSession) -> Repricing:
        session, repricing = saved.session, Repricing()
        for change in await self._store.price_changes([session.asset_id]):
            repricing.announce(change)
        consents = await self._store.consents([session.id])
        repricing.concern(session, consents.get(session.id, ()))
        return repricing

    # --- opening ---------------------------------------------------------------------------------

    async def open(self, session: Session, offer: Offer, live_at: str) -> bool:
        """Open a session for another server, if it belongs there: what it is on is live there, or
        the viewer watches something there already.

        Args:
            session: a new one.
            offer: what it was made by.
            live_at: the id of the server where the asset is live; empty for any.

        Returns:
            Whether it was; else it is to be opened here.

        Raises:
            InsufficientFunds: not even the first second that costs something could be paid.
            MeterUnavailable: the store does not answer.
        """
        home = await self._home(session.viewer, live_at)
        if home is None:
            return False
        if offer.day_cap is not None:
            session = await self._with_day_cap(session, offer)
        await self._require_funds(session)
        try:
            await self._store.open([session], home.fence)
        except LeaseLost:  # it has ended just now
            return False
        self._say("open", home.server.id, session.id)
        return True

    async def _home(self, viewer: str, live_at: str) -> Home | None:
        others = self._others
        if others is None or not others.are_there or live_at == self._server.id:
            return None
        if live_at:
            home = await others.home_of_server(live_at)
        else:
            home = await others.home_of_viewer(viewer)
        if home is None or home.server.url in ("", self._server.url):
            return None  # players could not be sent there
        return home

    async def _with_day_cap(self, session: Session, offer: Offer) -> Session:
        """As `Errands` does it: the viewer's others on the asset end, and count."""
        assert self._others is not None, "somebody else has a lease"
        for each in await self._others.open_on(session.viewer, session.asset_id):
            if each in self._book:
                self._book.close(each, self._clock.monotonic_ms())
                await self._keeper.ended(each)
            else:
                await self.close(each)
        spent = await self._store.spent(session.viewer, session.asset_id, session.day)
        return replace(session, terms=Terms(offer.tariff_after(spent)))

    async def _require_funds(self, session: Session) -> None:
        account, needed = session.viewer_account, session.terms.entry
        balance = (await self._store.balances([account])).get(account, Stroops(0))
        if balance < needed:
            raise InsufficientFunds(needed, balance, session.tariff.asset)
