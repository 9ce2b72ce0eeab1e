"""Boundaries of an asset without video: audio says where they are, on an even grid."""

from packager.hls.boundaries import Boundaries


def open_on_grid(
    boundaries: Boundaries, start: int, media_end: int | None, segment_target: int, wall_ms: int
) -> None:
    """Open the interval that a frame belongs to, if it is a new one.

    Args:
        start: of the frame, in 1/90000 s.
        media_end: where the frames before it ended.
        segment_target: in 1/90000 s.
    """
    if boundaries.open_start is None:
        if boundaries.may_open(start):
            boundaries.open(start, wall_ms)
        return
    following = boundaries.open_start + segment_target
    if start < following:
        return
    # After a hole the grid restarts, so that no interval is empty.
    in_next = start < following + segment_target
    at = following if in_next and boundaries.may_open(following) else start
    if boundaries.may_open(at):
        boundaries.open(at, wall_ms, media_end)
