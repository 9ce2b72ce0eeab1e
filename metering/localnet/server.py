"""The network over HTTP: Stellar RPC, part of Horizon, friendbot and a dial for faults."""

import json
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import ValidationError

from config.limits import LOCALNET_BODY_BYTES_MAX
from metering.localnet import horizon
from metering.localnet.envelope import MalformedEnvelope
from metering.localnet.faults import Answer, FaultDial, Faults
from metering.localnet.friendbot import NotAnAddress, checked_address
from metering.localnet.network import Status
from metering.localnet.node import Node
from metering.localnet.reading import Reading
from metering.localnet.record import Record
from metering.localnet.rpc import Rpc
from metering.localnet.rpc_error import Document

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_SUBMISSIONS = ("/transactions", "/transactions_async")


class Server:
    """Answers on one port; `application` has every route."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._dial = FaultDial()

    def application(self) -> web.Application:
        application = web.Application(
            client_max_size=LOCALNET_BODY_BYTES_MAX, middlewares=[self._disturb]
        )
        application.add_routes(
            [
                web.post("/", self._rpc),
                web.post("/rpc", self._rpc),
                web.get("/", self._root),
                web.get("/accounts/{id}", self._account),
                web.get("/accounts/{id}/data/{name}", self._datum),
                web.get("/transactions/{hash}", self._transaction),
                web.post("/transactions", self._submit),
                web.post("/transactions_async", self._submit_async),
                web.get("/fee_stats", self._fee_stats),
                web.get("/ledgers", self._ledgers),
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
            return _problem(horizon.problem(415, "bad_request", "application/json is expected"))
        try:
            self._dial.set(Faults.model_validate_json(await request.read()))
        except ValidationError as error:
            detail = error.errors()[0]
            return _problem(
                horizon.problem(400, "bad_request", f"{detail['loc']}: {detail['msg']}")
            )
        return web.json_response(self._dial.faults.model_dump())

    # --- Stellar RPC -----------------------------------------------------------------------------

    async def _rpc(self, request: web.Request) -> web.Response:
        rpc = Rpc(self._node.network, f"{_base(request)}/friendbot")
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            body = None  # Not JSON, so not a request either: the answer says so.
        now_ms = self._node.advance()
        late = self._dial.late_ledgers() if await self._is_submission(request) else 0
        answer = rpc.answer(body, now_ms, late)
        self._node.submitted()
        return web.json_response(answer)

    # --- Horizon ---------------------------------------------------------------------------------

    def _read(self) -> Reading:
        return self._node.network.read(self._node.advance())

    async def _root(self, _request: web.Request) -> web.Response:
        return web.json_response(horizon.root(self._read()))

    async def _account(self, request: web.Request) -> web.Response:
        reading = self._read()
        entry = reading.account(request.match_info["id"])
        if entry is None:
            return _problem(horizon.missing())
        return web.json_response(horizon.account(reading, entry, _base(request)))

    async def _datum(self, request: web.Request) -> web.Response:
        account, name = request.match_info["id"], request.match_info["name"]
        document = horizon.datum(self._read(), account, name)
        return _problem(horizon.missing()) if document is None else web.json_response(document)

    async def _transaction(self, request: web.Request) -> web.Response:
        record = self._read().transaction(request.match_info["hash"])
        if record is None:
            return _problem(horizon.missing())
        return web.json_response(horizon.transaction(record, _base(request)))

    async def _submit(self, request: web.Request) -> web.Response:
        """Waits for the ledger. An envelope that was applied before is answered from history."""
        envelope = await _envelope_of(request)
        try:
            submission = self._node.submit(envelope, self._dial.late_ledgers())
        except MalformedEnvelope:
            return _malformed(envelope)
        known = self._node.network.transaction(submission.hash)
        if known is not None:
            return _outcome(known, envelope, _base(request))
        if submission.result is not None:
            return _problem(horizon.refused(envelope, submission.result))
        if submission.status == Status.TRY_AGAIN_LATER:
            return _problem(horizon.problem(503, "try_again_later", "Try Again Later"))
        record = await self._node.included(submission.hash)
        if record is None:
            extras = {"hash": submission.hash, "envelope_xdr": envelope}
            return _problem(horizon.problem(504, "timeout", "Timeout", extras))
        return _outcome(record, envelope, _base(request))

    async def _submit_async(self, request: web.Request) -> web.Response:
        envelope = await _envelope_of(request)
        try:
            submission = self._node.submit(envelope, self._dial.late_ledgers())
        except MalformedEnvelope:
            return _malformed(envelope)
        status = horizon.STATUS_CODES[submission.status]
        return web.json_response(horizon.submission(submission), status=status)

    async def _fee_stats(self, _request: web.Request) -> web.Response:
        return web.json_response(horizon.fee_stats(self._read()))

    async def _ledgers(self, request: web.Request) -> web.Response:
        reading = self._read()
        latest = reading.latest
        successful = sum(record.successful for record in reading.records_of(latest.sequence))
        return web.json_response(horizon.ledgers(latest, successful, _base(request)))

    async def _friendbot(self, request: web.Request) -> web.Response:
        address = request.query.get("addr") or (await request.post()).get("addr")
        try:
            address = checked_address(address if isinstance(address, str) else "")
        except NotAnAddress as error:
            return _problem(horizon.problem(400, "bad_request", str(error)))
        record = await self._node.give(address)
        if record is None:
            return _problem(horizon.problem(503, "try_again_later", "Try Again Later"))
        return web.json_response(horizon.transaction(record, _base(request)))


async def _envelope_of(request: web.Request) -> str:
    form = await request.post()
    envelope = form.get("tx", "")
    return envelope if isinstance(envelope, str) else ""


def _base(request: web.Request) -> str:
    """The URL under which the client reached us."""
    return str(request.url.origin())


def _outcome(record: Record, envelope: str, base: str) -> web.Response:
    if record.successful:
        return web.json_response(horizon.transaction(record, base))
    return _problem(horizon.failed(record, envelope))


def _malformed(envelope: str) -> web.Response:
    extras = {"envelope_xdr": envelope}
    return _problem(horizon.problem(400, "transaction_malformed", "Transaction Malformed", extras))


def _problem(document: Document) -> web.Response:
    status: int = document["status"]
    return web.json_response(document, status=status, content_type="application/problem+json")


def _spoil(request: web.Request, answer: Answer) -> web.Response:
    if answer == Answer.NOT_AT_ALL and request.transport is not None:
        request.transport.abort()
    status = 504 if answer == Answer.TIMEOUT else 503
    return web.Response(status=status, text=answer.value)
