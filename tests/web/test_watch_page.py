"""The watch page from its price to its receipt, with a real recording in a real browser."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Route

from tests.web.fake_prices import PRICE_SECONDS, PRICE_STROOPS, amount, price
from tests.web.fake_server import FakeServer, content, upload
from tests.web.fake_uploads import TILE_SECONDS
from tests.web.pictures import TILE_COLOURS
from tests.web.recorded import SECONDS
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]

STOP_SECONDS_MAX = 60
PLAYING = "tollcast.state === 'playing' && tollcast.decodedFrames > 10 && tollcast.currentTime > 0"
POSITION = "tollcast.currentTime"
VIDEO = "document.querySelector('video')"
# Up to where it has media.
BUFFERED = f"Math.max(0, ...Array.from({VIDEO}.buffered, (_, i) => {VIDEO}.buffered.end(i)))"
# Seconds that were jumped over so far.
LEFT_OUT = f"""(played => Array.from(
    {{ length: played.length - 1 }}, (_, i) => played.start(i + 1) - played.end(i)
  ).reduce((sum, gap) => sum + gap, 0))({VIDEO}.played)"""
# What is said over the picture.
NOTE = "(document.querySelector('.player-status:not([hidden])')?.textContent ?? '')"


@pytest.fixture
def film(server: FakeServer) -> str:
    server.contents["film"] = content("film", "A film", "on_demand", durationSeconds=24)
    return "/watch/film"


# The colour in the middle of the little picture over the seek bar.
PREVIEW_COLOUR = """((canvas, pixel) => {
    pixel.drawImage(canvas, canvas.width / 2, canvas.height / 2, 1, 1, 0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data].slice(0, 3).join();
})(document.querySelector('.scrub canvas'),
   new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true }))"""


@pytest.fixture
def live(server: FakeServer) -> str:
    server.contents["live"] = content("live", "Night train", "live")
    return "/watch/live"


async def test_shows_the_price_before_anything_is_paid(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    await visitor.open(film)
    await visitor.reads(".poster-price", "text.includes('0.50 XLM / hour')")
    assert "0.0001388 XLM per second" in await visitor.text(".poster-price")
    assert "You pay only for the seconds you watch" in await visitor.text(".poster-promise")
    assert server.sessions == {}


async def test_plays_runs_the_meter_and_ends_with_the_receipt(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    frames = await visitor.probe("decodedFrames")
    await visitor.until(f"tollcast.decodedFrames > {frames} + 10")
    assert server.balance < server.fund_to, "the guest was funded, and pays from that"
    await visitor.reads("#seconds", "text !== '0:00'")
    await visitor.reads("#amount", "text !== '0.0000000'")
    await visitor.press("Stop watching")
    await visitor.reads("#receipt", "text.includes('You paid')")
    (session,) = server.sessions.values()
    seconds = len(session.delivered)
    assert session.closed.is_set()
    assert await visitor.text(".receipt-paid strong") == (
        f"{amount(PRICE_STROOPS * seconds // PRICE_SECONDS)} XLM"
    )
    assert f"{seconds} s" in await visitor.text("#receipt")
    assert "0.50 XLM / hour" in await visitor.text("#receipt")
    assert await visitor.probe("state") == "finished"
    [name] = server.sessions
    server.receipts[name] = b"signed"
    async with visitor.page.expect_download() as saved:
        await visitor.press("Download receipt")
    download = await saved.value
    assert download.suggested_filename == f"tollcast-receipt-{name}.json"
    assert Path(await download.path()).read_bytes() == b"signed"
    link = visitor.page.get_by_role("link", name="Check it")
    assert await link.get_attribute("href") == f"/verify#session={name}"


async def test_who_stops_gives_up_what_was_asked_for_before_the_session_ends(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    """It would be refused else: and nobody wants to pay for what comes after the press."""
    asked, stopping = asyncio.Event(), asyncio.Event()
    stops: list[Route] = []

    def hold_stop(route: Route) -> None:
        stops.append(route)
        stopping.set()

    await visitor.page.route("**/5.m4s", lambda _route: asked.set())
    await visitor.page.route("**/streaming/stop", hold_stop)
    await visitor.open(film)
    await visitor.press("Watch")
    async with asyncio.timeout(STOP_SECONDS_MAX):
        await asked.wait()
    await visitor.until(PLAYING)
    async with visitor.page.expect_event(
        "requestfailed", lambda request: request.url.endswith("/5.m4s")
    ):
        await visitor.press("Stop watching")
    async with asyncio.timeout(STOP_SECONDS_MAX):
        await stopping.wait()
    (session,) = server.sessions.values()
    assert not session.closed.is_set()
    (stop,) = stops
    await stop.continue_()
    await visitor.reads("#receipt", "text.includes('You paid')")


async def test_little_is_fetched_ahead_of_what_is_watched(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    """Each second fetched is held from the balance, and the server lets nobody run far ahead."""
    await visitor.open(film)
    await visitor.press("Watch")
    for watched in (1, 3):
        await visitor.until(f"tollcast.currentTime > {watched}")
        (session,) = server.sessions.values()
        fetched = len(session.delivered)
        assert fetched <= 2 * await visitor.probe("currentTime") + 6


async def test_a_live_shows_its_delay_and_plays_to_the_end_when_it_ends(
    server: FakeServer, visitor: Visitor, live: str
) -> None:
    await visitor.open(live)
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    await visitor.reads(".latency", "/^[0-9.]+ s behind$/.test(text)")
    assert await visitor.probe("live")
    server.live_ended = True
    await visitor.reads(".stage-note", "text.includes('The live has ended')")
    await visitor.reads("[data-notice=finished]", "text.includes('That was the end')")
    await visitor.reads("#receipt", "text.includes('You paid')")


async def test_a_live_with_a_past_is_seeked_back_and_brought_to_its_edge(
    server: FakeServer, visitor: Visitor, live: str
) -> None:
    server.live_held = SECONDS
    await visitor.open(live)
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    await visitor.page.locator("video").hover()
    bar = visitor.page.get_by_label("Position")
    await bar.wait_for()
    await bar.focus()
    await bar.press("Home")
    await visitor.until("tollcast.currentTime < 5")
    await visitor.until(
        "document.querySelector('.slider-position').ariaValueText.includes('behind live')"
    )
    await visitor.page.locator(".go-live").click()
    await visitor.until("tollcast.currentTime > 15")


async def test_an_interrupted_live_says_so_when_all_was_shown_and_goes_on_by_itself(
    server: FakeServer, visitor: Visitor, live: str
) -> None:
    await visitor.open(live)
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    held = server.hold_live()
    server.contents["live"]["interrupted"] = True
    await visitor.looks_again()
    told = f"{NOTE}.includes('It goes on here as soon as the streamer is back')"
    # A player that has to wait may say so earlier; what counts is that it shows all of it.
    at, left_out = await visitor.when(
        f"{told} && {POSITION} > {held - 1}", f"[{POSITION}, {LEFT_OUT}]"
    )
    await visitor.reads(".meter-still", "text.includes('nothing is charged')")
    (session,) = server.sessions.values()
    billed = session.amount
    assert await visitor.page.locator("#waived").is_hidden()
    server.seconds_waived = 3
    await visitor.reads("#waived", "text === '3 s were free: something was lost on our side.'")
    server.live_held = None
    server.contents["live"]["interrupted"] = False
    still_left_out = await visitor.when(f"{POSITION} > {at} + 1", LEFT_OUT)
    assert still_left_out < left_out + 0.5, "it goes on where it was"
    assert session.amount >= billed
    await visitor.reads(".meter-still", "text === ''")
    await visitor.until(f"!{NOTE}.includes('It goes on here')")
    assert len(server.sessions) == 1


async def test_a_quality_is_chosen_from_the_menu(visitor: Visitor, film: str) -> None:
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    await visitor.page.locator("video").hover()
    await visitor.press("Quality")
    await visitor.page.get_by_role("menuitemradio", name="180p").click()
    await visitor.until("tollcast.levels[tollcast.currentLevel]?.height === 180")
    await visitor.reads(".choice-settings .choice-now", "text === '180p'")


async def test_the_keyboard_pauses_mutes_and_seeks(visitor: Visitor, film: str) -> None:
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    keyboard = visitor.page.keyboard
    await keyboard.press("m")
    await visitor.until(f"{VIDEO}.muted")
    await keyboard.press(" ")
    await visitor.until(f"{VIDEO}.paused")
    before = await visitor.probe("currentTime")
    await keyboard.press("ArrowRight")
    await visitor.until(f"Math.abs(tollcast.currentTime - {before} - 5) < 0.1")


async def test_a_short_balance_is_topped_up_and_playing_goes_on(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    visitor.expected = {402}
    server.fund_to = 4 * PRICE_STROOPS // PRICE_SECONDS + 1
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.until("tollcast.state === 'short'")
    await visitor.reads("[data-notice=short]", "text.includes('Your balance is used up')")
    (session,) = server.sessions.values()
    assert len(session.delivered) == 4
    # Sound and picture are fetched side by side: when one is refused, the other's last segments may
    # still have been on their way. They are broken off then, and so they are not billed either.
    stopped_at, left = await visitor.when("true", f"[{POSITION}, {BUFFERED} - {POSITION}]")
    assert left < 0.5, "what came was shown to its end"
    server.fund_to = PRICE_STROOPS
    await visitor.press("Top up and resume")
    await visitor.until(f"tollcast.state === 'playing' && tollcast.currentTime > {stopped_at} + 1")
    assert len(server.sessions) == 1, "the same session went on"


async def test_real_money_is_not_handed_out(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    visitor.expected = {402}
    server.play_money = False
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.reads("[data-notice=short]", "text.includes('Add funds to your account')")
    server.balance = PRICE_STROOPS
    await visitor.press("Check again")
    await visitor.until(PLAYING)


async def test_a_session_that_ended_can_be_started_again(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    visitor.expected = {403}
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    for session in server.sessions.values():
        session.closed.set()
    await visitor.reads("[data-notice=denied]", "text.includes('This session has ended')")
    await visitor.press("Start again")
    await visitor.until(PLAYING)
    assert len(server.sessions) == 2


async def test_a_paced_segment_is_asked_for_again(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    visitor.expected = {503}
    refusals = iter([503, 503])
    server.refuse = lambda request: (
        next(refusals, None) if request.path.endswith("/3.m4s") else None
    )
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.until("tollcast.currentTime > 4")
    assert next(refusals, None) is None


async def test_a_guest_that_the_server_forgot_is_replaced(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    visitor.expected = {401}
    await visitor.open(film)
    await visitor.page.evaluate("() => localStorage.setItem('tollcast.guest', 'of-yesterday')")
    server.refuse = lambda request: (
        401 if request.headers.get("Authorization") == "Bearer of-yesterday" else None
    )
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    assert await visitor.page.evaluate("() => localStorage.getItem('tollcast.guest')") == "guest"


async def test_leaving_the_page_ends_the_session(
    server: FakeServer, visitor: Visitor, film: str
) -> None:
    await visitor.open(film)
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    (session,) = server.sessions.values()
    assert not session.closed.is_set()
    await visitor.open("/")
    async with asyncio.timeout(STOP_SECONDS_MAX):
        await session.closed.wait()


async def test_waits_for_a_stream_that_is_not_live_yet(
    server: FakeServer, visitor: Visitor
) -> None:
    waiting = content("main", "Sunday chess", "waiting", viewers=0)
    del waiting["startedAt"], waiting["endedAt"], waiting["durationSeconds"]
    server.contents["main"] = waiting
    await visitor.open("/watch/main")
    await visitor.reads("[data-notice=waiting]", "text.includes('Not live yet')")
    server.contents["main"] = content("main", "Sunday chess", "live")
    await visitor.looks_again()
    await visitor.reads("#watch", "text.includes('Watch')")


async def test_an_address_without_content_says_so(visitor: Visitor) -> None:
    visitor.expected = {404}
    await visitor.open("/watch/nothing")
    await visitor.reads("[data-notice=missing]", "text.includes('nothing at this address')")


async def test_free_content_needs_no_balance(server: FakeServer, visitor: Visitor) -> None:
    server.contents["free"] = content("free", "Free film", "on_demand", price=price(0))
    await visitor.open("/watch/free")
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    assert server.balance == 0
    await visitor.reads("#affordable", "text === 'as long as you like'")


async def test_all_terms_are_told_and_a_higher_price_is_asked_about(
    server: FakeServer, visitor: Visitor
) -> None:
    terms = {
        "perView": "0.1000000",
        "freeSeconds": 90,
        "dayCap": "2.0000000",
        "rungs": [
            {
                "heightMin": 720,
                "stroops": "1",
                "seconds": 1,
                "perSecond": "0.0000001",
                "perHour": "0.2500000",
            }
        ],
    }
    server.contents["film"] = content("film", "A film", "on_demand", price={**price(), **terms})
    await visitor.open("/watch/film")
    await visitor.reads(".poster-price", "text.includes('0.10 XLM / view + 0.50 XLM / hour')")
    for line in (
        "Free for the first 90 seconds",
        "0.10 XLM once",
        "0.25 XLM / hour more from 720p",
        "Never more than 2.00 XLM a day",
    ):
        await visitor.reads(".price-terms", f"text.includes({line!r})")
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    server.price_change = {
        "price": price(10_000_000),
        "epoch": "epc_dearer",
        "effectiveAt": "2030-01-01T00:00:00.000Z",
        "agreed": False,
    }
    await visitor.reads(".stage-note", "text.includes('goes up to 1.00 XLM / hour')")
    await visitor.press("Go on at this price")
    await visitor.until("document.querySelector('.stage-note').hidden")
    assert server.agreed == ["epc_dearer"]


async def test_the_seek_bar_shows_little_pictures_of_where_it_leads(
    server: FakeServer, visitor: Visitor
) -> None:
    server.contents["film"] = upload("film", "A film", "on_demand", durationSeconds=24)
    await visitor.open("/watch/film")
    await visitor.until("document.querySelector('.poster .picture-front') !== null")
    await visitor.press("Watch")
    await visitor.until(PLAYING)
    assert await visitor.page.evaluate(f"() => {VIDEO}.poster.endsWith('/film/poster.jpg')")
    await visitor.page.keyboard.press(" ")
    bar = await visitor.page.locator(".slider-position").bounding_box()
    assert bar is not None
    mouse, middle = visitor.page.mouse, bar["y"] + bar["height"] / 2
    for tile in (6, 2):
        second = (tile + 0.5) * TILE_SECONDS
        await mouse.move(bar["x"] + 7 + (bar["width"] - 14) * second / 24, middle)
        colour = ",".join(map(str, TILE_COLOURS[tile]))
        await visitor.until(f"{PREVIEW_COLOUR} === '{colour}'")
        assert await visitor.text(".scrub-time") == f"0:{int(second):02}"
    before = await visitor.probe("currentTime")
    await mouse.down()
    await mouse.move(bar["x"] + 7 + (bar["width"] - 14) * 0.75, middle, steps=4)
    await visitor.reads(".scrub-time", "text === '0:18' || text === '0:17'")
    assert await visitor.probe("currentTime") == before, "a drag fetches nothing on its way"
    await mouse.up()
    await visitor.until("Math.abs(tollcast.currentTime - 18) < 0.3")
    await mouse.move(10, 10)
    await visitor.until("document.querySelector('.scrub').hidden")
    await visitor.page.keyboard.press("ArrowLeft")
    colour = ",".join(map(str, TILE_COLOURS[4]))
    await visitor.until(f"{PREVIEW_COLOUR} === '{colour}'")


async def test_an_upload_is_watched_from_its_beginning_while_it_grows(
    server: FakeServer, visitor: Visitor
) -> None:
    server.contents["film"] = upload("film", "A film", "processing")
    await visitor.open("/watch/film")
    await visitor.reads("[data-notice=preparing]", "text.includes('Almost there')")
    server.contents["film"] = upload("film", "A film", "processing", playable=True)
    await visitor.looks_again()
    await visitor.press("Watch")
    await visitor.until("tollcast.state === 'playing' && tollcast.currentTime > 0")
    assert await visitor.page.evaluate(f"() => {VIDEO}.played.start(0)") < 1
    assert not await visitor.probe("live")
    assert not await visitor.page.locator(".go-live").is_visible()
    await visitor.reads(".controls-row", "text.includes('/ 0:06 so far')")
    await visitor.page.keyboard.press("ArrowRight")
    await visitor.reads(".player-status", "text.includes('The rest is still being made')")
    server.seconds_made = 12
    await visitor.until("tollcast.currentTime > 6.5")
    await visitor.reads(".controls-row", "text.includes('/ 0:12 so far')")
    server.contents["film"] = upload("film", "A film", "on_demand", durationSeconds=24)
    await visitor.looks_again()
    await visitor.reads(".stage-note", "text.includes('are ready now')")
    at = await visitor.probe("currentTime")
    await visitor.press("Use them from here")
    await visitor.until(f"tollcast.decodedFrames > 0 && tollcast.currentTime > {at}")
    await visitor.reads(".controls-row", "text.includes('/ 0:24')")


async def test_a_file_that_could_not_be_made_says_so(server: FakeServer, visitor: Visitor) -> None:
    server.contents["film"] = upload("film", "A film", "failed")
    await visitor.open("/watch/film")
    await visitor.reads("[data-notice=unmade]", "text.includes('not available')")
