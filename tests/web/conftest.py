"""The built pages, one browser for all tests, and a fresh server and page for each."""

import asyncio
import fcntl
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.programs import CHROMIUM_FLAGS, program
from tests.web.fake_server import FakeServer
from tests.web.recorded import Recording, record
from tests.web.visitor import Visitor

WEB = Path(__file__).parents[2] / "api" / "web"
BUILD_SECONDS_MAX = 300


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def dist() -> Path:
    """The pages as built from the sources of now; builds them when they are missing or older."""
    with (Path(tempfile.gettempdir()) / "tollcast-web-build.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        built = WEB / "dist" / "index.html"
        if not built.is_file() or built.stat().st_mtime < newest_source():
            if not (WEB / "node_modules").is_dir():
                await npm("ci")
            await npm("run", "build")
    return WEB / "dist"


def newest_source() -> float:
    sources = [*WEB.glob("*.*"), *(WEB / "src").rglob("*.*")]
    return max(path.stat().st_mtime for path in sources)


async def npm(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        program("npm"),
        *arguments,
        cwd=WEB,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(BUILD_SECONDS_MAX):
        output, _ = await process.communicate()
    if process.returncode != 0:
        pytest.fail(f"npm {' '.join(arguments)} failed:\n{output.decode()}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return await record(tmp_path_factory.mktemp("recording"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program("chromium"), args=CHROMIUM_FLAGS
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def server(dist: Path, recording: Recording) -> AsyncIterator[FakeServer]:
    server = FakeServer(dist, recording)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, server: FakeServer) -> AsyncIterator[Visitor]:
    """A person with a clean browser profile; nothing may be written to the console as an error."""
    context = await browser.new_context(
        base_url=server.url,
        viewport={"width": 1280, "height": 800},
        permissions=["clipboard-read", "clipboard-write"],
    )
    page: Page = await context.new_page()
    visitor = Visitor(page, server)
    yield visitor
    await context.close()
    assert visitor.complaints == []
