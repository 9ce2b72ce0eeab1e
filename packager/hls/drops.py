"""Why packets do not reach a segment, counted."""

from collections import Counter
from enum import StrEnum


class DropReason(StrEnum):
    """What happened to packets that are in no segment."""

    BEFORE_BOUNDARY = "before the first boundary"
    REPLAYED = "complete already"
    RESTARTED = "segment started anew"
    OUT_OF_ORDER = "decoding time does not rise"
    UNKNOWN_BOUNDARY = "boundary that other renditions passed already"
    SEGMENT_TOO_LARGE = "segment has too many bytes"
    SEGMENT_TOO_LONG = "segment lasts too long"
    SEGMENT_UNFINISHED = "segment was cut off at the end"
    OUTSIDE_SEGMENT = "audio outside of every segment"
    AUDIO_AHEAD = "audio too far ahead of video"
    RETIRED = "rendition was retired"
    ENDED = "asset has ended"


class Drops:
    """Counts packets by reason; an unknown boundary is counted but its packet is kept."""

    def __init__(self) -> None:
        self._counts: Counter[DropReason] = Counter()

    def count(self, reason: DropReason, packets: int = 1) -> None:
        self._counts[reason] += packets

    @property
    def total(self) -> int:
        return self._counts.total()

    def counts(self) -> dict[DropReason, int]:
        return {reason: count for reason, count in self._counts.items() if count}
