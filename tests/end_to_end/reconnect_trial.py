"""One fault of a publisher, as one viewer in a browser sees it, from first packet to recording."""

import asyncio
import io
import json
import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from playwright.async_api import Browser, Page, Request, ViewportSize

from packager.naming import init_name, segment_name
from tests.end_to_end.faulty_publisher import FRAME_MS, Clip, Cut, FaultyPublisher
from tests.end_to_end.running_server import Client, RunningServer, eventually
from tests.end_to_end.viewer import Viewer, watch

STARTUP_SECONDS = 2
# A player of live HLS is at most three target durations and a segment behind its publisher.
BEHIND_SECONDS_MAX = 12
# A player of low latency is about a second behind: so long after the cut all is new.
AFTERWARDS_SECONDS = 7
AGAIN_SECONDS = 3
# Longer, and the player has lost its place and found it anew. How long a tab that is alone stands
# still is measured by `scripts.bench reconnect`: beside this one play others, with the server, the
# encoders and all publishers, on two processors.
BEYOND_SECONDS_MAX = BEHIND_SECONDS_MAX
# Many tabs are drawn at once, so they are small but while a picture is taken.
SMALL, LARGE = ViewportSize(width=480, height=320), ViewportSize(width=1280, height=800)
# What is counted is time in which the picture stands still, whatever the player calls it.
WATCH_FOR_STALLS = """() => {
  const video = document.querySelector("video");
  let [position, at] = [video.currentTime, performance.now()];
  window.frozenMs = 0;
  window.setInterval(() => {
    const now = performance.now();
    if (video.currentTime === position) window.frozenMs += now - at;
    [position, at] = [video.currentTime, now];
  }, 50);
}"""


@dataclass(frozen=True)
class Fault:
    """How a publisher drops and how it returns.

    Attributes:
        changed: with other codec parameters.
        reset: its timestamps begin anew; otherwise its clock went on.
        encoded: renditions are made of what it sends.
    """

    cut: Cut
    away_seconds: int
    changed: bool
    reset: bool
    encoded: bool = False

    @property
    def name(self) -> str:
        parameters = "changed" if self.changed else "same"
        clock = "reset" if self.reset else "on"
        made = "-encoded" if self.encoded else ""
        return f"{self.cut.name.lower()}-{self.away_seconds}-{parameters}-{clock}{made}".replace(
            "_", "-"
        )


@dataclass
class Tab:
    """A viewer's page, and the segments that it asked for in any rendition, whole or in parts.

    Requests are counted, since an answer may be paid for before the page hears of it.
    """

    page: Page
    segments: set[int] = field(default_factory=set)

    def note(self, request: Request) -> None:
        found = re.search(r"/(?:source|audio|\d+p)/(\d+)(?:\.\d+)?\.m4s$", request.url)
        if found:
            self.segments.add(int(found[1]))

    async def reads(self, name: str) -> Any:
        return await self.page.evaluate(f"() => window.tollcast.{name}")

    async def take_picture(self, path: Path) -> None:
        await self.page.set_viewport_size(LARGE)
        await self.page.screenshot(path=path)
        await self.page.set_viewport_size(SMALL)

    async def seconds_billed(self) -> str:
        return await self.page.locator("#seconds").inner_text()


class Trial:
    """One fault, from the first packet to the recording.

    Args:
        alone: held while the page loads and from the publisher's return until the picture runs.

    Attributes:
        beyond_ms: for how much longer than the publisher was away the picture stood still.
    """

    beyond_ms = 0.0

    def __init__(
        self,
        server: RunningServer,
        creator: Client,
        browser: Browser,
        fault: Fault,
        clips: tuple[Clip, Clip],
        pictures: Path,
        alone: asyncio.Lock,
    ) -> None:
        self._server = server
        self._creator = creator
        self._browser = browser
        self.fault = fault
        self._before, self._after = clips
        self._pictures = pictures
        self._alone = alone
        self._tab: Tab
        self._publisher: FaultyPublisher
        self._asset = ""
        self._session = ""
        self._left_at = 0.0

    async def begin(self) -> None:
        """Publish to a source that is new."""
        body = {"name": self.fault.name, "title": self.fault.name}
        made = await self._creator.post("/api/v1/sources", body, status=201)
        port = int(self._server.rtmp_url.rpartition(":")[2].partition("/")[0])
        self._publisher = FaultyPublisher(port, made["streamKey"])
        await self._publisher.publish(self._before, 0)

    async def run(self) -> None:
        try:
            if self.fault.away_seconds > 2 * BEHIND_SECONDS_MAX:
                left = await self._drop()
                await self._wait_out_a_long_gap(left)
                async with self._alone:
                    gap = await self._return(left)
            else:
                async with self._alone:
                    gap = await self._return(await self._drop())
            seconds = await self._watch_on(gap)
            await self._publisher.end()
            await self._check_recording(self._asset, seconds)
        finally:
            await self._publisher.abandon()

    async def grow(self) -> None:
        """Return when there is so much to watch that players keep their usual distance."""
        viewer = await watch(self._creator, self.fault.name)

        async def long_enough() -> bool | None:
            playlists = (await viewer.media_playlists()).values()
            return True if min(len(one.segments) for one in playlists) >= 4 else None

        await eventually(long_enough, 60, "four segments are there")
        await viewer.stop()

    async def open_tab(self) -> None:
        """Watch until the picture runs."""

        async def live() -> str | None:
            content = await self._creator.get(f"/api/v1/content/{self.fault.name}")
            return content["id"] if content["state"] == "live" and content["playable"] else None

        self._asset = await eventually(live, 60, f"{self.fault.name} is live")
        context = await self._browser.new_context(viewport=SMALL, reduced_motion="reduce")
        self._tab = Tab(await context.new_page())
        page = self._tab.page
        page.on("request", self._tab.note)
        async with self._alone:
            await page.goto(f"{self._server.http_url}/watch/{self.fault.name}")
            await page.get_by_role("button", name="Watch").click()
            await page.wait_for_function("() => window.tollcast.decodedFrames > 10", timeout=60_000)

    async def _drop(self) -> float:
        """When the last packet was sent, in seconds of the loop's clock."""
        loop = asyncio.get_running_loop()
        await self._publisher.cut(self.fault.cut)
        left = loop.time()
        await self._tab.page.evaluate(WATCH_FOR_STALLS)
        self._session = await self._tab.reads("sessionId")
        self._left_at = await self._tab.reads("currentTime")
        source = await eventually(self._waiting, 60, "the publisher is waited for")
        assert source["assetId"] == self._asset
        return left

    async def _return(self, left: float) -> float:
        """The seconds between the last packet before and the first one after."""
        fault, loop = self.fault, asyncio.get_running_loop()
        await asyncio.sleep(left + fault.away_seconds - loop.time())
        clock = 0 if fault.reset else self._publisher.clock + fault.away_seconds * 1000
        await self._publisher.publish(self._after, clock)
        gap = loop.time() - left
        await self._await_position(AGAIN_SECONDS)
        return gap

    async def _await_position(self, seconds: float) -> None:
        """Until the picture is so far beyond where it was when the publisher left."""
        position = self._left_at + seconds
        await self._tab.page.wait_for_function(
            f"() => window.tollcast.currentTime >= {position}", timeout=60_000
        )

    async def _wait_out_a_long_gap(self, left: float) -> None:
        """What was there is soon played and paid for; then nothing moves, and nothing is billed."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(left + BEHIND_SECONDS_MAX + STARTUP_SECONDS - loop.time())
        await self._tab.page.wait_for_function(
            "() => document.querySelector('.meter-still').textContent !== ''", timeout=60_000
        )
        before = await self._tab.seconds_billed()
        await self._tab.take_picture(self._pictures / f"{self.fault.name}-gap.png")
        await asyncio.sleep(left + self.fault.away_seconds - 1 - loop.time())
        assert await self._tab.seconds_billed() == before

    async def _waiting(self) -> dict[str, Any] | None:
        """The source, once the server has noticed that its publisher is gone."""
        sources = (await self._creator.get("/api/v1/sources"))["items"]
        source: dict[str, Any] = next(one for one in sources if one["name"] == self.fault.name)
        return source if source["state"] == "reconnecting" else None

    async def _watch_on(self, gap: float) -> int:
        """Play on well into what came after; the seconds on the receipt."""
        tab, page = self._tab, self._tab.page
        if self.fault.encoded:
            await self._choose_other_quality()
        await self._await_position(AFTERWARDS_SECONDS)
        if self.fault.away_seconds > 2 * BEHIND_SECONDS_MAX:
            await tab.take_picture(self._pictures / f"{self.fault.name}-after.png")
        frozen = await page.evaluate("() => window.frozenMs")  # of this very document
        self.beyond_ms = frozen - gap * 1000
        told = f"{self.fault.name}: {frozen:.0f} ms of {gap:.1f} s"
        assert self.beyond_ms <= BEYOND_SECONDS_MAX * 1000, told
        assert await tab.reads("state") == "playing"
        assert await tab.reads("sessionId") == self._session
        if self.fault.changed:
            await page.wait_for_function(
                "() => document.querySelector('video').videoWidth === 256", timeout=60_000
            )
        await page.get_by_role("button", name="Stop watching").click()
        receipt = await page.locator("#receipt").inner_text()
        await page.context.close()
        seconds = re.search(r"(\d+) s \(", receipt)
        assert seconds is not None
        return int(seconds[1])

    async def _choose_other_quality(self) -> None:
        """While the gap is in the playlist, so that two playlists have to be aligned across it."""
        page = self._tab.page
        levels, current = await self._tab.reads("levels"), await self._tab.reads("currentLevel")
        height = next(one["height"] for one in levels if one["index"] != current)
        await page.locator("video").hover()
        await page.get_by_role("button", name="Quality").click()
        await page.get_by_role("menuitemradio", name=f"{height}p").click()
        await page.wait_for_function(
            f"() => window.tollcast.levels[window.tollcast.currentLevel].height === {height}",
            timeout=60_000,
        )

    async def _check_recording(self, asset: str, seconds_billed: int) -> None:
        async def recorded() -> bool | None:
            content = await self._creator.get(f"/api/v1/content/{asset}")
            return True if content["state"] == "on_demand" else None

        await eventually(recorded, 60, "an end that was said ends the live")
        items = (await self._creator.get("/api/v1/content"))["items"]
        assert [one["id"] for one in items if one["title"] == self.fault.name] == [asset]
        viewer = await watch(self._creator, asset)  # the owner's preview costs nothing
        durations = await self._check_playlists(viewer)
        asked = sum(durations[sequence] for sequence in self._tab.segments)
        told = f"{self.fault.name}: {seconds_billed} s billed of {asked:.2f} s asked for"
        assert 0 < seconds_billed <= asked, told
        sent = self._publisher.pictures
        assert abs(sum(durations.values()) - sent * FRAME_MS / 1000) < 0.5
        shown = await asyncio.to_thread(count_pictures, self._server.data / "media" / asset)
        assert sent - 2 <= shown <= sent
        await viewer.stop()

    async def _check_playlists(self, viewer: Viewer) -> dict[int, float]:
        """Durations by sequence, which all renditions have in common."""
        known: dict[int, float] | None = None
        for url, playlist in (await viewer.media_playlists()).items():
            text = await viewer.text(url)
            assert text.count("#EXT-X-DISCONTINUITY\n") == self.fault.changed
            assert text.count("#EXT-X-MAP:") == 1 + self.fault.changed
            assert "#EXT-X-GAP" not in text
            durations = {
                int(segment.uri.rpartition("/")[2].removesuffix(".m4s")): segment.duration
                for segment in playlist.segments
            }
            assert known in (None, durations)
            known = durations
        assert known is not None
        return known


def count_pictures(archived: Path) -> int:
    """Decode what was recorded of the publisher's own picture, from its beginning to its end.

    It is read from the disk, since the server hands it out no faster than it can be watched.
    """
    folder, shown = archived / "source", 0
    lines = (archived / "index.jsonl").read_text().splitlines()
    records = [one for one in map(json.loads, lines) if one.get("rendition") == "source"]
    for epoch in sorted({one["epoch"] for one in records}):
        film = (folder / init_name(epoch)).read_bytes()
        for one in records:
            if one["epoch"] == epoch:
                film += (folder / segment_name(one["sequence"])).read_bytes()
        with av.open(io.BytesIO(film), "r", format="mp4") as player:
            times = [frame.pts or 0 for frame in player.decode(player.streams.video[0])]
        assert all(one < two for one, two in pairwise(times)), "no picture comes twice"
        shown += len(times)
    return shown
