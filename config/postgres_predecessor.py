"""Ends what an earlier start left: a server whose parent was killed, or only its lock file."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from config.limits import POSTGRES_POLL_MS


async def end_predecessor(data: Path) -> None:
    """Return when no server runs on the cluster `data` and no stale lock file is left.

    The caller holds the directory's lock, so a server found here has lost its parent and is on its
    way out. The caller also sets the deadline.
    """
    lock_file = data / "postmaster.pid"
    process_id = _process_id(lock_file)
    if process_id is None or not sys.platform.startswith("linux"):
        return
    if _serves(process_id, data):
        os.kill(process_id, signal.SIGINT)
    while _serves(process_id, data):  # noqa: ASYNC110 not a child: nobody tells us its end
        await asyncio.sleep(POSTGRES_POLL_MS / 1000)
    # In a container numbers come again: Postgres would take any process of that number for its own.
    lock_file.unlink(missing_ok=True)


def _process_id(lock_file: Path) -> int | None:
    try:
        first = lock_file.read_text().partition("\n")[0]
    except FileNotFoundError:
        return None
    return int(first) if first.isdecimal() else None


def _serves(process_id: int, data: Path) -> bool:
    """Whether that process is alive and works in the cluster's folder, as each server does."""
    try:
        return Path(f"/proc/{process_id}/cwd").readlink() == data
    except OSError:
        return False
