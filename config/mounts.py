"""Under which other names a folder can be reached: what is mounted may be mounted twice."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of /proc/PID/mountinfo (proc_pid_mountinfo(5)).

    Args:
        device: of the file system.
        root: which folder of that is mounted,
        point: and where.
    """

    device: str
    root: Path
    point: Path


def read_mounts(text: str) -> Iterator[Mount]:
    """The lines of a mountinfo."""
    for line in text.splitlines():
        _, _, device, root, point, *_ = line.split(" ")
        yield Mount(device, _path(root), _path(point))


def aliases(folder: Path, mounts: list[Mount]) -> list[Path]:
    """Other paths of a folder, which is one without links."""
    # The last one that was mounted at the longest path above it is the one that is seen there.
    own = max(
        (each for each in mounts if folder.is_relative_to(each.point)),
        key=lambda each: (len(each.point.parts), mounts.index(each)),
        default=None,
    )
    if own is None:
        return []
    inside = own.root / folder.relative_to(own.point)
    others = [
        each.point / inside.relative_to(each.root)
        for each in mounts
        if each.device == own.device and inside.is_relative_to(each.root)
    ]
    return [each for each in others if each != folder]


def _path(text: str) -> Path:
    return Path(_ESCAPED.sub(lambda digits: chr(int(digits[1], 8)), text))
