"""Messages of sound in codings whose frames describe themselves; one may hold several frames."""

from collections.abc import Callable
from typing import Protocol

from config.limits import RTMP_MESSAGE_FRAMES_MAX


class Frame(Protocol):
    """A frame's header: its size in bytes, and how many samples it lasts."""

    @property
    def size(self) -> int: ...

    @property
    def samples(self) -> int: ...


def samples_of_frames(parse: Callable[[bytes, int], Frame | None], data: bytes) -> int:
    """How many samples all frames of a message last; 0 when it begins with none."""
    samples = position = 0
    for _ in range(RTMP_MESSAGE_FRAMES_MAX):
        frame = parse(data, position)
        if frame is None:
            break
        samples += frame.samples
        position += frame.size
    return samples
