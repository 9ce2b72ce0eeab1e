"""All session sockets: who may open one, how many there are, and what ends behind the last one."""

import asyncio
import functools
from collections import Counter
from dataclasses import dataclass, field

import structlog
from aiohttp import web

from api.area import RouteTable
from api.auth.account import Account
from api.auth.bearer import Bearers, shown_token
from api.errors import Problem, forbidden, unavailable
from api.origin import is_own
from api.session_socket import SessionSocket
from api.socket_grace import SocketGrace
from api.streaming import Streaming
from config.clock import Clock
from config.limits import (
    SESSION_SOCKETS_MAX,
    SOCKET_CLOSE_SECONDS_MAX,
    SOCKET_MESSAGE_BYTES_MAX,
    SOCKET_PING_SECONDS,
    SOCKETS_OF_ACCOUNT_MAX,
)
from config.tasks import cancel, happens, spawn
from metering.errors import MeterUnavailable, UnknownSession

log = structlog.get_logger(__name__)

PROTOCOL = "tollcast.v1"
# What a browser, which cannot send headers, offers as a second protocol: it is never chosen, and so
# not said back. Addresses are logged by everybody; tokens are not for them.
_TOKEN_PROTOCOL = "tollcast.bearer."
_SWEEP_SECONDS = 1.0


@dataclass(slots=True)
class SessionSockets:
    """The route `/api/v1/streaming/ws`.

    Attributes:
        public_url: another name of this server, of which pages may open sockets.
        stopping: ends all sockets. Sessions stay open then, as for any viewer.
        emptied: set while there is no socket.
    """

    streaming: Streaming
    bearers: Bearers
    clock: Clock
    public_url: str
    stopping: asyncio.Event
    emptied: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    grace: SocketGrace = field(default_factory=SocketGrace, init=False)
    _sockets: int = field(default=0, init=False)
    _of_account: Counter[str] = field(default_factory=Counter, init=False)
    _sweeper: asyncio.Task[None] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.emptied.set()

    def start(self) -> None:
        """Begin to end sessions whose socket has gone for good."""
        self._sweeper = spawn(self._sweep(), name="sessions without a socket")

    async def stop(self) -> None:
        await cancel(self._sweeper)

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/streaming/ws", self.handle),
        ]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Talk with one client, for as long as it likes.

        Raises:
            Problem: 403 for a page of another site, 401 for a token that is not known, 503 when
                there are too many sockets.
        """
        if not is_own(request.headers.get("Origin"), request.host, self.public_url):
            raise forbidden("a page of another site may not open sockets here")
        token = shown_token(request) or _offered_token(request)
        recognise = functools.partial(self.bearers.account_of, request=request)
        account = None if token is None else await recognise(token)
        if self._sockets >= SESSION_SOCKETS_MAX:
            raise unavailable("too many sockets are open", retry_after_s=10)
        if account is not None:
            self._admit(account)
        socket = web.WebSocketResponse(
            protocols=(PROTOCOL,),
            max_msg_size=SOCKET_MESSAGE_BYTES_MAX,
            heartbeat=SOCKET_PING_SECONDS,
            timeout=SOCKET_CLOSE_SECONDS_MAX,
            compress=False,
        )
        talk = SessionSocket(
            *(socket, account, self.streaming, recognise, self.grace),
            *(self.clock, self.stopping, self._admit, request.remote),
        )
        self._sockets += 1
        self.emptied.clear()
        try:
            await socket.prepare(request)
            await talk.run()
        finally:
            self._sockets -= 1
            if talk.account is not None:
                self._release(talk.account)
            if self._sockets == 0:
                self.emptied.set()
        return socket

    def _admit(self, account: Account) -> None:
        if self._of_account[account.id] >= SOCKETS_OF_ACCOUNT_MAX:
            raise Problem(429, "too_many_sockets", "This account has enough sockets")
        self._of_account[account.id] += 1

    def _release(self, account: Account) -> None:
        self._of_account[account.id] -= 1
        if not self._of_account[account.id]:
            del self._of_account[account.id]

    async def _sweep(self) -> None:
        while not await happens(self.stopping, _SWEEP_SECONDS):
            for session_id in self.grace.due(self.clock.monotonic_ms()):
                try:
                    await self.streaming.end(session_id)
                except MeterUnavailable:
                    continue  # it stays due
                except UnknownSession:
                    log.warning("a session of a socket is unknown", session=session_id)
                else:
                    log.info("session ended behind its socket", session=session_id)
                self.grace.ended(session_id)


def _offered_token(request: web.Request) -> str | None:
    offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    tokens = [each.strip() for each in offered if each.strip().startswith(_TOKEN_PROTOCOL)]
    return tokens[0].removeprefix(_TOKEN_PROTOCOL) or None if tokens else None
