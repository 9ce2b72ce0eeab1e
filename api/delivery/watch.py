"""One timer for all connections: each has a time by which something must have happened."""

import asyncio
from dataclasses import dataclass
from email.utils import formatdate
from typing import Protocol

from config.clock import Clock
from config.limits import (
    HTTP_BODY_MS_MAX,
    HTTP_HEAD_SECONDS_MAX,
    HTTP_KEEP_ALIVE_SECONDS,
    HTTP_PACE_BYTES_MIN,
    HTTP_WATCH_MS,
    RESPONSE_WRITE_SECONDS_MAX,
)
from config.tasks import happens


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a client may keep us waiting.

    Attributes:
        head_ms: until a request's head is whole.
        body_ms, write_ms: windows, each of which has to move `pace_bytes` of a request's body, or
            of an answer.
        keep_alive_ms: until the next request.
        watch_ms: what all of them may be late by.
    """

    head_ms: int = HTTP_HEAD_SECONDS_MAX * 1000
    body_ms: int = HTTP_BODY_MS_MAX
    write_ms: int = RESPONSE_WRITE_SECONDS_MAX * 1000
    keep_alive_ms: int = HTTP_KEEP_ALIVE_SECONDS * 1000
    pace_bytes: int = HTTP_PACE_BYTES_MIN
    watch_ms: int = HTTP_WATCH_MS


class Watched(Protocol):
    """A connection: `overdue` is called as soon as `due_ms` is over, until it is moved."""

    due_ms: int

    def overdue(self) -> None: ...
    def end(self) -> None: ...
    def abort(self) -> None: ...


class Watch:
    """Looks at every connection a few times a second.

    A timer for each request costs more than what it guards, and so does reading a clock: whoever
    wants the time takes `now_ms`, which is late by one look at most.

    Attributes:
        head_due_ms: when a head that begins now has to be whole.
        write_due_ms: when more of an answer has to be taken.
        next_due_ms: when the next request has to begin.
    """

    def __init__(self, clock: Clock, deadlines: Deadlines) -> None:
        self.deadlines = deadlines
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._date_s = 0
        self._watched: set[Watched] = set()
        self._empty: asyncio.Event | None = None
        self.now_ms = self.head_due_ms = self.write_due_ms = self.next_due_ms = 0
        self.date_line = b""

    def start(self) -> None:
        self._look()

    def stop(self) -> None:
        """Cut the connections that are left."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for one in list(self._watched):
            one.abort()

    def __len__(self) -> int:
        return len(self._watched)

    def add(self, one: Watched) -> None:
        self._watched.add(one)

    def discard(self, one: Watched) -> None:
        self._watched.discard(one)
        if self._empty is not None and not self._watched:
            self._empty.set()

    def end_all(self) -> None:
        """Each connection ends when what is under way on it is done."""
        for one in list(self._watched):
            one.end()

    async def emptied(self, seconds: float) -> None:
        """Return when all connections have ended, but no later."""
        self._empty = asyncio.Event()
        if self._watched:
            await happens(self._empty, seconds)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.deadlines.watch_ms / 1000, self._look)
        self._read_clock()
        now_ms = self.now_ms
        for one in [each for each in self._watched if each.due_ms <= now_ms]:
            one.overdue()

    def _read_clock(self) -> None:
        now_ms, deadlines = self._clock.monotonic_ms(), self.deadlines
        self.now_ms = now_ms
        self.head_due_ms = now_ms + deadlines.head_ms
        self.write_due_ms = now_ms + deadlines.write_ms
        self.next_due_ms = now_ms + deadlines.keep_alive_ms
        now_s = self._clock.wall_ms() // 1000
        if now_s != self._date_s:
            self._date_s = now_s
            self.date_line = f"Date: {formatdate(now_s, usegmt=True)}\r\n".encode()
