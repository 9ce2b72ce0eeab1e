"""tus-js-client in Chromium gets a file past a reload and the loss of its network."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.api.cutting_proxy import CuttingProxy
from tests.api.half_open import until_size
from tests.api.upload_server import TOKEN, UploadServer
from tests.ingest.upload.made import wav
from tests.web.conftest import WEB
from tests.web.visitor import WAIT_MS

pytestmark = [pytest.mark.peer, pytest.mark.asyncio(loop_scope="session")]

FILE = wav(9_000_000)
THIRD = 3_000_000
PAGE = f"""<!doctype html><title>upload</title><input type="file">
<script src="/tus.js"></script>
<script>
window.seen = {{ resumed: null, failures: 0, done: false, contentId: null }};
document.querySelector("input").onchange = async ({{ target }}) => {{
  const upload = new tus.Upload(target.files[0], {{
    endpoint: "/api/v1/uploads",
    headers: {{ Authorization: "Bearer {TOKEN}" }},
    metadata: {{ filename: target.files[0].name }},
    retryDelays: [0, 100, 300, 1000],
    onAfterResponse: (_, answer) => {{
      seen.contentId = answer.getHeader("Tollcast-Content-Id") ?? seen.contentId;
    }},
    onError: () => {{ seen.failures += 1; }},
    onSuccess: () => {{ seen.done = true; }},
  }});
  const earlier = await upload.findPreviousUploads();
  seen.resumed = earlier.length;
  if (earlier.length > 0) upload.resumeFromPreviousUpload(earlier[0]);
  window.addEventListener("online", () => upload.start());
  upload.start();
}};
</script>"""


@pytest_asyncio.fixture(loop_scope="session")
async def server(dist: Path, tmp_path: Path) -> AsyncIterator[UploadServer]:
    """`dist` is asked for because whoever builds the pages has the client."""
    server = UploadServer(tmp_path / "uploads")
    client = WEB / "node_modules" / "tus-js-client" / "dist" / "tus.min.js"
    server.add_page("/", PAGE.encode(), "text/html")
    server.add_page("/tus.js", client.read_bytes(), "text/javascript")
    await server.start()
    yield server
    await server.stop()


async def test_a_file_survives_a_reload_and_the_loss_of_the_network(
    server: UploadServer, browser: Browser, tmp_path: Path
) -> None:
    """The connection falls silent after each third; the page is left, then the network."""
    (tmp_path / "film.wav").write_bytes(FILE)
    limit: int | None = THIRD
    proxy = CuttingProxy(server.port, lambda: limit, silently=True)
    await proxy.start()
    context = await browser.new_context(base_url=f"http://127.0.0.1:{proxy.port}")
    page = await context.new_page()
    page.set_default_timeout(WAIT_MS)
    async with asyncio.timeout(100):
        await page.goto("/")
        for resumed in (0, 1):
            await page.set_input_files("input", tmp_path / "film.wav")
            await page.wait_for_function(f"() => seen.resumed === {resumed}")
            await proxy.cut.wait()
            proxy.cut.clear()
            await until_size(server.directory, (resumed + 1) * THIRD - 100_000)
            if not resumed:
                await page.reload()

        await context.set_offline(True)
        limit = None
        await proxy.drop()
        await page.wait_for_function("() => seen.failures === 1")
        await context.set_offline(False)
        await page.wait_for_function("() => seen.done")

    content_id = await page.evaluate("() => seen.contentId")
    await context.close()
    await proxy.stop()
    assert list(server.files) == [content_id]
    assert hashlib.sha256(server.files[content_id]).digest() == hashlib.sha256(FILE).digest()
    assert proxy.cuts == 2
