"""The account page, and a watch page that meets the limits of its account."""

import asyncio
from pathlib import Path

import pytest

from tests.web.fake_account import line, movement, watched
from tests.web.fake_funding import ADDRESS, MUXED, URI, deposit
from tests.web.fake_server import CREATOR_TOKEN, FakeServer, Session, content
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]

SESSION = "ses_00000000000000000000000001"


async def knows(visitor: Visitor, **tokens: str) -> None:
    """What this browser remembers of earlier visits."""
    for name, token in tokens.items():
        await visitor.page.add_init_script(f"localStorage['tollcast.{name}'] = {token!r}")


@pytest.fixture
def film(server: FakeServer) -> str:
    server.contents["film"] = content("film", "A film", "on_demand", durationSeconds=24)
    return "/watch/film"


async def test_money_sessions_and_history_are_shown_and_a_session_is_stopped_from_here(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    await knows(visitor, guest="guest", creator=CREATOR_TOKEN)
    server.sessions[SESSION] = Session(server.contents["film"], 5_000_000, {0, 1, 2})
    issuer = f"USDC:G{'A' * 55}"
    server.account.balances = [
        {"asset": issuer, "balance": "12.5", "held": "0.0000000", "earned": "0.0000000"},
        {"asset": "XLM", "balance": "4.9", "held": "0.0001388", "earned": "0.0000000"},
    ]
    refund = line("refund", "stalled", "0.0002776")
    server.account.movements = [
        watched("ses_2", "-0.0080555", "<b>A film</b>", line("charge", "watched", "0.0083331", 60)),
        movement("deposit", "sandbox:fnd_1", "5.0000000"),
        movement("payout", "pay_1", "-1.2500000", state="applied", transactionHash="ab" * 32),
    ]
    server.account.movements[0]["lines"].append(refund)
    await visitor.open("/account")
    await visitor.reads(".balances", "text.includes('12.50 USDC') && text.includes('4.90 XLM')")
    assert "0.0001388 XLM reserved" in await visitor.text(".balances")
    await visitor.reads(".open-sessions", "text.includes('A film') && text.includes('0:03')")
    first = await visitor.text(".movement")
    assert "<b>A film</b>" in first, "a title is text and no markup"
    assert "\u22120.0080555 XLM" in first
    assert "60 seconds watched: 0.0083331 XLM" in first
    assert "Given back: 0.0002776 XLM (it stalled)" in first
    await visitor.press("Stop A film")
    await visitor.reads(".open-sessions", "text === ''")
    assert server.sessions[SESSION].closed.is_set()
    await visitor.press("Show older")
    await visitor.reads(".history", "text.includes('Payout') && text.includes('abababab…abababab')")
    assert await visitor.page.locator(".movement").count() == 3
    await visitor.page.get_by_label("Earning").check()
    await visitor.reads(".history", "text.includes('Deposit')")


async def test_a_statement_is_downloaded_for_whole_days(
    server: FakeServer, visitor: Visitor
) -> None:
    await knows(visitor, guest="guest")
    await visitor.open("/account")
    await visitor.page.get_by_label("From").fill("2026-10-01")
    await visitor.page.get_by_label("Up to and including").fill("2026-09-30")
    await visitor.press("Download")
    await visitor.reads(".statement-form .form-error", "text.includes('before the last one')")
    await visitor.page.get_by_label("Up to and including").fill("2026-10-31")
    async with visitor.page.expect_download() as waited:
        await visitor.press("Download")
    download = await waited.value
    assert download.suggested_filename == "tollcast-2026-10-01-2026-10-31.csv"
    assert Path(await download.path()).read_bytes() == b"account,currency\r\n"
    asked = {"from": "2026-10-01", "to": "2026-11-01", "format": "csv"}
    assert server.account.statements == [asked]


async def test_who_has_no_account_gets_none_by_looking(
    server: FakeServer, visitor: Visitor
) -> None:
    await visitor.open("/")
    await visitor.page.get_by_role("link", name="Account").click()
    await visitor.reads("[data-notice=none]", "text.includes('Nothing here yet')")
    assert await visitor.page.evaluate("() => localStorage.length") == 0


async def test_who_watches_elsewhere_is_told_and_may_watch_here_instead(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    visitor.expected = {409}
    server.account.sessions_max = 1
    server.sessions[SESSION] = Session(server.contents["film"], 5_000_000)
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.reads("[data-notice=elsewhere]", "text.includes('watching elsewhere')")
    await visitor.press("Watch here instead")
    await visitor.until("tollcast.state === 'playing'")
    assert server.sessions[SESSION].closed.is_set()
    assert len(set(server.account.start_keys)) == 2, "another wish has another key"


async def test_figures_are_pushed_and_asked_for_only_while_they_are_not(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    visitor.expected = {503}
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.reads("#seconds", "text !== '0:00'")
    assert server.account.asked == []
    await visitor.press("Stop watching")
    await visitor.reads("#receipt", "text.includes('Receipt')")
    server.refuse = lambda request: 503 if request.path.endswith("/events") else None
    await visitor.press("Watch again")
    await visitor.until("tollcast.state === 'playing'")
    await visitor.reads("#seconds", "text !== '0:00'")
    assert server.account.asked != []


async def test_a_viewer_subscribes_changes_what_follows_and_cancels(
    server: FakeServer, visitor: Visitor
) -> None:
    await knows(visitor, guest="guest")
    server.account.plans = [
        {
            "name": name,
            "fee": fee,
            "asset": "XLM",
            "includedSeconds": hours * 3600,
            "sessionsAtOnce": 2,
        }
        for name, fee, hours in (("silver", "10.0000000", 30), ("gold", "20.0000000", 100))
    ]
    await visitor.open("/account")
    await visitor.reads(".plans", "text.includes('10.00 XLM a month') && text.includes('30 hours')")
    await visitor.press("Subscribe to Silver")
    await visitor.page.locator("dialog").get_by_role("button", name="Subscribe").click()
    await visitor.reads(".subscription", "text.includes('28 h 30 min of 30 h left')")
    await visitor.reads(".subscription", "text.includes('Goes on as Silver for 10.00 XLM')")
    await visitor.press("Change to Gold")
    await visitor.reads(".subscription", "text.includes('Goes on as Gold for 20.00 XLM')")
    await visitor.press("Cancel subscription")
    await visitor.page.locator("dialog").get_by_role("button", name="Cancel").click()
    await visitor.reads(".subscription", "text.includes('Nothing more is taken')")
    assert server.account.subscription is not None
    assert server.account.subscription["nextPlan"] is None


async def has_money(server: FakeServer, visitor: Visitor) -> None:
    await knows(visitor, guest="guest")
    server.account.balances = [
        {"asset": "XLM", "balance": "12.5000000", "held": "0.0000000", "earned": "0.0000000"}
    ]
    await visitor.open("/account")


async def test_money_comes_from_a_wallet(server: FakeServer, visitor: Visitor) -> None:
    funding, page = server.account.funding, visitor.page
    await has_money(server, visitor)
    await visitor.reads("#deposit-muxed", f"text === {MUXED!r}")
    link = page.get_by_role("link", name="Open in my wallet")
    assert await link.get_attribute("href") == URI
    await visitor.until("document.querySelector('.deposit-code').naturalWidth > 0")
    await page.get_by_text("My wallet does not take this address").click()
    # It says so for two seconds only: who begins to look afterwards may come too late.
    _, copied = await asyncio.gather(
        visitor.reads("[aria-label='Copy Memo (ID)']", "text === 'Copied'"),
        visitor.copies("Copy Memo (ID)"),
    )
    assert copied == "9223372036854775807"
    # What arrives is shown without a reload, and said.
    funding.deposits = [deposit(7, "12.5000000")]
    await visitor.looks_again()
    await visitor.reads(".deposit ~ .chain-moves", "text.includes('+12.50 XLM')")


async def test_money_goes_back_to_a_wallet(server: FakeServer, visitor: Visitor) -> None:
    visitor.expected = {422}
    funding, page = server.account.funding, visitor.page
    await has_money(server, visitor)
    await page.get_by_label("Amount").fill("2,5")
    await page.get_by_label("To the address").fill(ADDRESS)
    await visitor.press("Take out")
    await visitor.reads("#withdraw-error", "text.includes('at most 7 decimals')")
    await visitor.press("All")
    assert await page.get_by_label("Amount").input_value() == "12.50"
    await page.get_by_label("To the address").fill("nobody")
    await visitor.press("Take out")
    await visitor.reads("#withdraw-error", "text.includes('typo')")
    await page.get_by_label("To the address").fill(ADDRESS)
    await page.get_by_label("Memo, if it needs one").fill("123")
    funding.refusal = {
        "status": 422,
        "code": "destination_refused",
        "title": "This address cannot be paid",
        "detail": "there is no account at this address yet",
    }
    await visitor.press("Take out")
    await visitor.reads("#withdraw-error", "text === 'There is no account at this address yet.'")
    await visitor.press("Take out")
    await visitor.reads(".withdraw-form ~ .chain-moves", "text.includes('waiting to be sent')")
    wanted = {"amount": "12.50", "address": ADDRESS, "asset": "XLM", "memo": "123"}
    (first, key), (second, same) = funding.wishes
    assert first == second == wanted
    assert key == same, "the same wish, sent again"
    assert await page.get_by_label("Amount").input_value() == ""
    ended = {"state": "refused", "code": "op_no_trust"}
    funding.withdrawals = [funding.withdrawals[0] | ended]
    await visitor.looks_again()
    await visitor.reads(".withdraw-form ~ .chain-moves", "text.includes('no trust line')")
