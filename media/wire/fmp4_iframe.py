"""The picture that a segment begins with, as a fragment of its own."""

from media.units import Packet
from media.wire.fmp4_fragment import video_fragment
from media.wire.fmp4_fragment_read import (
    HEADER_PROBE_BYTES,
    Fragment,
    MalformedFragment,
    header_bytes,
    read_fragment,
)

IFRAME_HEADER_BYTES = len(video_fragment(1, [Packet(0, 0, 1, True, b"")], 1))
"""What an I-frame's fragment has beside the picture."""


def iframe_bytes(segment: bytes) -> int:
    """How large the keyframe is that a segment begins with; 0 when it is none, or is of sound."""
    first = _first(segment)
    return 0 if first is None else first.sizes[0]


def iframe(segment: bytes, number: int, duration: int) -> bytes | None:
    """A fragment of the keyframe that a segment begins with; None when it begins otherwise.

    Nothing but this picture is decoded, so nothing has to come before it is shown: its dts is its
    pts, and such fragments follow each other without a hole.

    Args:
        number: of the fragment in its track, from 1.
        duration: how long the picture is shown, in the track's timescale.
    """
    first = _first(segment)
    if first is None:
        return None
    pts = first.dts + (first.offsets[0] if first.offsets else 0)
    data = segment[first.payload : first.payload + first.sizes[0]]
    packet = Packet(dts=pts, pts=pts, duration=duration, keyframe=True, data=data)
    return video_fragment(number, [packet], pts + duration)


def _first(segment: bytes) -> Fragment | None:
    try:
        fragment = read_fragment(segment[: header_bytes(segment[:HEADER_PROBE_BYTES])])
    except MalformedFragment:
        return None
    return fragment if fragment.begins_with_keyframe else None
