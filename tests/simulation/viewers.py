"""Players of several kinds, honest and not, and the people in front of them who pay."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from random import Random
from typing import Any, Protocol

from metering.errors import (
    InsufficientFunds,
    MeteredElsewhere,
    MeterUnavailable,
    Overloaded,
    Paced,
    SessionClosed,
    UnknownSession,
)
from metering.ledger.ledger import LedgerRefusal
from metering.money import Stroops
from metering.offer import Offer
from metering.repricing import NoSuchChange
from metering.session import SessionState
from metering.terms import Terms
from tests.simulation.conditions import Conditions
from tests.simulation.process import Body, Gone, Process
from tests.simulation.truth import Truth
from tests.simulation.watched import cost, wallet
from tests.simulation.weather import Weather

# Who gets no answer asks again; a player gives a file up after so many times.
_ATTEMPTS_MAX = 5
# Sound, and pictures of some qualities.
_HEIGHTS = (0, 360, 720, 720, 1080)
_UNANSWERED = (MeterUnavailable, MeteredElsewhere, Gone, Overloaded)


# What all of them watch.
ASSET = "ast"


class Over(Exception):
    """The session takes no more requests."""


class Town(Protocol):
    """Where viewers live."""

    chance: Random
    weather: Weather
    truth: Truth
    conditions: Conditions
    offer: Offer
    repriced: bool

    def now_ms(self) -> int: ...
    def note(self, actor: str, what: str, detail: str = "", money: int | None = None) -> None: ...

    async def request[T](
        self, viewer: int, work: Callable[[Process], Coroutine[Any, Any, T]], *, twice: bool
    ) -> T: ...


class Viewer:
    """One viewer with a player of some kind.

    Args:
        town: where it lives.
        number: which one it is.
        seconds: of media that the first deposit is for.
    """

    def __init__(self, town: Town, number: int, kind: str, seconds: int) -> None:
        self.name = f"viewer {number}"
        self.id = f"v{number}"
        self.kind = kind
        self.sessions: list[str] = []
        self._town = town
        self._number = number
        self._seconds = seconds
        self._deposits = 0
        self._under_way: list[asyncio.Task[bool]] = []
        self._chance = town.chance

    async def live(self) -> None:
        """Pay in, watch, leave; and once more if the session was ended."""
        await self._sleep(self._chance.randrange(3_000))
        await self.deposit(self._seconds)
        kinds: dict[str, Callable[[str], Awaitable[None]]] = {
            "plain": self._plain,
            "seeking": self._seeking,
            "pausing": self._pausing,
            "prefetching": self._prefetching,
            "switching": self._switching,
            "parts": self._parts,
            "sharing": self._sharing,
            "fetch and run": self._plain,
        }
        watch = kinds[self.kind]
        for _ in range(4 if self.kind == "fetch and run" else 2):
            session = await self.open()
            if session is None:
                break
            try:
                await (self._grab(session) if self.kind == "fetch and run" else watch(session))
            except Over:
                self._say("was sent away", session)
            else:
                if self.kind != "fetch and run":
                    break
            await self.close(session)
        with suppress(Over):
            await _all(*self._under_way)
        await self.close_all()

    # --- kinds of players -------------------------------------------------------------------------

    async def _plain(self, session: str) -> None:
        await self._play(session, 0, self._chance.randrange(3, 10), ahead_ms=12_000)

    async def _prefetching(self, session: str) -> None:
        await self._play(session, 0, self._chance.randrange(4, 11), ahead_ms=600_000)
        await self._sleep(self._chance.randrange(10_000))

    async def _seeking(self, session: str) -> None:
        for _ in range(self._chance.randrange(2, 6)):
            first = self._chance.randrange(200)
            await self._play(session, first, self._chance.randrange(1, 5), ahead_ms=30_000)
            await self._sleep(self._chance.randrange(3_000))

    async def _pausing(self, session: str) -> None:
        await self._play(session, 0, 4, ahead_ms=8_000)
        await self._sleep(self._chance.randrange(5_000, 25_000))
        await self._play(session, 4, self._chance.randrange(1, 5), ahead_ms=8_000)

    async def _switching(self, session: str) -> None:
        """Fetches in another quality what it has, sound beside pictures, and probes."""
        for number in range(self._chance.randrange(3, 8)):
            again = max(0, number - self._chance.randrange(3))
            await _all(
                self._fetch(session, number),
                self._fetch(session, again),
                self._fetch(session, number),
            )
            await self._sleep(self._chance.randrange(4_000))

    async def _parts(self, session: str) -> None:
        """A live at its edge: parts as they come, and now and then the whole segment."""
        cells, part = self._town.conditions.segment_cells, self._town.conditions.part_cells
        for number in range(self._chance.randrange(2, 5)):
            first = number * cells
            for at in range(first, first + cells, part):
                await self._ask(session, number, (at, min(at + part, first + cells)), prompt=True)
                await self._sleep(part * self._town.conditions.cell // 90)
            if self._chance.random() < 0.3:
                await self._fetch(session, number)

    async def _sharing(self, session: str) -> None:
        """Two players on one token, at different places."""
        far = self._chance.randrange(5, 50)
        await _all(
            self._play(session, 0, self._chance.randrange(2, 6), ahead_ms=12_000),
            self._play(session, far, self._chance.randrange(2, 6), ahead_ms=12_000),
        )

    async def _grab(self, session: str) -> None:
        """Fetches what it can at once, and leaves to watch that where nobody counts; now and then
        before all of it has arrived.
        """
        first = 10 * len(self.sessions)
        loop = asyncio.get_running_loop()
        fetching = [loop.create_task(self._fetch(session, first + i)) for i in range(3)]
        if self._chance.random() < 0.5:
            self._under_way += fetching
            await self._sleep(self._chance.randrange(300))
        else:
            await _all(*fetching)

    async def _play(self, session: str, first: int, count: int, *, ahead_ms: int) -> None:
        town = self._town
        began_ms = town.now_ms()
        for i in range(count):
            await self._fetch(session, first + i)
            media_ms = (i + 1) * town.conditions.segment_cells * town.conditions.cell // 90
            early_ms = media_ms - ahead_ms - (town.now_ms() - began_ms)
            if early_ms > 0:
                await self._sleep(early_ms)

    # --- one file ---------------------------------------------------------------------------------

    async def _fetch(self, session: str, number: int) -> bool:
        first = number * self._town.conditions.segment_cells
        return await self._ask(
            session, number, (first, first + self._town.conditions.segment_cells)
        )

    async def _ask(
        self, session: str, number: int, cells: tuple[int, int], *, prompt: bool = False
    ) -> bool:
        """Fetch some cells of a segment, again until all of it is there."""
        cell = self._town.conditions.cell
        file = (number, cells[0] * cell, cells[1] * cell)
        for _ in range(_ATTEMPTS_MAX):
            body = Body(
                max(0, self._chance.randrange(-200, 300)),
                complete=self._chance.random() >= self._town.weather.aborted,
                prompt=prompt,
                height=self._chance.choice(_HEIGHTS),
            )
            try:
                if await self._request(lambda process: process.send(session, file, body)):  # noqa: B023  # called here
                    self._say("got", f"{session} {number}")
                    await self._agree(session)
                    return True
            except Paced as paced:
                await self._sleep(paced.retry_after_s * 1000)
            except InsufficientFunds:
                if self._chance.random() < 0.5:
                    raise Over from None
                await self.deposit(self._chance.randrange(2, 20))
            except (SessionClosed, UnknownSession):
                raise Over from None
            except _UNANSWERED as error:
                self._say("got no answer", type(error).__name__)
                await self._sleep(self._chance.randrange(100, 2_000))
        return False

    async def _agree(self, session: str) -> None:
        """Whoever is told of a higher price agrees to it, or does not care."""
        if not self._town.repriced or self._chance.random() < 0.5:
            return

        async def agree(process: Process) -> None:
            notice = await process.intake.notice(session)
            if notice is not None:
                await process.intake.agree(session, notice.change.tariff.id)

        with suppress(NoSuchChange, SessionClosed, *_UNANSWERED):
            await self._request(agree)

    # --- sessions and money -----------------------------------------------------------------------

    async def open(self) -> str | None:
        """Begin a session; None when that cannot be paid, or nobody answers."""
        creator = f"creator {self._number % 2}"
        for _ in range(_ATTEMPTS_MAX):
            try:
                summary = await self._request(
                    lambda process: process.intake.open(self.id, ASSET, creator, self._town.offer),
                    twice=True,
                )
            except InsufficientFunds:
                return None
            except _UNANSWERED:
                await self._sleep(1_000)
            else:
                self._say("opened", summary.session_id)
                self.sessions.append(summary.session_id)
                return summary.session_id
        return None

    async def close(self, session: str) -> None:
        """End a session, however often that takes; its end is the same each time."""
        for _ in range(1_000):
            try:
                summary = await self._request(lambda process: process.intake.close(session))
            except UnknownSession:
                return
            except _UNANSWERED:
                await self._sleep(500)
                continue
            if summary.state is SessionState.CLOSED:
                self._say("ended", session, summary.amount)
                self._town.truth.closed(session, summary.ticks, summary.amount)
            return

    async def close_all(self) -> None:
        """Every session that it knows of."""
        for session in self.sessions:
            await self.close(session)

    async def deposit(self, seconds: int) -> None:
        """Pay in what so many seconds cost, once, however often that takes."""
        town = self._town
        amount = max(1, cost(Terms.of(town.offer.tariff), seconds, [seconds] * 2))
        self._deposits += 1
        cause = f"deposit {self._number}.{self._deposits}"
        town.truth.wishes(cause, wallet(self.id), amount)
        answers = 2 if self._chance.random() < 0.2 else 1
        while answers:
            try:
                await self._request(
                    lambda process: process.intake.fund(self.id, Stroops(amount), cause)
                )
            except LedgerRefusal:  # the treasury has nothing yet
                await self._sleep(2_000)
            except _UNANSWERED:
                await self._sleep(500)
            else:
                answers -= 1
        self._say("paid in", cause, amount)

    # --- small things -----------------------------------------------------------------------------

    async def _request[T](
        self, work: Callable[[Process], Coroutine[Any, Any, T]], *, twice: bool = True
    ) -> T:
        return await self._town.request(self._number, work, twice=twice)

    async def _sleep(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)

    def _say(self, what: str, detail: str = "", money: int | None = None) -> None:
        self._town.note(self.name, what, detail, money)


async def _all(*works: Awaitable[object]) -> None:
    """Do all to the end, also when one fails."""
    for answer in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer


async def unheard[T](work: Coroutine[Any, Any, T]) -> None:
    """A request whose answer nobody reads: the second copy of one that came twice."""
    with suppress(
        InsufficientFunds,
        Paced,
        SessionClosed,
        UnknownSession,
        LedgerRefusal,
        NoSuchChange,
        *_UNANSWERED,
    ):
        await work
