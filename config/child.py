"""Child processes that cannot outlive this one."""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def die_with_parent(signal_number: int = signal.SIGTERM, parent: int | None = None) -> None:
    """Ask the kernel to signal this process when the thread that started it ends.

    To be called in the child: first thing in a Python child's `main`, or as a `preexec_fn`.
    The parent has to start the child on a thread that lives as long as the child may (the event
    loop's), because the kernel watches that thread. Does nothing where the kernel cannot (macOS).

    Args:
        signal_number: what the child gets.
        parent: the parent's process id, when known: a parent that is gone already ends the child.

    Raises:
        OSError: the kernel refused.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal_number)
