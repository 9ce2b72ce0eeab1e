"""The network over HTTP: Stellar RPC, Horizon, friendbot and a dial for faults."""

import json

from aiohttp import web
from pydantic import ValidationError

from config.limits import LOCALNET_BODY_BYTES_MAX
from metering.localnet import horizon
from metering.localnet.faults import Answer, FaultDial, Faults
from metering.localnet.friendbot import NotAnAddress, checked_address
from metering.localnet.horizon_payments import transaction
from metering.localnet.horizon_server import (
    Handler,
    HorizonServer,
    as_problems,
    base_of,
    problem,
)
from metering.localnet.node import Node
from metering.localnet.rpc import Rpc

_SUBMISSIONS = ("/transactions", "/transactions_async")


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
            ]
        )
        return application

    # --- faults ----------------------------------------------------------------------------------

    @web.middleware
    async def _disturb(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/faults":
            return await handler(request)
        submission = await self._is_submission(request)
        dial = self._dial
        before = dial.before_submission() if submission else dial.before_read()
        if before != Answer.TRULY:
            return _spoil(request, before)
        response = await handler(request)
        await dial.pause()
        after = dial.after_submission() if submission else Answer.TRULY
        return response if after == Answer.TRULY else _spoil(request, after)

    async def _is_submission(self, request: web.Request) -> bool:
        if request.method != "POST":
            return False
        if request.path in _SUBMISSIONS:
            return True
        return b'"sendTransaction"' in await request.read()

    async def _get_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._dial.faults.model_dump())

    async def _set_faults(self, request: web.Request) -> web.Response:
        # A type that no page of another origin can send without asking first.
        if request.content_type != "application/json":
            return problem(horizon.problem(415, "bad_request", "application/json is expected"))
        try:
            self._dial.set(Faults.model_validate_json(await request.read()))
        except ValidationError as error:
            detail = error.errors()[0]
            return problem(horizon.problem(400, "bad_request", f"{detail['loc']}: {detail['msg']}"))
        return web.json_response(self._dial.faults.model_dump())

    # --- Stellar RPC -----------------------------------------------------------------------------

    async def _rpc(self, request: web.Request) -> web.Response:
        rpc = Rpc(self._node.network, f"{base_of(request)}/friendbot")
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            body = None  # Not JSON, so not a request either: the answer says so.
        now_ms = self._node.advance()
        late = self._dial.late_ledgers() if await self._is_submission(request) else 0
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


def _spoil(request: web.Request, answer: Answer) -> web.Response:
    if answer == Answer.NOT_AT_ALL and request.transport is not None:
        request.transport.abort()
    status = 504 if answer == Answer.TIMEOUT else 503
    return web.Response(status=status, text=answer.value)
