"""Who waits for the store, or for time to pass."""

import asyncio
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from typing import Any, Protocol

from metering.errors import InsufficientFunds, MeterUnavailable, SessionClosed
from metering.refusals import counted
from metering.session import SessionSummary

_COUNTED = (InsufficientFunds, MeterUnavailable)


class Saved:
    """What waits for a commit: the session's last summary for those who wait for its end.

    As a future, but that `answer_all` calls who waits directly. A future's callback is a turn of
    the loop of its own: with one for each segment that takes as long as the answer.
    """

    __slots__ = ("_answer", "_callbacks", "_is_done")

    def __init__(self) -> None:
        self._is_done = False
        self._answer: SessionSummary | Exception | None = None
        self._callbacks: list[Callable[[Saved], object]] | None = None

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

    def add_done_callback(self, callback: "Callable[[Saved], object]") -> None:
        """It is called once, as soon as there is an answer."""
        if self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)
        if self._is_done:
            self._call_soon()

    def remove_done_callback(self, callback: "Callable[[Saved], object]") -> None:
        self._callbacks = [each for each in self._callbacks or () if each != callback]

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
            callbacks, self._callbacks = self._callbacks, None
            for each in callbacks or ():
                each(self)

    def _call_soon(self) -> None:
        if self._callbacks:
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        callbacks, self._callbacks = self._callbacks, None
        for each in callbacks or ():
            each(self)


class Saves:
    """Who waits until what was decided about a session is saved: those of the batch that is being
    sent, and those after them.

    Attributes:
        waiting: how many they are.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self._sending: dict[str, list[Saved]] = {}
        self._later: dict[str, list[Saved]] = {}
        self._ending: set[Saved] = set()  # of those, who waits for the session's end

    def wait(self, session_id: str) -> Saved:
        """Wait for the next batch that the session is in."""
        saved = Saved()
        waiting = self._later.get(session_id)
        if waiting is None:
            self._later[session_id] = [saved]
        else:
            waiting.append(saved)
        self.waiting += 1
        return saved

    def wait_for_end(self, session_id: str) -> Saved:
        """Wait for the session's last summary."""
        ended = self.wait(session_id)
        self._ending.add(ended)
        ended.add_done_callback(self._ending.discard)
        return ended

    def end(self, waiting: Iterable[Saved], summary: SessionSummary) -> None:
        """A batch was saved, with the session's end: nothing is sent any more, since what was held
        for it went back.
        """
        for saved in waiting:
            is_ending = saved in self._ending
            settle(saved, summary if is_ending else SessionClosed(summary.session_id))

    def send(self, session_ids: Iterable[str]) -> None:
        """A batch with these sessions is put together now."""
        later, sending = self._later, self._sending
        for session_id in session_ids:
            if session_id in later:
                sending[session_id] = later.pop(session_id)

    def sent(self) -> dict[str, list[Saved]]:
        """The batch was answered: who waited for it, by session."""
        sent, self._sending = self._sending, {}
        self.waiting -= sum(map(len, sent.values()))
        return sent

    def awaited(self, session_ids: Collection[str]) -> list[str]:
        """Those of them that somebody waits for with a later batch than the one that was sent."""
        return [each for each in self._later if each in session_ids]

    def take(self, session_id: str) -> list[Saved]:
        """Who waits for a later batch than the one that is being sent."""
        taken = self._later.pop(session_id, [])
        self.waiting -= len(taken)
        return taken

    def release(self, may_go: Callable[[str], bool]) -> None:
        """Let those go on without being saved who may."""
        for waiting in (self._sending, self._later):
            for session_id in [each for each, those in waiting.items() if those and may_go(each)]:
                self.waiting -= len(waiting[session_id])
                for saved in waiting[session_id]:
                    settle(saved, None)
                waiting[session_id] = []

    def refuse(self, error: Exception) -> None:
        """Nobody is served any more."""
        waiting = [*self._sending.values(), *self._later.values()]
        self._sending, self._later, self.waiting = {}, {}, 0
        self.refuse_these([saved for those in waiting for saved in those], error)

    def refuse_these(self, waiting: Iterable[Saved], error: Exception) -> None:
        """They are not served. Requests are counted that were short of money, or not answered."""
        for saved in waiting:
            if isinstance(error, _COUNTED) and not (saved in self._ending or saved.done()):
                counted(error)
            settle(saved, error)


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


def answer_all(waiting: Iterator[Saved]) -> None:
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
