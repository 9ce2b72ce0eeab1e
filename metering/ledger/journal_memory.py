"""The journal in memory, beside a ledger that is in memory too."""

from collections.abc import Sequence

from metering.ledger.journal import Line, Seal, seal_of
from metering.ledger.ledger_memory import MemoryLedger


class MemoryJournal:
    """Implements `journal.Journal`. Lost with the process; no part of it is ever closed."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._ledger = ledger
        self._seals: list[Seal] = []

    async def seal(self, now_ms: int, limit: int) -> Seal | None:
        before = await self.head()
        lines = self._ledger.lines(0 if before is None else before.last)[:limit]
        if not lines:
            return None
        self._seals.append(seal_of(lines, before, now_ms * 1000))
        return self._seals[-1]

    async def head(self) -> Seal | None:
        return self._seals[-1] if self._seals else None

    async def seals(self, after: int, limit: int) -> list[Seal]:
        return self._seals[after : after + limit]

    async def lines(self, after: int, through: int, limit: int) -> list[Line]:
        return [each for each in self._ledger.lines(after) if each.position <= through][:limit]

    async def closed_through(self) -> int:
        return 0

    async def closing(self, number: int) -> Sequence[str]:
        raise LookupError(f"seal {number} closed nothing")
