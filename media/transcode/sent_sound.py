"""The tracks of sound of a live source that viewers can choose from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from config.limits import SOUND_ABSENCE_MS_MAX
from media.units import VIDEO_TIMESCALE, Coding, Packet, Track

AUDIO = "audio"
STOPPED = "the encoder has stopped sending it"

_ABSENCE_MAX = SOUND_ABSENCE_MS_MAX * VIDEO_TIMESCALE // 1000


@dataclass(frozen=True, slots=True)
class SentSound:
    """One track of the publication; `name` is what its rendition is called."""

    number: int
    name: str
    track: Track


@dataclass(frozen=True, slots=True)
class SourceSound:
    """A packet of sound as the publisher sent it; `number` of its track."""

    packet: Packet
    number: int = 0


def sent_sounds(tracks: Mapping[int, Track]) -> tuple[SentSound, ...]:
    """The tracks by number; the lowest is the default, whatever its coding.

    Others have to be AAC: each that is encoded again would have a worker of its own, which costs
    40 MB and a share of a processor. They keep their names when another one stops.
    """
    if not tracks:
        return ()
    first, *others = sorted(tracks)
    further = [number for number in others if tracks[number].coding is Coding.AAC]
    return (
        SentSound(first, AUDIO, tracks[first]),
        *(SentSound(number, f"{AUDIO}-{number + 1}", tracks[number]) for number in further),
    )


class SilentTracks:
    """Notices tracks of which nothing comes any more while others go on; times in 1/90000 s."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._newest = dict.fromkeys(numbers, 0)
        self._latest = 0

    def heard(self, number: int, time: int) -> list[int]:
        """Take the time of a track's packet; returns those that have stopped by now, once.

        The last one that is left never has.
        """
        if number not in self._newest:
            return []
        if not self._latest:
            self._newest = dict.fromkeys(self._newest, time)
        self._newest[number] = time
        self._latest = max(self._latest, time)
        stopped = [
            each for each, newest in self._newest.items() if self._latest - newest > _ABSENCE_MAX
        ]
        for each in stopped:
            del self._newest[each]
        return stopped

    def resume(self) -> None:
        """Another publication follows, whose tracks may begin apart."""
        self._latest = 0
