"""Sound waits for a worker, within bounds."""

from media.transcode.sound_queue import SoundQueue
from media.units import Packet


def packet(number: int, size: int = 10) -> Packet:
    return Packet(number, number, 960, keyframe=True, data=bytes(size))


def test_packets_come_out_in_their_order_while_the_worker_has_room() -> None:
    queue = SoundQueue(inside_max=2)
    for number in range(3):
        queue.push(packet(number))
    assert queue.next(0) == packet(0)
    assert queue.next(1) == packet(1)
    assert queue.next(2) is None
    assert not queue.is_empty()
    assert queue.next(1) == packet(2)
    assert queue.next(0) is None
    assert queue.is_empty()
    assert queue.dropped == 0


def test_the_oldest_packets_go_when_there_are_too_many_or_too_large_ones() -> None:
    queue = SoundQueue(packets_max=3, bytes_max=100)
    for number in range(5):
        queue.push(packet(number))
    assert queue.dropped == 2
    assert queue.next(0) == packet(2)
    queue.push(packet(5, size=90))
    assert queue.dropped == 3
    assert [queue.next(0), queue.next(0)] == [packet(4), packet(5, size=90)]
