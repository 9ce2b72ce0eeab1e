"""Tells a slow link from one that only keeps us busy."""

from config.limits import UPLOAD_PACE_BYTES_MIN
from ingest.upload.upload import BodyTooSlow


class Pace:
    """Looks at a body in windows of time, each of which has to bring enough bytes."""

    def __init__(self, window_ms: int, now_ms: int, bytes_min: int = UPLOAD_PACE_BYTES_MIN) -> None:
        self._window_ms = window_ms
        self._bytes_min = bytes_min
        self._since_ms = now_ms
        self._bytes = 0

    def note(self, count: int, now_ms: int) -> None:
        """`count` bytes came now.

        Raises:
            BodyTooSlow: a whole window is over and brought too few.
        """
        self._bytes += count
        if now_ms - self._since_ms < self._window_ms:
            return
        if self._bytes < self._bytes_min:
            raise BodyTooSlow
        self._since_ms = now_ms
        self._bytes = 0
