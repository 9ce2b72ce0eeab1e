"""Which server this is among those on one database: its data directory, used by one at a time."""

import fcntl
import os
from contextlib import AsyncExitStack
from pathlib import Path

from config.clock import Clock
from config.ids import is_id, new_id

_BYTES_MAX = 64


def take_identity(data: Path, clock: Clock, stack: AsyncExitStack) -> str:
    """The id that this data directory's server has had from its first start on. It is this
    process's until the stack ends, or the process does: then an earlier one of it is gone.

    A process that starts while another one still runs on the directory, and drains, is a server of
    its own: what the other one meters it does not take from it.
    """
    file = stack.enter_context((data / "server").open("a+"))
    new = new_id("srv", clock.wall_ms())
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return new
    file.seek(0)
    known = file.read(_BYTES_MAX).strip()
    if is_id("srv", known):
        return known
    file.truncate(0)
    file.write(f"{new}\n")
    file.flush()
    os.fsync(file.fileno())
    return new
