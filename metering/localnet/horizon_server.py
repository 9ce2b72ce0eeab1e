"""Horizon's routes over HTTP."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from metering.localnet import horizon
from metering.localnet.envelope import MalformedEnvelope
from metering.localnet.faults import FaultDial
from metering.localnet.horizon_balances import balance, balances, find
from metering.localnet.horizon_payments import BeforeHistory, payments
from metering.localnet.horizon_transactions import transaction
from metering.localnet.network import Status
from metering.localnet.node import Node
from metering.localnet.paging import BadQuery, Page, page_document, read_page
from metering.localnet.reading import Reading
from metering.localnet.record import Record
from metering.localnet.rpc_error import Document

LOST = "lost"
"""Marks a request whose connection is cut when it was handled."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HorizonServer:
    """The part of Horizon that classic payments need.

    Args:
        node: the network.
        dial: what goes wrong.
    """

    def __init__(self, node: Node, dial: FaultDial) -> None:
        self._node = node
        self._dial = dial

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._root),
            web.get("/accounts/{id}", self._account),
            web.get("/accounts/{id}/data/{name}", self._datum),
            web.get("/accounts/{id}/payments", self._payments),
            web.get("/claimable_balances", self._balances),
            web.get("/claimable_balances/{id}", self._balance),
            web.get("/transactions/{hash}", self._transaction),
            web.post("/transactions", self._submit),
            web.post("/transactions_async", self._submit_async),
            web.get("/fee_stats", self._fee_stats),
            web.get("/ledgers", self._ledgers),
            web.get("/ledgers/{sequence}", self._ledger),
        ]

    def _read(self) -> Reading:
        return self._node.network.read(self._node.advance(), self._dial.view.lag_ledgers)

    async def _root(self, _request: web.Request) -> web.Response:
        return web.json_response(horizon.root(self._read()))

    async def _account(self, request: web.Request) -> web.Response:
        reading = self._read()
        entry = reading.account(request.match_info["id"])
        if entry is None:
            return problem(horizon.missing())
        return web.json_response(horizon.account(reading, entry, base_of(request)))

    async def _datum(self, request: web.Request) -> web.Response:
        account, name = request.match_info["id"], request.match_info["name"]
        document = horizon.datum(self._read(), account, name)
        return problem(horizon.missing()) if document is None else web.json_response(document)

    async def _payments(self, request: web.Request) -> web.Response:
        reading, address, query = self._read(), request.match_info["id"], request.query
        page = read_page(query)
        records = payments(
            reading,
            address,
            page,
            base_of(request),
            failed=query.get("include_failed") == "true",
            join=query.get("join") == "transactions",
        )
        if not records and not reading.has_history(address):
            return problem(horizon.missing())
        return _page(request, page, records)

    async def _balances(self, request: web.Request) -> web.Response:
        query = request.query
        page = read_page(query)
        records = balances(
            self._read(),
            page,
            base_of(request),
            claimant=query.get("claimant", ""),
            sponsor=query.get("sponsor", ""),
            asset=query.get("asset", ""),
        )
        return _page(request, page, records)

    async def _balance(self, request: web.Request) -> web.Response:
        reading = self._read()
        entry = find(reading, request.match_info["id"])
        if entry is None:
            return problem(horizon.missing())
        return web.json_response(balance(reading, entry, base_of(request)))

    async def _transaction(self, request: web.Request) -> web.Response:
        record = self._read().transaction(request.match_info["hash"])
        if record is None:
            return problem(horizon.missing())
        return web.json_response(transaction(record, base_of(request)))

    async def _submit(self, request: web.Request) -> web.Response:
        """Waits for the ledger. An envelope that was applied before is answered from history."""
        envelope = await _envelope_of(request)
        try:
            submission = self._node.submit(envelope, late_ledgers(request, self._dial))
        except MalformedEnvelope:
            return _malformed(envelope)
        known = self._node.network.transaction(submission.hash)
        if known is not None:
            return _outcome(known, envelope, base_of(request))
        if submission.result is not None:
            return problem(horizon.refused(envelope, submission.result))
        if submission.status == Status.TRY_AGAIN_LATER:
            return problem(horizon.problem(503, "try_again_later", "Try Again Later"))
        record = None if request.get(LOST) else await self._node.included(submission.hash)
        if record is None:
            extras = {"hash": submission.hash, "envelope_xdr": envelope}
            return problem(horizon.problem(504, "timeout", "Timeout", extras))
        return _outcome(record, envelope, base_of(request))

    async def _submit_async(self, request: web.Request) -> web.Response:
        envelope = await _envelope_of(request)
        try:
            submission = self._node.submit(envelope, late_ledgers(request, self._dial))
        except MalformedEnvelope:
            return _malformed(envelope)
        status = horizon.STATUS_CODES[submission.status]
        return web.json_response(horizon.submission(submission), status=status)

    async def _fee_stats(self, _request: web.Request) -> web.Response:
        return web.json_response(horizon.fee_stats(self._read()))

    async def _ledgers(self, request: web.Request) -> web.Response:
        page = read_page(request.query)
        return _page(request, page, horizon.ledgers(self._read(), page, base_of(request)))

    async def _ledger(self, request: web.Request) -> web.Response:
        reading, sequence = self._read(), request.match_info["sequence"]
        header = reading.header(int(sequence)) if sequence.isdecimal() else None
        if header is None:
            return problem(horizon.missing())
        return web.json_response(horizon.ledger(reading, header, base_of(request)))


def late_ledgers(request: web.Request, dial: FaultDial) -> int:
    """How much later than usual a submission is included; a lost one's request is marked."""
    if not dial.is_lost():
        return dial.late_ledgers()
    request[LOST] = True
    return dial.faults.late_ledgers


class Refused(Exception):
    """A request that is answered with a problem."""

    def __init__(self, document: Document) -> None:
        super().__init__(document["title"])
        self.document = document


@web.middleware
async def as_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever is refused is told as problem+json."""
    try:
        return await handler(request)
    except Refused as error:
        return problem(error.document)
    except BadQuery as error:
        extras = {"invalid_field": error.field, "reason": str(error)}
        return problem(horizon.problem(400, "bad_request", "Bad Request", extras))
    except BeforeHistory:
        title = "Data Requested Is Before Recorded History"
        return problem(horizon.problem(410, "before_history", title))
    except web.HTTPNotFound:
        return problem(horizon.missing())


def problem(document: Document) -> web.Response:
    """A problem as the answer to a request."""
    status: int = document["status"]
    return web.json_response(document, status=status, content_type="application/problem+json")


def base_of(request: web.Request) -> str:
    """The URL under which the client reached us."""
    return str(request.url.origin())


def _page(request: web.Request, page: Page, records: list[Document]) -> web.Response:
    url = base_of(request) + request.path
    return web.json_response(page_document(records, page, url, request.query))


async def _envelope_of(request: web.Request) -> str:
    form = await request.post()
    envelope = form.get("tx", "")
    return envelope if isinstance(envelope, str) else ""


def _outcome(record: Record, envelope: str, base: str) -> web.Response:
    if record.successful:
        return web.json_response(transaction(record, base))
    return problem(horizon.failed(record, envelope))


def _malformed(envelope: str) -> web.Response:
    extras = {"envelope_xdr": envelope}
    return problem(horizon.problem(400, "transaction_malformed", "Transaction Malformed", extras))
