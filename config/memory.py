"""Keeps a process's memory to itself."""

import ctypes
import resource
import sys

# prctl(2)
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38


def hide_memory() -> None:
    """Keep other processes of the same account from reading this one's memory, environment and
    descriptors, as a debugger does or through /proc; and let it leave no core. Root still can.

    A change of user undoes it. Linux has it; elsewhere only the core is forbidden.

    Raises:
        OSError: the kernel refused.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for option, argument in ((_PR_SET_DUMPABLE, 0), (_PR_SET_NO_NEW_PRIVS, 1)):
        if libc.prctl(option, argument, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"prctl({option}) failed")
