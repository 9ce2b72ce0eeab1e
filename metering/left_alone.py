"""Which sessions nobody has looked at for some time, so that their time is let pass."""

from metering.open_session import OpenSession

# Times are kept with this precision.
_TURN_MS = 250


class LeftAlone:
    """Sessions by when they were last advanced. That moves with every request, and they only move
    along when their turn comes: most have asked for something since.
    """

    def __init__(self) -> None:
        self._turns: dict[int, list[OpenSession]] = {}

    def add(self, kept: OpenSession) -> None:
        """It comes when it was left alone for so long since `advanced_at`."""
        self._turns.setdefault(kept.advanced_at // _TURN_MS, []).append(kept)

    def take(self, until: int, limit: int) -> list[OpenSession]:
        """At most `limit` sessions that were not advanced since then, the first one before the
        others, but for a quarter of a second. They are to be added again.
        """
        found: list[OpenSession] = []
        for turn in sorted([each for each in self._turns if each * _TURN_MS <= until]):
            for kept in self._turns.pop(turn):
                if kept.advanced_at <= until and len(found) < limit:
                    found.append(kept)
                else:
                    self.add(kept)
        return found

    def clear(self) -> None:
        """Forget all."""
        self._turns.clear()
