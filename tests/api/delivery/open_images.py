"""How many answers are kept as files in memory now."""

from pathlib import Path


def open_images() -> int:
    """Of this process."""
    links = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    return sum("memfd:answer" in str(each.readlink()) for each in links)
