"""Video tracks that a ladder has lost, until they may be tried again."""

from config.limits import TRANSCODE_RETRY_MS
from media.transcode.alignment import STOPPED


class LostTracks:
    """By number; times are of a monotonic clock.

    A track that stopped may return when it sends again, after a while: each try costs all viewers a
    discontinuity. One whose keyframes drifted would drift again.
    """

    def __init__(self) -> None:
        self._lost: dict[int, tuple[str, int]] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._lost

    def add(self, number: int, reason: str, now_ms: int) -> None:
        self._lost[number] = (reason, now_ms)

    def may_return(self, number: int, now_ms: int) -> bool:
        """Whether a track that sends a keyframe now was lost, and is worth another try."""
        reason, lost_ms = self._lost.get(number, ("", now_ms))
        return reason == STOPPED and now_ms - lost_ms > TRANSCODE_RETRY_MS

    def forget(self, number: int) -> None:
        """It is as good as any other; safe to call for one that was not lost."""
        self._lost.pop(number, None)
