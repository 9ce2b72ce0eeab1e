"""Questions to the main process that wait for their answers."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Any

from api.serving.messages import (
    AssetIs,
    Came,
    Done,
    FileIs,
    Finish,
    Message,
    PlaylistIs,
    Question,
    Refused,
    Waits,
)
from api.serving.refusals import error_of
from config.limits import SERVING_QUESTIONS_MAX
from metering.errors import Overloaded

type Told = Done | Refused | AssetIs | PlaylistIs | Waits | Came | FileIs

_IDS = 2**32


class Questions:
    """Numbers questions, and hands each answer to whoever asked.

    Args:
        send: passes a message on to the main process.
        waiting_max: how many may wait for their answers.
    """

    def __init__(
        self, send: Callable[[Message], None], waiting_max: int = SERVING_QUESTIONS_MAX
    ) -> None:
        self._send = send
        self._waiting_max = waiting_max
        self._waiting: dict[int, Callable[[Told], None]] = {}
        self._coming: dict[Hashable, asyncio.Future[Any]] = {}
        self._last = 0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def put(self, make: Callable[[int], Question], answered: Callable[[Told], None]) -> int:
        """Ask without waiting.

        Args:
            make: the question, given its id.
            answered: called with the answer; after `Waits` with another one.

        Returns:
            The id.

        Raises:
            Overloaded: too many wait already.
        """
        if len(self._waiting) >= self._waiting_max:
            raise Overloaded("too many requests are waiting")
        number = (self._last + 1) % _IDS
        while number in self._waiting:
            number = (number + 1) % _IDS
        self._last = number
        self._waiting[number] = answered
        self._send(make(number))
        return number

    def fetch[T](
        self, key: Hashable, make: Callable[[int], Question], take: Callable[[Told], T]
    ) -> "asyncio.Future[T]":
        """Ask once for however many want the same; each of them shields what this returns.

        Args:
            key: what is wanted.
            take: makes of the answer what is returned.

        Raises:
            Overloaded: too many questions wait already.
        """
        coming = self._coming.get(key)
        if coming is None:
            coming = asyncio.get_running_loop().create_future()
            # Nobody may be left who would hear of an error.
            coming.add_done_callback(asyncio.Future.exception)
            self.put(make, lambda told: self._settle(key, told, take))
            self._coming[key] = coming
        return coming

    async def ask(self, make: Callable[[int], Question]) -> int:
        """Return the question's id when the answer is yes. Who is cancelled takes it back.

        Raises:
            Overloaded: too many wait already.
            Exception: what the question came to.
        """
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()

        def answered(told: Told) -> None:
            if not answer.done():
                answer.set_result(told)

        number = self.put(make, answered)
        try:
            told = await answer
        except asyncio.CancelledError:
            self._waiting.pop(number, None)
            # Also when the answer has just come.
            self._send(Finish(number, complete=False))
            raise
        if type(told) is Refused:
            raise error_of(told)
        return number

    def receive(self, told: Told) -> None:
        """Take an answer. One that nobody waits for was taken back when it was on its way."""
        waits = type(told) is Waits
        answered = self._waiting.get(told.id) if waits else self._waiting.pop(told.id, None)
        if answered is not None:
            answered(told)

    def _settle[T](self, key: Hashable, told: Told, take: Callable[[Told], T]) -> None:
        coming = self._coming.pop(key)
        if type(told) is Refused:
            coming.set_exception(error_of(told))
        else:
            coming.set_result(take(told))
