"""A viewer of the latency benchmark: headless Chromium with the benchmark's page."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from scripts.bench.rtmp_servers import PeerMissing

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
)
_FIRST_PICTURE_MS_MAX = 30_000
# Until the player has found its place behind the live edge.
_SETTLE_SECONDS = 6.0


@dataclass(frozen=True)
class Seen:
    """What one viewer has seen of one stream.

    Attributes:
        first_ms: from being told the address to the first picture.
        ages_ms: how old each picture was when it was shown.
        behind_ms: how far the player was behind the newest part then, by its own account.
        stalls: how often the player waited for data after its first picture.
    """

    first_ms: float
    ages_ms: list[int]
    behind_ms: list[float]
    stalls: int
    errors: list[str]

    @property
    def delivery_ms(self) -> float:
        """How old the newest part is, most often: what of the age is not the player's choice."""
        return median(a - b for a, b in zip(self.ages_ms, self.behind_ms, strict=True))

    def percentile_ms(self, percent: int) -> float:
        return quantiles(self.ages_ms, n=100)[percent - 1]


class Viewer:
    """One browser; each stream gets a page of its own."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address

    def join(self, url: str, settings: dict[str, Any], level: int | None = None) -> Seen:
        """Watch just until the first picture."""
        return self._watch(url, settings, level, 0)

    def watch(
        self, url: str, settings: dict[str, Any], seconds: float, level: int | None = None
    ) -> Seen:
        """What is seen in so many seconds, once the player has settled.

        Args:
            level: the height of the rendition to watch; any when None.
        """
        return self._watch(url, settings, level, seconds)

    def _watch(self, url: str, settings: dict[str, Any], level: int | None, seconds: float) -> Seen:
        page = self._browser.new_page()
        try:
            page.goto(self._address)
            page.evaluate(
                "([url, settings, level]) => play(url, settings, level)", [url, settings, level]
            )
            page.wait_for_function("() => seen.firstMs !== null", timeout=_FIRST_PICTURE_MS_MAX)
            if seconds:
                time.sleep(_SETTLE_SECONDS)
                page.evaluate("() => { seen.ages = []; seen.behind = []; seen.stalls = 0; }")
                time.sleep(seconds)
            found = page.evaluate("() => seen")
        finally:
            page.close()
        return Seen(
            found["firstMs"], found["ages"], found["behind"], found["stalls"], found["errors"]
        )


@contextlib.contextmanager
def viewer(address: str) -> Iterator[Viewer]:
    """Raises: PeerMissing: there is no Chromium."""
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        if program is None:
            raise PeerMissing("scripts/install_test_programs.sh brings Chromium")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield Viewer(browser, address)
        finally:
            browser.close()
