"""The studio's uploads: files on their way, what becomes of them, and what can be done."""

import random
from pathlib import Path

import pytest
import pytest_asyncio

from tests.web.fake_server import CREATOR_TOKEN, FakeServer, upload
from tests.web.fake_uploads import status
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]

# More than sockets hold, so that a server that reads no more is noticed half-way.
FILE_BYTES = 20_000_000
HALF_BYTES = FILE_BYTES // 2


@pytest_asyncio.fixture(loop_scope="session")
async def studio(server: FakeServer, visitor: Visitor) -> Visitor:
    """A visitor in the studio of a creator who has uploaded nothing yet."""
    await visitor.open(f"/studio#token={CREATOR_TOKEN}")
    await visitor.reads(".uploads", "text.includes('What you upload appears here')")
    return visitor


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "my_summer.holiday.mp4"
    path.write_bytes(random.Random(3).randbytes(FILE_BYTES))
    return path


async def choose(visitor: Visitor, path: Path) -> None:
    await visitor.page.set_input_files("input[type=file]", path)


async def test_an_upload_is_told_in_words_from_the_queue_to_its_viewers(
    server: FakeServer, studio: Visitor
) -> None:
    def becomes(state: str, **told: object) -> None:
        document = {**status(state, **told)}
        made = upload("ast_1", "Holiday", state, playable=document["playable"], status=document)
        server.contents = {"ast_1": made}

    rungs: tuple[tuple[str, str, float], ...]
    rungs = (("360p", "running", 0.12), ("720p", "queued", 0))
    becomes("processing", job={"state": "queued", "position": 2})
    await studio.reads(".upload", "text.includes('2 files are ahead of it.')")
    becomes("processing", job={"state": "queued", "position": 0, "attempts": 1})
    await studio.reads(".upload", "text.includes('Attempt 2. It is next in the queue.')")
    becomes("processing", job={"state": "running"}, renditions=rungs)
    await studio.reads(".rungs", "text.includes('360p 12 %') && text.includes('720p waiting')")
    watch = studio.page.get_by_role("link", name="Watch: Holiday")
    assert not await watch.is_visible()
    rungs = (("360p", "ready", 1), ("720p", "running", 0.42))
    becomes("processing", playable=True, job={"state": "running"}, renditions=rungs)
    await studio.reads(".upload", "text.includes('Viewers can watch it already.')")
    await studio.reads(".rungs", "text.includes('360p ready') && text.includes('720p 42 %')")
    await studio.until("document.querySelector('.upload .picture img') !== null")
    await studio.reads(".uploads .visually-hidden", "text === 'Watchable: Holiday'")
    assert await watch.get_attribute("href") == "/watch/ast_1"
    ready = (("audio", "ready", 1), ("360p", "ready", 1), ("720p", "ready", 1))
    becomes("on_demand", playable=True, job={"state": "done"}, renditions=ready)
    await studio.reads(".upload", "text.includes('Ready in 360p and 720p.')")


async def test_what_is_ready_is_clipped_captioned_and_downloaded(
    server: FakeServer, studio: Visitor, tmp_path: Path
) -> None:
    made = upload("ast_1", "Holiday", "on_demand", durationSeconds=24)
    server.contents = {"ast_1": {**made, "status": status("on_demand", playable=True)}}
    studio.expected = {422}
    await studio.page.get_by_text("More", exact=True).click()
    await studio.press("Make a clip")
    await studio.page.get_by_label("From").fill("0:05")
    await studio.page.get_by_label("To", exact=True).fill("0:04")
    await studio.press("Make the clip")
    await studio.reads("dialog .form-error", "text.includes('ends after it begins')")
    await studio.page.get_by_label("To", exact=True).fill("1:00")
    await studio.press("Make the clip")
    await studio.reads("dialog .form-error", "text.includes('ends after 24 s')")
    await studio.page.get_by_label("To", exact=True).fill("12")
    await studio.press("Make the clip")
    await studio.until("document.querySelector('dialog') === null")
    last = {"startSeconds": 5, "endSeconds": 12, "title": "Holiday (clip)"}
    assert server.uploads.clips[-1] == last

    captions = tmp_path / "words.vtt"
    captions.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n")
    await studio.press("Captions")
    await studio.page.get_by_label("WebVTT or SubRip file").set_input_files(captions)
    await studio.page.get_by_label("Language").fill("pt-BR")
    await studio.press("Add")
    await studio.reads(".captions-list", "text.includes('pt-BR')")
    assert server.uploads.captions == {"pt-BR": captions.read_bytes()}
    await studio.page.get_by_role("button", name="Delete captions").click()
    await studio.until("document.querySelector('.captions-list li') === null")
    await studio.press("Close")

    async with studio.page.expect_download() as begun:
        await studio.press("Download as MP4")
    assert (await begun.value).suggested_filename == "Holiday.mp4"


async def test_a_failed_upload_says_why_and_what_can_be_done(
    server: FakeServer, studio: Visitor
) -> None:
    detail = "This is a torrent. Download the video with it, then upload the video."
    for identity, code, advice in (
        ("ast_1", "torrent", "upload that and delete this one"),
        ("ast_2", "internal", "not your file's"),
    ):
        error = {"code": code, "detail": detail}
        told = status("failed", job={"state": "failed"}, error=error)
        server.contents = {identity: upload(identity, "Holiday", "failed", status=told)}
        await studio.reads(".upload", f"text.includes({detail!r}) && text.includes('Code: {code}')")
        assert advice in await studio.text(".upload")
    told = status("failed", job={"state": "cancelled"})
    server.contents = {"ast_3": upload("ast_3", "Holiday", "failed", status=told)}
    await studio.reads(".upload", "text.includes('Its making was cancelled.')")


async def test_what_is_being_made_is_cancelled_after_a_question(
    server: FakeServer, studio: Visitor
) -> None:
    told = status("processing", job={"state": "running"})
    server.contents = {"ast_1": upload("ast_1", "Holiday", "processing", status=told)}
    await studio.press("Cancel: Holiday")
    await studio.reads("dialog", "text.includes('Stop making “Holiday”?')")
    await studio.press("Keep it")
    assert "ast_1" in server.contents
    await studio.press("Cancel: Holiday")
    await studio.press("Stop and delete")
    await studio.reads(".uploads", "text.includes('What you upload appears here')")
    assert server.contents == {}
    await studio.until("document.activeElement.id === 'choose-files'")


async def test_a_dropped_file_is_sent_with_its_title_and_price(
    server: FakeServer, studio: Visitor
) -> None:
    transfer = await studio.page.evaluate_handle(
        "() => { const data = new DataTransfer();"
        " data.items.add(new File(['film'], 'night_train.mkv')); return data; }"
    )
    await studio.page.dispatch_event("main", "drop", {"dataTransfer": transfer})
    title = studio.page.get_by_label("Title")
    assert await title.input_value() == "night train"
    await title.fill("Night train")
    price = studio.page.get_by_label("Price per hour")
    await price.fill("much")
    await studio.press("Upload")
    await studio.reads("dialog .form-error", "text.includes('Write an amount')")
    await price.fill("0.75")
    await studio.page.get_by_label("How its media is delivered").last.select_option("keys")
    await studio.page.locator("dialog button.button-primary").click()
    await studio.reads(".uploads .visually-hidden", "text === 'Night train is uploaded.'")
    (sent,) = server.uploads.sent.values()
    assert sent.body == b"film"
    assert sent.metadata == {
        "delivery": "keys",
        "filename": "night_train.mkv",
        "title": "Night train",
        "priceStroops": "7500000",
        "priceSeconds": "3600",
    }
    server.contents = {"ast_1": upload("ast_1", "Night train", "processing")}
    await studio.until("document.querySelectorAll('.upload').length === 1")
    assert await studio.text(".upload .tag") == "In the queue"


async def test_an_upload_goes_on_after_a_reload_with_the_same_file(
    server: FakeServer, studio: Visitor, film: Path, tmp_path: Path
) -> None:
    server.uploads.hold_at = HALF_BYTES
    await choose(studio, film)
    await studio.page.locator("dialog button.button-primary").click()
    await studio.until("document.querySelector('.bar')?.ariaValueNow > 0")
    await studio.press("Pause: my summer holiday")
    await studio.reads(".upload", "text.includes('Paused at')")
    await studio.until("document.activeElement.textContent === 'Go on'")
    await studio.page.reload()
    await studio.reads(".upload", "text.includes('Choose the same file, and the rest is sent.')")
    other = tmp_path / "other.mp4"
    other.write_bytes(b"other")
    async with studio.page.expect_file_chooser() as chosen:
        await studio.press("Choose the file: my summer holiday")
    await (await chosen.value).set_files(other)
    await studio.reads(".uploads-problem", "text.includes('other.mp4 is another file')")
    server.uploads.hold_at = FILE_BYTES + 1
    await choose(studio, film)
    await studio.reads(".uploads .visually-hidden", "text === 'my summer holiday is uploaded.'")
    (sent,) = server.uploads.sent.values()
    assert sent.body == film.read_bytes()
    assert "priceStroops" not in sent.metadata, "the price was left to the server"


async def test_a_refused_file_says_why_in_the_servers_words(
    server: FakeServer, studio: Visitor, film: Path
) -> None:
    studio.expected = {415}
    detail = "This is a text file. Upload a video or a sound file."
    server.uploads.refusal = (415, "text", detail)
    await choose(studio, film)
    await studio.page.locator("dialog button.button-primary").click()
    await studio.reads(".upload", f"text.includes({detail!r}) && text.includes('Code: text')")
    again = studio.page.get_by_role("button", name="Try again: my summer holiday")
    assert not await again.is_visible(), "the same bytes would be refused again"
    await studio.press("Cancel: my summer holiday")
    await studio.reads(".uploads", "text.includes('What you upload appears here')")
