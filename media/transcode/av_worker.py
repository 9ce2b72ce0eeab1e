"""The worker process: decodes a source once with libav and encodes its rungs.

Reads messages of `media.transcode.protocol` from standard input and writes them to standard
output; standard error is its log. One thread reads, one decodes and scales, one encodes each rung;
libav lets go of the interpreter while it works. A packet that cannot be decoded is counted; all
else that goes wrong ends the process, and the supervisor starts another.
"""

import os
import signal
import sys
import threading
import traceback

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
    SourcePacket,
)
from media.transcode.worker_memory import keep_memory_of_pictures
from media.transcode.worker_pipe import Inbox, Outbox, claim_output, read_messages

NICENESS = 5
"""Encoders may take what the server itself, its ingest and delivery, leaves."""

_CONFINEMENT = Confinement(
    memory_bytes=WORKER_MEMORY_BYTES_MAX,
    cpu_seconds=None,  # a source may last for days
    descriptors=WORKER_DESCRIPTORS_MAX,
)


def _end_on_failure(failure: threading.ExceptHookArgs) -> None:
    traceback.print_exception(failure.exc_value)
    sys.stderr.flush()
    os._exit(1)


def main() -> None:
    """Run until the server says `Finish` or closes the pipe."""
    die_with_parent(signal.SIGKILL)
    os.nice(NICENESS)
    keep_memory_of_pictures(WORKER_ARENAS_MAX)
    threading.excepthook = _end_on_failure
    outbox = Outbox(claim_output())
    enter_jail(_CONFINEMENT, sys.argv[1:])
    messages = read_messages(0)
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
