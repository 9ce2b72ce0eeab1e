"""Whose the sessions are that this process does not meter, as far as the store tells."""

from collections.abc import Callable
from typing import NamedTuple

from config.clock import Clock
from config.limits import ELSEWHERE_KNOWN_MAX, ELSEWHERE_KNOWN_MS
from metering.errors import MeteredElsewhere, SessionClosed, UnknownSession
from metering.leases.lease import Server
from metering.store import MeterStore

Refusal = SessionClosed | UnknownSession | MeteredElsewhere


class _Known(NamedTuple):
    until_ms: int
    make: Callable[[str], Refusal]
    text: str


class Whereabouts:
    """Asks the store, and remembers for some seconds what it said: players ask for each file.

    Args:
        server: who asks.
    """

    def __init__(self, store: MeterStore, clock: Clock, server: Server) -> None:
        self._store = store
        self._clock = clock
        self._server = server
        self._known: dict[str, _Known] = {}

    async def of(self, session_id: str) -> Refusal | None:
        """Why a session is not in the book; None: it is ours, and somebody else has opened it.

        Raises:
            MeterUnavailable: the store does not answer.
        """
        known = self._known.get(session_id)
        if known is not None and self._clock.monotonic_ms() < known.until_ms:
            return known.make(known.text)
        return await self._asked(session_id)

    async def _asked(self, session_id: str) -> Refusal | None:
        saved = await self._store.session(session_id)
        if saved is None:
            return UnknownSession(session_id)
        if saved.closed_at is not None:
            return self._note(session_id, SessionClosed, session_id)
        holder = await self._store.leases.holder(session_id)
        if holder is None:
            return MeteredElsewhere()
        if holder.id == self._server.id:
            return None
        # Who has the same address as we have cannot be reached by it.
        url = "" if holder.url == self._server.url else holder.url
        return self._note(session_id, MeteredElsewhere, url)

    def forget(self, session_id: str) -> None:
        """Ask anew when it is asked for next."""
        self._known.pop(session_id, None)

    def _note(self, session_id: str, make: Callable[[str], Refusal], text: str) -> Refusal:
        self._known.pop(session_id, None)
        while len(self._known) >= ELSEWHERE_KNOWN_MAX:
            del self._known[next(iter(self._known))]
        until_ms = self._clock.monotonic_ms() + ELSEWHERE_KNOWN_MS
        self._known[session_id] = _Known(until_ms, make, text)
        return make(text)
