"""Where a stream is cut into segments."""


class Segmenter:
    """Chooses boundaries so that segments come near a target duration.

    The grid restarts at each cut, so a source whose keyframes are a little off it is cut at every
    one of them rather than now and then a whole interval late.
    """

    def __init__(self, target: int, early: int = 0) -> None:
        """Times are ticks of 1/90000 s.

        Args:
            target: the duration to aim at.
            early: how much too soon a cut may come; a source offers few keyframes to choose from.
        """
        self._target = target
        self._early = early
        self._last: int | None = None

    @classmethod
    def at_keyframes(cls, target: int) -> "Segmenter":
        """For a source that is passed through: cut at its own keyframes only."""
        return cls(target, early=target // 4)

    @property
    def due(self) -> int | None:
        """When the next cut should come; None before the first."""
        return None if self._last is None else self._last + self._target

    def cut(self, pts: int) -> bool:
        """Whether to cut at `pts`, where a cut is possible; the first possible place is cut.

        To be asked in order of growing pts.
        """
        if self._last is not None and pts - self._last < self._target - self._early:
            return False
        self._last = pts
        return True

    def cut_early(self, pts: int) -> bool:
        """Cut at `pts`, unless a segment has only just begun there: players take no crumbs."""
        if self._last is not None and pts - self._last < self._target // 4:
            return False
        self._last = pts
        return True
