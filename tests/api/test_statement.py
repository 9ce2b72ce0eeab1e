"""A statement's two forms: nothing in a table can become a formula, and both say the same."""

import csv
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import UTC, datetime

import pytest

from api.statement import AccountStatement, Line, Period, Statement, to_csv, to_json

PERIOD = Period(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
NOON = datetime(2026, 10, 7, 12, tzinfo=UTC)
# OWASP, CSV Injection: also behind spaces, and as wide signs.
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", "\uff201")
PLAIN = ('a "quoted" one', "one, two", "two\r\nlines", "1-1", "caf\u00e9", "")


async def lines(titles: tuple[str, ...]) -> AsyncIterator[Line]:
    for title in titles:
        yield Line(NOON, "watched", "ses_1", -25, "ast_1", title, 3)


def statement(*titles: str) -> Statement:
    account = AccountStatement("viewer", "XLM", 100, lines(titles))
    return Statement("acc_1", PERIOD, (account, AccountStatement("creator", "XLM", 0, lines(()))))


async def whole(pieces: AsyncGenerator[str]) -> str:
    return "".join([piece async for piece in pieces])


@pytest.mark.parametrize("title", [*FORMULAS, *PLAIN])
async def test_what_others_chose_is_text_and_comes_back_as_it_was(title: str) -> None:
    text = await whole(to_csv(statement(title)))
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[1]["title"] == (f"'{title}" if title in FORMULAS else title)
    assert (rows[1]["amount"], rows[1]["balance"]) == ("-0.0000025", "0.0000075")
    assert [row["type"] for row in rows] == ["opening", "watched", "closing", "opening", "closing"]
    assert not text.replace("\r\n", "").count("\n") or "\n" in title


async def test_both_forms_say_the_same() -> None:
    document = json.loads(await whole(to_json(statement("One", "Two"))))
    assert (document["account"], document["from"]) == ("acc_1", "2026-10-01T00:00:00.000Z")
    viewer, creator = document["accounts"]
    assert (viewer["opening"], viewer["closing"]) == ("0.0000100", "0.0000050")
    assert [line["balance"] for line in viewer["lines"]] == ["0.0000075", "0.0000050"]
    assert (creator["lines"], creator["closing"]) == ([], "0.0000000")
