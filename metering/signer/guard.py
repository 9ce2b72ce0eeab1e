"""Keeps a signer working: starts another one when it has ended.

The guard itself does nothing else, so that nothing can go wrong with it, and is started before the
server shuts itself out of the signer's folder: what the server starts later is shut out as well. A
signer is a fork of it. No file of the program is read again, whoever may have changed one.
"""

import os
import time
from collections.abc import Callable

import structlog

from config.limits import SIGNER_RESTART_SECONDS
from metering.signer.process import BUSY, DONE, REFUSED

log = structlog.get_logger(__name__)

_ENDINGS = (DONE, REFUSED)


def keep_working(work: Callable[[], int]) -> int:
    """Do `work` in a child, again and again, until it ends as asked or for a reason that stays.

    A signal that ends the guard ends the child, too (see `drop_rights`).

    Args:
        work: gives the child's exit code.
    """
    while True:
        code = _child(work)
        if code in _ENDINGS:
            return code
        if code != BUSY:
            log.error("the signer has ended, starting it again", code=code)
        time.sleep(SIGNER_RESTART_SECONDS)


def _child(work: Callable[[], int]) -> int:
    """The exit code of a child; below zero for a signal."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = work()
        finally:
            # Whatever is raised: nothing of the guard goes on in its child.
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
