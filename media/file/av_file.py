"""The worker of one pass through one file.

The file is an open descriptor, never a path. The worker lists its packets, says what it is, gets a
plan on standard input and makes what that says; messages of `media.transcode.protocol` go to
standard output, its log to standard error. One thread reads, one decodes and scales pictures, one
works on sound, one encodes each rung; libav lets go of the interpreter while it works.
"""

import os
import signal
import sys
import threading
import traceback

from config.child import die_with_parent
from config.clock import SystemClock
from config.limits import (
    FILE_POSITION_MS,
    FILE_WORKER_ARENAS_MAX,
    FILE_WORKER_DESCRIPTORS_MAX,
    FILE_WORKER_MEMORY_BYTES_MAX,
)
from media.file.av_open import open_file
from media.file.av_pass import Pass
from media.file.av_scan import Scanner
from media.file.description import description_to_bytes
from media.file.orders import Orders, orders_from_arguments
from media.file.plan import FilePlan, plan_from_bytes
from media.file.refusal import RefusalCode, Refused
from media.jail.level import Confinement
from media.jail.minimum import enter_jail
from media.transcode.protocol import (
    Configure,
    Described,
    Finished,
    MalformedMessage,
    Position,
    Refusal,
)
from media.transcode.worker_memory import keep_memory_of_pictures
from media.transcode.worker_pipe import Outbox, claim_output, read_messages

NICENESS = 15
"""Files take what live sources leave; those have 5."""


class Liveliness:
    """Says now and then that the worker is alive, and how far it has read."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._clock = SystemClock()
        self._said_ms = self._clock.monotonic_ms()

    def __call__(self, time: int = 0) -> None:
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._said_ms >= FILE_POSITION_MS:
            self._said_ms = now_ms
            self._outbox.send(Position(time))


def work(orders: Orders, outbox: Outbox) -> None:
    """Scan, describe, wait for the plan, and make what it says.

    Raises:
        Refused: the file cannot be used.
    """
    alive = Liveliness(outbox)
    scan = Scanner(open_file(orders.descriptor, orders.container), alive).scan()
    outbox.send(Described(description_to_bytes(scan.description)))
    plan = _read_plan()
    # Opened anew: not every demuxer finds the very first packet again.
    file = open_file(orders.descriptor, orders.container)
    Pass(file, scan, plan, outbox, alive).run()
    outbox.send(Finished())


def _read_plan() -> FilePlan:
    for message in read_messages(0):
        if not isinstance(message, Configure):
            raise MalformedMessage("a plan has to come")
        return plan_from_bytes(message.plan)
    os._exit(1)  # the server is gone


def _end(failure: BaseException, outbox: Outbox) -> None:
    """End the process; what is wrong with the file is said before."""
    match failure:
        case Refused():
            outbox.send(Refusal(failure.code, failure.detail))
        case MemoryError():
            outbox.send(Refusal(RefusalCode.TOO_DEMANDING, ""))
        case _:
            traceback.print_exception(failure)
            sys.stderr.flush()
            os._exit(1)
    os._exit(0)


def main() -> None:
    """Work on one file, to the end or to the first thing that goes wrong."""
    die_with_parent(signal.SIGKILL)
    os.nice(NICENESS)
    keep_memory_of_pictures(FILE_WORKER_ARENAS_MAX)
    outbox = Outbox(claim_output())
    orders = orders_from_arguments(sys.argv[1:])
    enter_jail(
        Confinement(
            memory_bytes=FILE_WORKER_MEMORY_BYTES_MAX,
            cpu_seconds=orders.cpu_seconds,
            descriptors=FILE_WORKER_DESCRIPTORS_MAX,
        ),
        sys.argv[1:],
    )
    # Whatever fails on whichever thread ends the process: others would wait for it for ever.
    threading.excepthook = lambda failure: _end(failure.exc_value or SystemExit(), outbox)
    sys.excepthook = lambda _, failure, __: _end(failure, outbox)
    work(orders, outbox)


if __name__ == "__main__":
    main()
