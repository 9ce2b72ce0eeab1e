"""What was wrong with packets, counted."""

from collections import Counter
from enum import StrEnum


class Irregularity(StrEnum):
    """Why packets are in no segment, or in one that begins without a keyframe."""

    BEFORE_BOUNDARY = "before the first boundary"
    REPLAYED = "complete already"
    RESTARTED = "segment started anew"
    REPLAY_DIFFERS = "encoder did not repeat what was shown already"
    OUT_OF_ORDER = "decoding time does not rise"
    SEGMENT_TOO_LARGE = "segment has too many bytes"
    SEGMENT_UNFINISHED = "segment was cut off at the end"
    OUTSIDE_SEGMENT = "belongs to no segment"
    AUDIO_AHEAD = "audio too far ahead of video"
    RETIRED = "rendition was retired"
    ENDED = "asset has ended"
    UNKNOWN_BOUNDARY = "boundary came too late and was not cut at"
    MISSED_BOUNDARY = "boundary of other renditions had to be cut at"
    FORCED_BOUNDARY = "segment became too long and had to be cut"


# Every epoch starts and ends like this.
_EXPECTED = frozenset({Irregularity.BEFORE_BOUNDARY, Irregularity.RETIRED, Irregularity.ENDED})


class Irregularities:
    """Counts packets; of the last three kinds the packets are kept.

    `total` is of those that an operator should hear of.
    """

    def __init__(self) -> None:
        self._counts: Counter[Irregularity] = Counter()
        self.total = 0

    def count(self, kind: Irregularity, packets: int = 1) -> None:
        self._counts[kind] += packets
        if kind not in _EXPECTED:
            self.total += packets

    def counts(self) -> dict[Irregularity, int]:
        return {kind: count for kind, count in self._counts.items() if count}
