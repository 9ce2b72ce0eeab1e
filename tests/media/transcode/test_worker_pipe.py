"""A worker reads ahead within bounds and writes whole messages."""

import os
import threading

from media.transcode.protocol import Encoded, Finish, Message, MessageReader, SourcePacket
from media.transcode.worker_pipe import Inbox, Outbox


def packet(number: int, size: int = 10) -> SourcePacket:
    return SourcePacket(number, number, number + 100, True, False, bytes(size))


def take_all(inbox: Inbox) -> list[SourcePacket | Finish]:
    taken = [inbox.get()]
    while not isinstance(taken[-1], Finish):
        taken.append(inbox.get())
    return taken


def test_a_full_inbox_waits_for_its_reader() -> None:
    """With room for two packets, or one large one, ten still come through in order."""
    for size in (10, 1000):
        inbox = Inbox(packets_max=2, bytes_max=500)
        sent = [packet(number, size) for number in range(10)]

        def fill(inbox: Inbox = inbox, sent: list[SourcePacket] = sent) -> None:
            for one in sent:
                inbox.put(one)
            inbox.put(Finish())

        filling = threading.Thread(target=fill)
        filling.start()
        assert take_all(inbox) == [*sent, Finish()]
        filling.join()
        assert inbox.is_empty()
        assert inbox.newest == 109


def test_messages_of_several_threads_do_not_mix() -> None:
    """Each is larger than a pipe holds."""
    reading, writing = os.pipe()
    outbox = Outbox(writing)
    sent = [Encoded(n, 0, 0, 0, False, False, bytes([n]) * 200_000) for n in range(4)]
    threads = [threading.Thread(target=outbox.send, args=(one,)) for one in sent]
    for thread in threads:
        thread.start()
    reader = MessageReader()
    received: list[Message] = []
    while len(received) < len(sent):
        received += reader.feed(os.read(reading, 1 << 16))
    for thread in threads:
        thread.join()
    assert sorted(received, key=lambda one: getattr(one, "rung", -1)) == sent
    os.close(reading)
    os.close(writing)
