"""For how much longer than its publisher is away a viewer's picture stands still.

A publisher drops and returns after five seconds, once as it was and once with other codec
parameters. The viewer is the watch page in headless Chromium; one trial at a time, each checked
from the first packet to the recording.
"""

import asyncio
import shutil
import tempfile
from pathlib import Path
from statistics import median

from playwright.async_api import Browser, async_playwright

from scripts.bench.figures import Figure, Skipped
from tests.end_to_end.faulty_publisher import Cut, make_clip
from tests.end_to_end.reconnect_trial import Fault, Trial
from tests.end_to_end.running_server import RunningServer, client_of, start_server
from tests.programs import CHROMIUM_FLAGS

_BENCH = "reconnect"
_ROUNDS = 3
_FAULTS = {
    "frozen_beyond_gap_ms": Fault(Cut.MID_GROUP, 5, changed=False, reset=True),
    "frozen_beyond_gap_changed_ms": Fault(Cut.AT_KEYFRAME, 5, changed=True, reset=False),
}
_BARS = {"frozen_beyond_gap_ms": 500.0, "frozen_beyond_gap_changed_ms": 1_000.0}


def run() -> list[Figure | Skipped]:
    """Measure; takes about three minutes."""
    chromium = shutil.which("chromium")
    if chromium is None:
        reason = "scripts/install_test_programs.sh brings Chromium"
        return [Skipped(_BENCH, name, reason) for name in _BARS]
    beyond = asyncio.run(_rounds(chromium))
    return [_figure(name, values) for name, values in beyond.items()]


def _figure(name: str, values: list[float]) -> Figure:
    print(f"bench {_BENCH}: {name}: {', '.join(f'{value:.0f}' for value in values)}")
    return Figure(_BENCH, name, median(values), _BARS[name], at_most=True)


async def _rounds(chromium: str) -> dict[str, list[float]]:
    """Milliseconds by figure. Each round has a server of its own, whose sources have new names."""
    beyond: dict[str, list[float]] = {name: [] for name in _FAULTS}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        for _ in range(_ROUNDS):
            with tempfile.TemporaryDirectory() as directory:
                server = await start_server(Path(directory) / "data")
                for name, fault in _FAULTS.items():
                    beyond[name].append(await _try(server, browser, fault, Path(directory)))
                await server.stop()
        await browser.close()
    return beyond


async def _try(server: RunningServer, browser: Browser, fault: Fault, pictures: Path) -> float:
    before = make_clip(320, 180)
    clips = (before, make_clip(256, 144) if fault.changed else before)
    async with client_of(server, **server.creator) as creator:
        trial = Trial(server, creator, browser, fault, clips, pictures, asyncio.Lock())
        await trial.begin()
        await trial.open_tab()
        await trial.run()
    return trial.beyond_ms
