"""Who waits for the store, or for time to pass."""

import asyncio
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol, Self

from metering.open_session import Waiter
from metering.session import SessionSummary


class Saved:
    """What waits for a commit: the session's last summary for those who wait for its end.

    As a future, but that `answer_all` calls who waits directly. A future's callback is a turn of
    the loop of its own: with one for each segment that takes as long as the answer.
    """

    __slots__ = ("_answer", "_callbacks", "_is_done")

    def __init__(self) -> None:
        self._is_done = False
        self._answer: SessionSummary | Exception | None = None
        self._callbacks: tuple[Callable[[Any], object], ...] = ()  # mostly one

    def __await__(self) -> Generator[Any, None, SessionSummary | None]:
        if not self._is_done:
            over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.add_done_callback(lambda _: settle(over, None))
            yield from over
        return self.result()

    def done(self) -> bool:
        return self._is_done

    def result(self) -> SessionSummary | None:
        """Raises: what was answered, if that is an error."""
        assert self._is_done, "nothing was answered yet"
        answer = self._answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def exception(self) -> Exception | None:
        assert self._is_done, "nothing was answered yet"
        return self._answer if isinstance(self._answer, Exception) else None

    def add_done_callback(self, callback: Callable[[Self], object]) -> None:
        """It is called once, as soon as there is an answer."""
        self._callbacks += (callback,)
        if self._is_done:
            self._call_soon()

    def remove_done_callback(self, callback: Callable[[Self], object]) -> None:
        self._callbacks = tuple([each for each in self._callbacks if each != callback])

    def set_result(self, summary: SessionSummary | None) -> None:
        self._is_done, self._answer = True, summary
        self._call_soon()

    def set_exception(self, error: Exception) -> None:
        self._is_done, self._answer = True, error
        self._call_soon()

    def call(self) -> None:
        """Answer that it is saved, and call who waits before this returns."""
        if not self._is_done:
            self._is_done = True
            callbacks, self._callbacks = self._callbacks, ()
            for each in callbacks:
                each(self)

    def _call_soon(self) -> None:
        if self._callbacks:
            asyncio.get_running_loop().call_soon(self._call)

    def _call(self) -> None:
        callbacks, self._callbacks = self._callbacks, ()
        for each in callbacks:
            each(self)


class Pauses:
    """Who waits until the clock shows a time: monotonic milliseconds."""

    def __init__(self) -> None:
        self._pauses: list[tuple[int, asyncio.Future[None]]] = []

    def wait(self, until: int) -> asyncio.Future[None]:
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pauses.append((until, over))
        return over

    def next(self, otherwise: int) -> int:
        """When the first of them is over, or `otherwise` if that is sooner."""
        return min([otherwise, *(until for until, _ in self._pauses)])

    def resume(self, now: int) -> None:
        """Let those go on whose time has come."""
        pauses, self._pauses = self._pauses, []
        for until, over in pauses:
            if until <= now:
                settle(over, None)
            else:
                self._pauses.append((until, over))

    def refuse(self, error: Exception) -> None:
        """Nobody is served any more."""
        pauses, self._pauses = self._pauses, []
        for _, over in pauses:
            settle(over, error)


def answer_all(waiting: Iterator[Waiter]) -> None:
    """Tell everybody that it is saved. If one of them fails, the loop reports that, and those after
    it have their turn next.
    """
    is_over = False
    try:
        for saved in waiting:
            saved.call()
        is_over = True
    finally:
        if not is_over:
            asyncio.get_running_loop().call_soon(answer_all, waiting)


class Waiting[T](Protocol):
    """A future, or what is like one."""

    def done(self) -> bool: ...
    def set_result(self, result: T, /) -> None: ...
    def set_exception(self, exception: Exception, /) -> None: ...


def settle[T](future: Waiting[T], answer: T | Exception) -> None:
    """Answer, unless whoever asked has gone."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
