"""The samples of a decoded picture as bytes."""

from av.video.plane import VideoPlane


def samples(plane: VideoPlane) -> bytes:
    """Row by row, without what pads a row in memory."""
    if plane.line_size == plane.width:
        return bytes(plane)
    rows = memoryview(plane)
    return b"".join(
        rows[start : start + plane.width]
        for start in range(0, plane.height * plane.line_size, plane.line_size)
    )
