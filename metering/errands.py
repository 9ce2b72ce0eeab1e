"""What has to be asked of the store besides commits: open sessions, credit viewers, read balances.

They run between commits, never beside one: what the store says of a balance can then be told apart
from what is decided and not saved yet.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from config.clock import Clock
from config.limits import (
    INTAKE_COMMIT_MS_MAX,
    INTAKE_CREDITS_PER_ROUND,
    INTAKE_OPENINGS_PER_ROUND,
)
from metering.book import Book
from metering.errors import InsufficientFunds, LeaseLost, MeterUnavailable, SessionClosed
from metering.ledger.ledger import Account, LedgerRefusal, Transfer
from metering.money import Stroops
from metering.offer import Offer
from metering.repricing import NoSuchChange, PriceChange
from metering.session import SavedSession, Session, unstarted
from metering.store import MeterStore
from metering.terms import Terms

Done = asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Opening:
    session: Session
    offer: Offer
    done: Done


@dataclass(frozen=True, slots=True)
class _Consent:
    session_id: str
    epoch: str
    at: datetime
    done: Done


@dataclass(frozen=True, slots=True)
class _Credit:
    accounts: Sequence[Account]
    transfers: Sequence[Transfer]
    done: Done


@dataclass(frozen=True, slots=True)
class TakingOut:
    """Money that leaves a viewer's account. `work` moves it, in a transaction of its own; it may
    raise a LedgerRefusal or MeterUnavailable.
    """

    account: Account
    amount: Stroops
    work: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Hints:
    """What another server has done, which concerns sessions here.

    Attributes:
        assets: have got another price.
        consents: sessions whose viewers have agreed to one.
        opened: sessions that were opened under our lease.
        everything: we did not listen for a while, and sessions may have been opened.
    """

    assets: set[str] = field(default_factory=set)
    consents: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    everything: bool = False

    def __bool__(self) -> bool:
        return bool(self.assets or self.consents or self.opened or self.everything)

    def add(self, others: "Hints") -> None:
        """These as well."""
        self.assets |= others.assets
        self.consents |= others.consents
        self.opened |= others.opened
        self.everything |= others.everything


class Errands:
    """Collects errands; `run` does all that were collected, alike ones together.

    The time is read when an answer is there: a store may take seconds to give one, and nobody was
    watching a session meanwhile that is only known then.
    """

    def __init__(self, store: MeterStore, book: Book, clock: Clock) -> None:
        self._store = store
        self._book = book
        self._clock = clock
        self._openings: list[_Opening] = []
        self._readings: dict[str, list[Done]] = {}
        self._credits: list[_Credit] = []
        self._takings: list[tuple[TakingOut, Done]] = []
        self._prices: list[tuple[PriceChange, Done]] = []
        self._consents: list[_Consent] = []
        self._joinings: list[tuple[str, Done]] = []
        self.hints = Hints()
        """What other servers have said: nobody waits for it."""

    def __bool__(self) -> bool:
        prices = self._prices or self._consents
        money = self._credits or self._takings
        return bool(self._openings or self._readings or money or prices or self._joinings)

    @property
    def openings(self) -> int:
        """How many sessions wait to be made."""
        return len(self._openings)

    def open(self, session: Session, offer: Offer) -> Done:
        """Make a session; fails with InsufficientFunds when nothing that costs could be paid."""
        done = _future()
        self._openings.append(_Opening(session, offer, done))
        return done

    def announce(self, change: PriceChange) -> Done:
        """Tell those who watch an asset of its new price."""
        done = _future()
        self._prices.append((change, done))
        return done

    def agree(self, session_id: str, epoch: str, at: datetime) -> Done:
        """A viewer goes on at a higher price; fails with NoSuchChange or SessionClosed."""
        done = _future()
        self._consents.append(_Consent(session_id, epoch, at, done))
        return done

    def take_up_this(self, session_id: str) -> Done:
        """Take in a session of our lease that another server has opened, if the book has not."""
        done = _future()
        self._joinings.append((session_id, done))
        return done

    def read(self, account: str) -> Done:
        """Bring a wallet in memory up to date with the store."""
        done = _future()
        self._readings.setdefault(account, []).append(done)
        return done

    def reread(self, account: str) -> None:
        """As `read`, with nobody waiting for it."""
        self._readings.setdefault(account, [])

    def credit(self, accounts: Sequence[Account], transfers: Sequence[Transfer]) -> Done:
        """Post transfers that touch viewers' accounts; fails with a LedgerRefusal."""
        done = _future()
        self._credits.append(_Credit(accounts, transfers, done))
        return done

    def take_out(self, taking: TakingOut) -> Done:
        """Let money leave an account; fails with InsufficientFunds or a LedgerRefusal."""
        done = _future()
        self._takings.append((taking, done))
        return done

    async def take_up(self) -> None:
        """Take in the open sessions of the lease that the book has not got.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        await self._take_in(await self._store.open_sessions(self._book.fence))

    async def _take_in(self, kept: Sequence[SavedSession]) -> None:
        new = [each for each in kept if each.session.id not in self._book]
        balances = await self._store.balances([each.session.viewer_account for each in new])
        allowances = await self._store.allowances([each.session.viewer for each in new])
        for change in await self._store.price_changes({each.session.asset_id for each in new}):
            self._book.announce(change)
        consents = await self._store.consents([each.session.id for each in new])
        now = self._clock.monotonic_ms()
        for saved in new:
            session = saved.session
            balance, agreed = balances[session.viewer_account], consents.get(session.id, ())
            self._book.add(saved, balance, allowances.get(session.viewer), now, agreed)

    async def run(self) -> None:
        """Do what was collected, or as much of it as is done between two commits. Failures go to
        whom they concern.
        """
        waiting, self._credits = _split(self._credits, INTAKE_CREDITS_PER_ROUND)
        for credit in waiting:
            await self._credit(credit)
        takings, self._takings = _split(self._takings, INTAKE_CREDITS_PER_ROUND)
        for taking, done in takings:
            await self._take_out(taking, done)
        openings, self._openings = _split(self._openings, INTAKE_OPENINGS_PER_ROUND)
        readings, self._readings = self._readings, {}
        async with _answered([done for waiting in readings.values() for done in waiting]):
            await self._read(list(readings))
        for some in _apart(openings):
            async with _answered([each.done for each in some]):
                await self._open(some)
        await self._reprice()
        await self._heed_hints()
        await self._join()

    def fail(self, error: MeterUnavailable) -> None:
        """Refuse what was collected."""
        waiting = [each.done for each in self._openings]
        waiting += [each.done for each in self._consents]
        waiting += [done for _, done in self._prices]
        waiting += [done for those in self._readings.values() for done in those]
        waiting += [credit.done for credit in self._credits]
        waiting += [done for _, done in self._takings]
        waiting += [done for _, done in self._joinings]
        self._openings, self._readings, self._credits, self._takings = [], {}, [], []
        self._prices, self._consents, self._joinings = [], [], []
        for done in waiting:
            fail(done, error)

    async def _credit(self, credit: _Credit) -> None:
        touched = {a for each in credit.transfers for a in (each.debit, each.credit)}
        async with _answered([credit.done]):
            try:
                await self._store.post(credit.accounts, credit.transfers)
            except LedgerRefusal as refusal:
                fail(credit.done, refusal)
            else:
                await self._read([each for each in touched if each in self._book.wallets])

    async def _take_out(self, taking: TakingOut, done: Done) -> None:
        """The wallet has it no more before it is taken: what a session draws meanwhile is drawn of
        the rest.
        """
        account, asset = taking.account.id, taking.account.asset
        if account in self._book.wallets:
            available = self._book.wallets.available(account)
            if available < taking.amount:
                fail(done, InsufficientFunds(taking.amount, available, asset))
                return
            self._book.wallets.take_out(account, taking.amount)
        self.reread(account)
        async with _answered([done]):
            try:
                await taking.work()
            except LedgerRefusal as refusal:
                fail(done, refusal)

    async def _read(self, accounts: Sequence[str]) -> None:
        if not accounts:
            return
        for account, balance in (await self._store.balances(accounts)).items():
            if account in self._book.wallets:
                self._book.wallets.set_balance(account, balance)

    async def _open(self, openings: Sequence[_Opening]) -> None:
        if not openings:
            return
        openings = [await self._with_day_cap(each) for each in openings]
        sessions = [each.session for each in openings]
        balances = await self._store.balances(sorted({each.viewer_account for each in sessions}))
        new = {each.viewer for each in sessions if each.viewer not in self._book.viewers}
        allowances = await self._store.allowances(sorted(new))
        accepted = [each for each in openings if self._affords(each, balances)]
        await self._store.open([each.session for each in accepted], self._book.fence)
        now = self._clock.monotonic_ms()
        for each in accepted:
            session = each.session
            balance = balances.get(session.viewer_account, 0)
            self._book.add(unstarted(session), balance, allowances.get(session.viewer), now)
            if each.done.cancelled():  # whoever asked has gone: nobody knows the session's id
                self._book.close(session.id, now)

    async def _with_day_cap(self, opening: _Opening) -> _Opening:
        """The session's own cap is what is left of the day's. So that two sessions side by side do
        not spend it twice, the viewer's others on the asset end.
        """
        session, offer = opening.session, opening.offer
        if offer.day_cap is None:
            return opening
        others = (session.viewer, session.asset_id, session.day)
        unsaved = self._book.close_others(*others, self._clock.monotonic_ms())
        spent = unsaved + await self._store.spent(*others)
        return replace(opening, session=replace(session, terms=Terms(offer.tariff_after(spent))))

    def _affords(self, opening: _Opening, balances: dict[str, Stroops]) -> bool:
        session, done = opening.session, opening.done
        account = session.viewer_account
        known = account in self._book.wallets
        free = self._book.wallets.available(account) if known else balances.get(account, Stroops(0))
        needed = session.terms.entry
        if free < needed:
            fail(done, InsufficientFunds(needed, free, session.tariff.asset))
        return free >= needed

    async def _reprice(self) -> None:
        prices, self._prices = self._prices, []
        consents, self._consents = self._consents, []
        for change, done in prices:
            async with _answered([done]):
                await self._store.announce(change)
                self._book.announce(change)
        for consent in consents:
            async with _answered([consent.done]):
                await self._agree(consent)

    async def _join(self) -> None:
        joinings, self._joinings = self._joinings, []
        if joinings:
            async with _answered([done for _, done in joinings]):
                await self._take_up_these({session_id for session_id, _ in joinings})

    async def _take_up_these(self, session_ids: Collection[str]) -> None:
        new = [each for each in sorted(session_ids) if each not in self._book]
        found = [await self._store.session(session_id) for session_id in new]
        await self._take_in([each for each in found if each and each.closed_at is None])

    async def _heed_hints(self) -> None:
        """What cannot be done now is done the next time."""
        if not self.hints:
            return
        hints, self.hints = self.hints, Hints()
        done = _future()
        async with _answered([done]):
            await self._heed(hints)
        if done.exception() is not None:
            self.hints.add(hints)

    async def _heed(self, hints: Hints) -> None:
        for change in await self._store.price_changes(hints.assets):
            self._book.announce(change)
        consents = await self._store.consents(sorted(hints.consents))
        for session_id, epochs in consents.items():
            self._agree_to(session_id, epochs)
        await self._take_up_these(hints.opened)
        if hints.everything:
            await self.take_up()

    def _agree_to(self, session_id: str, epochs: Iterable[str]) -> None:
        for epoch in epochs:
            with suppress(NoSuchChange):  # an older one
                if self._book.is_open(session_id):
                    self._book.agree(session_id, epoch)

    async def _agree(self, consent: _Consent) -> None:
        session_id, epoch = consent.session_id, consent.epoch
        if not self._book.is_open(session_id):
            fail(consent.done, SessionClosed(session_id))
            return
        try:
            self._book.agree(session_id, epoch)
        except NoSuchChange as error:
            fail(consent.done, error)
        else:
            await self._store.consent(session_id, epoch, consent.at)


def _apart(openings: Sequence[_Opening]) -> Iterator[Sequence[_Opening]]:
    """All at once, but for those with a cap for a day: each has to know what came before it."""
    yield [each for each in openings if each.offer.day_cap is None]
    for each in openings:
        if each.offer.day_cap is not None:
            yield [each]


def fail(done: Done, error: Exception) -> None:
    """Refuse one; those who ask may have gone."""
    if not done.done():
        done.set_exception(error)


def _split[T](waiting: list[T], count: int) -> tuple[list[T], list[T]]:
    return waiting[:count], waiting[count:]


def _future() -> Done:
    return asyncio.get_running_loop().create_future()


@asynccontextmanager
async def _answered(waiting: Sequence[Done]) -> AsyncIterator[None]:
    """Every future has an answer at the end: done, unless something else was said."""
    try:
        async with asyncio.timeout(INTAKE_COMMIT_MS_MAX / 1000):
            yield
    except TimeoutError:
        for done in waiting:
            fail(done, MeterUnavailable("the store takes too long"))
    except MeterUnavailable as error:
        for done in waiting:
            fail(done, error)
    except LeaseLost as lost:  # which the next commit finds, too
        for done in waiting:
            fail(done, MeterUnavailable(str(lost)))
    for done in waiting:
        if not done.done():
            done.set_result(None)
