"""A table of what real players show, fetch and pay: `python -m tests.end_to_end.paid_seconds`.

It starts a server of its own, with two films and a live, and a browser with a page for each habit.
"""

import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.end_to_end.habits import HABITS, Charged, habitual, prefetches, stage_of
from tests.end_to_end.running_server import start_server

_HEAD = ("habit", "shown", "fetched", "present", "charged", "at least", "at most", "")


def main() -> int:
    """Print the table; 1 when somebody was charged too much or too little."""
    with tempfile.TemporaryDirectory() as directory:
        lived = asyncio.run(_lived(Path(directory)))
    for row in (_HEAD, *map(_row, lived)):
        print(f"{row[0]:<22}" + "".join(f"{each:>10}" for each in row[1:]))  # noqa: T201 - asked for
    return 0 if all(each.is_right for each in lived) else 1


async def _lived(directory: Path) -> list[Charged]:
    server = await start_server(directory / "data")
    try:
        async with stage_of(server, directory) as stage:
            return await habitual(stage, *HABITS, partial(prefetches, seconds=30))
    finally:
        await server.stop()


def _row(each: Charged) -> tuple[str, ...]:
    seconds = (each.shown, each.fetched, each.present, each.seconds, each.least, each.most)
    verdict = "" if each.is_right else "WRONG"
    return (each.habit.replace("_", " "), *(f"{number:.1f}" for number in seconds), verdict)


if __name__ == "__main__":
    sys.exit(main())
