"""How often a source that is passed through has to offer a place to cut."""

from collections.abc import Sequence

from media.units import VIDEO_TIMESCALE


def keyframe_interval_max(segment_ticks: int) -> int:
    """How far apart keyframes of a source that is passed through may be."""
    return segment_ticks * 5 // 4


def are_too_rare(refreshed: Sequence[int], newest: int, segment_ticks: int) -> bool:
    """Whether places to cut are too far apart, or the next one is overdue.

    Args:
        refreshed: pts of keyframes, in order.
        newest: the largest pts of all.
    """
    longest = keyframe_interval_max(segment_ticks)
    pairs = zip(refreshed, [*refreshed[1:], newest], strict=True)
    return any(later - earlier > longest for earlier, later in pairs)


def keyframes_too_rare(segment_ticks: int) -> str:
    """Tell a creator why the source has to be encoded again."""
    seconds = segment_ticks // VIDEO_TIMESCALE
    return f"set the keyframe interval to {seconds} s, and your own picture is passed through"
