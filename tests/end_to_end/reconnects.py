"""A publisher is away for as long as asked for: its viewer's player shows no error, the same stream
goes on, and nothing is charged while the picture stands still.

    python -m tests.end_to_end.reconnects --away 5 30 59
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.end_to_end.faulty_publisher import Cut, make_clip
from tests.end_to_end.reconnect_trial import Fault, Trial
from tests.end_to_end.running_server import client_of, start_server
from tests.programs import CHROMIUM_FLAGS, program


async def run(folder: Path, away: list[int]) -> list[str]:
    """One after the other, each with a source and a viewer of its own; how long the picture stood
    still beyond the gap. Fails when the player ends, or anything is charged in a gap.
    """
    clip = await asyncio.to_thread(make_clip, 320, 180)
    server = await start_server(folder / "data")
    found = []
    try:
        async with client_of(server, **server.creator) as creator, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=program("chromium"), args=[*CHROMIUM_FLAGS, "--mute-audio"]
            )
            for seconds in away:
                fault = Fault(Cut.MID_GROUP, seconds, changed=False, reset=True)
                clips = (clip, clip)
                trial = Trial(server, creator, browser, fault, clips, folder, asyncio.Lock())
                await trial.begin()
                await trial.grow()
                await trial.open_tab()
                await trial.run()
                found.append(
                    f"away for {seconds} s: player errors 0, charged in the gap 0 s; the picture "
                    f"stood still for {trial.beyond_ms / 1000:+.1f} s beside the gap"
                )
            await browser.close()
    finally:
        await server.stop()
    return found


def main() -> int:
    """Be away for as long as asked for, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--away", type=int, nargs="+", default=[5, 30, 59])
    away = parser.parse_args().away
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write("\n".join(asyncio.run(run(Path(folder), away))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
