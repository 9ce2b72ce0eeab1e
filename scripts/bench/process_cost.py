"""What a process tree has cost so far, from /proc."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

_GONE = (FileNotFoundError, ProcessLookupError)


def cpu_ns(pid: int) -> int:
    """CPU of all threads that a process and its descendants have, in nanoseconds.

    `stat` counts in hundredths of a second, which is too coarse for runs of a few seconds.
    """
    total = 0
    for process in _tree(pid):
        for task in Path(f"/proc/{process}/task").glob("*"):
            with contextlib.suppress(*_GONE):
                total += int((task / "schedstat").read_text().split()[0])
    return total


def resident_bytes(pid: int) -> int:
    """Memory of a process and its descendants; what they share counts for each."""
    return sum(_resident_kib(process) * 1024 for process in _tree(pid))


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(*_GONE):
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _resident_kib(pid: int) -> int:
    with contextlib.suppress(*_GONE):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
