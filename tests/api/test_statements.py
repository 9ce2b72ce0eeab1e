"""Histories and statements: every stroop that an account has is told of, once."""

import asyncio
import csv
import io
import itertools
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from config.limits import STATEMENT_DAYS_MAX
from config.postgres import Database
from metering.ledger.ledger import Transfer, hot_account, viewer_account
from metering.money import Stroops, parse_amount
from metering.settlement.outbox import Payment, Settlement
from metering.settlement.outbox_postgres import PostgresOutbox
from metering.tariff import Price
from tests.api.session_rig import HOT, SEGMENT, Rig, session_rig

ADDRESS = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ"
FORMULA = '=HYPERLINK("https://evil.example";"play")'


@pytest.fixture
async def rig(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    # Everything is settled at once: nothing else is written meanwhile.
    monkeypatch.setattr("api.statement_postgres.STATEMENT_SETTLED_SECONDS", 0)
    monkeypatch.setattr("api.statement_postgres.STATEMENT_PAGE_LINES", 2)
    monkeypatch.setattr("api.statement_postgres.STATEMENT_SUM_SESSIONS", 1)
    async with asyncio.timeout(40), session_rig(database) as rig:
        yield rig


async def moment(rig: Rig) -> str:
    now: datetime = await rig.database.fetchval("SELECT clock_timestamp()")
    return now.isoformat()


async def busy_days(rig: Rig) -> list[str]:
    """Money in, sessions across the ends of periods, a payout, a refund, another currency."""
    ends = [await moment(rig)]
    await rig.fund()
    film = await rig.asset(FORMULA)
    first = (await rig.start(film))["sessionId"]
    await rig.play(first, 3)
    ends.append(await moment(rig))
    await rig.play(first, 2, start=3)
    long_ = (await rig.start(film))["sessionId"]
    await rig.play(long_, 1)
    await rig.call("POST", "streaming/stop", {"sessionId": first})
    await pay_out(rig, 300)
    ends.append(await moment(rig))
    await rig.give_back(first, "stalled", 150)
    dear = viewer_account(rig.accounts["vera"], "USDC")
    deposit = Transfer("dep_1", hot_account("USDC").id, dear.id, Stroops(70_000), "USDC", "deposit")
    await rig.ledger.open_accounts([hot_account("USDC"), dear])
    await rig.ledger.post([deposit])
    other = await rig.asset("Second", price=Price("USDC", 1_000, 1))
    await rig.play((await rig.start(other, replace="oldest"))["sessionId"], 2)
    ends.append(await moment(rig))
    await rig.play(long_, 0)
    ends.append(await moment(rig))
    return ends


async def pay_out(rig: Rig, stroops: int) -> None:
    ada = rig.accounts["ada"]
    payment = Payment("pay_1", ada, ADDRESS, Stroops(stroops), f"creator:{ada}:XLM")
    settlement = Settlement("stl_1", "XLM", HOT.id, 100, (payment,), rig.clock.wall_ms())
    await PostgresOutbox(rig.database, rig.ledger).plan(settlement)


async def total(rig: Rig, role: str, name: str, asset: str) -> int:
    """What the ledger has for an owner, with what sessions hold of it."""
    own = sum((await rig.ledger.balances(f"{role}:{rig.accounts[name]}:{asset}")).values())
    if role == "creator":
        return own
    listed = await rig.call("GET", "streaming/sessions", who=name)
    held = [await rig.ledger.balances(f"hold:{each['sessionId']}") for each in listed["items"]]
    held = held if asset == "XLM" else []
    return own + sum(amount for each in held for amount in each.values())


async def statement(rig: Rig, since: str, until: str, who: str) -> dict[tuple[str, str], Any]:
    query = {"from": since, "to": until}
    path = "payments/statements?" + "&".join(
        f"{k}={v.replace('+', '%2B')}" for k, v in query.items()
    )
    document = await rig.call("GET", path, who=who)
    assert await rig.call("GET", path, who=who) == document, "a closed period is always the same"
    return {(each["role"], each["asset"]): each for each in document["accounts"]}


def stroops(text: str) -> int:
    return -parse_amount(text[1:]) if text.startswith("-") else parse_amount(text)


@pytest.mark.parametrize("who", ["vera", "ada"])
async def test_opening_and_lines_are_the_closing_and_periods_follow_each_other(
    rig: Rig, who: str
) -> None:
    ends = await busy_days(rig)
    periods = [await statement(rig, *each, who) for each in itertools.pairwise(ends)]
    whole = await statement(rig, ends[0], ends[-1], who)
    for period in [*periods, whole]:
        for account in period.values():
            balance = stroops(account["opening"])
            for line in account["lines"]:
                balance += stroops(line["amount"])
                assert stroops(line["balance"]) == balance
            assert stroops(account["closing"]) == balance
    for before, after in itertools.pairwise(periods):
        assert {k: v["closing"] for k, v in before.items()} == {
            k: v["opening"] for k, v in after.items()
        }
    for (role, asset), account in whole.items():
        assert stroops(account["opening"]) == 0
        assert stroops(account["closing"]) == await total(rig, role, who, asset)
    assert {key[0] for key in whole} == ({"viewer"} if who == "vera" else {"creator"})
    assert {key[1] for key in whole} == {"XLM", "USDC"}


async def test_what_is_held_for_a_session_is_the_viewers_as_long_as_it_is_open(rig: Rig) -> None:
    before = await moment(rig)
    await rig.fund()
    session = (await rig.start(await rig.asset()))["sessionId"]
    for i in range(3):
        lo = i * SEGMENT
        rig.intake.finish(await rig.intake.request(session, i, lo, lo + SEGMENT), complete=True)
    await rig.intake.sweep()
    assert (await rig.call("GET", "payments/balance"))["held"] == "0.0000400"
    between = await moment(rig)
    await rig.fund(stroops=1)
    period = (await statement(rig, between, await moment(rig), "vera"))["viewer", "XLM"]
    assert (period["opening"], period["closing"]) == ("0.0009800", "0.0009801")
    whole = (await statement(rig, before, await moment(rig), "vera"))["viewer", "XLM"]
    assert (whole["opening"], whole["closing"]) == ("0.0000000", "0.0009801")


async def test_a_table_for_accountants_has_no_formulas_and_every_line(rig: Rig) -> None:
    ends = await busy_days(rig)
    query = f"from={ends[0]}&to={ends[-1]}&format=csv".replace("+", "%2B")
    text = await rig.call("GET", f"payments/statements?{query}")
    assert text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["title"] for row in rows} == {"", "'" + FORMULA, "Second"}
    lines = [(row["currency"], row["type"], row["amount"], row["seconds"]) for row in rows]
    assert [line[:2] for line in lines] == [
        ("USDC", "opening"),
        ("USDC", "deposit"),
        ("USDC", "watched"),
        ("USDC", "closing"),
        ("XLM", "opening"),
        *[("XLM", kind) for kind in sorted_kinds(rows)],
        ("XLM", "closing"),
    ]
    assert ("XLM", "watched", "-0.0001000", "10") in lines
    assert ("XLM", "refund", "0.0000150", "") in lines
    assert not any(value.startswith(("=", "+", "@")) for row in rows for value in row.values())


def sorted_kinds(rows: list[dict[str, str]]) -> list[str]:
    kinds = [row["type"] for row in rows if row["currency"] == "XLM"][1:-1]
    assert sorted(kinds) == ["deposit", "refund", "watched", "watched"]
    return kinds


async def test_a_history_is_folded_newest_first_and_read_in_pages_of_any_size(rig: Rig) -> None:
    await busy_days(rig)
    whole = await rig.call("GET", "payments/history?limit=100")
    assert whole["next"] is None
    pages: list[Any] = []
    cursor = ""
    for _ in range(len(whole["items"]) + 1):
        page = await rig.call("GET", f"payments/history?limit=1{cursor}")
        pages += page["items"]
        cursor = f"&cursor={page['next']}"
        if page["next"] is None:
            break
    assert pages == whole["items"]
    (folded,) = (each for each in pages if each["amount"] == "-0.0000850")
    assert (folded["type"], folded["state"], folded["title"]) == ("watched", "closed", FORMULA)
    assert [(each["type"], each["reason"], each["amount"]) for each in folded["lines"]] == [
        ("charge", "watched", "0.0001000"),
        ("refund", "stalled", "0.0000150"),
    ]
    assert sorted((each["type"], each["asset"]) for each in pages) == [
        *(("deposit", "USDC"), ("deposit", "XLM")),
        *(("watched", "USDC"), ("watched", "XLM"), ("watched", "XLM")),
    ]
    earned = await rig.call("GET", "payments/history", who="ada")
    payout = next(each for each in earned["items"] if each["type"] == "payout")
    assert (payout["reference"], payout["amount"]) == ("pay_1", "-0.0000300")
    assert payout["state"] == "planned"
    sums = {"XLM": 0, "USDC": 0}
    for each in earned["items"]:
        sums[each["asset"]] += stroops(each["amount"])
    for asset, sum_ in sums.items():
        assert sum_ == await total(rig, "creator", "ada", asset)


async def test_a_page_that_cannot_be_is_refused(rig: Rig) -> None:
    for query in (
        *("limit=0", "limit=101", "limit=x", "limit=\u0661", "cursor=x", "cursor=ses_1."),
        *("cursor=1", f"cursor=ses_1.{2**63 - 1}"),
    ):
        await rig.call("GET", f"payments/history?{query}", status=400)


async def test_a_period_that_cannot_be_is_refused_and_one_that_was_put_away_is_told(
    rig: Rig,
) -> None:
    tomorrow = datetime.fromisoformat(await moment(rig)) + timedelta(days=1)
    for query in (
        *("from=x", "from=2026-13-01", "from=20261101", "from=2026-11-01T00:00:00", "format=pdf"),
        *("from=2026-11-02&to=2026-11-01", f"from={tomorrow:%Y-%m-%d}"),
        *("from=0001-01-01T00:00:00%2B23:59", "from=2020-01-01"),
    ):
        await rig.call("GET", f"payments/statements?{query}", status=400)
    since = tomorrow - timedelta(days=STATEMENT_DAYS_MAX)
    found = await rig.call("GET", f"payments/statements?from={since:%Y-%m-%d}")
    assert (found["account"], found["accounts"]) == (rig.accounts["vera"], [])
    await rig.database.execute(
        "INSERT INTO ledger_part (number, begun_at) VALUES (1, now());"
        "UPDATE ledger_part SET closing_seal = 1, export_hash = '\\x00' WHERE number = 0"
    )
    gone = await rig.call("GET", f"payments/statements?from={since:%Y-%m-%d}", status=410)
    assert gone["code"] == "put_away"
