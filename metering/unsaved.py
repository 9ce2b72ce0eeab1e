"""Which sessions have something to save, and in which order they are saved."""

from collections.abc import Iterable
from itertools import islice

from metering.open_session import OpenSession


class Unsaved:
    """Sessions with changes, in two lines: those that somebody waits for, and the others.

    Attributes:
        awaited: those of the first line; `OpenSession.awaited` tells the same of each.
    """

    def __init__(self) -> None:
        self.awaited: list[OpenSession] = []
        # The others, and since when they wait, in about that order. Those that are being saved now
        # are still here, in case it fails.
        self._others: dict[str, tuple[int, OpenSession]] = {}

    def __bool__(self) -> bool:
        return bool(self.awaited or self._others)

    def await_(self, kept: OpenSession) -> None:
        """Somebody waits for it from now on."""
        if not kept.awaited:
            kept.awaited = True
            self.awaited.append(kept)
            if self._others:
                self._others.pop(kept.session.id, None)

    def note(self, kept: OpenSession, since: int) -> None:
        """It has changed, and there is time: unless somebody waits for it anyway."""
        if not kept.awaited:
            self._others.setdefault(kept.session.id, (since, kept))

    def forget(self, kept: OpenSession) -> None:
        """It has nothing to save, or is none of ours any more."""
        if kept.awaited:
            kept.awaited = False
            self.awaited.remove(kept)
        self._others.pop(kept.session.id, None)

    def are_saved(self, session_ids: Iterable[str]) -> None:
        """What they had to save when they were picked is saved."""
        for session_id in session_ids if self._others else ():
            self._others.pop(session_id, None)

    def next(self, limit: int, until: int | None) -> list[OpenSession]:
        """At most `limit` sessions, those first that wait for longest; half of the room is for
        those that somebody waits for, who leave their line. Of the others those that wait since
        `until` or longer; all of them without it.
        """
        others = self._due(limit - min((limit + 1) // 2, len(self.awaited)), until)
        room = limit - len(others)
        awaited = self.awaited[:room]
        del self.awaited[:room]
        return awaited + others

    def clear(self) -> None:
        """Forget all."""
        self.awaited.clear()
        self._others.clear()

    def _due(self, limit: int, until: int | None) -> list[OpenSession]:
        due: list[OpenSession] = []
        for since, kept in islice(self._others.values(), limit):
            if until is not None and since > until:
                break
            due.append(kept)
        return due
