"""A connection that is lent to aiohttp for a request, and given back when that is answered."""

import asyncio
import secrets
from collections.abc import Iterable
from enum import Enum, auto
from typing import Any, Protocol

from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from api.delivery.head import OtherHead
from api.delivery.pieces import write_pieces
from api.delivery.unsent import acked_bytes, unsent_bytes
from api.delivery.watch import Deadlines, Watch
from api.errors import Problem
from config.telemetry import counter

_malformed = counter("http_malformed_total", "Requests that cannot be read")


class Lender(Protocol):
    """The connection as its borrower sees it."""

    @property
    def transport(self) -> asyncio.Transport: ...

    @property
    def blocked(self) -> bool:
        """Whether the socket takes no more bytes now."""

    def returned(self) -> None:
        """The request is answered; what follows it is for the lender to read."""

    def close(self) -> None:
        """Close it when everything was sent."""


class ApiServer(web.Server):
    """Makes the handlers of aiohttp's connections; `AppRunner` offers no hook for their class."""

    def __call__(self) -> "ApiHandler":
        return ApiHandler(self, loop=self._loop, **self._kwargs)


class ApiHandler(RequestHandler):
    """aiohttp's side of a connection; it tells its borrower when a request is answered."""

    __slots__ = ("borrower",)

    borrower: "Borrower"

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        answer, lost = await super().finish_response(request, resp, start_time)
        self.borrower.answered(keep=bool(answer.keep_alive) and not lost)
        return answer, lost

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What cannot be read is refused in the words of the rest of the API; aiohttp would also
        log it, at length and as often as somebody likes.
        """
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        _malformed.inc()
        problem = Problem(400, "malformed_request", "The request cannot be read")
        response = problem.response(secrets.token_hex(8))
        response.force_close()
        return response

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way, as far as whole heads go."""
        return self._current_request is None and not self._messages

    @property
    def wants_body(self) -> bool:
        """Whether a body is still to come."""
        request = self._current_request
        return request is not None and not request.content.is_eof()


class LentTransport(asyncio.Transport):
    """What aiohttp takes for its socket. It can be taken away without closing that."""

    def __init__(self, lender: Lender) -> None:
        super().__init__()
        self._lender = lender
        self._own = True
        self._written_bytes = 0
        self.held = False

    @property
    def taken_bytes(self) -> int:
        """How much the client has taken."""
        return self._written_bytes - unsent_bytes(self._lender.transport)

    def take_away(self) -> None:
        self._own = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._lender.transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return not self._own or self._lender.transport.is_closing()

    def close(self) -> None:
        if self._own:
            self._lender.close()

    def abort(self) -> None:
        if self._own:
            self._lender.transport.abort()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._own:
            self._written_bytes += len(data)
            self._lender.transport.write(data)

    def writelines(self, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        if self._own:
            listed = list(pieces)
            self._written_bytes += sum(len(piece) for piece in listed)
            write_pieces(self._lender, listed)

    def get_write_buffer_size(self) -> int:
        return self._lender.transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        self.held = True
        if self._own:
            self._lender.transport.pause_reading()

    def resume_reading(self) -> None:
        self.held = False
        if self._own:
            self._lender.transport.resume_reading()


class _Phase(Enum):
    """What is waited for."""

    HEAD = auto()
    BODY = auto()
    READER = auto()
    NEXT = auto()
    ANSWER = auto()


class Borrower:
    """Feeds an aiohttp handler with one whole request at a time, if it is plain where that ends.

    Where it is not, the connection is never given back: only one parser knows what comes next.

    Attributes:
        acked_bytes: what the client had acknowledged when it went; None as long as it is there.
    """

    def __init__(self, server: ApiServer, lender: Lender) -> None:
        self._lender = lender
        self._transport = LentTransport(lender)
        self._handler = server()
        self._handler.borrower = self
        # Of the request that is under way; None: of no known length.
        self._missing: int | None = 0
        self._answered = False
        self._has_begun = False
        self._phase = _Phase.ANSWER
        self._since_ms = 0
        self._moved_bytes = 0
        self._received_bytes = 0
        self.acked_bytes: int | None = None
        self._handler.connection_made(self._transport)

    def begin(self, data: bytes, head: OtherHead) -> bytes:
        """Take a request whose head is at the front of `data`; returns what follows it."""
        self._answered = False
        self._missing = None if head.body is None else head.end + head.body
        return self.feed(data)

    def feed(self, data: bytes) -> bytes:
        """More of the connection; returns what belongs to the next request."""
        rest = b""
        if self._missing is not None:
            data, rest = data[: self._missing], data[self._missing :]
            self._missing -= len(data)
        if data:
            self._has_begun = True
            self._received_bytes += len(data)
            self._handler.data_received(data)
            self._give_back()
        return rest

    def answered(self, *, keep: bool) -> None:
        """From the handler, when it has written an answer."""
        self._answered = keep
        self._has_begun = False
        self._give_back()

    def _give_back(self) -> None:
        if self._answered and self._missing == 0:
            # The handler is still about to end the request.
            asyncio.get_running_loop().call_soon(self._lender.returned)

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def connection_lost(self, error: Exception | None) -> None:
        self.acked_bytes = acked_bytes(self._lender.transport)
        self._transport.take_away()
        self._handler.connection_lost(error)

    def overdue(self, watch: Watch) -> bool:
        """Whether the client keeps us waiting for too long; to be asked at each look."""
        phase = self._phase_now()
        moved = self._received_bytes + self._transport.taken_bytes
        if phase is not self._phase:
            self._phase, self._since_ms, self._moved_bytes = phase, watch.now_ms, moved
        limit_ms = _limit_ms(phase, watch.deadlines)
        if limit_ms is None or watch.now_ms - self._since_ms < limit_ms:
            return False
        is_moving = moved - self._moved_bytes >= watch.deadlines.pace_bytes
        self._since_ms, self._moved_bytes = watch.now_ms, moved
        return phase in (_Phase.HEAD, _Phase.NEXT) or not is_moving

    def _phase_now(self) -> _Phase:
        if self._lender.blocked:
            return _Phase.READER
        if self._missing is None and self._handler.is_idle:
            return _Phase.HEAD if self._has_begun else _Phase.NEXT
        wants_body = self._handler.wants_body if self._missing is None else self._missing > 0
        return _Phase.BODY if wants_body and not self._transport.held else _Phase.ANSWER


def _limit_ms(phase: _Phase, deadlines: Deadlines) -> int | None:
    match phase:
        case _Phase.HEAD:
            return deadlines.head_ms
        case _Phase.BODY:
            return deadlines.body_ms
        case _Phase.READER:
            return deadlines.write_ms
        case _Phase.NEXT:
            return deadlines.keep_alive_ms
        case _Phase.ANSWER:
            return None  # routes have deadlines of their own, and event streams none
