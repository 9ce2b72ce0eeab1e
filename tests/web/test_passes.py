"""Passes: offered by a creator, bought on the watch page, and kept in the account."""

import pytest

from tests.web.fake_passes import held, offers
from tests.web.fake_prices import STROOPS
from tests.web.fake_server import CREATOR_TOKEN, FakeServer, content, upload
from tests.web.fake_uploads import status
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]

DAY, WEEK = (24, STROOPS), (168, 5 * STROOPS)


@pytest.fixture
def film(server: FakeServer) -> str:
    about = {"durationSeconds": 24, "passes": offers(DAY, WEEK)}
    server.contents["film"] = content("film", "A film", "on_demand", **about)
    return "/watch/film"


async def test_a_pass_is_bought_while_watching_which_goes_on_for_nothing(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    await visitor.open(film)
    await visitor.reads(".passes", "text.includes('Day pass 1.00 XLM')")
    assert "Watch as much as you like for 24 h." in await visitor.text(".passes")
    assert "Week pass 5.00 XLM" in await visitor.text(".passes")
    await visitor.press("Watch")
    await visitor.reads("#seconds", "text !== '0:00'")
    await visitor.press("Buy: Day pass, 1.00 XLM")
    await visitor.reads("dialog", "text.includes('A pass is not given back.')")
    await visitor.press("Buy it")
    await visitor.reads(".passes", "text.includes('Your pass is good until')")
    await visitor.until("tollcast.state === 'playing' && tollcast.sessionId.endsWith('2')")
    await visitor.reads("#seconds", "text !== '0:00'")
    first, second = server.sessions.values()
    assert first.closed.is_set()
    assert (second.price_stroops, second.amount) == (0, 0)
    assert len(server.passes.keys) == 1

    # Who comes back finds it, here and in the account.
    await visitor.open(film)
    await visitor.reads(".passes", "text.includes('Your pass is good until')")
    over = held(server.contents["film"], 24, "1.0000000", good=False, title=None)
    server.passes.held["other"] = over
    await visitor.open("/account")
    await visitor.reads(".pass-list", "text.includes('Day pass, 1.00 XLM')")
    shown = await visitor.text("[aria-labelledby=passes-heading]")
    assert "A film" in shown
    assert "Good until" in shown
    assert "Removed by its creator" in shown
    assert "Ended" in shown


async def test_who_has_too_little_is_told_where_money_is_added(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    visitor.expected = {402}
    server.play_money = False
    await visitor.open(film)
    await visitor.press("Buy: Day pass, 1.00 XLM")
    await visitor.press("Buy it")
    await visitor.reads(
        ".passes [role=alert]", "text === 'Your balance does not cover it. Add money'"
    )
    assert (
        await visitor.page.get_by_role("link", name="Add money").get_attribute("href") == "/account"
    )
    server.balance = STROOPS
    await visitor.press("Buy: Day pass, 1.00 XLM")
    await visitor.press("Buy it")
    await visitor.reads(".passes", "text.includes('Your pass is good until')")
    assert server.balance == 0
    assert len(set(server.passes.keys)) == 2, "what was refused is another wish"


async def test_a_creator_offers_passes_beside_the_price(
    server: FakeServer, visitor: Visitor
) -> None:
    made = status("on_demand", playable=True)
    passes = offers((48, 3 * STROOPS))
    server.contents = {"ast_1": upload("ast_1", "Holiday", "on_demand", status=made, passes=passes)}
    await visitor.open(f"/studio#token={CREATOR_TOKEN}")
    page = visitor.page
    await page.locator(".upload", has_text="Holiday").get_by_text("More", exact=True).click()
    await visitor.press("Price")
    labels = ("Day pass", "2-day pass", "Week pass", "30-day pass")
    fields = {
        label: await page.get_by_label(f"{label}, XLM", exact=True).input_value()
        for label in labels
    }
    assert fields == dict(zip(labels, ("", "3.00", "", ""), strict=True))
    await page.get_by_label("Day pass, XLM", exact=True).fill("0")
    await visitor.press("Save the price")
    await visitor.reads(".price-more-field .form-error", "text.includes('or leave it empty')")
    await page.get_by_label("Day pass, XLM", exact=True).fill("1.25")
    await page.get_by_label("2-day pass, XLM").fill("")
    await visitor.press("Save the price")
    await visitor.until("document.querySelector('dialog') === null")
    assert server.contents["ast_1"]["passes"] == offers((24, 12_500_000))
