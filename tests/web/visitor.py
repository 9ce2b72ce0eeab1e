"""A person at the browser: opens pages, presses buttons, reads what is there."""

import asyncio
import re
from typing import Any

from playwright.async_api import ConsoleMessage, Page

from tests.web.fake_server import FakeServer

WAIT_MS = 60_000

# The browser itself reports each refused request; a test that provokes one says which.
_REFUSED = re.compile(r"the server responded with a status of (\d+)")


class Visitor:
    """Collects every error of a page in `complaints`, but for the `expected` refusals."""

    def __init__(self, page: Page, server: FakeServer) -> None:
        self.page = page
        self.server = server
        self.complaints: list[str] = []
        self.expected: set[int] = set()
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def open(self, path: str) -> None:
        await self.page.goto(path)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def reads(self, selector: str, condition: str) -> None:
        """Wait until the `text` of the first `selector` fulfils a JavaScript condition."""
        await self.until(
            f"(text => {condition})(document.querySelector({selector!r})?.textContent ?? '')"
        )

    async def until(self, condition: str) -> None:
        """Wait until a JavaScript condition holds; `tollcast` is the page's probe."""
        await self.when(condition, "true")

    async def when(self, condition: str, value: str) -> Any:
        """What an expression is in the moment in which a condition holds.

        Asked for later, it may be another one. A condition about what is not there does not hold.
        """
        look = f"() => {{ try {{ return ({condition}) && [{value}]; }} catch {{ return false; }} }}"
        (found,) = await (await self.page.wait_for_function(look)).json_value()
        return found

    async def copies(self, name: str) -> str:
        """Press a button that copies, and say what is on the clipboard when something is."""
        await self.page.evaluate("() => navigator.clipboard.writeText('')")
        await self.press(name)
        async with asyncio.timeout(WAIT_MS / 1000):
            while not (text := await self.page.evaluate("() => navigator.clipboard.readText()")):
                continue
        return str(text)

    async def looks_again(self) -> None:
        """Come back to the tab: the page brings itself up to date without waiting for its turn."""
        await self.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")

    async def probe(self, name: str) -> Any:
        return await self.page.evaluate(f"() => window.tollcast.{name}")

    async def text(self, selector: str) -> str:
        return (await self.page.locator(selector).first.inner_text()).strip()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        refused = _REFUSED.search(message.text)
        if refused is not None and int(refused[1]) in self.expected:
            return
        self.complaints.append(message.text)
