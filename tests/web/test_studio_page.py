"""The studio: its way in, keys that are shown once, health, preview and earnings."""

import asyncio
import re

import pytest
import pytest_asyncio

from tests.web.fake_server import (
    CREATOR_TOKEN,
    HEALTH,
    LONG_GOP,
    FakeServer,
    content,
    publisher,
    source,
)
from tests.web.visitor import WAIT_MS, Visitor

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]

LINK = f"/studio#token={CREATOR_TOKEN}"
KEY_HINT = ".key-hint"


@pytest_asyncio.fixture(loop_scope="session")
async def studio(server: FakeServer, visitor: Visitor) -> Visitor:
    """A visitor in the studio of a creator with one idle source."""
    server.sources = [source("src_1", "main")]
    await visitor.open(LINK)
    await visitor.reads(".source-title", "text === 'Main'")
    return visitor


async def test_the_token_leaves_the_address_and_is_remembered(studio: Visitor) -> None:
    assert studio.page.url.endswith("/studio")
    await studio.page.reload()
    await studio.reads(".source-title", "text === 'Main'")


async def test_without_a_token_it_asks_for_the_link(server: FakeServer, visitor: Visitor) -> None:
    visitor.expected = {401}
    server.sources = [source("src_1", "main")]
    await visitor.open("/studio")
    await visitor.reads(".sign-in", "text.includes('tollcast up')")
    await visitor.page.get_by_label("paste the studio token").fill("wrong")
    await visitor.press("Open the studio")
    await visitor.reads(".form-error", "text.includes('not valid')")
    await visitor.page.get_by_label("paste the studio token").fill(f"http://h{LINK}")
    await visitor.press("Open the studio")
    await visitor.reads(".source-title", "text === 'Main'")


async def test_a_new_key_is_confirmed_shown_once_and_copied(
    server: FakeServer, studio: Visitor
) -> None:
    key = ".field .key-value"
    assert re.fullmatch("•+", await studio.text(key))
    await studio.press("New key")
    await studio.reads("dialog", "text.includes('goes on working for 10 minutes')")
    await studio.press("Cancel")
    assert re.fullmatch("•+", await studio.text(key))
    await studio.press("New key")
    await studio.page.get_by_label("stops working at once").check()
    await studio.press("Make a new key")
    await studio.reads(KEY_HINT, "text.includes('Shown this once')")
    assert server.grace_seconds == [0]
    assert re.fullmatch("•+", await studio.text(key)), "it appears only when asked for"
    await studio.press("Show the key")
    await studio.reads(key, "text === 'key-made-anew'")
    assert await studio.copies("Copy Stream key") == "key-made-anew"
    await studio.page.reload()
    await studio.reads(KEY_HINT, "text.includes('Only its hash is kept')")
    assert "key-made-anew" not in await studio.page.content()


async def test_commands_are_copied_with_the_real_values(studio: Visitor) -> None:
    await studio.press("New key")
    await studio.press("Make a new key")
    await studio.reads(KEY_HINT, "text.includes('Shown this once')")
    await studio.page.get_by_role("tab", name="ffmpeg").click()
    command = await studio.copies("Copy ffmpeg command")
    assert 'flv "rtmp://127.0.0.1:1935/live/key-made-anew"' in command
    await studio.page.keyboard.press("Tab")
    await studio.page.get_by_role("tab", name="GStreamer").click()
    shown = await studio.text("[role=tabpanel]:not([hidden]) code")
    assert "rtmp://127.0.0.1:1935/live/••••" in shown
    assert "key-made-anew" not in shown
    assert await studio.copies("Copy Server") == "rtmp://127.0.0.1:1935/live"
    assert await studio.copies("Copy Server, encrypted") == "rtmps://127.0.0.1:1936/live"
    await studio.page.get_by_role("tab", name="OBS multitrack").click()
    assert "encoder_configurations" in await studio.copies("Copy the configuration")
    await studio.reads("[role=tabpanel]:not([hidden])", "text.includes('Copied.')")


async def test_earnings_tick_as_the_ledger_does(studio: Visitor) -> None:
    await studio.reads(".feed", "text === 'Updating live'")
    first = await studio.text("#earnings-total")
    await studio.reads("#earnings-total", f"text !== {first!r} && text.includes('XLM')")
    await studio.reads("#earnings-minute", "/^[+]0[.]0*[1-9]/.test(text)")
    assert await studio.text("#earnings-viewers") == "3"
    assert await studio.text("#earnings-on-chain") == "10000.0000000"
    assert await studio.text("#earnings-of-passes") == "0.1800000 (2 passes)"


async def test_earnings_are_polled_when_they_cannot_be_streamed(
    server: FakeServer, studio: Visitor
) -> None:
    studio.expected = {503}
    server.refuse = lambda request: 503 if request.path.endswith("/events") else None
    await studio.page.reload()
    await studio.reads(".feed", "text === 'Updating every few seconds'")
    server.earned += 10_000_000
    await studio.reads("#earnings-total", "text.startsWith('2.')")


async def test_payouts_are_listed_with_their_transaction(
    server: FakeServer, studio: Visitor
) -> None:
    transaction = "3f9a" * 16
    server.payouts = [
        {
            "id": "pay_1",
            "amount": "1.2500000",
            "state": "applied",
            "transactionHash": transaction,
            "createdAt": "2026-11-20T09:00:00.000Z",
        }
    ]
    await studio.reads(".payout", "text.includes('1.25') && text.includes('paid')")
    assert await studio.copies("Copy transaction") == transaction
    balance = "00000000" + "7c5d" * 16
    server.payouts = [server.payouts[0] | {"state": "claimable", "claimableBalance": balance}]
    server.obstacle = "op_no_trust"
    await studio.reads(".payout", "text.includes('to be claimed') && text.includes('90 days')")
    await studio.reads(".obstacle", "text.includes('does not trust this asset')")
    assert await studio.copies("Copy claimable balance") == balance
    for state, told in (("claimed", "claimed"), ("reclaimed", "taken back")):
        server.payouts = [server.payouts[0] | {"state": state, "claimableBalance": None}]
        await studio.reads(".payout", f"text.includes('{told}') && !text.includes('90 days')")


@pytest.mark.parametrize("tells_first", [False, True])
async def test_a_source_is_made_and_its_errors_are_said(
    server: FakeServer, studio: Visitor, tells_first: bool
) -> None:
    studio.expected = {409}
    server.tells_first = tells_first
    await studio.press("New source")
    name = studio.page.get_by_label("Name", exact=True)
    for wrong, complaint in (("Not A Name", "small letters"), ("main", "has this name")):
        await name.fill(wrong)
        await studio.press("Create source")
        await studio.reads("dialog .form-error", f"text.includes({complaint!r})")
    await name.fill("chess")
    await studio.page.get_by_label("Price per hour").fill("1.25")
    await studio.reads("#source-price-hint", "text.includes('0.0003472 XLM per second')")
    await studio.page.get_by_text("More", exact=True).click()
    await studio.page.get_by_label("The price is for a").select_option("minute")
    await studio.page.get_by_label("Price per minute").fill("0.06")
    await studio.reads("#source-price-hint", "text.includes('0.0010000 XLM per second')")
    await studio.page.get_by_label("Free seconds").fill("30")
    await studio.page.get_by_label("At most for a day").fill("a lot")
    await studio.page.get_by_label("More from 720p").fill("0.25")
    await studio.press("Create source")
    await studio.reads("dialog .form-error", "text.includes('an amount such as 0.50')")
    await studio.page.get_by_label("At most for a day").fill("2")
    await studio.press("Create source")
    await studio.reads(".said", "text.includes('Source chess is ready')")
    price = {
        "stroops": 600_000,
        "per": "minute",
        "freeSeconds": 30,
        "dayCap": 20_000_000,
        "rungs": [{"heightMin": 720, "stroops": 2_500_000, "per": "hour"}],
    }
    assert server.created == [{"name": "chess", "price": price}]
    made = studio.page.locator(".source", has_text="Chess")
    await made.get_by_role("button", name="Show the key").click()
    assert await made.locator(".field .key-value").inner_text() == "key-of-creation"
    assert await made.count() == 1


async def test_a_live_source_shows_health_and_what_viewers_see(
    server: FakeServer, studio: Visitor
) -> None:
    server.contents["ast_1"] = content("ast_1", "Main", "live")
    server.sources = [source("src_1", "main", state="live", assetId="ast_1", health=HEALTH)]
    await studio.looks_again()
    # The table has the reason of each rendition.
    await studio.reads(".health .messages", "text === 'the machine is busy: 720p is left out'")
    await studio.reads(".table", "text.includes('1920') && text.includes('6.0 Mb/s')")
    await studio.reads(".table", "text.includes('Shed') && text.includes('the machine is busy')")
    await studio.until("document.querySelector('video')?.currentTime > 0.5")
    assert await studio.page.evaluate("() => document.querySelector('video').muted")
    await studio.reads(".latency", "text.includes('s behind')")
    (session,) = server.sessions.values()
    assert session.price_stroops == 0, "owners watch for nothing"
    await studio.press("Hide preview")
    await studio.until("document.querySelector('video') === null")
    server.sources = [source("src_1", "main")]
    await studio.looks_again()
    await studio.reads(".source .badge", "text === 'Not publishing'")


async def test_a_publisher_is_told_what_to_set_otherwise(
    server: FakeServer, studio: Visitor
) -> None:
    findings = ".findings"
    server.contents["main"] = content("main", "Main", "live")
    live = source("src_1", "main", state="live", publishers=[publisher(complete=False)])
    server.sources = [live]
    await studio.reads(findings, "text.includes('Checking what your encoder sends')")
    live["publishers"] = [publisher(LONG_GOP)]
    await studio.reads(findings, "text.includes('Warning: A keyframe comes every 10 s')")
    await studio.reads(findings, "text.includes('Set Keyframe Interval to 2 s in OBS')")
    await studio.reads(".publisher-line", "text.includes('obs') && text.includes('203.0.113.7')")
    await studio.reads(".publisher-line", "text.includes('Encrypted') && text.includes('6.2 Mb/s')")
    await studio.reads(".publisher-tracks", "/H.264 High 4.2, 1920 . 1080/.test(text)")
    live["publishers"] = [publisher(), publisher(role="standby", secure=False)]
    await studio.reads(findings, "text === 'Your encoder\\'s settings are fine.'")
    await studio.until("document.querySelectorAll('.publisher').length === 2")
    assert await studio.page.get_by_text("Backup", exact=True).is_visible()


async def test_a_source_that_waits_for_its_publisher_says_how_long(
    server: FakeServer, studio: Visitor
) -> None:
    server.contents["main"] = content("main", "Main", "live")
    waiting = source("src_1", "main", state="reconnecting", reconnectMsLeft=41_300)
    server.sources = [waiting]
    await studio.reads(".source .badge", "text === 'Reconnecting… 42 s'")
    assert "Publish again with the same key" in await studio.text(".reconnecting")
    server.sources = [source("src_1", "main", state="live", publishers=[publisher()])]
    await studio.reads(".source .badge", "text === 'Live'")
    assert not await studio.page.locator(".reconnecting").is_visible()


async def test_how_a_source_behaves_is_set(server: FakeServer, studio: Visitor) -> None:
    await studio.page.get_by_text("Settings and keys").click()
    await studio.page.get_by_label("When the publisher drops").select_option("120")
    await studio.reads(".settings-said", "text.startsWith('Saved')")
    await studio.page.get_by_label("When a second encoder").select_option("standby")
    await studio.reads(".source-settings", "text.includes('as soon as the first one fails')")
    await studio.reads(".settings-said", "text.startsWith('Saved')")
    await studio.page.get_by_label("How far back viewers").select_option(label="To the beginning")
    await studio.reads(".settings-said", "text.startsWith('Saved')")
    await studio.page.get_by_label("How its media is delivered").select_option("keys")
    await studio.reads(".source-settings", "text.includes('viewers pay for the keys')")
    await studio.reads(".settings-said", "text.startsWith('Saved')")
    (changed,) = server.sources
    assert (changed["reconnectSeconds"], changed["takeover"]) == (120, "standby")
    assert (changed["dvrSeconds"], changed["delivery"]) == (None, "keys")


async def test_what_a_source_earns_is_shared_in_percent(
    server: FakeServer, studio: Visitor
) -> None:
    page, said = studio.page, ".splits .settings-said"
    await page.get_by_text("Settings and keys").click()
    await page.get_by_text("Share what it earns").click()
    await studio.reads(".splits", "text.includes('This platform takes 2.5 % before.')")
    assert await page.get_by_label("Account 1", exact=True).input_value() == "acc_ada"
    await studio.press("Add an account")
    await page.get_by_label("Account 2", exact=True).fill("acc_carl")
    await page.get_by_label("Percent of account 1").fill("66.67")
    for percent, told in (("nothing", "A share is a percentage"), ("33", "Together 99.67 %")):
        await page.get_by_label("Percent of account 2").fill(percent)
        await studio.press("Save shares")
        await studio.reads(said, f"text.startsWith({told!r})")
    await page.get_by_label("Percent of account 2").fill("33.33")
    await studio.press("Save shares")
    await studio.reads(said, "text.startsWith('Saved')")
    assert [each["basisPoints"] for each in server.splits] == [6667, 3333]
    await page.get_by_role("button", name="Remove account 2").click()
    await page.get_by_label("Percent of account 1").fill("100")
    await studio.press("Save shares")
    await studio.reads(said, "text.startsWith('Saved')")
    assert await page.locator(".split-row").count() == 1
    assert server.splits == []


async def test_keys_are_added_for_a_time_and_revoked(server: FakeServer, studio: Visitor) -> None:
    await studio.page.get_by_text("Settings and keys").click()
    await studio.reads(".keys", "text.includes('Works until revoked')")
    await studio.page.get_by_label("Name of a new key").fill("Guest camera")
    await studio.page.get_by_label("Works", exact=True).select_option(label="for 7 days")
    await studio.press("Add a key")
    await studio.reads(".fresh-key", "text.includes('key-of-a-guest')")
    await studio.reads(".keys", "text.includes('Guest camera') && text.includes('2030')")
    await studio.press("Revoke Guest camera")
    await studio.page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await studio.reads(".keys", "!text.includes('Guest camera')")
    assert len(server.keys) == 1


async def test_sources_are_polled_when_they_cannot_be_streamed(
    server: FakeServer, studio: Visitor
) -> None:
    studio.expected = {404}
    server.refuse = lambda request: 404 if request.path.endswith("/sources/events") else None
    await studio.page.reload()
    await studio.reads(".source-title", "text === 'Main'")
    server.sources = [source("src_2", "second")]
    await studio.reads(".source-title", "text === 'Second'")


async def test_a_studio_that_nobody_sees_follows_nothing(
    server: FakeServer, studio: Visitor
) -> None:
    """Goal: tabs in the background leave the browser's few connections to the others."""
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    await studio.reads(".earnings", "text.includes('Updating live')")
    await studio.page.evaluate(hide, True)
    async with asyncio.timeout(WAIT_MS / 1000):
        await server.unfollowed.wait()

    server.sources = [source("src_1", "main", title="Seen again")]
    await studio.page.evaluate(hide, False)

    await studio.reads(".source-title", "text === 'Seen again'")
    assert not server.unfollowed.is_set()
