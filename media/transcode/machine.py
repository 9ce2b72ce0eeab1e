"""The processors that live workers share."""

import os
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


class Machine:
    """Counts the live workers of this process, to tell each its share.

    Attributes:
        workers: how many run now.
    """

    def __init__(self, millicores: int | None = None) -> None:
        """Args: millicores of all; None to ask the system."""
        self._millicores = available_millicores() if millicores is None else millicores
        self.workers = 0

    def join(self) -> None:
        """One more worker runs."""
        self.workers += 1

    def leave(self) -> None:
        """One of them has ended."""
        self.workers -= 1

    def share_millicores(self) -> int:
        """What one of the workers may use."""
        return self._millicores // max(1, self.workers)


def available_millicores(limit: Path = _CGROUP_LIMIT) -> int:
    """Cores that this process may use, in thousandths: its affinity, or its container's quota.

    Args:
        limit: the file of Linux's cgroup v2 in which a container sees its quota.
    """
    millicores = 1000 * (os.process_cpu_count() or 1)
    try:
        quota, period = limit.read_text().split()
    except (OSError, ValueError):
        return millicores
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return millicores
    return min(millicores, max(1, 1000 * int(quota) // int(period)))
