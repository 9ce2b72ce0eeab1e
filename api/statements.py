"""What an account did with its money: a history to leaf through, statements to keep."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.errors import Problem, invalid, unavailable
from api.movements import FROM_THE_NEWEST, Cursor, Movement, reason_json
from api.movements_postgres import PostgresMovements
from api.statement import Period, Statement, to_csv, to_json
from api.statement_postgres import PostgresStatements, PutAway
from api.wire import timestamp
from config.limits import (
    HISTORY_PAGE_LINES_MAX,
    RESPONSE_JOINED_BYTES_MAX,
    RESPONSE_WRITE_SECONDS_MAX,
    STATEMENT_DAYS_MAX,
    STATEMENT_SECONDS_MAX,
    STATEMENTS_AT_ONCE_MAX,
)
from config.postgres import UNAVAILABLE
from metering.money import format_amount

log = structlog.get_logger(__name__)

_CURSOR = re.compile(r"(ses_[0-9a-z~]{1,26})\.([0-9]{1,19})")
_LINES = 20
_TYPES = {"csv": "text/csv", "json": "application/json"}


@dataclass(slots=True)
class Statements:
    """The routes `/api/v1/payments/history` and `/api/v1/payments/statements`."""

    movements: PostgresMovements
    statements: PostgresStatements
    bearers: Bearers
    _under_way: set[str] = field(default_factory=set, init=False)

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/payments/history", self.history),
            web.get("/api/v1/payments/statements", self.statement),
        ]

    async def history(self, request: web.Request) -> web.Response:
        """The newest first, a page at a time: `next` is the `cursor` of the one after."""
        account = await self.bearers.account(request)
        limit, cursor = _limit(request), _cursor(request)
        movements, behind = await self.movements.page(account.id, cursor, limit)
        return web.json_response(
            {
                "items": [movement_json(each) for each in movements],
                "next": None if behind is None else f"{behind.session}.{behind.transfer}",
            }
        )

    async def statement(self, request: web.Request) -> web.StreamResponse:
        """All accounts of the one who asks, over [from, to), as CSV or JSON."""
        account = await self.bearers.account(request)
        form = request.query.get("format", "json")
        if form not in _TYPES:
            raise invalid("format: csv or json")
        if account.id in self._under_way or len(self._under_way) >= STATEMENTS_AT_ONCE_MAX:
            raise unavailable("another statement is being written", retry_after_s=5)
        self._under_way.add(account.id)
        try:
            period = _period(request, await self.statements.settled_until())
            statement = await self.statements.statement(account.id, period)
            return await _send(request, statement, form)
        except PutAway as error:
            since = timestamp(error.since)
            detail = f"the operator has what was before {since}"
            raise Problem(410, "put_away", "This time was put away", detail) from None
        except UNAVAILABLE:
            raise unavailable("the books are out of reach") from None
        finally:
            self._under_way.discard(account.id)


def movement_json(movement: Movement) -> dict[str, object]:
    """One line of a history."""
    ended_at = movement.ended_at
    return {
        "type": movement.kind,
        "reference": movement.reference,
        "asset": movement.asset,
        "amount": format_amount(movement.amount),
        "held": format_amount(movement.held),
        "at": timestamp(movement.at),
        "endedAt": None if ended_at is None else timestamp(ended_at),
        "state": movement.state,
        "contentId": movement.content_id,
        "title": movement.title,
        "transactionHash": movement.transaction_hash,
        "lines": [reason_json(each) for each in movement.reasons],
    }


async def _send(request: web.Request, statement: Statement, form: str) -> web.StreamResponse:
    days = f"{statement.period.since:%Y-%m-%d}-{statement.period.until:%Y-%m-%d}"
    response = web.StreamResponse(
        headers={
            "Content-Type": f"{_TYPES[form]}; charset=utf-8",
            "Content-Disposition": f'attachment; filename="tollcast-statement-{days}.{form}"',
            "Cache-Control": "no-store",
        }
    )
    pieces = to_csv(statement) if form == "csv" else to_json(statement)
    is_whole = False
    try:
        async with asyncio.timeout(STATEMENT_SECONDS_MAX), aclosing(pieces):
            await response.prepare(request)
            await _write(response, pieces)
        is_whole = True
    except UNAVAILABLE as error:  # also when a deadline is over
        log.info("statement broke off", reason=str(error))
    finally:
        # Half of a statement must not look like a whole one.
        if not is_whole and request.transport is not None:
            request.transport.abort()
    return response


async def _write(response: web.StreamResponse, pieces: AsyncGenerator[str]) -> None:
    """Some kilobytes at a time."""
    gathered = bytearray()
    async for piece in pieces:
        gathered += piece.encode()
        if len(gathered) >= RESPONSE_JOINED_BYTES_MAX:
            async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
                await response.write(bytes(gathered))
            gathered.clear()
    async with asyncio.timeout(RESPONSE_WRITE_SECONDS_MAX):
        await response.write(bytes(gathered))
        await response.write_eof()


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", str(_LINES))
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= HISTORY_PAGE_LINES_MAX:
        raise invalid(f"limit: 1 to {HISTORY_PAGE_LINES_MAX}")
    return int(text)


def _cursor(request: web.Request) -> Cursor:
    text = request.query.get("cursor")
    if text is None:
        return FROM_THE_NEWEST
    match = _CURSOR.fullmatch(text)
    if match is None or int(match.group(2)) > FROM_THE_NEWEST.transfer:
        raise invalid("cursor: the `next` of the page before")
    return Cursor(match.group(1), int(match.group(2)))


def _period(request: web.Request, settled_until: datetime) -> Period:
    """From the first of this month until now, unless something else is said. What is not settled
    yet is left out, so that the same period is the same statement for ever.
    """
    until = min(_moment(request, "to", settled_until), settled_until)
    month = until.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    since = _moment(request, "from", month)
    if since >= until:
        raise invalid(f"from: before `to`, and before {timestamp(settled_until)}")
    if until - since > timedelta(days=STATEMENT_DAYS_MAX):
        raise invalid(f"from: at most {STATEMENT_DAYS_MAX} days before `to`")
    return Period(since, until)


def _moment(request: web.Request, name: str, default: datetime) -> datetime:
    text = request.query.get(name)
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and len(text) == len("2026-11-01"):
            moment = moment.replace(tzinfo=UTC)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid(f"{name}: a day such as 2026-11-01, or a time with its offset")
