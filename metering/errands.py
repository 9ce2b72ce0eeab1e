"""What has to be asked of the store besides commits: open sessions, credit viewers, read balances.

They run between commits, never beside one: what the store says of a balance can then be told apart
from what is decided and not saved yet.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from config.limits import INTAKE_COMMIT_MS_MAX
from metering.book import Book
from metering.errors import InsufficientFunds, LeaseLost, MeterUnavailable
from metering.ledger import Account, LedgerRefusal, Transfer
from metering.money import Stroops
from metering.session import Session, unstarted
from metering.store import MeterStore

Done = asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class _Credit:
    accounts: Sequence[Account]
    transfers: Sequence[Transfer]
    done: Done


class Errands:
    """Collects errands; `run` does all that were collected, alike ones together."""

    def __init__(self, store: MeterStore, book: Book) -> None:
        self._store = store
        self._book = book
        self._openings: list[tuple[Session, Done]] = []
        self._readings: dict[str, list[Done]] = {}
        self._credits: list[_Credit] = []

    def __bool__(self) -> bool:
        return bool(self._openings or self._readings or self._credits)

    def open(self, session: Session) -> Done:
        """Make a session; fails with InsufficientFunds when no tick could be paid."""
        done = _future()
        self._openings.append((session, done))
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

    async def take_up(self, now: int) -> None:
        """Take in the open sessions of the lease that the book has not got.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        kept = await self._store.open_sessions(self._book.fence)
        new = [each for each in kept if each.session.id not in self._book]
        balances = await self._store.balances([each.session.viewer_account for each in new])
        allowances = await self._store.allowances([each.session.viewer for each in new])
        for saved in new:
            session = saved.session
            balance = balances[session.viewer_account]
            self._book.add(saved, balance, allowances.get(session.viewer), now)

    async def run(self, now: int) -> None:
        """Do what was collected. Failures go to whom they concern."""
        waiting, self._credits = self._credits, []
        for credit in waiting:
            await self._credit(credit)
        openings, self._openings = self._openings, []
        readings, self._readings = self._readings, {}
        async with _answered([done for waiting in readings.values() for done in waiting]):
            await self._read(list(readings))
        async with _answered([done for _, done in openings]):
            await self._open(openings, now)

    def fail(self, error: MeterUnavailable) -> None:
        """Refuse what was collected."""
        waiting = [done for _, done in self._openings]
        waiting += [done for those in self._readings.values() for done in those]
        waiting += [credit.done for credit in self._credits]
        self._openings, self._readings, self._credits = [], {}, []
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
                await self._read([each for each in touched if self._book.has_wallet(each)])

    async def _read(self, accounts: Sequence[str]) -> None:
        if not accounts:
            return
        for account, balance in (await self._store.balances(accounts)).items():
            if self._book.has_wallet(account):
                self._book.set_balance(account, balance)

    async def _open(self, openings: Sequence[tuple[Session, Done]], now: int) -> None:
        if not openings:
            return
        sessions = [session for session, _ in openings]
        balances = await self._store.balances(sorted({each.viewer_account for each in sessions}))
        new = {each.viewer for each in sessions if not self._book.has_viewer(each.viewer)}
        allowances = await self._store.allowances(sorted(new))
        accepted = [each for each in openings if self._affords(*each, balances)]
        await self._store.open([session for session, _ in accepted], self._book.fence)
        for session, done in accepted:
            balance = balances.get(session.viewer_account, 0)
            self._book.add(unstarted(session), balance, allowances.get(session.viewer), now)
            if done.cancelled():  # whoever asked has gone: nobody knows the session's id
                self._book.close(session.id, now)

    def _affords(self, session: Session, done: Done, balances: dict[str, Stroops]) -> bool:
        account = session.viewer_account
        known = self._book.has_wallet(account)
        free = self._book.available(account) if known else balances.get(account, Stroops(0))
        needed = session.terms.entry
        if free < needed:
            fail(done, InsufficientFunds(needed, free, session.tariff.asset))
        return free >= needed


def fail(done: Done, error: Exception) -> None:
    """Refuse one; those who ask may have gone."""
    if not done.done():
        done.set_exception(error)


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
