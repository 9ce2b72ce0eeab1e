"""Where sessions and money are kept, and the keeper in memory."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from config.clock import Clock
from metering.effects import Effects
from metering.errors import BooksDisagree
from metering.leases.lease import Leases, MemoryLeases
from metering.ledger.ledger import Account, Ledger, Transfer
from metering.ledger.ledger_memory import MemoryLedger
from metering.money import Stroops
from metering.repricing import PriceChange
from metering.session import (
    Allowance,
    Batch,
    SavedSession,
    Served,
    Session,
    transfers_for,
    unstarted,
)


class MeterStore(Protocol):
    """What `intake` needs to be durable. Each call may raise `MeterUnavailable`; of a `commit` or
    `post` nobody knows then whether it happened, and it may be sent again as it was.
    """

    @property
    def leases(self) -> Leases:
        """Which process meters which sessions."""

    async def open(self, sessions: Sequence[Session], fence: int) -> None:
        """Make sessions of a lease, and the accounts that they need.

        Raises:
            LeaseLost: somebody took the lease over.
        """

    async def commit(self, batch: Batch) -> None:
        """Save a batch and post its transfers, all or nothing; again is the same as once.

        Raises:
            LeaseLost: somebody took over the lease of the batch.
            LedgerRefusal: the ledger's rules forbid it.
            BooksDisagree: a session was changed by somebody else.
        """

    async def post(self, accounts: Sequence[Account], transfers: Sequence[Transfer]) -> None:
        """Make accounts that are missing, and post; see `ledger.Ledger.post`."""

    async def balances(self, accounts: Sequence[str]) -> dict[str, Stroops]:
        """What accounts hold; those that do not exist are left out."""

    async def allowances(self, viewers: Sequence[str]) -> dict[str, Allowance]:
        """What viewers used of their void budgets; those that never did are left out."""

    async def open_sessions(self, fence: int | None = None) -> list[SavedSession]:
        """The sessions that were not closed: of a lease, or all."""

    async def spent(self, viewer: str, asset_id: str, since: datetime) -> Stroops:
        """What the viewer's sessions on an asset cost since then, and those hold that were opened
        since.
        """

    async def announce(self, change: PriceChange) -> None:
        """Keep that an asset has got another price."""

    async def price_changes(self, assets: Collection[str]) -> list[PriceChange]:
        """The newest of each asset that has any."""

    async def consent(self, session_id: str, epoch: str, at: datetime) -> None:
        """Keep that a session's viewer agreed to a tariff; again is the same as once."""

    async def consents(self, sessions: Sequence[str]) -> dict[str, set[str]]:
        """Which tariffs were agreed to, by session."""

    async def session(self, session_id: str) -> SavedSession | None:
        """One session, open or closed."""


class MemoryMeterStore:
    """Implements `MeterStore`. Lost with the process."""

    def __init__(self, ledger: Ledger | None = None, clock: Clock | None = None) -> None:
        """Without a clock no lease ever runs out, and all that is recorded was at one moment."""
        self.ledger: Ledger = MemoryLedger(clock) if ledger is None else ledger
        self.leases = MemoryLeases(clock)
        # By session, sequence and the session's revision.
        self.deliveries: dict[tuple[str, int, int], Served] = {}
        self.tick_runs: dict[str, list[Effects]] = {}
        # Sessions as they were when other terms took over.
        self.repriced: dict[str, list[SavedSession]] = {}
        self._sessions: dict[str, SavedSession] = {}
        self._allowances: dict[str, Allowance] = {}
        self._changes: dict[str, PriceChange] = {}
        self._consents: dict[tuple[str, str], datetime] = {}

    async def open(self, sessions: Sequence[Session], fence: int) -> None:
        self.leases.require(fence)
        accounts = [account for session in sessions for account in session.accounts()]
        await self.ledger.open_accounts(accounts)
        for session in sessions:
            self._sessions.setdefault(session.id, unstarted(session))
            self.leases.assign(session.id, fence)

    async def commit(self, batch: Batch) -> None:
        self.leases.require(batch.fence)
        if not self._is_next(batch):
            return
        await self.ledger.post([each for change in batch.changes for each in transfers_for(change)])
        for change in batch.changes:
            session_id, revision = change.saved.session.id, change.saved.revision
            if change.repriced:
                self.repriced.setdefault(session_id, []).append(self._sessions[session_id])
            self._sessions[session_id] = change.saved
            for served in change.served:
                self.deliveries[session_id, served.sequence, revision] = served
            self.tick_runs.setdefault(session_id, []).append(change.done)
        self._allowances.update((each.viewer, each) for each in batch.allowances)

    def _is_next(self, batch: Batch) -> bool:
        """False when just this was committed before."""
        pairs = [(self._sessions.get(each.saved.session.id), each.saved) for each in batch.changes]
        if all(kept == saved for kept, saved in pairs):
            return False
        for kept, saved in pairs:
            if kept is None or kept.revision != saved.revision - 1 or kept.closed_at:
                raise BooksDisagree(saved.session.id)
        return True

    async def post(self, accounts: Sequence[Account], transfers: Sequence[Transfer]) -> None:
        await self.ledger.open_accounts(accounts)
        await self.ledger.post(transfers)

    async def balances(self, accounts: Sequence[str]) -> dict[str, Stroops]:
        known = {account: await self.ledger.balances(account) for account in accounts}
        return {account: found[account] for account, found in known.items() if account in found}

    async def allowances(self, viewers: Sequence[str]) -> dict[str, Allowance]:
        return {each: self._allowances[each] for each in viewers if each in self._allowances}

    async def open_sessions(self, fence: int | None = None) -> list[SavedSession]:
        kept = self._sessions.keys() if fence is None else self.leases.held(fence)
        return [
            saved
            for session_id, saved in self._sessions.items()
            if session_id in kept and saved.closed_at is None
        ]

    def closed_sessions(self) -> list[SavedSession]:
        """Those that are over, the one that was opened first before the others."""
        return [saved for saved in self._sessions.values() if saved.closed_at is not None]

    async def spent(self, viewer: str, asset_id: str, since: datetime) -> Stroops:
        of_both = [
            saved
            for saved in self._sessions.values()
            if (saved.session.viewer, saved.session.asset_id) == (viewer, asset_id)
        ]
        new = sum(each.drawn for each in of_both if each.session.opened_at >= since)
        older = {each.session.id for each in of_both if each.session.opened_at < since}
        return Stroops(new + self._charged(older, since))

    def _charged(self, session_ids: set[str], since: datetime) -> int:
        assert isinstance(self.ledger, MemoryLedger), "another one would be asked"
        since_us = round(since.timestamp() * 1_000_000)
        return sum(
            line.amount
            for line in (self.ledger.lines(0) if session_ids else ())
            if line.cause == "post"
            and line.recorded_us >= since_us
            and line.id.partition(":")[0] in session_ids
        )

    async def announce(self, change: PriceChange) -> None:
        self._changes[change.asset_id] = change

    async def price_changes(self, assets: Collection[str]) -> list[PriceChange]:
        return [change for asset_id, change in self._changes.items() if asset_id in assets]

    async def consent(self, session_id: str, epoch: str, at: datetime) -> None:
        self._consents.setdefault((session_id, epoch), at)

    async def consents(self, sessions: Sequence[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for session_id, epoch in self._consents:
            if session_id in sessions:
                found.setdefault(session_id, set()).add(epoch)
        return found

    async def session(self, session_id: str) -> SavedSession | None:
        return self._sessions.get(session_id)
