"""The worker process of one source's sound: decodes it with libav and encodes it as AAC.

Messages as in `media.transcode.av_worker`; `Configure` carries a `media.transcode.sound_plan`. It
has one thread, and takes a thirtieth of a core. A packet that cannot be decoded is counted; all
else that goes wrong ends the process, and the supervisor starts another.
"""

import os
import signal
import sys

from config.child import die_with_parent
from config.limits import SOUND_WORKER_MEMORY_BYTES_MAX, WORKER_DESCRIPTORS_MAX
from media.jail.level import Confinement
from media.jail.minimum import enter_jail
from media.transcode.av_live_sound import LiveSound
from media.transcode.protocol import Configure, Finish, MalformedMessage, SourcePacket
from media.transcode.sound_plan import sound_plan_from_bytes
from media.transcode.worker_pipe import Outbox, claim_output, read_messages

_CONFINEMENT = Confinement(
    memory_bytes=SOUND_WORKER_MEMORY_BYTES_MAX,
    cpu_seconds=None,  # a source may last for days
    descriptors=WORKER_DESCRIPTORS_MAX,
)


def main() -> None:
    """Run until the server says `Finish` or closes the pipe."""
    die_with_parent(signal.SIGKILL)
    outbox = Outbox(claim_output())
    enter_jail(_CONFINEMENT, sys.argv[1:])
    messages = read_messages(0)
    first = next(messages, None)
    if not isinstance(first, Configure):
        raise MalformedMessage("a plan has to come first")
    sound = LiveSound(sound_plan_from_bytes(first.plan), outbox)
    for message in messages:
        match message:
            case SourcePacket():
                sound.take(message)
            case Finish():
                sound.finish()
                return
            case _:
                raise MalformedMessage(f"{type(message).__name__} comes from workers only")
    os._exit(1)  # the server is gone; nobody wants the rest


if __name__ == "__main__":
    main()
