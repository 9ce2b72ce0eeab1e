"""A document that a page follows: server-sent events (HTML Living Standard, 9.2)."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from api.errors import unavailable
from config.limits import EVENT_STREAM_QUIET_SECONDS, RESPONSE_WRITE_SECONDS_MAX
from config.postgres import UNAVAILABLE
from config.tasks import happens
from metering.errors import MeterUnavailable

log = structlog.get_logger(__name__)

_AWAY: tuple[type[Exception], ...] = (*UNAVAILABLE, MeterUnavailable)
_PUSH_SECONDS = 1.0
_STILL_HERE = b":\n\n"

Document = Callable[[], Awaitable[object]]
"""Makes the document as it is now."""

Last = Callable[[object], bool]
"""Whether a document will not change any more."""


def _never(_document: object) -> bool:
    return False


@dataclass(slots=True)
class EventStreams:
    """All streams of one kind of document, made anew once a second for each.

    Attributes:
        name: of each event.
        streams_max: more are refused.
        stopping: ends all streams.
        repeats: a document is pushed each second, not only when it changed.
    """

    name: str
    streams_max: int
    stopping: asyncio.Event
    repeats: bool = False
    _streams: int = field(default=0, init=False)

    async def push(
        self, request: web.Request, document: Document, last: Last = _never
    ) -> web.StreamResponse:
        """Answer with events until the page has gone, the server stops or `last` was sent.

        Raises:
            Problem: 503, too many streams are open.
            Whatever `document` raises the first time, before anything was answered.
        """
        if self._streams >= self.streams_max:
            raise unavailable(f"too many {self.name} streams are open", retry_after_s=10)
        self._streams += 1
        try:
            first = await document()
            response = web.StreamResponse(
                headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
            )
            await response.prepare(request)
            await self._follow(response, first, document, last)
        finally:
            self._streams -= 1
        return response

    async def _follow(
        self, response: web.StreamResponse, now: object, document: Document, last: Last
    ) -> None:
        quiet_seconds, event = 0.0, self._event(now)
        try:
            await _write(response, event)
            while not (last(now) or await happens(self.stopping, _PUSH_SECONDS)):
                quiet_seconds += _PUSH_SECONDS
                now = await document()
                before, event = event, self._event(now)
                if self.repeats or event != before:
                    await _write(response, event)
                    quiet_seconds = 0.0
                elif quiet_seconds >= EVENT_STREAM_QUIET_SECONDS:
                    await _write(response, _STILL_HERE)
                    quiet_seconds = 0.0
        except ConnectionResetError:
            pass  # The page was closed: that is how each of these streams ends.
        except _AWAY as error:
            # The page asks again, and is then told what is wrong.
            log.info("event stream ended", stream=self.name, reason=str(error))

    def _event(self, document: object) -> bytes:
        return (
            f"event: {self.name}\ndata: {json.dumps(document, separators=(',', ':'))}\n\n".encode()
        )


async def _write(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
        await response.write(data)
