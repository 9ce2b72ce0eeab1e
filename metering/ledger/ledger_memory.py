"""The ledger in memory: for tests, for trying out, and to compare the other one with."""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence

from config.clock import Clock, ManualClock
from config.limits import LEDGER_PAGE_MAX
from metering.ledger.journal import Line
from metering.ledger.ledger import (
    Account,
    AssetMismatch,
    ConflictingTransfer,
    Entry,
    LedgerReport,
    Standing,
    Transfer,
    UnknownAccount,
    WouldOverdraw,
    movements,
    unrepeated,
)
from metering.money import Stroops

# Of names with a common prefix, none sorts after the prefix and the highest code point.
_HIGHEST = chr(0x10FFFF)


class MemoryLedger:
    """Implements `ledger.Ledger`. Lost with the process."""

    def __init__(self, clock: Clock | None = None) -> None:
        """`clock` says when transfers were recorded; without, all were at one moment."""
        self._clock = ManualClock() if clock is None else clock
        self._lines: list[Line] = []
        self._accounts: dict[str, Account] = {}
        # In order, so that those with a common prefix are found without looking at all others.
        self._names: list[str] = []
        self._balances: dict[str, int] = {}
        self._posted: dict[str, Transfer] = {}
        self._last: dict[str, int] = {}

    async def open_accounts(self, accounts: Sequence[Account]) -> None:
        for account in accounts:
            if self._accounts.get(account.id, account).asset != account.asset:
                raise AssetMismatch(account.id)
        for account in accounts:
            if account.id not in self._accounts:
                insort(self._names, account.id)
                self._accounts[account.id], self._balances[account.id] = account, 0

    async def post(self, transfers: Sequence[Transfer]) -> frozenset[str]:
        fresh = self._unposted(transfers)
        changes = movements(fresh)
        for account in sorted(changes):
            if account not in self._accounts:
                raise UnknownAccount(account)
        for account, asset in sorted((a, t.asset) for t in fresh for a in (t.debit, t.credit)):
            if self._accounts[account].asset != asset:
                raise AssetMismatch(account)
        for account, change in sorted(changes.items()):
            floor = self._accounts[account].floor
            if floor is not None and self._balances[account] + change < floor:
                raise WouldOverdraw(account)
        now_us = self._clock.wall_ms() * 1000
        for place, transfer in enumerate(fresh, start=len(self._lines) + 1):
            self._posted[transfer.id] = transfer
            self._lines.append(Line.of(place, transfer, now_us))
            self._last |= {transfer.debit: place, transfer.credit: place}
        for account, change in changes.items():
            self._balances[account] += change
        return frozenset(transfer.id for transfer in fresh)

    def _unposted(self, transfers: Sequence[Transfer]) -> list[Transfer]:
        by_id = unrepeated(transfers)
        for transfer in by_id.values():
            if self._posted.get(transfer.id, transfer) != transfer:
                raise ConflictingTransfer(transfer.id)
        return [transfer for transfer in by_id.values() if transfer.id not in self._posted]

    async def balance(self, account: str) -> Stroops:
        if account not in self._accounts:
            raise UnknownAccount(account)
        return Stroops(self._balances[account])

    async def balances(self, prefix: str) -> dict[str, Stroops]:
        first = bisect_left(self._names, prefix)
        behind = bisect_left(self._names, prefix + _HIGHEST)
        return {name: Stroops(self._balances[name]) for name in self._names[first:behind]}

    async def standings(self, prefix: str, at_least: Stroops) -> dict[str, Standing]:
        held = {name: b for name, b in (await self.balances(prefix)).items() if b >= at_least}
        return {name: Standing(b, self._last.get(name, 0)) for name, b in held.items()}

    async def transfers_of(
        self, account: str, after: int = 0, limit: int = LEDGER_PAGE_MAX
    ) -> list[Entry]:
        entries = [
            Entry(line.position, self._posted[line.id])
            for line in self.lines(after)
            if account in (line.debit, line.credit)
        ]
        return entries[: min(limit, LEDGER_PAGE_MAX)]

    def lines(self, after: int) -> list[Line]:
        """Transfers behind a position, in the order in which they were posted."""
        return self._lines[max(after, 0) :]

    async def check(self) -> LedgerReport:
        sums: defaultdict[str, int] = defaultdict(int)
        for name, account in self._accounts.items():
            sums[account.asset] += self._balances[name]
        moved = movements(self._posted.values())
        drifts = {name: held - moved.get(name, 0) for name, held in self._balances.items()}
        return LedgerReport(
            unbalanced={asset: total for asset, total in sums.items() if total != 0},
            drifted={name: drift for name, drift in drifts.items() if drift != 0},
            overdrawn={
                name: held
                for name, held in self._balances.items()
                if (floor := self._accounts[name].floor) is not None and held < floor
            },
        )
