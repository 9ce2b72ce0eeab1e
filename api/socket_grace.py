"""Sessions that were begun over a socket: each ends some time after its last socket has gone."""

from config.limits import SOCKET_GRACE_SECONDS

_GRACE_MS = SOCKET_GRACE_SECONDS * 1000


class SocketGrace:
    """Who was begun here, who is followed by a socket, and whose grace is over.

    Times are monotonic milliseconds. What a session costs is not decided here: it ends, as if its
    viewer had stopped it.
    """

    def __init__(self) -> None:
        self._followers: dict[str, int] = {}  # of those that were begun over a socket
        self._left: dict[str, int] = {}  # when their grace is over

    def began(self, session_id: str) -> None:
        """A session was begun over a socket, which does not follow it yet."""
        self._followers.setdefault(session_id, 0)

    def follow(self, session_id: str) -> None:
        """One socket more follows it."""
        if session_id in self._followers:
            self._followers[session_id] += 1
            self._left.pop(session_id, None)

    def leave(self, session_id: str, now: int) -> None:
        """One socket less."""
        if session_id in self._followers:
            self._followers[session_id] -= 1
            if self._followers[session_id] <= 0:
                self._left[session_id] = now + _GRACE_MS

    def ended(self, session_id: str) -> None:
        """The session is over."""
        self._followers.pop(session_id, None)
        self._left.pop(session_id, None)

    def due(self, now: int) -> list[str]:
        """The sessions whose grace is over; they stay due until they have `ended`."""
        return [session_id for session_id, until in self._left.items() if until <= now]
