"""An account's statement over a time, as text: opening balance, lines, closing balance.

Both forms are written line by line, so that a year of a busy creator takes no more memory than a
day. Amounts are decimal strings with seven places; in CSV (RFC 4180) nothing that somebody else
chose can become a formula of a spreadsheet.
"""

import csv
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from io import StringIO

from api.wire import timestamp
from metering.money import format_amount

COLUMNS = (
    *("account", "currency", "time", "type", "reference", "content", "title"),
    *("seconds", "amount", "balance"),
)

# What spreadsheets take for a formula (OWASP, CSV Injection), also behind spaces.
_FORMULA = re.compile(r"[\s]*[=+\-@\t\r\uff0b\uff0d\uff1d\uff20]")


@dataclass(frozen=True, slots=True)
class Period:
    """[since, until): all that was recorded then, and nothing will be added any more."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """What one session, payout or other transfer moved in the period. `amount` in stroops; below
    zero it went out.
    """

    at: datetime
    kind: str
    reference: str
    amount: int
    content_id: str = ""
    title: str = ""
    seconds: int | None = None


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """One account of the ledger. `role` is `viewer` or `creator`; a viewer's balance is all of it,
    also what is held for media that is being watched. `opening` in stroops.
    """

    role: str
    asset: str
    opening: int
    lines: AsyncIterator[Line]


@dataclass(frozen=True, slots=True)
class Statement:
    """Of all accounts of one owner."""

    owner: str
    period: Period
    accounts: tuple[AccountStatement, ...]


async def to_csv(statement: Statement) -> AsyncGenerator[str]:
    """Each account is a run of rows: `opening`, its lines, `closing`."""
    yield _row(*COLUMNS)
    period = statement.period
    for account in statement.accounts:
        balance = account.opening
        head = (account.role, account.asset)
        yield _end(head, period.since, "opening", balance)
        async for line in account.lines:
            balance += line.amount
            seconds = "" if line.seconds is None else str(line.seconds)
            words = (line.kind, line.reference, line.content_id, line.title)
            amounts = (format_amount(line.amount), format_amount(balance))
            yield _row(*head, timestamp(line.at), *map(_harmless, words), seconds, *amounts)
        yield _end(head, period.until, "closing", balance)


async def to_json(statement: Statement) -> AsyncGenerator[str]:
    """One document, in pieces."""
    period = statement.period
    head = {
        "account": statement.owner,
        "from": timestamp(period.since),
        "to": timestamp(period.until),
    }
    yield json.dumps(head)[:-1] + ', "accounts": ['
    for place, account in enumerate(statement.accounts):
        balance = account.opening
        start = {"role": account.role, "asset": account.asset, "opening": format_amount(balance)}
        yield (", " if place else "") + json.dumps(start)[:-1] + ', "lines": ['
        comma = ""
        async for line in account.lines:
            balance += line.amount
            yield comma + json.dumps(_document(line, balance))
            comma = ", "
        yield f'], "closing": "{format_amount(balance)}"}}'
    yield "]}"


def _document(line: Line, balance: int) -> dict[str, object]:
    return {
        "time": timestamp(line.at),
        "type": line.kind,
        "reference": line.reference,
        "contentId": line.content_id or None,
        "title": line.title or None,
        "seconds": line.seconds,
        "amount": format_amount(line.amount),
        "balance": format_amount(balance),
    }


def _end(head: tuple[str, str], at: datetime, word: str, balance: int) -> str:
    return _row(*head, timestamp(at), word, "", "", "", "", "", format_amount(balance))


def _row(*fields: str) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(fields)
    return text.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text
