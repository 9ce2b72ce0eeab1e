"""Prices that a creator changes where they are looked for: of a source, and of each video."""

from collections.abc import Mapping
from typing import Any

import pytest
import pytest_asyncio

from tests.web.fake_prices import amount, price
from tests.web.fake_server import CREATOR_TOKEN, FakeServer, content, source, upload
from tests.web.fake_uploads import status
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]

RUNG: Mapping[str, Any] = {"heightMin": 720, "stroops": 2_500_000, "per": "hour"}


@pytest_asyncio.fixture(loop_scope="session")
async def studio(server: FakeServer, visitor: Visitor) -> Visitor:
    """A visitor in the studio of a creator with a broadcast that is waited for, and two videos."""
    # While its publisher is away there is no preview to be decoded.
    waiting = {"state": "reconnecting", "reconnectMsLeft": 41_000, "assetId": "ast_live"}
    server.sources = [source("src_1", "main", **waiting)]
    rung = {"heightMin": 1440, "stroops": "2500000", "perHour": amount(2_500_000)}
    dear = price(60_000, 60, freeSeconds=30, dayCap=amount(20_000_000), rungs=[rung])
    made = status("on_demand", playable=True)
    making = status("processing", job={"state": "running"})
    server.contents = {
        "ast_live": content("ast_live", "Main", "live", price=price(1_000_000), delivery="keys"),
        "ast_1": upload("ast_1", "Holiday", "on_demand", status=made, price=dear),
        "ast_2": upload("ast_2", "Party", "processing", status=making),
    }
    await visitor.open(f"/studio#token={CREATOR_TOKEN}")
    await visitor.reads(".source-title", "text === 'Main'")
    await visitor.until("document.querySelectorAll('.upload').length === 2")
    return visitor


async def test_a_videos_price_is_shown_whole_and_changed(
    server: FakeServer, studio: Visitor
) -> None:
    page = studio.page
    await page.locator(".upload", has_text="Holiday").get_by_text("More", exact=True).click()
    await studio.press("Price")
    await studio.reads("dialog", "text.includes('Now: 0.36 XLM / hour.')")
    await studio.reads("dialog", "text.includes('a higher one is asked of those who watch')")
    shown = {
        "Price per minute": "0.006",
        "Free seconds": "30",
        "And once for each viewing": "",
        "At most for one viewing": "",
        "At most for a day": "2.00",
        "More from 720p": "",
        "More from 1080p": "",
        "More from 1440p": "0.25",
    }
    fields = {label: await page.get_by_label(label).input_value() for label in shown}
    assert fields == shown
    await page.get_by_label("Price per minute").fill("0.01")
    await page.get_by_label("And once for each viewing").fill("some")
    await studio.press("Save the price")
    await studio.reads(
        ".price-more-field .form-error", "text.includes('or an amount such as 0.50')"
    )
    await page.get_by_label("And once for each viewing").fill("0.1")
    await page.get_by_label("At most for a day").fill("")
    await studio.press("Save the price")
    await studio.until("document.querySelector('dialog') === null")
    asked = {
        "stroops": 100_000,
        "per": "minute",
        "viewStroops": 1_000_000,
        "freeSeconds": 30,
        "rungs": [{**RUNG, "heightMin": 1440}],
    }
    assert server.priced == [("ast_1", asked)]
    await studio.reads(".uploads", "text.includes('0.10 XLM / view + 0.60 XLM / hour')")


async def test_what_is_being_made_has_its_price_changed_and_nothing_else(
    server: FakeServer, studio: Visitor
) -> None:
    await studio.page.locator(".upload", has_text="Party").get_by_text("More", exact=True).click()
    assert not await studio.page.get_by_role("button", name="Make a clip").is_visible()
    await studio.press("Price")
    await studio.page.get_by_text("More", exact=True).last.click()
    await studio.page.get_by_label("The price is for a").select_option("view")
    await studio.page.get_by_label("Price per view").fill("1.5")
    await studio.press("Save the price")
    await studio.reads(".uploads .visually-hidden", "text === 'Party now: 1.50 XLM / view'")
    assert server.priced == [("ast_2", {"stroops": 15_000_000, "per": "view"})]


async def test_a_sources_price_is_for_the_next_broadcast_and_if_wished_for_the_running_one(
    server: FakeServer, studio: Visitor
) -> None:
    page = studio.page
    studio.expected = {400}
    await page.get_by_text("Settings and keys").click()
    await studio.reads(".settings-price", "text.startsWith('0.50 XLM / hour')")
    await studio.press("Change the price")
    await studio.reads("dialog", "text.includes('The running broadcast now: 0.10 XLM / hour.')")
    await page.get_by_label("Price per hour").fill("0.75")
    await studio.press("Save the price")
    await studio.reads(".settings-said", "text === 'The price is saved: 0.75 XLM / hour.'")
    await studio.reads(".source-price", "text === '0.75 XLM / hour'")
    first = ("src_1", {"stroops": 7_500_000, "per": "hour"})
    assert server.priced == [first]

    await studio.press("Change the price")
    await page.get_by_label("Also for the broadcast that is running").check()
    await page.locator("dialog .price-more summary").click()
    await page.get_by_label("More from 720p").fill("0.25")
    await studio.press("Save the price")
    # The live's media are delivered by keys, the next ones are not.
    said = "text.includes('but the running one does not: price.rungs')"
    await studio.reads(".price-more-field .form-error", said)
    assert await page.get_by_label("More from 720p").get_attribute("aria-invalid") == "true"
    await page.get_by_label("More from 720p").fill("")
    await studio.press("Save the price")
    await studio.until("document.querySelector('dialog') === null")
    both = [("src_1", first[1]), ("ast_live", first[1])]
    assert server.priced == [first, ("src_1", {**first[1], "rungs": [dict(RUNG)]}), *both]
