"""The main process's meter, as a serving process sees it."""

import asyncio
from collections.abc import Callable

from api.delivery.not_at_hand import NotAtHand
from api.serving.messages import Ask, Finish, Look, Told, Waive
from api.serving.questions import Questions
from config.clock import Clock
from config.limits import SERVING_LOOK_MS, SERVING_SESSIONS_MAX
from metering.errors import Overloaded
from metering.intake import Delivery
from packager.least_recent import LeastRecent


class RemoteMetering:
    """Asks for each piece of media; knows for a second at a time that a session is open."""

    def __init__(self, questions: Questions, tell: Callable[[Told], None], clock: Clock) -> None:
        """`tell` passes on what has no answer."""
        self._questions = questions
        self._tell = tell
        self._clock = clock
        self._client = 0
        # When each session was last asked about.
        self._open: LeastRecent[str, int] = LeastRecent(SERVING_SESSIONS_MAX)

    def look(self, session_id: str) -> None:
        """The session's player is there. The main process is told once a second.

        Raises:
            NotAtHand: nobody knows here whether the session is open.
        """
        asked_ms = self._open.get(session_id)
        if asked_ms is None:
            raise NotAtHand(self._ask_about(session_id, present=True))
        if self._clock.monotonic_ms() - asked_ms >= SERVING_LOOK_MS:
            self._renew(session_id)

    def require_open(self, session_id: str) -> None:
        """Pass when the session takes requests.

        Raises:
            NotAtHand: nobody knows here whether it does.
        """
        asked_ms = self._open.get(session_id)
        if asked_ms is None or self._clock.monotonic_ms() - asked_ms >= SERVING_LOOK_MS:
            raise NotAtHand(self._ask_about(session_id, present=False))

    async def locate(self, session_id: str) -> None:
        """As `metering.intake.Intake.locate`."""
        await asyncio.shield(self._ask_about(session_id, present=False))

    def waive(self, session_id: str, lo: int, hi: int) -> None:
        """As `metering.intake.Intake.waive`.

        Raises:
            NotAtHand: nobody knows here whether the session is open.
        """
        self.require_open(session_id)
        self._tell(Waive(session_id, lo, hi))

    def admit(self, session_id: str, client: int, start: int, end: int, height: int) -> None:
        """Nor is that decided here: who asks is told with the next `request`, before anybody else
        has a turn.
        """
        del session_id, start, end, height
        self._client = client

    def request_at_once(self, *_: object, **__: object) -> None:
        """Nothing is decided here: the one meter is elsewhere."""

    def request_soon(self, *_: object, **__: object) -> None:
        """Nor is anything saved."""

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
        """As `metering.intake.Intake.request`."""
        client = self._client
        ticket = await self._questions.ask(
            lambda number: Ask(number, session_id, sequence, lo, hi, prompt, height, client)
        )
        return Delivery(session_id, sequence, ticket)

    def finish(self, delivery: Delivery, complete: bool, taken: int = 0) -> None:
        """As `metering.intake.Intake.finish`."""
        self._tell(Finish(delivery.ticket, complete, taken))

    def _renew(self, session_id: str) -> None:
        self._open.put(session_id, self._clock.monotonic_ms(), 1)
        try:
            telling = self._ask_about(session_id, present=True)
        except Overloaded:
            return  # it is told a second later
        telling.add_done_callback(
            lambda told: self._open.drop(session_id) if told.exception() else None
        )

    def _ask_about(self, session_id: str, *, present: bool) -> asyncio.Future[None]:
        asked_ms = self._clock.monotonic_ms()
        return self._questions.fetch(
            (Look, session_id, present),
            lambda number: Look(number, session_id, present),
            lambda _: self._open.put(session_id, asked_ms, 1),
        )
