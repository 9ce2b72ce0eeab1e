"""Which sessions have something to save, and in which order they are saved."""

from collections.abc import Iterable
from itertools import chain, islice

from metering.open_session import OpenSession


class Unsaved:
    """Sessions with changes, in two lines: those that somebody waits for, and the others.

    Attributes:
        awaited: by session; `OpenSession.awaited` tells the same of each.
    """

    def __init__(self) -> None:
        self.awaited: dict[str, OpenSession] = {}
        # The others, and since when they wait, in about that order. Those that are being saved now
        # are still here, in case it fails.
        self._others: dict[str, tuple[int, OpenSession]] = {}

    def __bool__(self) -> bool:
        return bool(self.awaited or self._others)

    def await_(self, kept: OpenSession) -> None:
        """Somebody waits for it from now on."""
        if not kept.awaited:
            kept.awaited = True
            session_id = kept.session.id
            self.awaited[session_id] = kept
            if session_id in self._others:
                del self._others[session_id]

    def note(self, kept: OpenSession, since: int) -> None:
        """It has changed, and there is time: unless somebody waits for it anyway."""
        if not kept.awaited:
            self._others.setdefault(kept.session.id, (since, kept))

    def forget(self, session_id: str) -> None:
        """It has nothing to save, or is none of ours any more."""
        self.awaited.pop(session_id, None)
        self._others.pop(session_id, None)

    def are_saved(self, session_ids: Iterable[str]) -> None:
        """What they had to save when they were picked is saved."""
        if self._others:
            for session_id in session_ids:
                self._others.pop(session_id, None)

    def next(self, limit: int, until: int | None) -> list[OpenSession]:
        """At most `limit` sessions, those first that wait for longest; half of the room is for
        those that somebody waits for. Of the others those that wait since `until` or longer; all of
        them without it.
        """
        awaited = list(islice(self.awaited.values(), limit))
        if not self._others:
            return awaited
        half = (limit + 1) // 2
        others: list[OpenSession] = []
        for since, kept in islice(self._others.values(), limit - min(half, len(awaited))):
            if until is not None and since > until:
                break
            others.append(kept)
        return list(islice(chain(awaited[:half], others, awaited[half:]), limit))

    def clear(self) -> None:
        """Forget all."""
        self.awaited.clear()
        self._others.clear()
