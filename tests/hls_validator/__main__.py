"""`python -m tests.hls_validator URL [--seconds N]`: plays a URL, and says what is broken there."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

import aiohttp

from tests.hls_validator.observation import Observation, names
from tests.hls_validator.recorder import Recorder
from tests.hls_validator.validator import validate


async def record(url: str, seconds: float) -> Observation:
    async with aiohttp.ClientSession() as http:
        return await Recorder(http, url).run(seconds)


def told(observation: Observation) -> str:
    """What was looked at."""
    called = names(list(observation.snapshots))
    loads = ", ".join(f"{called[url]} {len(each)}" for url, each in observation.snapshots.items())
    return f"{len(observation.files)} files; loads of playlists: {loads}"


def main(arguments: Sequence[str]) -> int:
    """1 when something is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.hls_validator")
    parser.add_argument("url", help="of a multivariant or a media playlist")
    parser.add_argument("--seconds", type=float, default=120)
    asked = parser.parse_args(arguments)
    observation = asyncio.run(record(asked.url, asked.seconds))
    broken = validate(observation)
    for violation in broken:
        sys.stdout.write(f"{violation}\n")
    sys.stderr.write(f"{len(broken)} violations; {told(observation)}\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
