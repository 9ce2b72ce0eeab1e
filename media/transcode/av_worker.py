"""The worker process: decodes a source once with libav and encodes its rungs.

Reads messages of `media.transcode.protocol` from standard input and writes them to standard
output; standard error is its log. One thread reads, one decodes and scales, one encodes each rung;
libav lets go of the interpreter while it works. A packet that cannot be decoded is counted; all
else that goes wrong ends the process, and the supervisor starts another.
"""

import ctypes
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator

from config.child import die_with_parent
from config.limits import WORKER_ARENAS_MAX, WORKER_DESCRIPTORS_MAX, WORKER_MEMORY_BYTES_MAX
from media.jail.level import Confinement
from media.jail.minimum import enter_jail
from media.transcode.av_transcoder import Transcoder
from media.transcode.plan import plan_from_bytes
from media.transcode.protocol import (
    Configure,
    Finish,
    MalformedMessage,
    Message,
    MessageReader,
    SourcePacket,
)
from media.transcode.worker_pipe import Inbox, Outbox

NICENESS = 5
"""Encoders may take what the server itself, its ingest and delivery, leaves."""

_CONFINEMENT = Confinement(
    memory_bytes=WORKER_MEMORY_BYTES_MAX,
    cpu_seconds=None,  # a source may last for days
    descriptors=WORKER_DESCRIPTORS_MAX,
)
_READ_BYTES = 1 << 18
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # mallopt(3)


def _shape_memory() -> None:
    """Have malloc reuse a picture's pages for the next: getting new ones costs 2 % of CPU.

    Each of its arenas reserves 64 MiB of what the jail allows, so their number has a bound.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # only glibc has it
        libc.mallopt(_M_ARENA_MAX, WORKER_ARENAS_MAX)
        libc.mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # the most that it takes
        libc.mallopt(_M_TRIM_THRESHOLD, 1 << 30)


def _messages(descriptor: int) -> Iterator[Message]:
    """What the server sends, until it closes the pipe."""
    reader = MessageReader()
    while data := os.read(descriptor, _READ_BYTES):
        yield from reader.feed(data)


def _claim_output() -> int:
    """Keep standard output for messages; what libraries print goes to the log."""
    output = os.dup(1)
    os.dup2(2, 1)
    return output


def _end_on_failure(failure: threading.ExceptHookArgs) -> None:
    traceback.print_exception(failure.exc_value)
    sys.stderr.flush()
    os._exit(1)


def main() -> None:
    """Run until the server says `Finish` or closes the pipe."""
    die_with_parent(signal.SIGKILL)
    os.nice(NICENESS)
    _shape_memory()
    threading.excepthook = _end_on_failure
    outbox = Outbox(_claim_output())
    enter_jail(_CONFINEMENT, sys.argv[1:])
    messages = _messages(0)
    first = next(messages, None)
    if not isinstance(first, Configure):
        raise MalformedMessage("a plan has to come first")
    plan = plan_from_bytes(first.plan)
    inbox = Inbox(plan.inbox_packets_max, plan.inbox_bytes_max)
    transcoder = threading.Thread(target=Transcoder(plan, inbox, outbox).run, name="decoder")
    transcoder.start()
    for message in messages:
        assert isinstance(message, SourcePacket | Finish)
        inbox.put(message)
        if isinstance(message, Finish):
            transcoder.join()
            return
    os._exit(1)  # the server is gone; nobody wants the rest


if __name__ == "__main__":
    main()
