"""The line from a process to what is outside of it: here statements get lost, and processes die."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from random import Random
from typing import Protocol

from metering.errors import BooksDisagree, LeaseLost
from metering.ledger.ledger import LedgerRefusal
from metering.settlement.outbox import MovedOn, SourceBusy
from tests.simulation.weather import Fate

# How late a statement may be; the meter waits 4 s for a commit.
_LATE_MS_MAX = 6_000
# How long a statement may go on after whoever sent it has gone or given up.
_OVERTAKEN_MS_MAX = 2_000
# After so long no statement is under way that was sent earlier.
UNDER_WAY_S = (_LATE_MS_MAX + _OVERTAKEN_MS_MAX) // 1000


class Mortal(Protocol):
    """The process at this end."""

    def require_alive(self) -> None:
        """Dead processes do nothing: raises CancelledError."""

    def die(self, where: str) -> asyncio.CancelledError:
        """End at once, here; the error is to be raised."""


class Line:
    """One process's way to one peer.

    Args:
        process: who dies.
        peer: the name of what is at the other end.
        fate: draws what becomes of a statement.
        lost: what a lost statement raises.
        chance: for how long things take.
        count: told of each fault.
    """

    def __init__(
        self,
        process: Mortal,
        peer: str,
        fate: Callable[[], Fate],
        lost: Callable[[str], Exception],
        chance: Random,
        count: Callable[[str, str], None],
    ) -> None:
        self._process = process
        self._peer = peer
        self._fate = fate
        self._lost = lost
        self._chance = chance
        self._count = count

    async def call[T](self, what: str, statement: Callable[[], T]) -> T:
        """Have `statement` done at the other end, in one step; what it returns or raises.

        Raises:
            what `lost` makes: nobody knows whether it was done.
        """
        self._process.require_alive()
        fate = self._fate()
        if fate is Fate.WELL:
            if self._chance.random() < 0.2:
                await asyncio.sleep(self._chance.randrange(1, 9) / 1000)
            return statement()
        self._count(f"{self._peer}: {fate.name.lower().replace('_', ' ')}", what)
        return await self._befallen(fate, what, statement)

    async def _befallen[T](self, fate: Fate, what: str, statement: Callable[[], T]) -> T:
        match fate:
            case Fate.CRASH_BEFORE:
                raise self._process.die(f"before {what}")
            case Fate.CRASH_AFTER:
                statement()
                raise self._process.die(f"after {what}")
            case Fate.CRASH_AMID:
                self._later(statement)
                raise self._process.die(f"amid {what}")
            case Fate.LOST_BEFORE:
                raise self._lost("lost on the way there")
            case Fate.LOST_AFTER:
                statement()
                raise self._lost("lost on the way back")
            case Fate.OVERTAKEN:
                self._later(statement)
                raise self._lost("somewhere on its way")
            case _:
                return await self._late(statement)

    async def _late[T](self, statement: Callable[[], T]) -> T:
        try:
            await asyncio.sleep(self._chance.randrange(_LATE_MS_MAX) / 1000)
        except asyncio.CancelledError:
            # Whoever asked gave up. The other end may not have noticed.
            if self._chance.random() < 0.5:
                self._later(statement)
            raise
        return statement()

    def _later(self, statement: Callable[[], object]) -> None:
        """Done at the other end some time from now, whatever becomes of the process."""
        delay_s = self._chance.randrange(_OVERTAKEN_MS_MAX) / 1000
        # In nobody's name: an empty context.
        asyncio.get_running_loop().call_later(delay_s, _unheard, statement, context=Context())


def _unheard(statement: Callable[[], object]) -> None:
    """What a statement is answered that nobody waits for any more."""
    with suppress(LedgerRefusal, BooksDisagree, LeaseLost, MovedOn, SourceBusy):
        statement()
