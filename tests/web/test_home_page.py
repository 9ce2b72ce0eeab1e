"""The first page: what is on, what it costs, and what it says when nothing is."""

import pytest

from tests.web.fake_prices import price
from tests.web.fake_server import FakeServer, content, upload
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]


async def test_lists_what_is_on_with_its_price(server: FakeServer, visitor: Visitor) -> None:
    server.contents = {
        "live": content("live", "Night train", "live", viewers=12),
        "film": content("film", "A film", "on_demand", durationSeconds=5025, price=price(0)),
    }
    await visitor.open("/")
    await visitor.reads(".card", "text.includes('Night train')")
    assert await visitor.text(".card .badge") == "Live"
    assert await visitor.text(".card .card-hour") == "0.50 XLM / hour"
    assert await visitor.text(".card .card-second") == "0.0001388 XLM per second"
    film = visitor.page.locator(".card", has_text="A film")
    assert await film.locator(".card-hour").inner_text() == "Free"
    assert await film.locator(".chip-end").inner_text() == "1:23:45"
    await visitor.page.get_by_role("link", name="Night train").click()
    await visitor.reads("h1", "text === 'Night train'")


async def test_says_so_when_nothing_is_on_and_shows_a_stream_that_begins(
    server: FakeServer, visitor: Visitor
) -> None:
    await visitor.open("/")
    await visitor.reads("[data-notice=empty]", "text.includes('Nothing is on yet')")
    server.contents = {"new": content("new", "Just begun", "live")}
    await visitor.looks_again()
    await visitor.reads(".card", "text.includes('Just begun')")
    await visitor.until("document.querySelector('[data-notice=empty]') === null")


async def test_says_whether_money_is_play_money(server: FakeServer, visitor: Visitor) -> None:
    await visitor.open("/")
    await visitor.reads("#play-money", "text.includes('Play money')")
    server.play_money = False
    await visitor.open("/studio")
    await visitor.reads(".sign-in", "text !== ''")
    assert await visitor.text("#play-money") == ""


async def test_a_title_is_text_and_never_markup(server: FakeServer, visitor: Visitor) -> None:
    title = "<img src=x onerror=alert(1)>"
    server.contents = {"bad": content("bad", title, "live", creator="<b>me</b>")}
    await visitor.open("/")
    await visitor.reads(".card-title", f"text === {title!r}")
    assert await visitor.page.locator(".card img, .card b").count() == 0


async def test_a_server_that_fails_is_reported_and_found_again(
    server: FakeServer, visitor: Visitor
) -> None:
    visitor.expected = {503}
    server.contents = {"live": content("live", "Night train", "live")}
    server.refuse = lambda request: 503 if request.path == "/api/v1/content" else None
    await visitor.open("/")
    await visitor.reads("[data-notice=unreachable]", "text !== ''")
    server.refuse = lambda _request: None
    await visitor.looks_again()
    await visitor.reads(".card", "text.includes('Night train')")


async def test_cards_show_posters_and_a_lives_picture_is_renewed(
    server: FakeServer, visitor: Visitor
) -> None:
    """An upload is listed as soon as it can be watched, and no sooner."""
    visitor.expected = {503}
    poster = "/api/v1/content/live/poster.jpg"
    server.refuse = lambda request: 503 if request.path.endswith("/film/poster.jpg") else None
    server.contents = {
        "live": content("live", "Night train", "live", posterUrl=poster),
        "early": upload("early", "Early", "processing", playable=True, durationSeconds=75),
        "later": upload("later", "Later", "processing"),
        "film": upload("film", "Poster lost", "on_demand"),
    }
    await visitor.open("/")
    await visitor.until("document.querySelectorAll('.card .picture-front').length === 2")
    early = visitor.page.locator(".card", has_text="Early")
    assert await early.locator(".badge").inner_text() == "Just added"
    assert await early.locator(".chip-end").inner_text() == "1:15"
    lost = visitor.page.locator(".card", has_text="Poster lost")
    assert await lost.locator(".art").count() == 1
    assert await lost.locator("img").count() == 0
    assert await visitor.page.locator(".card", has_text="Later").count() == 0
    await visitor.looks_again()
    await visitor.until(
        "document.querySelector('.card .picture-front').src.includes('/live/poster.jpg?at=')"
    )
