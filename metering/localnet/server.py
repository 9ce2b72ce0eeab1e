"""The network over HTTP: Stellar RPC, Horizon, friendbot and a dial for faults."""

import json

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.limits import LOCALNET_BODY_BYTES_MAX
from metering.localnet import horizon
from metering.localnet.faults import Answer, FaultDial, Faults
from metering.localnet.friendbot import NotAnAddress, checked_address
from metering.localnet.horizon_server import (
    LOST,
    Handler,
    HorizonServer,
    Refused,
    as_problems,
    base_of,
    late_ledgers,
    problem,
)
from metering.localnet.horizon_transactions import transaction
from metering.localnet.node import Node
from metering.localnet.rpc import Rpc

_SUBMISSIONS = ("/transactions", "/transactions_async")
_CONTROLS = ("/faults", "/network/")
_LEDGERS_MAX = 2**31 - 1
# A year: as many ledgers close, whose numbers have 31 bits.
_LEAP_SECONDS_MAX = 366 * 86_400


class _Forgetting(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    keep_ledgers: int = Field(ge=1, le=_LEDGERS_MAX)


class _Leap(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    seconds: int = Field(ge=1, le=_LEAP_SECONDS_MAX)


class _Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Server:
    """Answers on one port; `application` has every route."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._dial = FaultDial()

    def application(self) -> web.Application:
        application = web.Application(
            client_max_size=LOCALNET_BODY_BYTES_MAX, middlewares=[self._disturb, as_problems]
        )
        application.add_routes(
            [
                web.post("/", self._rpc),
                web.post("/rpc", self._rpc),
                *HorizonServer(self._node, self._dial).routes(),
                web.get("/friendbot", self._friendbot),
                web.post("/friendbot", self._friendbot),
                web.get("/faults", self._get_faults),
                web.post("/faults", self._set_faults),
                web.post("/network/forget", self._forget),
                web.post("/network/leap", self._leap),
                web.post("/network/reset", self._reset),
            ]
        )
        return application

    # --- faults ----------------------------------------------------------------------------------

    @web.middleware
    async def _disturb(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(_CONTROLS):
            return await handler(request)
        submission = await self._is_submission(request)
        dial = self._dial
        before = dial.before_submission() if submission else dial.before_read()
        if before != Answer.TRULY:
            return self._spoil(request, before)
        response = await handler(request)
        after = dial.after_submission() if submission else Answer.TRULY
        if request.get(LOST):
            after = Answer.NOT_AT_ALL
        await dial.pause()
        return response if after == Answer.TRULY else self._spoil(request, after)

    async def _is_submission(self, request: web.Request) -> bool:
        if request.method != "POST":
            return False
        if request.path in _SUBMISSIONS:
            return True
        return b'"sendTransaction"' in await request.read()

    def _spoil(self, request: web.Request, answer: Answer) -> web.Response:
        if answer == Answer.NOT_AT_ALL and request.transport is not None:
            request.transport.abort()
        status = self._dial.status() if answer == Answer.FAILED else 504
        if status != web.HTTPTooManyRequests.status_code:
            return web.Response(status=status, text=answer.value)
        limited = problem(horizon.problem(status, "rate_limit_exceeded", "Rate Limit Exceeded"))
        limited.headers["Retry-After"] = "1"
        return limited

    # --- controls --------------------------------------------------------------------------------

    async def _get_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._dial.faults.model_dump())

    async def _set_faults(self, request: web.Request) -> web.Response:
        self._dial.set(await _asked(request, Faults))
        self._node.network.traffic = self._dial.traffic
        return web.json_response(self._dial.faults.model_dump())

    async def _forget(self, request: web.Request) -> web.Response:
        oldest = self._node.forget((await _asked(request, _Forgetting)).keep_ledgers)
        return web.json_response({"oldest_ledger": oldest})

    async def _leap(self, request: web.Request) -> web.Response:
        close_time = self._node.leap((await _asked(request, _Leap)).seconds)
        return web.json_response({"close_time": close_time})

    async def _reset(self, request: web.Request) -> web.Response:
        await _asked(request, _Nothing)
        self._node.reset()
        return web.json_response({"passphrase": self._node.network.passphrase})

    # --- Stellar RPC -----------------------------------------------------------------------------

    async def _rpc(self, request: web.Request) -> web.Response:
        rpc = Rpc(self._node.network, f"{base_of(request)}/friendbot")
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            body = None  # Not JSON, so not a request either: the answer says so.
        now_ms = self._node.advance()
        late = late_ledgers(request, self._dial) if await self._is_submission(request) else 0
        answer = rpc.answer(body, now_ms, late, self._dial.view)
        self._node.submitted()
        return web.json_response(answer)

    # --- friendbot -------------------------------------------------------------------------------

    async def _friendbot(self, request: web.Request) -> web.Response:
        address = request.query.get("addr") or (await request.post()).get("addr")
        try:
            address = checked_address(address if isinstance(address, str) else "")
        except NotAnAddress as error:
            return problem(horizon.problem(400, "bad_request", str(error)))
        record = await self._node.give(address)
        if record is None:
            return problem(horizon.problem(503, "try_again_later", "Try Again Later"))
        return web.json_response(transaction(record, base_of(request)))


async def _asked[Asked: BaseModel](request: web.Request, kind: type[Asked]) -> Asked:
    """The body of a control.

    Raises:
        Refused: it is not JSON, or not that.
    """
    # A type that no page of another origin can send without asking first.
    if request.content_type != "application/json":
        raise Refused(horizon.problem(415, "bad_request", "application/json is expected"))
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        detail = error.errors()[0]
        told = f"{detail['loc']}: {detail['msg']}"
        raise Refused(horizon.problem(400, "bad_request", told)) from error
