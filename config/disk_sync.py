"""Makes files and folders outlive a crash of the machine."""

import ctypes
import os
import sys
from pathlib import Path


def sync_tree(folder: Path) -> None:
    """Return when all that is in a folder, and its own name, are on the disk. Blocks meanwhile.

    Raises:
        OSError: some of it cannot be written.
    """
    if sys.platform.startswith("linux"):
        _sync_filesystem(folder)
    else:
        for top, _, files in os.walk(folder):
            for path in (*(Path(top) / name for name in files), Path(top)):
                sync_entry(path)
        sync_entry(folder.parent)


def sync_entry(path: Path) -> None:
    """Write one file through, or a folder's list of names: a file's name is no part of the file,
    and may be gone after a loss of power.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_filesystem(folder: Path) -> None:
    # syncfs(2): one wait for all instead of one for each of a thousand files.
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if libc.syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), f"the kernel refused to sync {folder}")
    finally:
        os.close(descriptor)
