"""One WebSocket over which a client begins, follows and ends its sessions.

Messages of the client are answered in their order; between them each session that is followed is
looked at once a second, and told of when something was saved. What a client says never decides
about money: a heartbeat only keeps the socket, and sessions are charged for media that was sent.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog
from aiohttp import WSMsgType, web

from api.auth.account import Account
from api.errors import Problem, invalid, unavailable
from api.failures import EXPECTED, problem_of
from api.idempotency import Document, Done, keyed_request
from api.idempotency_store import new_effect
from api.input import StartSession, StopSession
from api.message_budget import MessageBudget
from api.session_feed import SessionFeed, is_over
from api.socket_frames import (
    Authenticate,
    Frame,
    Heartbeat,
    StartStream,
    read_data,
    read_frame,
    write_error,
    write_frame,
)
from api.socket_grace import SocketGrace
from api.streaming import Streaming
from api.wire import timestamp
from config.clock import Clock
from config.limits import (
    RESPONSE_WRITE_SECONDS_MAX,
    SOCKET_AUTHENTICATE_SECONDS,
    SOCKET_GRACE_SECONDS,
    SOCKET_HEARTBEAT_SECONDS,
    SOCKET_MESSAGES_BURST,
    SOCKET_MESSAGES_PER_SECOND,
    SOCKET_SESSIONS_MAX,
    SOCKET_SILENCE_SECONDS_MAX,
)
from config.postgres import UNAVAILABLE

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
# RFC 6455, 7.4: codes from 4000 are ours; they are those of HTTP.
_GOING_AWAY, _OURS = 1001, 4000
_AWAY: tuple[type[Exception], ...] = (*EXPECTED, *UNAVAILABLE)


class _Farewell(Exception):
    """The socket is to be closed, and the client is told why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


@dataclass(slots=True)
class _Followed:
    feed: SessionFeed
    told: Document | None = None


@dataclass(slots=True)
class SessionSocket:
    """The talk with one client.

    Attributes:
        account: None until the client has said who it is.
        recognise: the account of a token; refuses with a Problem.
        admit: counts an account's sockets; refuses with a Problem.
        address: where the client is.
        stopping: ends it.
    """

    socket: web.WebSocketResponse
    account: Account | None
    streaming: Streaming
    recognise: Callable[[str], Awaitable[Account]]
    grace: SocketGrace
    clock: Clock
    stopping: asyncio.Event
    admit: Callable[[Account], None]
    address: str | None
    _followed: dict[str, _Followed] = field(default_factory=dict, init=False)
    _budget: MessageBudget = field(init=False)
    _heard_ms: int = field(init=False)

    def __post_init__(self) -> None:
        self._heard_ms = self.clock.monotonic_ms()
        self._budget = MessageBudget(
            SOCKET_MESSAGES_BURST, SOCKET_MESSAGES_PER_SECOND, self._heard_ms
        )

    async def run(self) -> None:
        """Talk until one of both ends it."""
        try:
            if self.account is not None:
                await self._welcome(self.account)
            await self._talk()
        except _Farewell as farewell:
            problem = farewell.problem
            await self._send(write_error(problem, _request_id()))
            await self.socket.close(code=_OURS + problem.status, message=problem.title.encode())
        except (ConnectionError, TimeoutError) as error:
            log.debug("socket lost", reason=str(error))
        finally:
            now = self.clock.monotonic_ms()
            for session_id in self._followed:
                self.grace.leave(session_id, now)

    async def _talk(self) -> None:
        loop = asyncio.get_running_loop()
        look_at = loop.time() + _LOOK_SECONDS
        while not self.stopping.is_set():
            self._require_presence()
            try:
                async with asyncio.timeout_at(look_at):
                    message = await self.socket.receive()
            except TimeoutError:
                await self._tell()
                look_at = loop.time() + _LOOK_SECONDS
                continue
            if message.type is WSMsgType.BINARY:
                raise _Farewell(invalid("messages are text"))
            if message.type is not WSMsgType.TEXT:
                return  # it is closed, or was closed for a message that was too long
            await self._hear(message.data)
        await self.socket.close(code=_GOING_AWAY, message=b"the server stops")

    def _require_presence(self) -> None:
        quiet_ms = self.clock.monotonic_ms() - self._heard_ms
        if self.account is None and quiet_ms >= SOCKET_AUTHENTICATE_SECONDS * 1000:
            detail = "send `authenticate` with the account's token first"
            raise _Farewell(Problem(401, "unauthorised", "Sign in first", detail))
        if quiet_ms >= SOCKET_SILENCE_SECONDS_MAX * 1000:
            detail = f"send `heartbeat` every {SOCKET_HEARTBEAT_SECONDS} s"
            raise _Farewell(Problem(408, "heartbeat_missed", "Nothing was heard", detail))

    # --- what the client says --------------------------------------------------------------------

    async def _hear(self, text: str) -> None:
        now = self.clock.monotonic_ms()
        if not self._budget.take(now):
            detail = f"{SOCKET_MESSAGES_PER_SECOND} a second, {SOCKET_MESSAGES_BURST} at once"
            raise _Farewell(Problem(429, "too_many_messages", "Too many messages", detail))
        frame_id = None
        try:
            frame = read_frame(text)
            frame_id = frame.id
            if self.account is None:
                return await self._authenticate(frame)
            self._heard_ms = now
            answer = await self._answer(self.account, frame)
        except _AWAY as error:
            problem = problem_of(error) or unavailable("the books are out of reach")
            await self._send(write_error(problem, _request_id(), frame_id))
        else:
            await self._send(write_frame(frame.type, answer, frame_id))

    async def _authenticate(self, frame: Frame) -> None:
        """The first message; whoever fails is shown the door, so that nobody tries many tokens."""
        try:
            if frame.type != "authenticate":
                raise Problem(401, "unauthorised", "Sign in first", "`authenticate` comes first")
            account = await self.recognise(read_data(frame, Authenticate).token)
            self.admit(account)
        except Problem as problem:
            raise _Farewell(problem) from None
        self.account = account
        self._heard_ms = self.clock.monotonic_ms()
        await self._welcome(account, frame)

    async def _answer(self, account: Account, frame: Frame) -> Document:
        match frame.type:
            case "startStream":
                return await self._start(account, read_data(frame, StartStream))
            case "stopStream":
                return await self._stop(account, read_data(frame, StopSession).sessionId)
            case "heartbeat":
                return await self._beat(account, read_data(frame, Heartbeat).sessionId)
            case "authenticate":
                raise invalid("you are signed in")

    async def _start(self, account: Account, wish: StartStream) -> Document:
        if len(self._followed) >= SOCKET_SESSIONS_MAX:
            raise Problem(409, "too_many_sessions", "This socket follows enough sessions")
        said = wish.model_dump(exclude={"idempotencyKey"})
        session = StartSession.model_validate(said)
        streaming = self.streaming
        if wish.idempotencyKey is None:
            effect = new_effect(self.clock.wall_ms())
            done = Done(await streaming.begin(account, session, effect))
        else:
            body = json.dumps(said, sort_keys=True).encode()
            done = await streaming.idempotency.keyed(
                keyed_request(account.id, "startStream", wish.idempotencyKey, body),
                lambda effect: streaming.begin(account, session, effect),
            )
        begun = streaming.begun(done.document)
        session_id = str(begun["sessionId"])
        self.grace.began(session_id)
        self._follow(session_id)
        return begun

    async def _stop(self, account: Account, session_id: str) -> Document:
        await self.streaming.own(account, session_id)
        ended = await self.streaming.end(session_id)
        self._forget(session_id)
        return ended

    async def _beat(self, account: Account, session_id: str | None) -> Document:
        now = timestamp(datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC))
        if session_id is None:
            return {"timestamp": now}
        await self.streaming.own(account, session_id)
        if session_id not in self._followed and len(self._followed) >= SOCKET_SESSIONS_MAX:
            raise Problem(409, "too_many_sessions", "This socket follows enough sessions")
        self._follow(session_id)
        followed = self._followed[session_id]
        document = followed.told = await followed.feed.look()
        if is_over(document):
            self._forget(session_id)
        return {"timestamp": now, **document}

    # --- what the client is told -----------------------------------------------------------------

    async def _welcome(self, account: Account, frame: Frame | None = None) -> None:
        terms = {
            "accountId": account.id,
            "heartbeatSeconds": SOCKET_HEARTBEAT_SECONDS,
            "graceSeconds": SOCKET_GRACE_SECONDS,
        }
        await self._send(write_frame("connected", terms, None if frame is None else frame.id))

    async def _tell(self) -> None:
        """Tell of each session of which something else is saved than was told last."""
        for session_id, followed in list(self._followed.items()):
            try:
                document = await followed.feed.look()
            except _AWAY as error:
                log.info("session cannot be looked at", session=session_id, reason=str(error))
                continue
            if is_over(document):
                self._forget(session_id)
                await self._send(write_frame("session_closed", document))
            elif document != followed.told:
                followed.told = document
                await self._send(write_frame("cost", document))

    async def _send(self, text: str) -> None:
        async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
            await self.socket.send_str(text)

    def _follow(self, session_id: str) -> None:
        self.streaming.seen(session_id, self.address)
        if session_id not in self._followed:
            self._followed[session_id] = _Followed(self.streaming.feed(session_id))
            self.grace.follow(session_id)

    def _forget(self, session_id: str) -> None:
        self._followed.pop(session_id, None)
        self.grace.ended(session_id)


def _request_id() -> str:
    return secrets.token_hex(8)
