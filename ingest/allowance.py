"""What one publication may still send: a bitrate, and an end."""

from collections import deque

from config.limits import RTMP_BITRATE_WINDOW_MS
from ingest.admission import Admitted

_SAMPLE_MS = 1_000


class Allowance:
    """Holds a publication against what was admitted; asked now and then, not for each packet.

    Args:
        now_ms: of the clock that `exceeded` is given.
        received: bytes of the connection before the publication.
    """

    def __init__(self, admitted: Admitted, now_ms: int, received: int) -> None:
        self._admitted = admitted
        # Times and bytes, a second apart; the first one is about as old as the window.
        self._samples = deque([(now_ms, received)])

    def exceeded(self, now_ms: int, wall_ms: int, received: int) -> str | None:
        """Why the publication is over, in words for whoever publishes; None when it is not."""
        ends_ms, bitrate_max = self._admitted.ends_ms, self._admitted.bitrate_max
        if ends_ms is not None and wall_ms >= ends_ms:
            return "the time that this publisher was let in for is over"
        if bitrate_max and self._is_more(bitrate_max, now_ms, received):
            return f"more than {bitrate_max // 1000} kbit/s came in, set a lower bitrate"
        return None

    def _is_more(self, bitrate: int, now_ms: int, received: int) -> bool:
        """Whether more was received within the window."""
        samples = self._samples
        if now_ms - samples[-1][0] >= _SAMPLE_MS:
            samples.append((now_ms, received))
        while len(samples) > 1 and samples[1][0] <= now_ms - RTMP_BITRATE_WINDOW_MS:
            samples.popleft()
        since_ms, before = samples[0]
        passed_ms = max(RTMP_BITRATE_WINDOW_MS, now_ms - since_ms)
        return (received - before) * 8 * 1000 > bitrate * passed_ms
